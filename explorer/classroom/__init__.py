"""For teachers: copies of the lessons for a class, pages to read before it, and what learners hand in."""
