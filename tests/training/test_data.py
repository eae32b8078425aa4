"""Folders of pictures: what is read, and what is refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_sets import scene, write_data

from explorer import open_photo
from explorer.errors import DataError
from explorer.formats import PICTURE_SUFFIXES
from explorer.photo.light.amplify import suggest_ratio
from explorer.training.darken import amplify
from explorer.training.data import (
    Skipped,
    crops_of,
    list_pictures,
    random_crops,
    read_folder,
    read_pairs,
    read_picture,
)
from explorer.training.recipe import Phase
from explorer.training.sources import DarkPairs, SyntheticRaw, phase_at


def save(folder: Path, name: str, height: int = 8, width: int = 10) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene(1, height, width)).save(folder / name)


def test_pairs_by_list_and_without(data: Path) -> None:
    assert [p.name for p in read_pairs(data / "lol", "val.txt")] == ["4", "5"]
    assert len(read_pairs(data / "lol")) == 6
    pair = read_pairs(data / "lol")[0]
    assert pair.low.dtype == np.uint8 and pair.low.shape == pair.high.shape == (72, 80, 3)
    assert pair.low.mean() < pair.high.mean()


@pytest.mark.parametrize("what", ["missing", "empty", "no_pictures"])
def test_missing_and_empty_folders(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    if what != "missing":
        folder.mkdir()
    if what == "no_pictures":
        (folder / "low").mkdir()
        (folder / "high").mkdir()
    with pytest.raises(DataError, match=str(folder)):
        read_pairs(folder)
    with pytest.raises(DataError, match="data"):
        DarkPairs(tmp_path / "data", 1, (Phase(1.0, 16, 2),))
    with pytest.raises(DataError, match="data"):
        SyntheticRaw(tmp_path / "data", 1, (Phase(1.0, 16, 2),))


def test_every_picture_format_of_the_table_is_training_material(tmp_path: Path) -> None:
    """The right picture of each is known: written with other numbers, profiles and orientations than sRGB's own."""
    picture = scene(1, 24, 32)
    for suffix in PICTURE_SUFFIXES:
        (tmp_path / f"{suffix}.{suffix.upper()}").write_bytes(b"")
    (tmp_path / "notes.txt").write_bytes(b"")
    assert set(list_pictures(tmp_path)) == PICTURE_SUFFIXES
    turned = Image.Exif()
    turned[274] = 6
    for name, data, expected in (
        ("deep.jp2", imagecodecs.jpeg2k_encode(picture.astype(np.uint16) * 257, level=0, reversible=True), picture),
        ("lossless.jxl", imagecodecs.jpegxl_encode(picture, lossless=True), picture),
        ("deep.png", imagecodecs.png_encode(picture.astype(np.uint16) * 257), picture),
    ):
        (tmp_path / name).write_bytes(bytes(data))
        np.testing.assert_array_equal(read_picture(tmp_path / name), expected)
    Image.fromarray(picture).save(tmp_path / "turned.png", exif=turned)
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.png"), np.rot90(picture, -1))
    with pytest.raises(DataError, match="cannot be read as a picture .* replace or remove it"):
        read_picture(tmp_path / "notes.txt")


def test_unpaired_pictures_are_named(tmp_path: Path) -> None:
    save(tmp_path / "low", "a.png")
    save(tmp_path / "low", "alone.png")
    save(tmp_path / "high", "a.png")
    with pytest.raises(DataError, match="1 pictures without a counterpart .alone"):
        read_pairs(tmp_path)
    (tmp_path / "low" / "alone.png").unlink()
    save(tmp_path / "high", "bright_alone.png")
    with pytest.raises(DataError, match="bright_alone"):
        read_pairs(tmp_path)


def test_pictures_of_different_sizes_are_named_with_their_sizes(tmp_path: Path) -> None:
    save(tmp_path / "low", "a.png", 8, 10)
    save(tmp_path / "high", "a.jpg", 8, 12)
    with pytest.raises(DataError, match=r"low/a.png is 10 x 8 but .*high/a.jpg is 12 x 8"):
        read_pairs(tmp_path)


