"""Training: degradation, data, losses, objectives, recipes and the loop.

Needs only torch, numpy, Pillow and safetensors.
"""
