"""Converts colours whose space a file states by numbers (ITU-T H.273, PNG's gAMA and cHRM, EXIF) to sRGB.

PQ and HLG encode more light than fits into sRGB. The reference white of ITU-R BT.2408, 203 cd/m2, is mapped to sRGB's
white, everything below stays in proportion, and brighter light is clipped. No tone curve is applied, because
amplification is a factor in linear light.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.messages import say
from explorer.photo.light.chromatic_adaptation import adaptation
from explorer.photo.light.curves import linear_to_srgb, srgb_to_linear
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of red, green, blue and white."""

D65 = (0.3127, 0.3290)
SRGB_PRIMARIES: Chromaticities = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *D65)
_ADOBE_PRIMARIES: Chromaticities = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *D65)
_SMPTE_170M: Chromaticities = (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65)
_PRIMARIES: dict[int, Chromaticities] = {
    1: SRGB_PRIMARIES,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    10: (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1 / 3, 1 / 3),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *D65),
}
"""ColourPrimaries (H.273, table 2)."""

_Transfer = Callable[[FloatArray], NDArray[np.floating]]
REFERENCE_WHITE = 203.0
"""cd/m2 of diffuse white (ITU-R BT.2408)."""
_HLG_PEAK, _HLG_GAMMA = 1000.0, 1.2
"""Peak (cd/m2) and gamma of ITU-R BT.2100's nominal HLG display."""


def _pq(signal: FloatArray) -> NDArray[np.floating]:
    """SMPTE ST 2084 -> linear light, 1 at the reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.clip(signal, 0, 1) ** np.float32(1 / m2)
    return (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10000 / REFERENCE_WHITE)


def _hlg(signal: FloatArray) -> NDArray[np.floating]:
    """The inverse of the HLG OETF (ITU-R BT.2100, table 5): scene light from 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.clip(signal, 0, 1)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _hlg_display(linear: FloatArray) -> FloatArray:
    """The HLG OOTF for a display of 1000 cd/m2: BT.2020 scene light -> display light, 1 at the reference white."""
    luminance = linear @ np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
    return linear * (luminance ** np.float32(_HLG_GAMMA - 1) * np.float32(_HLG_PEAK / REFERENCE_WHITE))[..., None]


def _power(exponent: float, factor: float = 1.0) -> _Transfer:
    return lambda signal: np.maximum(signal, 0) ** np.float32(exponent) * np.float32(factor)


_TRANSFERS: dict[int, _Transfer] = {
    4: _power(2.2),
    5: _power(2.8),
    8: _power(1.0),
    16: _pq,
    17: _power(2.6, 52.37 / 48),
    18: _hlg,
}
"""TransferCharacteristics (H.273, table 3) whose display curve is not sRGB's. BT.709, BT.601, BT.2020 and similar codes
(1, 6, 7, 11, 12, 14, 15) state how a camera encodes; browsers show them with sRGB's curve, as is done here."""
_LIKE_SRGB = frozenset({1, 2, 6, 7, 11, 12, 13, 14, 15})
_HDR_NAMES = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True)
class ColorSpace:
    """Primaries and transfer curve of RGB samples."""

    primaries: Chromaticities = SRGB_PRIMARIES
    transfer: int = 13
    """A code of H.273; ignored if there is a gamma."""
    gamma: float | None = None
    """Exponent: linear light is the sample raised to it."""
    narrow: int | None = None
    """Bits of samples in the narrow range of video; None for the full range."""

    def to_srgb(self, image: FloatArray) -> tuple[FloatArray, str | None]:
        """Converts H x W x 3 in [0, 1] to sRGB in [0, 1], and returns a note for HDR.

        Raises:
            ValueError: primaries on a line, or an unknown transfer curve.
        """
        curve = self._curve()
        matrix = matrix_to_srgb(self.primaries)
        plain = curve is None and np.abs(matrix - np.eye(3)).max() < 2e-3
        if plain and self.narrow is None:
            return image, None
        out = np.empty_like(image)

        def work(top: int, bottom: int) -> None:
            band = image[top:bottom]
            if self.narrow is not None:
                step = 2 ** (self.narrow - 8)
                band = (band * np.float32((2**self.narrow - 1) / (219 * step)) - np.float32(16 / 219)).clip(0, 1)
            if plain:
                out[top:bottom] = band
                return
            linear = srgb_to_linear(band) if curve is None else curve(band).astype(np.float32)
            if self.gamma is None and self.transfer == 18:
                linear = _hlg_display(linear)
            out[top:bottom] = linear_to_srgb(np.clip(linear @ matrix.T, 0, 1))

        in_bands(image.shape[0], rows_of_band(image.shape[1], 1), work)
        name = None if self.gamma is not None else _HDR_NAMES.get(self.transfer)
        return out, say("note.hdr", name=name) if name else None

    def _curve(self) -> _Transfer | None:
        """Function to linear light; None for sRGB's own curve."""
        if self.gamma is not None:
            return _power(self.gamma)
        if self.transfer in _LIKE_SRGB:
            return None
        if self.transfer not in _TRANSFERS:
            raise ValueError(f"transfer {self.transfer}")
        return _TRANSFERS[self.transfer]


