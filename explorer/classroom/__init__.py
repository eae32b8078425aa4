"""For teachers: copies of the lessons for a class, pages to read before it, and what learners hand in."""

ON_A_PAGE = "EXPLORER_LESSON_PAGE"
"""Environment variable of a kernel that runs a lesson for a page. A page takes no answers."""
