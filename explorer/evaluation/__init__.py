"""Evaluation of models on pairs of pictures and on synthetic RAW with known truth, with tables as plain data."""
