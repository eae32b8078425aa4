"""Colour-filter arrays: phases, sampling, and packing of mosaics into planes."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.choices import PlaneOrder
from explorer.photo.parallel import in_bands, rows_of_band
from explorer.photo.values import FloatArray, Inset

Cfa = Literal["bayer", "xtrans", "none"]
Factors = tuple[float, float, float]
"""Factors for red, green and blue."""

BAYER_PHASES = ("RGGB", "BGGR", "GRBG", "GBRG")
"""Names of the 2x2 cell at the mosaic's top left, row by row."""

_BAYER_SHIFT = {"RGGB": (0, 0), "GRBG": (0, 1), "GBRG": (1, 0), "BGGR": (1, 1)}
"""Rows and columns to crop so that the mosaic begins with red."""

BAYER_TILE: NDArray[np.uint8] = np.array([[0, 1], [1, 2]], dtype=np.uint8)
"""R G / G B, as indices into RGB."""

XTRANS_TILE: NDArray[np.uint8] = np.array(
    [
        [0, 2, 1, 2, 0, 1],
        [1, 1, 0, 1, 1, 2],
        [1, 1, 2, 1, 1, 0],
        [2, 0, 1, 0, 2, 1],
        [1, 1, 2, 1, 1, 0],
        [1, 1, 0, 1, 1, 2],
    ],
    dtype=np.uint8,
)
"""The canonical X-Trans tile, as indices into RGB: the phase that `pack_xtrans` expects."""
BAYER_TILE.setflags(write=False)
XTRANS_TILE.setflags(write=False)

TILES: dict[str, NDArray[np.uint8]] = {"bayer": BAYER_TILE, "xtrans": XTRANS_TILE}
PERIODS: dict[str, int] = {"bayer": 2, "xtrans": 6, "none": 1}
"""Rows and columns after which the colours repeat; 1 for pictures (H x W x 3) without a mosaic."""

_AXES = {"bayer": ((0, 1), (0, 1)), "xtrans": ((0, 3), (2, 3))}
"""Rows and columns (the first, and their distance) about which a canonical mosaic can be reflected so that every sample
falls on one of its own colour."""

_SID_BAYER = ((0, 0), (0, 1), (1, 1), (1, 0))
_S2D_BAYER = ((0, 0), (0, 1), (1, 0), (1, 1))
_BAYER_ORDERS = {"sid": _SID_BAYER, "s2d": _S2D_BAYER}

_SID_XTRANS = (
    ((0, 0), (0, 4), (3, 1), (3, 3)),
    ((0, 2), (0, 5), (3, 2), (3, 5)),
    ((0, 1), (0, 3), (3, 0), (3, 4)),
    ((1, 2), (2, 5), (5, 2), (4, 5)),
    ((2, 2), (1, 5), (4, 2), (5, 5)),
    ((1, 0), (1, 3), (4, 0), (4, 3)),
    ((1, 1), (1, 4), (4, 1), (4, 4)),
    ((2, 0), (2, 3), (5, 0), (5, 3)),
    ((2, 1), (2, 4), (5, 1), (5, 4)),
)
"""For each of the nine planes (R, G, B, R, B, G, G, G, G), the positions (row, column) in the 6x6 tile that fill the
upper left, upper right, lower left and lower right pixel of the plane's 2x2 cell (Chen et al., CVPR 2018, Fuji
branch)."""


def bayer_shift(phase: str) -> tuple[int, int]:
    """Returns the rows and columns to crop at the top left so that a Bayer mosaic begins with R G / G B.

    Raises:
        KeyError: the phase is not one of `BAYER_PHASES`.
    """
    return _BAYER_SHIFT[phase]


def xtrans_shift(tile: NDArray[np.integer]) -> tuple[int, int] | None:
    """Returns the rows and columns (0 to 5) to crop so that a mosaic with this 6x6 tile begins at `XTRANS_TILE`.

    The X-Trans tile repeats itself under a shift of (3, 3); the smallest crop is returned. None if the tile is not
    X-Trans.
    """
    shifts = sorted(((dy, dx) for dy in range(6) for dx in range(6)), key=lambda shift: (sum(shift), shift))
    for dy, dx in shifts:
        if np.array_equal(np.roll(tile, (-dy, -dx), axis=(0, 1)), XTRANS_TILE):
            return dy, dx
    return None


