"""The darkroom: turns well-lit photos into those of measured cameras in the dark. Needs NumPy, not torch."""

from explorer.darkroom.calibrate import Calibration, calibrate
from explorer.darkroom.darkening import DarkExposure, DarkLight, dark_light, darken
from explorer.darkroom.noise import SensorNoise, read_noise, save_noise
from explorer.darkroom.sensors import CAMERAS, Camera, camera_named, noise_named

__all__ = [
    "CAMERAS",
    "Calibration",
    "Camera",
    "DarkExposure",
    "DarkLight",
    "SensorNoise",
    "calibrate",
    "camera_named",
    "dark_light",
    "darken",
    "noise_named",
    "read_noise",
    "save_noise",
]
