"""The contents of a source: its photos in a fixed order, and each result's path."""

from __future__ import annotations

import codecs
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from explorer.batch import addresses, left_out
from explorer.batch.addresses import Found
from explorer.batch.left_out import LeftOut
from explorer.batch.manifest import MANIFEST
from explorer.batch.results import Results, Sources
from explorer.errors import OutputError, PhotoError
from explorer.formats import DEVELOPED_SUFFIXES, is_photo_name, suffix_of
from explorer.identity import first_among, identity, nearest_of

LISTS = ("txt", "lst", "list")
"""Suffixes of files that list photos, one per line."""
_ASKED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Item:
    """A photo and the path of its result."""

    input: str
    """Its canonical address."""
    output: str
    """Path of the result in the destination, with slashes."""
    found: Found


@dataclass(frozen=True)
class Listing:
    """The photos of a source."""

    items: list[Item]
    """Each photo once, in the source's order."""
    rows: list[int]
    """Indices into `items` in the source's order; photos that a list names twice occur twice."""
    left_out: list[LeftOut] = field(default_factory=list)
    """The folder's other files, except for the destination."""


def list_source(source: str, destination: str, suffix: str = ".png", *, only_raw: bool = False) -> Listing:
    """Lists the photos of a source.

    Args:
        source: a folder, whose photos are taken with those of its subfolders, sorted by path; a list
            (`.txt`, `.lst`, `.list`) of addresses or of paths relative to it, one a line, `#` before a remark; or one
            photograph.
        destination: the canonical address of the folder that receives the results.
        suffix: of the results.
        only_raw: skip a folder's developed pictures.

    Returns:
        Results have the paths of the photos in the folder (or, for a list, relative to it; the whole path if it is
        absolute), as `<stem>.png`, or `<full name>.png` where two photographs of a folder share a stem.

    Raises:
        PhotoError: there is nothing at the address, or no photo in it.
        OutputError: a result would replace a photo, or the next run would take it for one.
    """
    address = addresses.canonical(source)
    passed_over: list[LeftOut] = []
    folder = ""
    if addresses.is_folder(address):
        folder = address
        inputs, places, found, passed_over = _in_folder(address, source, destination, only_raw)
        rows = list(range(len(inputs)))
    elif addresses.find_one(address) == addresses.ABSENT:
        raise PhotoError(f"There is no folder, list or photo at '{source}'; check the address.")
    elif address.rpartition(".")[2].lower() in LISTS:
        inputs, places, rows = _named(address, source)
        with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
            found = list(threads.map(addresses.find_one, inputs, chunksize=16))
    else:
        inputs, places, rows = [address], [addresses.name_of(address)], [0]
        found = [addresses.find_one(address)]
    outputs = name_results(places, inputs, suffix)
    if not addresses.is_local(destination):  # a store's names are text
        outputs = [addresses.as_text(output) for output in outputs]
    _check_apart(inputs, outputs, destination, folder, source)
    return Listing([Item(*each) for each in zip(inputs, outputs, found, strict=True)], rows, passed_over)


def _in_folder(
    address: str, source: str, destination: str, only_raw: bool
) -> tuple[list[str], list[str], list[Found], list[LeftOut]]:
    """Lists the photos of a folder: addresses, paths in it, and sizes and stamps; and what is skipped."""
    if address == destination or _same(address, destination):
        raise OutputError(f"The results would end up among the photos in {source}; choose another destination.")
    entries, manifests, passed_over = _scanned(address, destination, only_raw=only_raw)
    folders = [address, *manifests]
    if addresses.is_local(address):
        folders += sorted({addresses.parent(addresses.join(address, inside)) for inside, _ in entries})
    places = {addresses.join(address, inside): (inside, found) for inside, found in entries}
    results = _results_among([(place, found.bytes) for place, (_, found) in places.items()], folders)
    passed_over += [LeftOut(places[place][0], left_out.RESULT) for place in sorted(results)]
    taken = [(place, *entry) for place, entry in places.items() if place not in results]
    if not taken:
        raise PhotoError(left_out.nothing_in(source, passed_over))
    return [t[0] for t in taken], [t[1] for t in taken], [t[2] for t in taken], passed_over


def _scanned(
    folder: str, destination: str = "", *, within: bool = True, only_raw: bool = False
) -> tuple[list[tuple[str, Found]], list[str], list[LeftOut]]:
    """Lists the photos of a folder, recognised by suffix, as sorted paths in it; its folders with a manifest; and, also
    sorted, everything else."""
    entries: list[tuple[str, Found]] = []
    manifests: list[str] = []
    passed_over: list[LeftOut] = []

    def note(inside: str, reason: str) -> None:
        passed_over.append(LeftOut(inside, reason))

    for inside, found in addresses.find_all(folder, destination, note, within=within):
        if only_raw and suffix_of(inside) in DEVELOPED_SUFFIXES:
            note(inside, left_out.DEVELOPED)
        elif is_photo_name(inside):
            entries.append((inside, found))
        elif addresses.name_of(inside) == MANIFEST:
            manifests.append(addresses.parent(addresses.join(folder, inside)))
        else:
            note(inside, left_out.SUFFIX)
    return sorted(entries, key=lambda entry: entry[0]), manifests, sorted(passed_over, key=lambda each: each.name)


def _results_among(files: Sequence[tuple[str, int]], folders: Iterable[str], out: Sequence[str] = ()) -> set[str]:
    """Returns the files that are results, not photos: those that the folder `out` records, and those that other folders
    record and whose own photo is among the files.

    Args:
        files: canonical addresses with sizes.
    """
    own, others = Results(out), Results(folders)
    if not (own or others):
        return set()
    sources = Sources([place for place, _ in files])

    def is_result(place: str, size: int) -> bool:
        made = others.made(place, size)
        return own.made(place, size) is not None or (made is not None and sources.hold(made.photograph))

    return {place for place, size in files if is_result(place, size)}