def reflected(first: int, stop: int, bounds: tuple[int, int], cfa: Cfa, along: int) -> NDArray[np.intp]:
    """Maps a canonical mosaic's positions first to stop along an axis into bounds by reflection.

    Positions inside do not change. Those outside are reflected, as often as needed, about the outermost row or column
    that preserves colours: for Bayer the first and the last one, for X-Trans up to two further in.

    Args:
        bounds: the first position with a sample and the one after the last; at least a tile apart.
        along: 0 for rows, 1 for columns.
    """
    places = np.arange(first, stop)
    start, end = bounds
    offset, step = _AXES[cfa][along]
    low = start + (offset - start) % step
    high = end - 1 - (end - 1 - offset) % step
    folded = (places - low) % (2 * (high - low))
    folded = low + np.minimum(folded, 2 * (high - low) - folded)
    return np.where((places < start) | (places >= end), folded, places)


def completing_inset(sides: tuple[int, ...], shift: tuple[int, int], cfa: Cfa) -> Inset:
    """Returns the rows and columns that a mosaic lacks to begin canonically and to consist of whole tiles.

    Args:
        sides: its height and width.
        shift: from `bayer_shift` or `xtrans_shift`.
    """
    period = PERIODS[cfa]
    # The X-Trans tile repeats itself under a shift of half its sides.
    shifts = [shift, (shift[0] + 3, shift[1] + 3)] if cfa == "xtrans" else [shift]
    top, left = min(((-dy % period, -dx % period) for dy, dx in shifts), key=sum)
    return top, left, -(top + sides[0]) % period, -(left + sides[1]) % period


def completed(mosaic: NDArray, inset: Inset, cfa: Cfa) -> NDArray:
    """Adds the rows and columns that a mosaic lacks, by reflection; returns the same array if it lacks none.

    Args:
        mosaic: sides at least those of the tile.
        inset: from `completing_inset`.
    """
    top, left, bottom, right = inset
    height, width = mosaic.shape[:2]
    if top or bottom:
        mosaic = mosaic[reflected(0, top + height + bottom, (top, top + height), cfa, 0) - top]
    if left or right:
        mosaic = mosaic[:, reflected(0, left + width + right, (left, left + width), cfa, 1) - left]
    return np.ascontiguousarray(mosaic)


def without_inset(mosaic: NDArray, inset: Inset) -> NDArray:
    """Returns a view of a mosaic, or of a picture made from it, without the inset that completes its cells."""
    top, left, bottom, right = inset
    return mosaic[top : mosaic.shape[0] - bottom, left : mosaic.shape[1] - right]


