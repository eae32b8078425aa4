"""Weights on the Hugging Face Hub: pull, pin, publish, deploy. Importing this package makes no connections."""