def test_a_list_that_names_nothing_or_what_is_not_there(tmp_path: Path) -> None:
    save(tmp_path / "low", "a.png")
    save(tmp_path / "high", "a.png")
    (tmp_path / "train.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match="without a counterpart .b"):
        read_pairs(tmp_path, "train.txt")
    (tmp_path / "train.txt").write_text("\n")
    with pytest.raises(DataError, match="no usable pairs"):
        read_pairs(tmp_path, "train.txt")


def test_side_by_side_pairs(tmp_path: Path) -> None:
    both = np.concatenate([scene(1) // 4, scene(1)], 1)
    Image.fromarray(both).save(tmp_path / "one.png")
    (pair,) = read_pairs(tmp_path)
    assert np.array_equal(pair.low, scene(1) // 4) and np.array_equal(pair.high, scene(1))
    Image.fromarray(both[:, :-1]).save(tmp_path / "odd.png")
    with pytest.raises(DataError, match="odd.png is 159 pixels wide"):
        read_pairs(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a picture", None])
def test_one_corrupt_picture_of_many_is_skipped_and_counted(content: bytes | None, tmp_path: Path) -> None:
    for k in range(100):
        save(tmp_path, f"{k:03d}.png")
    whole = (tmp_path / "050.png").read_bytes()
    (tmp_path / "050.png").write_bytes(whole[: len(whole) // 2] if content is None else content)
    skipped = Skipped()
    assert len(read_folder(tmp_path, skipped=skipped)) == 99
    assert skipped.names == [str(tmp_path / "050.png")]
    (tmp_path / "051.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 100 pictures cannot be read .*050.png.*051.png"):
        read_folder(tmp_path)


def test_skipped_pictures_of_one_folder_do_not_count_against_another(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        for k in range(100):
            save(tmp_path / folder, f"{k:03d}.png")
        (tmp_path / folder / "007.png").write_bytes(b"")
    skipped = Skipped()
    for folder in ("a", "b"):
        read_folder(tmp_path / folder, skipped=skipped)
    assert len(skipped.names) == 2


def test_a_corrupt_half_leaves_its_pair_out(tmp_path: Path) -> None:
    for k in range(100):
        save(tmp_path / "low", f"{k}.png")
        save(tmp_path / "high", f"{k}.png")
    (tmp_path / "high" / "9.png").write_bytes(b"\x89PNG")
    skipped = Skipped()
    assert "9" not in [p.name for p in read_pairs(tmp_path, skipped=skipped)]
    assert skipped.names == [str(tmp_path / "high" / "9.png")]


def test_crops_stay_aligned_through_flips_and_turns() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    one, two = random_crops([(picture, 255 - picture)], 8, 16, rng)
    assert one.shape == (8, 3, 16, 16) and torch.allclose(one + two, torch.ones_like(one))
    assert len({tuple(crop.flatten().tolist()) for crop in one}) == 8


def blocks(picture: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor x factor blocks by slices, in [0, 1]."""
    parts = [picture[y::factor, x::factor].astype(float) for y in range(factor) for x in range(factor)]
    return sum(parts) / len(parts) / 255


def turns(picture: np.ndarray) -> list[np.ndarray]:
    """The eight ways in which a square may lie."""
    return [m for k in range(4) for m in (np.rot90(picture, k), np.rot90(picture, k)[:, ::-1])]


def test_shrunk_crops_are_block_means_of_a_wider_field() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    (crops,) = random_crops([(picture,)], 60, 8, np.random.default_rng(1), shrink=3)
    assert crops.shape == (60, 3, 8, 8)
    found = set()
    for crop in crops.permute(0, 2, 3, 1).numpy():
        for factor in (1, 2, 3):
            # Every field of that width that the picture holds, in the eight ways in which it may lie.
            fields = [
                picture[y : y + 8 * factor, x : x + 8 * factor]
                for y in range(25 - 8 * factor)
                for x in range(25 - 8 * factor)
            ]
            shrunk = np.stack([blocks(field, factor) for field in fields])
            if any(np.abs(shrunk - m).max((1, 2, 3)).min() < 1e-6 for m in turns(crop)):
                found.add(factor)
                break
        else:
            raise AssertionError("a crop that is no block mean of any field")
    assert found == {1, 2, 3}


def test_shrunk_pairs_stay_aligned() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (60, 70, 3)).astype(np.uint8)
    one, two = random_crops([(picture, 255 - picture)], 16, 16, rng, shrink=3)
    assert torch.allclose(one + two, torch.ones_like(one), atol=1e-6)


def test_the_field_of_a_shrunk_crop_stays_inside_the_picture() -> None:
    """A picture twice as wide as the crop halves at most; one that is smaller than the crop is not shrunk at all."""
    checks = np.indices((20, 32)).sum(0) % 2 * np.uint8(255)
    picture = np.repeat(checks[..., None], 3, 2).astype(np.uint8)
    (crops,) = random_crops([(picture,)], 40, 10, np.random.default_rng(0), shrink=8)
    kinds = {tuple(crop.unique().tolist()) for crop in crops}
    assert kinds == {(0.0, 1.0), (0.5,)}  # the checks themselves, or means of 2 x 2; of 3 x 3 they would be 4/9 and 5/9
    (crops,) = random_crops([(picture,)], 20, 24, np.random.default_rng(0), shrink=8)
    assert set(crops.unique().tolist()) == {0.0, 1.0}


def test_without_shrinking_nothing_is_drawn_for_it() -> None:
    """Recipes without it see the batches that they saw before there was such a thing."""
    picture = scene(3)
    plain, asked = (
        random_crops([(picture,)], 4, 16, np.random.default_rng(5), **options) for options in ({}, {"shrink": 1})
    )
    assert torch.equal(plain[0], asked[0])
    assert set(plain[0].mul(255).round().unique().int().tolist()) <= set(np.unique(picture).tolist())
    rng = np.random.default_rng(5)
    index = int(rng.integers(1, size=1)[0])
    top, left = int(rng.integers(72 - 16 + 1)), int(rng.integers(80 - 16 + 1))
    flip, turn = bool(rng.integers(2)), int(rng.integers(4))
    by_hand = np.rot90(picture[top : top + 16, left : left + 16], turn)
    by_hand = by_hand[:, ::-1] if flip else by_hand
    assert index == 0 and np.array_equal(plain[0][0].permute(1, 2, 0).mul(255).round().numpy(), by_hand)


def test_the_sources_hand_the_phases_shrinking_on(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(scenes: list[tuple[np.ndarray, ...]], size: int, rng: np.random.Generator,
                shrink: int = 1) -> tuple[torch.Tensor, ...]:  # fmt: skip
        seen.append(shrink)
        return crops_of(scenes, size, rng, shrink)

    monkeypatch.setattr("explorer.training.sources.crops_of", watched)
    monkeypatch.setattr("explorer.training.data.crops_of", watched)
    source = DarkPairs(data, 1, (Phase(0.5, 16, 8, shrink=3), Phase(1.0, 16, 8)))
    source.batch(0, 10)
    assert set(seen) == {3} and len(seen) == 2  # pairs and darkened pictures
    seen.clear()
    source.batch(9, 10)
    assert set(seen) == {1}


def test_small_pictures_are_reflected_to_the_crop() -> None:
    picture = scene(3, 10, 12)
    (crops,) = random_crops([(picture,)], 2, 32, np.random.default_rng(0))
    assert crops.shape == (2, 3, 32, 32)
    assert set(crops.unique().mul(255).round().int().tolist()) <= set(np.unique(picture).tolist())


def test_a_step_always_gives_the_same_batch(data: Path) -> None:
    phases = (Phase(0.5, 16, 2), Phase(1.0, 24, 3))
    for source in (SyntheticRaw, DarkPairs):
        one, two = source(data, 1, phases), source(data, 1, phases)
        for step in (0, 7):
            a, b = one.batch(step, 10), two.batch(step, 10)
            assert all(torch.equal(a[k], b[k]) for k in a)
        key = "input" if source is SyntheticRaw else "low"
        assert not torch.equal(one.batch(0, 10)[key], one.batch(1, 10)[key])
        assert one.batch(0, 10)[key].shape[0] == 2 and one.batch(9, 10)[key].shape[0] == 3
        assert not torch.equal(source(data, 2, phases).batch(0, 10)[key], one.batch(0, 10)[key])
    assert phase_at(phases, 4, 10).crop == 16 and phase_at(phases, 5, 10).crop == 24


def test_validation_pairs_are_never_trained_on(tmp_path: Path) -> None:
    folder = write_data(tmp_path / "set")
    source = DarkPairs(folder, 1, (Phase(1.0, 16, 2),))
    assert (len(source.pairs), len(source.val)) == (4, 2)
    (folder / "lol" / "train.txt").unlink()
    assert len(DarkPairs(folder, 1, (Phase(1.0, 16, 2),)).pairs) == 4
    (folder / "lol" / "val.txt").unlink()
    source = DarkPairs(folder, 1, (Phase(1.0, 16, 2),))
    assert (len(source.pairs), [p.name for p in source.val]) == (5, ["0"])


def test_pairs_are_amplified_by_the_ratio_of_the_whole_picture(data: Path) -> None:
    phases = (Phase(1.0, 16, 12),)
    plain, amplified = (DarkPairs(data, 1, phases, amplified=wanted) for wanted in (False, True))
    ratios = torch.tensor([suggest_ratio(open_photo(data / "lol" / "low" / f"{k}.png"), "percentile").ratio
                           for k in range(6)])  # fmt: skip
    dark, bright = plain.batch(0, 10), amplified.batch(0, 10)
    assert torch.equal(dark["high"], bright["high"])
    count = int(np.random.default_rng((1, 0)).binomial(12, 0.5))
    pairs = slice(0, 12 - count)  # the darkened ones are last
    seen = bright["low"][pairs]
    for k in range(seen.shape[0]):
        each = [amplify(dark["low"][k : k + 1], ratio[None]) for ratio in ratios[:4]]
        assert min((seen[k] - one[0]).abs().max().item() for one in each) < 1e-3
    far = [(batch["low"][-count:].mean() - batch["high"][-count:].mean()).abs() for batch in (bright, dark)]
    assert far[0] < 0.1 * far[1]
    held_out = (amplify(plain.validation()[0]["low"], ratios[4:]), amplified.validation()[0]["low"])
    assert torch.allclose(*held_out, atol=1e-3)


def test_a_folder_of_pairs_alone_will_do(tmp_path: Path) -> None:
    folder = write_data(tmp_path / "set")
    shutil.rmtree(folder / "clean")
    assert DarkPairs(folder / "lol", 1, (Phase(1.0, 16, 2),)).batch(0, 10)["low"].shape == (2, 3, 16, 16)


def test_validation_of_pictures_smaller_than_its_crops(data: Path) -> None:
    for batch in DarkPairs(data, 1, (Phase(1.0, 16, 2),), offset=1).validation():
        assert batch["low"].shape[-2:] == (257, 257)
    for batch in SyntheticRaw(data, 1, (Phase(1.0, 16, 2),)).validation():
        assert batch["input"].shape[-2:] == (256, 256)
