"""Clips that tests make: a photo that moves or stands still, darkened frame by frame, with sound and odd times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TIME_BASE = Fraction(1, 90_000)


def scene(height: int = 240, width: int = 320) -> np.ndarray:
    """A well-lit picture, H x W x 3 sRGB: slopes, edges, texture, and a grey patch (rows and columns 16 to 64)."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    image = np.stack([0.25 + 0.5 * x / width, 0.3 + 0.4 * y / height, 0.6 - 0.3 * x / width], axis=2)
    image += 0.12 * np.sign(np.sin(x / 9) * np.sin(y / 13))[..., None]
    image += 0.04 * np.sin(x * 1.3 + y * 0.7)[..., None]
    image[16:64, 16:64] = 0.5
    return np.clip(image, 0, 1).astype(np.float32)


def darkened(image: np.ndarray, ratio: float, electrons: float, rng: np.random.Generator) -> np.ndarray:
    """The picture with so many times less light and shot noise, display-referred, not rounded."""
    linear = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4) / ratio
    noisy = rng.poisson(linear * electrons) / electrons + rng.normal(0, 1.5 / electrons, linear.shape)
    noisy = np.clip(noisy, 0, 1)
    return np.where(noisy <= 0.0031308, 12.92 * noisy, 1.055 * noisy ** (1 / 2.4) - 0.055)


def odd_times(count: int) -> list[int]:
    """Times of a variable frame rate, in 1/90000 s, beginning late."""
    steps = np.array([3000, 3003, 6011, 2997, 4500, 1500])
    return [int(t) for t in 900 + np.concatenate([[0], np.cumsum(np.resize(steps, count - 1))])]


def sound(seconds: float, rate: int = 44_100) -> np.ndarray:
    """1 x N of 16 bits: a sweep, so that every moment is another one."""
    t = np.arange(int(seconds * rate)) / rate
    return (9000 * np.sin(2 * np.pi * (200 + 150 * t) * t)).astype(np.int16)[None]


@dataclass(frozen=True)
class Coded:
    """How a test's clip is coded."""

    codec: str = "libx264"
    pix_fmt: str = "yuv444p"
    options: tuple[tuple[str, str], ...] = (("qp", "0"), ("preset", "ultrafast"), ("bf", "0"))
    matrix: int = 1
    full: bool = False
    rotation: int = 0


def ycc(image: np.ndarray, coded: Coded) -> list[np.ndarray]:
    """Planes of a picture by the formulas of H.273."""
    red, blue = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[coded.matrix]
    bits = 10 if "10" in coded.pix_fmt else 8
    y = image @ np.array([red, 1 - red - blue, blue])
    u, v = (image[..., 2] - y) / (2 * (1 - blue)), (image[..., 0] - y) / (2 * (1 - red))
    if "420" in coded.pix_fmt:
        u, v = (each.reshape(each.shape[0] // 2, 2, each.shape[1] // 2, 2).mean(axis=(1, 3)) for each in (u, v))
    step, top = 2 ** (bits - 8), 2**bits - 1
    floor, luma, chroma = (0, top, top) if coded.full else (16 * step, 219 * step, 224 * step)
    planes = [y * luma + floor, u * chroma + 128 * step, v * chroma + 128 * step]
    return [np.clip(np.rint(each), 0, top).astype(np.uint8 if bits == 8 else "<u2") for each in planes]


def write_clip(
    path: Path,
    images: Sequence[np.ndarray],
    times: Sequence[int] | None = None,
    audio: np.ndarray | None = None,
    coded: Coded | None = None,
    voice: str | None = None,
) -> Path:
    """Encodes pictures (H x W x 3 sRGB) as a clip; its sound in this codec, else FLAC in Matroska and AAC elsewhere."""
    coded = coded or Coded()
    voice = voice or ("flac" if path.suffix == ".mkv" else "aac")
    times = times or [3000 * k for k in range(len(images))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(coded.codec, rate=30, options=dict(coded.options))
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = coded.pix_fmt
        stream.codec_context.time_base = stream.time_base = TIME_BASE
        stream.codec_context.color_range = 2 if coded.full else 1
        stream.codec_context.colorspace = coded.matrix
        if coded.rotation:
            stream.set_display_rotation(coded.rotation)
        sounds = None
        if audio is not None:
            layout = "mono" if len(audio) == 1 else "stereo"
            sounds = container.add_stream(voice, rate=44_100, layout=layout)
        for image, time in zip(images, times, strict=True):
            frame = av.VideoFrame(image.shape[1], image.shape[0], coded.pix_fmt)
            for plane, samples in zip(frame.planes, ycc(image, coded), strict=True):
                lines = np.zeros((plane.height, plane.line_size // samples.itemsize), samples.dtype)
                lines[:, : samples.shape[1]] = samples
                plane.update(lines.tobytes())
            frame.pts, frame.time_base = time, TIME_BASE
            frame.colorspace, frame.color_range = coded.matrix, 2 if coded.full else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sounds is not None and audio is not None:
            for start in range(0, audio.shape[1], 1024):
                samples = np.ascontiguousarray(audio[:, start : start + 1024].T).reshape(1, -1)
                block = av.AudioFrame.from_ndarray(samples, "s16", layout)
                block.rate, block.pts, block.time_base = 44_100, start, Fraction(1, 44_100)
                container.mux(sounds.encode(block))
            container.mux(sounds.encode(None))
    return path


def read_clip(path: Path) -> tuple[list[np.ndarray], list[Fraction]]:
    """Pictures and seconds of a clip, by libswscale."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        seconds = [frame.pts * Fraction(frame.time_base) for frame in frames]
        return [frame.to_ndarray(format="rgb24").astype(np.float32) / 255 for frame in frames], seconds


def read_sound(path: Path) -> tuple[np.ndarray, Fraction]:
    """Samples of the first stream of sound, and the time of the first one."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        return np.concatenate([f.to_ndarray() for f in frames], axis=1), frames[0].pts * Fraction(frames[0].time_base)
