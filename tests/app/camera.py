"""A camera for headless browsers: a clip whose frames differ in the position of a bright bar."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WIDTH, HEIGHT, FRAMES = 640, 480, 16
BAR = WIDTH // FRAMES
DARK = np.array([30.0, 16.0, 8.0])
"""8-bit sRGB of the upper half; the lower one has red and blue exchanged."""
BRIGHT = 60.0


def frame(number: int) -> np.ndarray:
    """H x W x 3, 8-bit sRGB: dark colours with a grey bar."""
    picture = np.empty((HEIGHT, WIDTH, 3))
    picture[: HEIGHT // 2], picture[HEIGHT // 2 :] = DARK, DARK[::-1]
    picture[:, number * BAR : (number + 1) * BAR] = BRIGHT
    return picture


def write_clip(path: Path) -> None:
    """Writes a Y4M clip (BT.601, limited range) that Chromium takes for its camera and repeats."""
    with path.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F15:1 Ip A1:1 C420mpeg2\n".encode())
        for number in range(FRAMES):
            red, green, blue = np.moveaxis(frame(number), 2, 0)
            luma = 0.299 * red + 0.587 * green + 0.114 * blue
            planes = (
                16 + luma * 219 / 255,
                *(
                    128 + (color - luma) / factor * 224 / 255
                    for color, factor in ((blue, 1.772), (red, 1.402))
                ),
            )  # fmt: skip
            out.write(b"FRAME\n")
            for k, plane in enumerate(planes):
                if k:
                    plane = plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3))
                out.write(np.round(plane).astype(np.uint8).tobytes())
