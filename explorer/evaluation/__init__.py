"""Measuring models: on pairs of pictures, and on synthetic RAW with known truth. Tables as plain data."""
