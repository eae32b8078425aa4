"""The sRGB transfer curve (IEC 61966-2-1), there and back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from explorer.photo.parallel import in_bands
from explorer.photo.values import FloatArray

_CHUNK = 1 << 17


def _in_chunks(array: NDArray[np.floating], curve: Callable[[NDArray[np.floating]], FloatArray]) -> FloatArray:
    """Applies a pointwise function to an array of any shape as float32, in chunks on all cores."""
    given = np.asarray(array)
    result = np.empty(given.shape, dtype=np.float32)
    flat, out = given.reshape(-1) if given.flags.c_contiguous else given.ravel(), result.reshape(-1)

    def work(first: int, stop: int) -> None:
        out[first:stop] = curve(flat[first:stop])

    in_bands(flat.size, _CHUNK, work)
    return result


class CurveMemory:
    """Working memory for a curve, as large as a band."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.spare = np.empty(shape, np.float32)
        self._bits = np.empty(shape, np.int8)
        self._mask = np.empty(shape, np.int32)

    def first(self, length: int) -> CurveMemory:
        """Returns the part for a band with fewer rows."""
        part = object.__new__(CurveMemory)
        part.spare, part._bits, part._mask = self.spare[:length], self._bits[:length], self._mask[:length]
        return part

    def linear(self, value: FloatArray) -> None:
        """Undoes the transfer curve in place, for values from 0 up."""
        self._below(value, 0.04045)
        np.divide(value, np.float32(12.92), out=self.spare)
        value += np.float32(0.055)
        value /= np.float32(1.055)
        np.power(value, np.float32(2.4), out=value)
        self._straight(value)

    def display(self, value: FloatArray) -> None:
        """Applies the transfer curve in place, to values from 0 up."""
        self._below(value, 0.0031308)
        np.multiply(value, np.float32(12.92), out=self.spare)
        # Where the curve is straight, the power does not matter, and a power of 0 takes ten times as long.
        np.maximum(value, np.float32(0.0031308), out=value)
        np.power(value, np.float32(1 / 2.4), out=value)
        value *= np.float32(1.055)
        value -= np.float32(0.055)
        self._straight(value)

    def _below(self, value: FloatArray, end: float) -> None:
        np.less_equal(value, np.float32(end), out=self._bits.view(np.bool_))
        np.negative(self._bits, out=self._bits)
        self._mask[...] = self._bits

    def _straight(self, value: FloatArray) -> None:
        """Replaces values where the mask is set, by bit operations: noise makes branches unpredictable, and then
        `np.copyto(where=)` takes longer than everything else."""
        bits, other = value.view(np.int32), self.spare.view(np.int32)
        other ^= bits
        other &= self._mask
        bits ^= other


def linear_of(display: NDArray[np.floating]) -> FloatArray:
    """Runs `srgb_to_linear` in the calling thread, for one band of a larger pass; always returns a new array."""
    value = np.maximum(display, 0).astype(np.float32, order="C", copy=False)
    CurveMemory(value.shape).linear(value)
    return value


def display_of(linear: NDArray[np.floating]) -> FloatArray:
    """Runs `linear_to_srgb` in the calling thread, for one band of a larger pass; always returns a new array."""
    value = np.maximum(linear, 0).astype(np.float32, order="C", copy=False)
    CurveMemory(value.shape).display(value)
    return value


def srgb_to_linear(array: NDArray[np.floating]) -> FloatArray:
    """Undoes the sRGB transfer curve (IEC 61966-2-1). Values below 0 count as 0; those above 1 follow the curve."""
    return _in_chunks(array, linear_of)


def linear_to_srgb(array: NDArray[np.floating]) -> FloatArray:
    """Applies the sRGB transfer curve (IEC 61966-2-1). Values below 0 count as 0; those above 1 follow the curve."""
    return _in_chunks(array, display_of)


def gain_to_step(step: float, bits: int) -> float:
    """The gain that makes a step in a file's darkest tones this large in linear light: the curve is a line there."""
    return step * 12.92 * (2.0**bits - 1)
