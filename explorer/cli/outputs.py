"""Paths of results, and files that appear completely or not at all."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from explorer.atomic import beside
from explorer.batch.results import check_own
from explorer.cli.standard import NAME, STANDARD
from explorer.errors import OutputError
from explorer.identity import first_among, identity
from explorer.saving import WITHOUT_BITS, Saving, check_destination

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer import Restoration


def plan_outputs(
    inputs: Sequence[Path], out: str, bits: int, suffix: str = ".png", saving: Saving | None = None
) -> list[Path]:
    """Returns the result's path for every input, in order.

    Args:
        inputs: the photos.
        out: `-` (standard output, as PNG) or a picture file for one input; or a folder, in which each result is called
            `<stem><suffix>`, or `<full name><suffix>` where two inputs share a stem.
        bits: 8 or 16 bits per channel.
        suffix: of results in a folder.
        saving: options besides the format.

    Raises:
        OutputError: the folder, or the parent of a new one, does not exist or is not writable; the suffix is not a
            picture's or cannot hold the bits; several inputs for one file, two inputs for one result, or a result in
            the place of an input.
    """
    if not out.strip():
        raise OutputError("The output has no name; give a file or a folder with -o.")
    if out == str(STANDARD):
        if len(inputs) > 1:
            raise OutputError(f"{len(inputs)} photos cannot go to standard output; give a folder with -o.")
        _check_suffix(Path(f"{STANDARD}.png"), bits, saving)
        return [STANDARD]
    path = Path(out)
    if is_folder(out):
        check_folder(path if path.exists() else path.parent)
        _check_suffix(path / f"*{suffix}", bits, saving)
        outputs = [path / name for name in _names_in_folder(inputs, suffix)]
    else:
        if len(inputs) > 1:
            raise OutputError(
                f"{len(inputs)} photos cannot be written to one file, '{out}'; name a folder with -o (end a new one in "
                "/)."
            )
        _check_suffix(path, bits, saving)
        check_folder(path.parent)
        outputs = [path]
    check_apart(outputs, inputs)
    return outputs


def check_apart(outputs: Iterable[Path | None], photographs: Sequence[Path]) -> None:
    """Raises OutputError if one of the files to write, where there is any, is one of the photos."""
    if (clash := first_among([each for each in outputs if each], photographs)) is not None:
        raise OutputError(f"The result would replace the photo '{clash}'; choose another output.")


def check_file(path: Path, suffixes: Sequence[str]) -> None:
    """Raises OutputError if a file has none of the suffixes, or cannot be written; see `check_destination`."""
    if path.suffix.lower() not in suffixes:
        raise OutputError(f"{path.name} has the wrong suffix; end it in {', '.join(suffixes)}.")
    check_destination(path)


def is_folder(out: str) -> bool:
    """True if results go into a folder: one that exists, or a new one that ends in a separator.

    Raises:
        OutputError: no file can have this name.
    """
    try:
        return out != str(STANDARD) and (Path(out).is_dir() or out.endswith(("/", os.sep)))
    except (OSError, ValueError) as error:  # a name that is too long, or one with a NUL in it
        shown = out if len(out) <= 60 else f"{out[:57]}..."
        raise OutputError(f"{shown!r} cannot be a file's name here; give a shorter, plain one with -o.") from error


def _names_in_folder(inputs: Sequence[Path], suffix: str) -> list[str]:
    """Returns the results' names, unique even if case is ignored."""
    from explorer.batch.listing import name_results

    names = [NAME if photo == STANDARD else photo.name for photo in inputs]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise OutputError(f"Two photos are called '{twice[0]}'; restore them into different folders.")
    return name_results(names, [str(photo) for photo in inputs], suffix)


def check_intermediates(inputs: Sequence[Path], outputs: Sequence[Path], folder: Path) -> None:
    """Refuses a folder of intermediates in which one of them would replace a photo or a result, before anything is
    written.

    Raises:
        OutputError: names the file; or as `check_folder`.
    """
    check_folder(folder if folder.exists() else folder.parent)
    there = [path for path in (*inputs, *outputs) if path.suffixes[1:] and _same_folder(path.parent, folder)]
    if not there:
        return
    from explorer import list_models

    maps = "|".join(sorted({re.escape(name) for each in list_models() for name in each.intermediates}))
    stems = {output.stem.casefold() for output in outputs}
    for path in there:
        match = re.fullmatch(rf"(.+)\.(?:{maps})(?:_\d+)?\.(?:png|npy)", path.name, re.IGNORECASE)
        if match and match[1].casefold() in stems:
            raise OutputError(f"An intermediate would replace '{path}'; choose another folder with --intermediates.")


def _same_folder(one: Path, other: Path) -> bool:
    """True also for a folder that does not exist yet."""
    return identity(one) == identity(other) if other.exists() else os.path.realpath(one) == os.path.realpath(other)


