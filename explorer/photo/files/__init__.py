"""Readers of developed pictures, one module per format: decoding, and conversion of the colours to sRGB."""
