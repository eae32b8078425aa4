"""The bundled example photos: present, dark, of the stated kind, aligned with their references."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.examples import Example, examples
from explorer.photo import RawPhoto, develop, load_rendering, srgb_to_linear

EXAMPLES = examples()


def reference(example: Example) -> np.ndarray:
    assert example.reference is not None
    with Image.open(example.reference) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255


def test_names_are_unique_and_both_kinds_are_there() -> None:
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES) >= 4
    assert {example.kind for example in EXAMPLES} == {"raw", "picture"}
    assert all(example.credit and example.caption for example in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_dark_and_shows_its_reference(example: Example) -> None:
    photo = explorer.open_photo(example.path)
    assert isinstance(photo, RawPhoto) == (example.kind == "raw")
    dark, bright = load_rendering(photo), reference(example)
    assert dark.shape == bright.shape
    light, full = srgb_to_linear(dark), srgb_to_linear(bright)
    gain = float(np.median(full) / np.median(light))
    assert gain > 4
    # A shift by a pixel, a mirrored picture or swapped colours would each correlate clearly worse.
    brightened = np.clip(light * gain, 0, 1)
    here = np.corrcoef(brightened.ravel(), full.ravel())[0, 1]
    assert here > 0.6
    assert here > np.corrcoef(brightened[:, ::-1].ravel(), full.ravel())[0, 1]
    assert here > np.corrcoef(brightened[..., ::-1].ravel(), full.ravel())[0, 1]


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each.kind == "raw"], ids=lambda example: example.name)
def test_a_raw_example_keeps_colours_and_noise(example: Example) -> None:
    photo = explorer.open_photo(example.path)
    assert isinstance(photo, RawPhoto)
    assert photo.phase != "RGGB"
    assert photo.matrix_source == "the file"
    assert photo.bits == 14
    assert (photo.mosaic < 0).any(), "noise below the black level belongs to a dark photograph"
    full = srgb_to_linear(reference(example))
    gain = float(np.median(full) / np.median(srgb_to_linear(develop(photo))))
    seen, meant = srgb_to_linear(develop(photo, gain)).mean((0, 1)), full.mean((0, 1))
    assert seen / seen.sum() == pytest.approx(meant / meant.sum(), abs=0.04)
