"""Weights from the Hugging Face Hub and back: pull, pin, publish, deploy. Nothing here reaches out when imported."""
