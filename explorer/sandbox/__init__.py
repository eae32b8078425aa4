"""Decoding in processes of their own: files that somebody else chose cost no more than one sentence."""