ADOBE_RGB = ColorSpace(_ADOBE_PRIMARIES, gamma=563 / 256)


def coded_space(primaries: int, transfer: int, *, narrow: int | None = None) -> ColorSpace | None:
    """Returns the colour space for codes of H.273, as in cICP and nclx; None if they are unspecified.

    Raises:
        ValueError: reserved codes.
    """
    if primaries in (0, 2) and transfer in (0, 2):
        return None
    if primaries not in _PRIMARIES and primaries not in (0, 2):
        raise ValueError(f"primaries {primaries}")
    if transfer != 0 and transfer not in _LIKE_SRGB and transfer not in _TRANSFERS:
        raise ValueError(f"transfer {transfer}")
    # PQ and HLG imply the primaries of BT.2020 (BT.2100) if a file does not state any.
    default = _PRIMARIES[9] if transfer in _HDR_NAMES else SRGB_PRIMARIES
    return ColorSpace(_PRIMARIES.get(primaries, default), transfer or 13, narrow=narrow)


def is_hdr(transfer: int) -> bool:
    """True for PQ and HLG."""
    return transfer in _HDR_NAMES


def xyz_of(x: float, y: float) -> NDArray[np.float64]:
    """CIE XYZ of a chromaticity, Y = 1."""
    return np.array([x / y, 1.0, (1 - x - y) / y])


def rgb_to_xyz(primaries: Chromaticities) -> NDArray[np.float64]:
    """3x3, linear RGB to CIE XYZ, white at Y = 1.

    Raises:
        ValueError: primaries on a line, or a white outside their triangle.
    """
    columns = np.stack([np.array([x, y, 1 - x - y]) for x, y in zip(primaries[0:6:2], primaries[1:6:2], strict=True)])
    if not (np.isfinite(columns).all() and abs(np.linalg.det(columns)) > 1e-4 and primaries[7] > 1e-3):
        raise ValueError("primaries")
    scale = np.linalg.solve(columns.T, xyz_of(primaries[6], primaries[7]))
    if scale.min() <= 0:
        raise ValueError("white")
    return columns.T * scale


def matrix_to_srgb(primaries: Chromaticities) -> FloatArray:
    """3x3, linear RGB of these primaries to linear sRGB, with the white adapted (Bradford).

    Raises:
        ValueError: as `rgb_to_xyz`.
    """
    adapted = adaptation(xyz_of(*primaries[6:]), xyz_of(*D65))
    if adapted is None:
        raise ValueError("white")
    return (np.linalg.inv(rgb_to_xyz(SRGB_PRIMARIES)) @ adapted @ rgb_to_xyz(primaries)).astype(np.float32)


def exif_space(exif: Any) -> ColorSpace | None:
    """Adobe RGB if a `PIL.Image.Exif` states it (DCF 2.0: ColorSpace 2, or uncalibrated with R03), else None (sRGB)."""
    details = dict(exif.get_ifd(34665))
    stated = details.get(40961)
    index = dict(exif.get_ifd(40965)).get(1) if 40965 in details else None
    if isinstance(index, bytes):
        index = index.decode("ascii", "replace")
    r03 = isinstance(index, str) and index.strip("\0 ") == "R03"
    return ADOBE_RGB if stated == 2 or (stated in (None, 65535) and r03) else None
