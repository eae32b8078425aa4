"""Descriptors of the architectures, one file a family: constants that cost no import of torch."""