def color_map(height: int, width: int, cfa: Cfa) -> NDArray[np.uint8]:
    """Returns H x W indices into RGB: the colour of the filter over each pixel of a canonical mosaic."""
    tile = TILES[cfa]
    period = tile.shape[0]
    return np.tile(tile, (-(-height // period), -(-width // period)))[:height, :width]


def scale_channels(
    mosaic: FloatArray, factors: Factors, cfa: Cfa, clip: tuple[float, float] | None = None
) -> FloatArray:
    """Copies a canonical mosaic with its red, green and blue samples multiplied by three factors, then clipped."""
    if cfa == "none":
        image = mosaic * np.asarray(factors, dtype=np.float32)
        _limit(image, clip)
        return image
    period = TILES[cfa].shape[0]
    height, width = mosaic.shape
    tile = np.asarray(factors, dtype=np.float32)[TILES[cfa]]
    lines = np.tile(tile, (1, -(-width // period)))[:, :width]
    scaled = np.empty(mosaic.shape, dtype=np.float32)

    def work(top: int, bottom: int) -> None:
        for dy in range(period):
            np.multiply(mosaic[top + dy : bottom : period], lines[dy], out=scaled[top + dy : bottom : period])
        _limit(scaled[top:bottom], clip)

    in_bands(height, rows_of_band(width, period), work)
    return scaled


def _limit(band: FloatArray, clip: tuple[float, float] | None) -> None:
    if clip is not None:
        np.clip(band, *clip, out=band)


def mosaic_from_rgb(rgb: FloatArray, cfa: Cfa) -> FloatArray:
    """Samples an H x W x 3 picture through a colour-filter array.

    Returns:
        H' x W' mosaic; H' and W' are H and W rounded up to a multiple of the tile (2 or 6), filled by reflection of the
        picture (see `completing_inset`).
    """
    tile = TILES[cfa]
    period = tile.shape[0]
    height, width = (-(-side // period) * period for side in rgb.shape[:2])
    if (height, width) != rgb.shape[:2]:
        lacking = (0, height - rgb.shape[0]), (0, width - rgb.shape[1]), (0, 0)
        rgb = np.pad(rgb, lacking, mode="reflect")
    mosaic = np.empty((height, width), dtype=np.float32)
    for dy in range(period):
        for dx in range(period):
            mosaic[dy::period, dx::period] = rgb[dy:height:period, dx:width:period, tile[dy, dx]]
    return mosaic


def pack_bayer(
    mosaic: FloatArray,
    order: PlaneOrder = "sid",
    *,
    factors: Factors = (1.0, 1.0, 1.0),
    clip: tuple[float, float] | None = None,
) -> FloatArray:
    """Packs an H x W mosaic (RGGB, even sides) into 4 x H/2 x W/2 planes.

    Args:
        mosaic: begins with an R G / G B cell.
        order: "sid" gives R, G (red's row), B, G (blue's row), as Chen et al. (CVPR 2018) pack; "s2d" gives R, G (red's
            row), G (blue's row), B, as space-to-depth does.
        factors: multiply red, green and blue samples.
        clip: limits of the multiplied samples; None for no limits.
    """
    height, width = mosaic.shape
    planes = np.empty((4, height // 2, width // 2), dtype=np.float32)

    def work(top: int, bottom: int) -> None:
        for plane, (dy, dx) in zip(planes, _BAYER_ORDERS[order], strict=True):
            band = plane[top // 2 : bottom // 2]
            np.multiply(mosaic[top + dy : bottom : 2, dx::2], np.float32(factors[BAYER_TILE[dy, dx]]), out=band)
            _limit(band, clip)

    in_bands(height, rows_of_band(width, 2), work)
    return planes


def plane_places(step: int, order: PlaneOrder) -> tuple[tuple[int, int], ...]:
    """Row and column of each plane in the Bayer cell: one plane at full resolution (`step` 1), or the four packed ones
    (2)."""
    return ((0, 0),) if step == 1 else _BAYER_ORDERS[order]


def pack_xtrans(
    mosaic: FloatArray, *, factors: Factors = (1.0, 1.0, 1.0), clip: tuple[float, float] | None = None
) -> FloatArray:
    """Packs an H x W mosaic (canonical X-Trans, sides multiples of 6) into 9 x H/3 x W/3: R, G, B, R, B, G, G, G, G.

    The 6x6 tile is cut into four 3x3 blocks; each plane has one sample per block, listed in `_SID_XTRANS`. Red and blue
    of planes 0 to 4 alternate in position from block to block, so that each plane holds one colour (Chen et al., CVPR
    2018). `factors` and `clip` are as in `pack_bayer`.
    """
    height, width = mosaic.shape
    planes = np.empty((9, height // 3, width // 3), dtype=np.float32)

    def work(top: int, bottom: int) -> None:
        for plane, places in zip(planes, _SID_XTRANS, strict=True):
            band = plane[top // 3 : bottom // 3]
            factor = np.float32(factors[XTRANS_TILE[places[0]]])
            for quarter, (dy, dx) in enumerate(places):
                part = band[quarter // 2 :: 2, quarter % 2 :: 2]
                np.multiply(mosaic[top + dy : bottom : 6, dx::6], factor, out=part)
            _limit(band, clip)

    in_bands(height, rows_of_band(width, 6), work)
    return planes


def unpack_xtrans(planes: FloatArray) -> FloatArray:
    """Unpacks 9 x h x w planes (h and w even) to a 3h x 3w mosaic: the inverse of `pack_xtrans`."""
    _, height, width = planes.shape
    mosaic = np.empty((3 * height, 3 * width), dtype=planes.dtype)
    for plane, places in zip(planes, _SID_XTRANS, strict=True):
        for quarter, (dy, dx) in enumerate(places):
            mosaic[dy::6, dx::6] = plane[quarter // 2 :: 2, quarter % 2 :: 2]
    return mosaic