def _check_suffix(path: Path, bits: int, saving: Saving | None) -> None:
    from explorer.encode import FORMATS  # here: it loads NumPy, which --help does without

    suffix = path.suffix.lower()
    known = (*FORMATS, *WITHOUT_BITS)
    if suffix not in known:
        problem = f"cannot be written as {suffix}" if suffix else "does not say which format to write"
        raise OutputError(f"'{path}' {problem}; end it in one of {', '.join(known)}, or name a folder.")
    if saving is not None:
        saving.check(suffix)
    if bits == 16 and suffix not in WITHOUT_BITS and bits not in FORMATS[suffix]:
        raise OutputError(f"{suffix} holds 8 bits per channel; end '{path}' in .png or .tif, or leave --bits 16 out.")


def check_folder(folder: Path) -> None:
    """Raises OutputError unless `folder` is a folder that can be written to."""
    if not folder.exists():
        raise OutputError(f"The output folder '{folder}' does not exist; create it or choose another.")
    if not folder.is_dir():
        raise OutputError(f"'{folder}' is a file, not a folder; name an existing folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"The output folder '{folder}' cannot be written to; choose another or change its permissions."
        )


def check_new(path: Path | None, overwrite: bool) -> None:
    """Raises OutputError if `path` is a file and may not be overwritten."""
    if path is not None and path.is_file() and not overwrite:
        raise OutputError(f"'{path}' already exists; give --overwrite or choose another output.")


Overwrite = Literal["all", "own", "none"]
"""Which existing files may be replaced: all, those that folders record as results, or none."""


def check_free(path: Path, overwrite: Overwrite, folder: Path) -> None:
    """Raises OutputError if `path` is a folder, or exists and may not be overwritten.

    Args:
        folder: of the results, which records them.
    """
    if path.is_dir():
        raise OutputError(f"'{path}' is a folder, so no file can be written there; choose another output.")
    if overwrite == "all" or not path.is_file():  # a device or a pipe is written to, not replaced
        return
    if overwrite == "none":
        raise OutputError(f"'{path}' already exists; leave out --no-overwrite or choose another output.")
    check_own([str(path)], str(folder))


@contextmanager
def all_or_nothing(overwrite: Overwrite, folder: Path) -> Iterator[Callable[[Path], Path]]:
    """Yields a function that turns a file's path into a temporary one next to it, with the same suffix.

    Args:
        folder: as for `check_free`.

    If the block succeeds, all temporary files are moved to their places; if not, all are removed.

    Raises:
        OutputError: a file exists and may not be overwritten, or cannot be moved to its place.
    """
    moves: dict[Path, Path] = {}

    def stage(final: Path) -> Path:
        check_free(final, overwrite, folder)
        temporary = beside(final)
        moves[temporary] = final
        return temporary

    try:
        yield stage
        for temporary, final in moves.items():
            os.replace(temporary, final)
    except OutputError as error:
        said = str(error)
        for temporary, final in moves.items():  # the message names the file that was asked for
            said = said.replace(str(temporary), str(final))
        raise OutputError(said) from error
    except OSError as error:
        raise OutputError(f"The result could not be written: {error.strerror or error}.") from error
    finally:
        for temporary in moves:
            temporary.unlink(missing_ok=True)


def save_intermediates(
    restoration: Restoration, folder: Path, stem: str, stage: Callable[[Path], Path]
) -> dict[str, list[Path]]:
    """Writes every intermediate: `<stem>.<name>.npy` with the floats themselves, and 16-bit PNGs to look at.

    Intermediates of one or three channels give `<stem>.<name>.png`; others give `<stem>.<name>_<n>.png` for each
    three channels (or each channel). Pictures show the range that the architecture states, scaled to [0, 1] and
    clipped.

    Returns:
        The files of each intermediate, the floats first.
    """
    import numpy as np

    from explorer.encode import encode

    files: dict[str, list[Path]] = {}
    ranges = {each.name: each.range for each in restoration.described}
    for name, values in restoration.intermediates.items():
        floats = folder / f"{stem}.{name}.npy"
        np.save(stage(floats), values)
        files[name] = [floats]
        low, high = ranges.get(name, (0.0, 1.0))
        pictures = _as_pictures((values - np.float32(low)) / np.float32(high - low))
        for index, picture in enumerate(pictures):
            target = folder / (f"{stem}.{name}.png" if len(pictures) == 1 else f"{stem}.{name}_{index + 1}.png")
            stage(target).write_bytes(encode(picture, ".png", 16))
            files[name].append(target)
    return files


def _as_pictures(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Splits H x W x C values into colour pictures if C is a multiple of 3, otherwise into grey ones."""
    channels = values.shape[2]
    if channels % 3 == 0:
        return [values[:, :, first : first + 3] for first in range(0, channels, 3)]
    return [values[:, :, index] for index in range(channels)]
