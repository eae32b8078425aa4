"""For teachers: copies of the lessons for a class, pages to read before class, and collected answers."""

ON_A_PAGE = "EXPLORER_LESSON_PAGE"
"""Environment variable of a kernel that runs a lesson to make a page, on which no one can answer."""
