"""Training: degradation, data, losses, objectives, recipes and the loop.

Needs torch, numpy, Pillow and safetensors only.
"""
