"""Pictures whose colours encode positions, and the positions that a screenshot of them shows."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

LOW, SPAN, NOISE = 24, 207, 8
"""Red and green grow from LOW by SPAN over the picture; every pixel differs from that by less than NOISE / 2."""


def coded(width: int, height: int) -> np.ndarray:
    """A position-coded picture, H x W x 3 of 8 bits: red grows with x, green with y, and blue is 255 - red.

    Its noise makes a mean over many pixels exact, and tells whether a pixel is the picture's own or was interpolated.
    """
    noise = NOISE * (np.random.default_rng(0).random((height, width), np.float32) - 0.5) + 0.5
    across, down = (LOW + SPAN * (np.arange(side, dtype=np.float32) + 0.5) / side for side in (width, height))
    red = (across + noise).astype(np.uint8)
    green = (down[:, None] + noise).astype(np.uint8)
    return np.stack([red, green, 255 - red], axis=2)


@dataclass(frozen=True)
class Seen:
    """What a frame on the page shows."""

    pixels: np.ndarray
    """The frame's pixels of the screen, H x W x 3."""
    left: float
    top: float
    right: float
    bottom: float
    """The shown part of the picture, as shares of its width and height."""

    def about(self, left: float, top: float, right: float, bottom: float, pixels: float = 2.5) -> bool:
        """True where the shown part is this one to within some pixels of the screen."""
        height, width = self.pixels.shape[:2]
        across = pixels * (right - left) / width
        down = pixels * (bottom - top) / height
        return (
            abs(self.left - left) < across and abs(self.right - right) < across
            and abs(self.top - top) < down and abs(self.bottom - bottom) < down
        )  # fmt: skip

    def middle(self) -> tuple[float, float]:
        """The place of the picture in the middle of the frame."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def __str__(self) -> str:
        return f"x {self.left:.4f} to {self.right:.4f}, y {self.top:.4f} to {self.bottom:.4f}"


def screenshot(page: Page, frame: Locator) -> np.ndarray:
    """A frame's own pixels of the screen, H x W x 3."""
    box = frame.bounding_box()
    assert box
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    dots = picture.shape[1] / page.evaluate("innerWidth")
    left, top = round(box["x"] * dots), round(box["y"] * dots)
    right, bottom = round((box["x"] + box["width"]) * dots), round((box["y"] + box["height"]) * dots)
    assert top >= 0 and bottom <= picture.shape[0], "the frame is not whole on the screen"
    return picture[top:bottom, left:right]


def decoded(pixels: np.ndarray) -> Seen:
    """Which part of a `coded` picture some pixels show: a straight line through red, and one through green."""
    red, green, blue = (pixels[..., channel] for channel in range(3))
    rounding = (red + blue - 255) / 2  # a browser that interpolates rounds down
    valid = np.abs(rounding) <= 3  # what lies over the picture, a handle or a label, is white or darker
    assert valid.mean() > 0.6, "the frame does not show the picture"
    edges = []
    for values, axis in ((red - rounding, 1), (green - rounding, 0)):
        place = np.broadcast_to(np.expand_dims(np.arange(values.shape[axis]) + 0.5, 1 - axis), valid.shape)[valid]
        share = (values[valid] - LOW) / SPAN
        slope = ((place - place.mean()) * (share - share.mean())).mean() / place.var()
        start = share.mean() - slope * place.mean()
        edges.append((start, start + slope * values.shape[axis]))
    (left, right), (top, bottom) = edges
    return Seen(pixels, left, top, right, bottom)


def seen(page: Page, frame: Locator) -> Seen:
    """Which part of a `coded` picture a frame shows."""
    return decoded(screenshot(page, frame))


def enlarged(picture: np.ndarray, part: Seen, shape: tuple[int, ...]) -> np.ndarray:
    """What a frame of so many rows and columns shows of a picture, each pixel of the screen one of the picture's."""
    rows, columns = shape[:2]
    x = part.left + (np.arange(columns) + 0.5) / columns * (part.right - part.left)
    y = part.top + (np.arange(rows) + 0.5) / rows * (part.bottom - part.top)
    height, width = picture.shape[:2]
    inside = (y * height).astype(int).clip(0, height - 1)[:, None], (x * width).astype(int).clip(0, width - 1)
    return picture[inside].astype(int)
