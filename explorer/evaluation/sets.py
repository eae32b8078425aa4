"""Benchmark sets in the layouts of their papers: pairs of pictures (LOL, SICE) and of RAW exposures (SID).

LOL: Wei et al., "Deep Retinex Decomposition for Low-Light Enhancement", BMVC 2018. SICE: Cai, Gu and Zhang, "Learning a
Deep Single Image Contrast Enhancer from Multi-Exposure Images", TIP 2018. SID: Chen, Chen, Xu and Koltun, "Learning to
See in the Dark", CVPR 2018, section 3 and the authors' lists of exposures.
"""

from __future__ import annotations

import re
from pathlib import Path

from explorer.errors import DataError
from explorer.evaluation.pairs import Pair, list_pairs

LARGEST_RATIO = 300.0
"""SID's limit for the ratio of the exposure times (section 4.2)."""
_LISTS = {"sid_sony": "Sony_{split}_list.txt", "sid_fuji": "Fuji_{split}_list.txt"}
_PICTURES = {
    "test": (("eval15/low", "eval15/high"), ("Test/Low", "Test/Normal"), ("low", "high")),
    "train": (("our485/low", "our485/high"), ("Train/Low", "Train/Normal"), ("low", "high")),
}
_SECONDS = re.compile(r"_(\d+(?:\.\d+)?)s\.[A-Za-z0-9]+$")
SETS = ("lol", "sice", *_LISTS)
"""Names of the sets."""
SPLITS = ("train", "val", "test")


def list_set(name: str, folder: Path, split: str = "test") -> list[Pair]:
    """Lists the pairs of a benchmark set.

    Args:
        name: one of `SETS`.
        folder: for `lol` the folder that contains `eval15/` (or LOL-v2's `Test/`, or `low/` and `high/`); for `sice`
            the one that contains `low/`, `high/` and `train.txt` or `val.txt` with a name per line; for SID the one
            that contains the authors' lists (`Sony_test_list.txt`) and the folders named in them.
        split: one of `SPLITS`; LOL has no `val`, SICE no `test`.

    Raises:
        DataError: unknown set or split, missing files; the message names them.
    """
    if name not in SETS or split not in SPLITS:
        raise DataError(
            f"There is no set {name!r} with a part {split!r}; the sets are {', '.join(SETS)}, the parts "
            f"{', '.join(SPLITS)}."
        )
    if name in _LISTS:
        return read_exposure_list(folder / _LISTS[name].format(split=split), folder)
    if name == "sice":
        return _listed_pairs(folder, f"{split}.txt")
    for low, high in _PICTURES.get(split, ()):
        if (folder / low).is_dir() and (folder / high).is_dir():
            return list_pairs(folder / low, folder / high)
    raise DataError(f"{folder} does not hold LOL's {split} pairs; give the folder with eval15/low and eval15/high.")


def _listed_pairs(folder: Path, names: str) -> list[Pair]:
    """Returns the pairs of `low/` and `high/` named in a list."""
    try:
        wanted = {Path(line.strip()).stem for line in (folder / names).read_text().splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError):
        raise DataError(
            f"{folder / names} cannot be read; it should list the pairs of this part, one name per line; choose "
            f"another part."
        ) from None
    pairs = [pair for pair in list_pairs(folder / "low", folder / "high") if pair.name in wanted]
    if len(pairs) < len(wanted):
        raise DataError(f"{folder / names} lists {len(wanted)} pairs, but only {len(pairs)} exist; copy the others.")
    return pairs


def read_exposure_list(path: Path, folder: Path) -> list[Pair]:
    """Reads SID's list, with lines like `./Sony/short/10003_00_0.04s.ARW ./Sony/long/10003_00_10s.ARW ISO200 F9`.

    The exposure times are in the names; their ratio is limited to 300.

    Args:
        folder: base of the list's relative paths.

    Raises:
        DataError: no list, an invalid line, or missing files; the message names the first.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"The list {path} cannot be read ({getattr(error, 'strerror', None) or 'no text'}); give the folder that "
            "holds the lists of SID's authors."
        ) from error
    pairs = []
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts:
            continue
        times = [_SECONDS.search(part) for part in parts[:2]]
        if len(parts) < 2 or times[0] is None or times[1] is None:
            raise DataError(
                f"Line {number} of {path} does not name two exposures with their seconds; correct the list."
            )
        short, long = float(times[0][1]), float(times[1][1])
        if not 0 < short <= long:
            raise DataError(f"Line {number} of {path} has the longer exposure first; correct the list.")
        dark, bright = folder / parts[0], folder / parts[1]
        pairs.append(Pair(dark.stem, dark, bright, min(long / short, LARGEST_RATIO)))
    missing = [str(file) for pair in pairs for file in (pair.dark, pair.bright) if not file.is_file()]
    if missing:
        raise DataError(f"{path} names {len(missing)} missing files ({missing[0]}); copy them there.")
    if not pairs:
        raise DataError(f"The list {path} is empty; get it again.")
    return pairs
