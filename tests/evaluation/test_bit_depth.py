"""Weights trained on 8-bit pictures get the precision of such a picture, wherever they are used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.evaluation.synthetic import make_scene
from explorer.photo import RgbPhoto, amplify, develop, upright
from explorer.photo.light.bit_depth import at_bit_depth
from explorer.photo.types import RawPhoto
from explorer.restorer import load_model, restore
from explorer.training.degrade import SensorRanges, darken_to_mosaic
from explorer.training.developed import developed_8_bit
from explorer.training.recipe import load_recipe
from explorer.weights.config import InputConvention
from explorer.weights.store import LoadedModel


def clean(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : 66 * 1j, 0 : 1 : 82 * 1j]
    smooth = 0.5 + 0.4 * np.sin(5 * x + seed)[..., None] * np.cos(4 * y)[..., None] * rng.uniform(0.5, 1, 3)
    return (smooth * 255).astype(np.uint8)


def with_bits(bits: int | None) -> LoadedModel:
    """The identity, which shows what a network would be given."""
    model = load_model("identity")
    convention = model.config.input.model_copy(update={"bits": bits})
    return replace(model, config=model.config.model_copy(update={"input": convention}))


@pytest.mark.parametrize("rotation", [0, 90])
def test_raw_is_developed_and_rounded_before_it_is_amplified(rotation: int) -> None:
    photo = replace(make_scene(clean(), 100, "a").photo, rotation=rotation)
    result = restore(photo, with_bits(8), 100)
    stored = np.round(upright(develop(photo), rotation) * 255) / np.float32(255)
    assert np.allclose(result.image, amplify(stored, 100), atol=1e-6)
    assert any("rounded to 8 bits" in note for note in result.notes)
    # Few levels are left of a picture that is a hundred times too dark.
    full = restore(photo, with_bits(None), 100)
    assert len(np.unique(result.image)) < 40 < len(np.unique(full.image)) / 10
    assert not any("rounded" in note for note in full.notes)
    assert restore(photo, with_bits(2), 100).image.max() == 0


def test_pictures_of_no_more_bits_stay_what_they_are() -> None:
    image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32) / 50
    eight = RgbPhoto(image, bits=8)
    assert at_bit_depth(eight, 8) is eight
    sixteen = RgbPhoto(image, bits=16, name="x", exif=b"e", notes=("said",))
    seen = at_bit_depth(sixteen, 8)
    assert np.array_equal(seen.image, np.round(image * 255) / np.float32(255))
    assert (seen.bits, seen.name, seen.exif, seen.notes[0]) == (8, "x", b"e", "said")


def test_the_ratio_is_suggested_from_the_whole_photo() -> None:
    photo = make_scene(clean(), 30, "a").photo
    assert restore(photo, with_bits(8)).ratio == restore(photo, with_bits(None)).ratio > 2


def test_restoring_feeds_what_the_training_fed() -> None:
    """The same exposure through the training's arithmetic and through `restore`."""
    picture = torch.from_numpy(clean(3)).permute(2, 0, 1)[None].float() / 255
    ratio = torch.tensor([20.0])
    generator = torch.Generator().manual_seed(7)
    dark = darken_to_mosaic(picture, generator, SensorRanges(tone_probability=0.0), ratio)
    trained = developed_8_bit(dark)["low"][0].permute(1, 2, 0).numpy()
    red, green, blue = (float(gain) for gain in dark.camera.gains[0])
    scene = make_scene(clean(), 20, "a").photo
    photo: RawPhoto = replace(
        scene,
        mosaic=dark.mosaic[0, 0].numpy().copy(),
        white_balance=replace(scene.white_balance, gains=(red, green, blue)),
        camera_to_srgb=dark.camera.camera_to_srgb[0].numpy().copy(),
    )
    fed = restore(photo, with_bits(8), 20).image
    step = amplify(np.full((1, 1, 3), 1 / 255, dtype=np.float32), 20).max()
    differing = np.abs(fed - trained) > 1e-4
    assert differing.mean() < 0.01 and np.abs(fed - trained).max() < 1.01 * step  # a tie rounds either way


def test_the_recipes_say_which_twin_takes_8_bits() -> None:
    sixteen, eight = (load_recipe(f"res_unet.raw_synthetic{end}") for end in ("", "_8bit"))
    assert InputConvention.model_validate(eight.input).bits == 8
    assert InputConvention.model_validate(sixteen.input).bits is None
    assert {k: v for k, v in eight.input.items() if k != "bits"} == sixteen.input
