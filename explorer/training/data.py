"""Pictures in memory, and batches of random crops of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.errors import DataError, PhotoError
from explorer.formats import PICTURE_SUFFIXES, suffix_of, titles
from explorer.photo import RgbPhoto, open_photo
from explorer.photo.light.reduce import square_means

Picture = NDArray[np.uint8]


@dataclass
class Skipped:
    """Pictures that could not be read, by path. If they are more than 1 % of a folder, the run fails."""

    names: list[str] = field(default_factory=list)

    def read(self, path: Path) -> Picture | None:
        """Reads a picture; records one that cannot be read, and returns None."""
        try:
            return read_picture(path)
        except DataError:
            self.names.append(str(path))
            return None

    def check(self, total: int, before: int = 0) -> None:
        """Raises DataError if more than 1 % of `total` pictures were unreadable.

        Args:
            total: number of pictures read since `names` had `before` entries.
        """
        bad = self.names[before:]
        if bad and len(bad) > 0.01 * total:
            raise DataError(
                f"{len(bad)} of {total} pictures cannot be read ({', '.join(bad[:5])}); "
                "replace or remove them and start again."
            )


def read_picture(path: Path) -> Picture:
    """Reads a picture as H x W x 3 uint8 sRGB.

    Raises:
        DataError: the file is not a readable picture.
    """
    try:
        photo = open_photo(path)
    except PhotoError as error:
        reason = str(error).rstrip(".")
        raise DataError(f"{path} cannot be read as a picture ({reason}); replace or remove it.") from error
    if not isinstance(photo, RgbPhoto):
        raise DataError(f"{path} is camera RAW, not a picture; develop it, or remove it.")
    return np.round(photo.image * 255).astype(np.uint8)


def list_pictures(folder: Path) -> dict[str, Path]:
    """Lists a folder's pictures by stem, sorted.

    Raises:
        DataError: the folder is missing or contains no picture.
    """
    if not folder.is_dir():
        raise DataError(f"The folder {folder} does not exist; give the folder that holds the training pictures.")
    found = {p.stem: p for p in sorted(folder.iterdir()) if suffix_of(p.name) in PICTURE_SUFFIXES}
    if not found:
        raise DataError(f"The folder {folder} holds no pictures; put {', '.join(titles())} files there.")
    return found


def read_folder(folder: Path, names: Sequence[str] | None = None, skipped: Skipped | None = None) -> list[Picture]:
    """Reads all pictures of a folder, or those of a list of stems, in sorted order; records and skips unreadable ones.

    Raises:
        DataError: the folder is missing or empty, lacks a listed picture, or more than 1 % of it cannot be read.
    """
    paths = list_pictures(folder)
    chosen = sorted(paths) if names is None else list(names)
    missing = [name for name in chosen if name not in paths]
    if missing:
        raise DataError(f"{folder} lacks {len(missing)} listed pictures ({', '.join(missing[:5])}); check the list.")
    noted = Skipped() if skipped is None else skipped
    before = len(noted.names)
    pictures = [picture for name in chosen if (picture := noted.read(paths[name])) is not None]
    noted.check(len(chosen), before)
    return pictures


def read_list(path: Path) -> list[str] | None:
    """Reads stems, one per line; None, which means all pictures, if the list does not exist."""
    if not path.is_file():
        return None
    return [Path(line.strip()).stem for line in path.read_text().splitlines() if line.strip()]


@dataclass(frozen=True)
class Pair:
    """Two pictures of one scene, H x W x 3 uint8 each, of the same size."""

    low: Picture
    high: Picture
    name: str


def read_pairs(folder: Path, list_file: str | None = None, skipped: Skipped | None = None) -> list[Pair]:
    """Reads pairs in the LOL layout (`low/`, `high/`, equal stems), or pictures of both side by side (pix2pix).

    Args:
        folder: the data set.
        list_file: a file in `folder` with the stems to read; all if it is empty or does not exist.

    Raises:
        DataError: missing folder, no pairs, unpaired or differently sized files; the message names them.
    """
    if not folder.is_dir():
        raise DataError(f"The folder {folder} does not exist; give the folder that holds the pairs.")
    names = read_list(folder / list_file) if list_file else None
    noted = Skipped() if skipped is None else skipped
    before = len(noted.names)
    halves = (folder / "low").is_dir() or (folder / "high").is_dir()
    tried, pairs = (_low_and_high if halves else _side_by_side)(folder, names, noted)
    noted.check(tried, before)
    if not pairs:
        raise DataError(f"{folder} contains no usable pairs; put at least one pair there, or correct the list.")
    return pairs


def _low_and_high(folder: Path, names: Sequence[str] | None, skipped: Skipped) -> tuple[int, list[Pair]]:
    """Returns the number of pairs that were tried, and the readable ones."""
    low, high = list_pictures(folder / "low"), list_pictures(folder / "high")
    chosen = sorted(low) if names is None else list(names)
    unpaired = [n for n in chosen if n not in low or n not in high]
    if names is None:
        unpaired += [n for n in high if n not in low]
    if unpaired:
        raise DataError(
            f"{folder} has {len(unpaired)} pictures without a counterpart ({', '.join(unpaired[:5])}); "
            "low/ and high/ must hold the same names."
        )
    pairs = []
    for name in chosen:
        dark, bright = skipped.read(low[name]), skipped.read(high[name])
        if dark is not None and bright is not None:
            check_sizes(dark, bright, low[name], high[name])
            pairs.append(Pair(dark, bright, name))
    return len(chosen), pairs


def check_sizes(low: Picture, high: Picture, low_path: Path, high_path: Path) -> None:
    """Raises DataError, with both names and sizes, if the two pictures of a pair differ in size."""
    if low.shape != high.shape:
        raise DataError(
            f"{low_path} is {_size(low)} but {high_path} is {_size(high)}; the two pictures of a pair must have the "
            f"same size."
        )


def _side_by_side(folder: Path, names: Sequence[str] | None, skipped: Skipped) -> tuple[int, list[Pair]]:
    paths = list_pictures(folder)
    chosen = sorted(paths) if names is None else list(names)
    pairs = []
    for name in chosen:
        if name not in paths:
            raise DataError(f"{folder} lacks the listed picture {name}; check the list.")
        both = skipped.read(paths[name])
        if both is None:
            continue
        if both.shape[1] % 2:
            raise DataError(f"{paths[name]} is {both.shape[1]} pixels wide; a left/right pair needs an even width.")
        half = both.shape[1] // 2
        pairs.append(Pair(both[:, :half], both[:, half:], name))
    return len(chosen), pairs


def _size(picture: Picture) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"


def random_crops(
    pictures: Sequence[tuple[Picture, ...]], batch: int, size: int, rng: np.random.Generator, shrink: int = 1
) -> tuple[torch.Tensor, ...]:
    """Returns a batch of `crops_of` scenes drawn with replacement.

    Args:
        pictures: the scenes to draw from.
        batch: number of scenes to draw.
    """
    return crops_of([pictures[index] for index in rng.integers(len(pictures), size=batch)], size, rng, shrink)


def crops_of(
    scenes: Sequence[tuple[Picture, ...]], size: int, rng: np.random.Generator, shrink: int = 1
) -> tuple[torch.Tensor, ...]:
    """Crops each scene at random, aligned between its pictures, with random flips and rotations.

    Args:
        scenes: the aligned pictures of each (one, or a pair), H x W x 3 uint8.
        size: side of the square crops; smaller pictures are reflected at their borders.
        shrink: a crop comes from a square 1 to `shrink` times as wide, limited by the picture, by block means.

    Returns:
        One N x 3 x size x size float tensor in [0, 1] for each picture of a scene.
    """
    crops: list[list[NDArray[np.float32]]] = [[] for _ in scenes[0]]
    for scene in scenes:
        factor = 1
        if shrink > 1:
            factor = max(1, min(int(rng.integers(1, shrink + 1)), min(scene[0].shape[:2]) // size))
        side = size * factor
        short_y, short_x = (max(0, side - n) for n in scene[0].shape[:2])
        if short_y or short_x:
            scene = tuple(np.pad(p, ((0, short_y), (0, short_x), (0, 0)), mode="reflect") for p in scene)
        top = int(rng.integers(scene[0].shape[0] - side + 1))
        left = int(rng.integers(scene[0].shape[1] - side + 1))
        flip, turn = bool(rng.integers(2)), int(rng.integers(4))
        for k, picture in enumerate(scene):
            part = picture[top : top + side, left : left + side]
            crop = np.rot90(square_means(part, factor) if factor > 1 else part.astype(np.float32), turn)
            crops[k].append(crop[:, ::-1] if flip else crop)
    return tuple(torch.from_numpy(np.stack(group)).permute(0, 3, 1, 2).div(255).contiguous() for group in crops)
