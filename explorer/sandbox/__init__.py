"""Decoding in separate processes, so that an untrusted file causes at most an error message."""
