"""For teachers: copies of the lessons for a class, pages to read before it, and what learners hand in."""

ON_A_PAGE = "EXPLORER_LESSON_PAGE"
"""Environment variable of a kernel whose lesson becomes a page, on which nobody can write an answer."""
