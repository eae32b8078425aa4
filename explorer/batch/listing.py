"""What a source holds: its photographs in a certain order, and where each one's result goes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from explorer.batch import addresses
from explorer.batch.addresses import Found
from explorer.errors import OutputError, PhotoError

_RAW = "3fr arw cr2 cr3 crw dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw rw2 rwl sr2 srf srw x3f"
_DEVELOPED = "jpg jpeg png tif tiff webp bmp gif heic heif avif"
SUFFIXES = frozenset(f"{_RAW} {_DEVELOPED}".split())
"""Of files that are taken from a folder; what a file named by itself is, its content says."""
LISTS = ("txt", "lst", "list")
"""Suffixes of files that name photographs, one a line."""
_ASKED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph and where its result goes."""

    input: str
    """Its canonical address."""
    output: str
    """Of the result, in the destination, with slashes."""
    found: Found


@dataclass(frozen=True)
class Listing:
    """All photographs of a source."""

    items: list[Item]
    """Each once, in the source's order."""
    rows: list[int]
    """Indices into `items` in the source's order: what a list names twice is there twice."""


def list_source(source: str, destination: str, suffix: str = ".png") -> Listing:
    """The photographs of a source.

    Args:
        source: a folder, whose photographs are taken with those of the folders within, sorted by their path; a list
            (`.txt`, `.lst`, `.list`) of addresses or of paths relative to it, one a line, `#` before a remark; or one
            photograph.
        destination: the canonical address of the folder that receives the results.
        suffix: of the results.

    Returns:
        Results lie as the photographs do in the folder (or, for a list, relative to it; by their whole path where it
        names them so), as `<stem>.png`, or `<full name>.png` where two photographs of a folder share a stem.

    Raises:
        PhotoError: there is nothing at the address, or no photograph in it.
        OutputError: a result would replace a photograph, or would be taken for one at the next run.
    """
    address = addresses.canonical(source)
    if addresses.is_folder(address):
        if address == destination:
            raise OutputError(f"The results would lie among the photographs in {source}; name another destination.")
        entries = sorted(
            (inside, found)
            for inside, found in addresses.find_all(address, leave_out=destination)
            if inside.rpartition(".")[2].lower() in SUFFIXES
        )
        if not entries:
            raise PhotoError(f"The folder '{source}' holds no photographs; name one that does.")
        inputs = [addresses.join(address, inside) for inside, _ in entries]
        places, found = [inside for inside, _ in entries], [each for _, each in entries]
        rows = list(range(len(inputs)))
    elif addresses.find_one(address) == addresses.ABSENT:
        raise PhotoError(f"There is no folder, list or photograph at '{source}'; check the address.")
    elif address.rpartition(".")[2].lower() in LISTS:
        inputs, places, rows = _named(address, source)
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
            found = list(threads.map(addresses.find_one, inputs, chunksize=16))
    else:
        inputs, places, rows = [address], [address.replace("\\", "/").rpartition("/")[2]], [0]
        found = [addresses.find_one(address)]
    outputs = name_results(places, inputs, suffix)
    sources = set(inputs)
    for output in outputs:
        if addresses.join(destination, output) in sources:
            raise OutputError(f"The result would replace the photograph '{output}'; name another destination.")
    return Listing([Item(*each) for each in zip(inputs, outputs, found, strict=True)], rows)


def _named(address: str, source: str) -> tuple[list[str], list[str], list[int]]:
    """Addresses of a list without repetitions, where their results lie, and the list's own order."""
    try:
        text = addresses.read(address).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PhotoError(f"The list '{source}' cannot be read as text ({error}); correct it.") from error
    beside = addresses.parent(address)
    known: dict[str, int] = {}
    places: list[str] = []
    rows: list[int] = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        named = addresses.canonical(line, beside)
        if named not in known:
            known[named] = len(known)
            start = beside.rstrip("/") + "/"
            inside = named.removeprefix(start) if named.startswith(start) else named.replace("://", "/")
            parts = inside.replace("\\", "/").replace(":", "").split("/")
            places.append("/".join(part for part in parts if part not in ("", ".", "..")))
        rows.append(known[named])
    if not rows:
        raise PhotoError(f"The list '{source}' names no photographs; put one address on each line.")
    return list(known), places, rows


def name_results(places: Sequence[str], inputs: Sequence[str], suffix: str = ".png") -> list[str]:
    """Where results lie in the destination, each in a place of its own, also where upper and lower case are the same.

    Args:
        places: the photographs' paths, with slashes.
        inputs: their addresses, of which a name is made where all else would collide.
    """
    stems = [_without_suffix(place) for place in places]
    shared = _repeated(stems)
    names = [place if stem.casefold() in shared else stem for place, stem in zip(places, stems, strict=True)]
    # A photograph may be called as another one's full name: `a.jpg.png` beside `a.jpg` and `a.dng`.
    while clashing := _repeated(names):
        again = [place if name.casefold() in clashing else name for place, name in zip(places, names, strict=True)]
        if again == names:
            break
        names = again
    return [
        f"{name}.{hashlib.sha256(source.encode()).hexdigest()[:8]}{suffix}"
        if name.casefold() in clashing
        else f"{name}{suffix}"
        for name, source in zip(names, inputs, strict=True)
    ]


def _without_suffix(place: str) -> str:
    folder, slash, name = place.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return f"{folder}{slash}{stem if dot and stem else name}"


def _repeated(names: Iterable[str]) -> set[str]:
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        counts[name.casefold()] += 1
    return {name for name, count in counts.items() if count > 1}
