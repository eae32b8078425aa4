"""Developed pictures, one module a format: what a file holds, and how its colours become sRGB."""
