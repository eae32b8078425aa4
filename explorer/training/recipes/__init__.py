"""Recipes, one file each: `lamba_m0__raw_synthetic.py` makes the weights `lamba_m0.raw_synthetic`."""