@dataclass(frozen=True)
class Named:
    """The photos of a command line, with folders replaced by their photos."""

    files: list[Path]
    found: list[Found]
    """What the listing says about each photo."""
    any_folder: bool
    left_out: list[LeftOut]
    """Files of the folders that were skipped."""


def list_named(named: Iterable[Path], out: Path | None = None, *, only_raw: bool = False) -> Named:
    """Keeps files as they are named, and replaces local folders by the photos in them: sorted, without hidden ones and
    subfolders.

    Results are not restored again: neither those that the output folder records, nor those of another named folder
    whose own photo is restored now too.

    Args:
        out: the folder of the results, if it is one.
        only_raw: skip the folders' developed pictures.

    Raises:
        PhotoError: a folder without photos.
    """
    files: list[tuple[Path, Found]] = []
    passed_over: list[LeftOut] = []
    folders = []
    for path in named:
        if path.is_dir():
            folders.append(path)
            entries, _, others = _scanned(str(path), within=False, only_raw=only_raw)
            files += [(path / inside, found) for inside, found in entries]
            passed_over += [LeftOut(str(path / each.name), each.reason) for each in others]
        else:
            files.append((path, addresses.find_one(str(path))))
    sizes = [(str(path.absolute()), found.bytes) for path, found in files]
    results = _results_among(sizes, [str(f.absolute()) for f in folders], [str(out.absolute())] if out else ())
    if folders or any(place not in results for place, _ in sizes):  # who names results only means them
        passed_over += [LeftOut(str(path), left_out.RESULT) for path, _ in files if str(path.absolute()) in results]
        files = [each for each in files if str(each[0].absolute()) not in results]
    for folder in folders:
        if not any(path.parent == folder for path, _ in files):
            there = [each for each in passed_over if Path(each.name).parent == folder]
            raise PhotoError(left_out.nothing_in(str(folder), there))
    return Named([path for path, _ in files], [found for _, found in files], bool(folders), passed_over)


def _same(one: str, other: str) -> bool:
    """True if two local paths lead to the same file."""
    return (
        addresses.is_local(one)
        and addresses.is_local(other)
        and (found := identity(one)) is not None
        and found == identity(other)
    )


def _check_apart(inputs: Sequence[str], outputs: Sequence[str], destination: str, folder: str, source: str) -> None:
    """Refuses results that would replace photos, or that the folder's next run would take for photos, through any link
    and with any spelling of the paths.

    Args:
        folder: of the photos; empty for a list and for one photo.

    Raises:
        OutputError: names the first such result.
    """
    targets = [addresses.join(destination, output) for output in outputs]
    sources = set(inputs)
    clash = next((target for target in targets if target in sources), None)
    if clash is None and addresses.is_local(destination):
        clash = first_among(targets, (each for each in inputs if addresses.is_local(each)))
    if clash is not None:
        raise OutputError(f"The result would replace the photo '{clash}'; choose another destination.")
    if not folder:
        return
    for place in sorted({addresses.parent(target) for target in targets}):
        if addresses.is_local(place):
            among = addresses.is_local(folder) and nearest_of(place, (folder, destination)) == folder
        else:
            among = f"{place}/".startswith(f"{folder}/") and not (
                len(destination) >= len(folder) and f"{place}/".startswith(f"{destination}/")
            )
        if among:
            raise OutputError(
                f"The results in {place} would end up among the photos in {source}; choose another destination."
            )


def _named(address: str, source: str) -> tuple[list[str], list[str], list[int]]:
    """Returns the addresses of a list without repetitions, the paths of their results, and the list's own order."""
    try:
        data = addresses.read(address)
    except OSError as error:
        raise PhotoError(f"The list '{source}' cannot be read as text ({error}); correct it.") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data:
        raise PhotoError(f"The list '{source}' is not UTF-8 text; save it as UTF-8.")
    text = data.decode("utf-8-sig", "surrogateescape")  # names are what the system has, in UTF-8 or not
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
        raise PhotoError(f"The list '{source}' lists no photos; put one address on each line.")
    return list(known), places, rows


def name_results(places: Sequence[str], inputs: Sequence[str], suffix: str = ".png") -> list[str]:
    """Returns the paths of results in the destination, each unique even if case is ignored.

    Args:
        places: the photos' paths, with slashes.
        inputs: their addresses, from which a name is made if all others would collide.
    """
    stems = [_without_suffix(place) for place in places]
    shared = _repeated(stems)
    names = [place if stem.casefold() in shared else stem for place, stem in zip(places, stems, strict=True)]
    # A photo's name may equal another one's full name: `a.jpg.png` next to `a.jpg` and `a.dng`.
    while clashing := _repeated(names):
        again = [place if name.casefold() in clashing else name for place, name in zip(places, names, strict=True)]
        if again == names:
            break
        names = again
    return [
        f"{name}.{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}{suffix}"
        if name.casefold() in clashing
        else f"{name}{suffix}"
        for name, source in zip(names, inputs, strict=True)
    ]


def _without_suffix(place: str) -> str:
    folder, slash, name = place.rpartition("/")
    stem, dot, _ = name.rpartition(".")
    return f"{folder}{slash}{stem if dot and stem else name}"


def _repeated(names: Iterable[str]) -> set[str]:
    counts = Counter(map(str.casefold, names))
    return {name for name, count in counts.items() if count > 1}
