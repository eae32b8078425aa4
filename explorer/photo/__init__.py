"""Reads photos and prepares their light. Independent of models.

Decoders (rawpy, tifffile, Pillow, SciPy) are imported by the functions that need them, so this import only loads NumPy.
Some functions have the name of their module (`amplify`, `describe`, `develop`, `model_input`); here, the name is the
function.
"""

from explorer.photo import develop as _develop  # noqa: F401  # before the function of that name, which takes its place
from explorer.photo.describe import describe
from explorer.photo.files.dng import write_dng
from explorer.photo.files.headerless import open_mosaic
from explorer.photo.light.amplify import Suggestion, amplify, check_ratio, dark_bin_ratio, suggest_ratio
from explorer.photo.light.curves import linear_to_srgb, srgb_to_linear
from explorer.photo.light.develop import camera_to_display, develop, develop_linear, load_rendering, unprocess, upright
from explorer.photo.limits import Limits
from explorer.photo.model_input import ModelInput, model_input
from explorer.photo.opening import open_photo
from explorer.photo.types import Exposure, Photo, RawPhoto, RgbPhoto
from explorer.photo.values import WhiteBalance

__all__ = [
    "Exposure",
    "Limits",
    "ModelInput",
    "Photo",
    "RawPhoto",
    "RgbPhoto",
    "Suggestion",
    "WhiteBalance",
    "amplify",
    "camera_to_display",
    "check_ratio",
    "dark_bin_ratio",
    "describe",
    "develop",
    "develop_linear",
    "linear_to_srgb",
    "load_rendering",
    "model_input",
    "open_mosaic",
    "open_photo",
    "srgb_to_linear",
    "suggest_ratio",
    "unprocess",
    "upright",
    "write_dng",
]
