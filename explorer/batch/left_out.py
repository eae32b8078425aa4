"""Files that a run over a folder skips, counted and named by reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SUFFIX, HIDDEN, LINK, NO_FILE, WITHIN = "suffix", "hidden", "link", "no_file", "within"
RESULT, DEVELOPED = "result", "developed"
_WORDS = {
    SUFFIX: ("file without a photo's suffix", "files without a photo's suffix"),
    HIDDEN: ("hidden file or folder", "hidden files and folders"),
    LINK: ("link to a folder", "links to folders"),
    NO_FILE: ("thing that is neither a file nor a folder", "things that are neither files nor folders"),
    WITHIN: ("folder within", "folders within"),
    RESULT: ("result of an earlier run", "results of earlier runs"),
    DEVELOPED: ("developed picture, which is no RAW file", "developed pictures, which are no RAW files"),
}
"""Singular and plural of each reason, in the order of the report."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something in a folder that is skipped."""

    name: str
    """Its path in the folder."""
    reason: str


def is_own(name: str) -> bool:
    """True for names of the program's own hidden files, which are not reported."""
    return name.startswith((".lowlight-", ".manifest")) or ".partial" in name


def reason_of_folder(name: str, linked: bool, within: bool) -> str:
    """The reason why a subfolder is skipped; empty if it is not."""
    if name.startswith("."):
        return HIDDEN
    # A link may lead back up, and its target is not part of this folder anyway.
    return WITHIN if not within else LINK if linked else ""


def told(left_out: Sequence[LeftOut]) -> str:
    """Describes the skipped files in one line: counts, reasons and the first names; empty if there are none."""
    parts = []
    for reason, (one, several) in _WORDS.items():
        names = sorted(each.name for each in left_out if each.reason == reason)
        if names:
            more = "" if len(names) <= _NAMED else f", and {len(names) - _NAMED} more"
            parts.append(f"{len(names)} {one if len(names) == 1 else several} ({', '.join(names[:_NAMED])}{more})")
    return f"skipped: {'; '.join(parts)}" if parts else ""


def nothing_in(folder: str, left_out: Sequence[LeftOut]) -> str:
    """Returns the sentence for a folder without photos."""
    what = told(left_out)
    return f"The folder '{folder}' contains no photos{f' ({what})' if what else ''}; choose one that does."
