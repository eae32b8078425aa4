"""Decoding in separate processes: a file that someone else chose costs no more than one error message."""
