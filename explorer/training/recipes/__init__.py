"""One file a recipe: `lamba_m0__raw_synthetic.py` makes the weights `lamba_m0.raw_synthetic`."""
