"""Descriptors of the architectures, one file per family: constants that do not import torch."""
