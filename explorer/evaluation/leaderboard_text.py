"""The leaderboard as tables, as a Markdown page, and as answers to "Which checkpoint?"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.evaluation.leaderboard import PICTURE, SETS, BoardSet, Row
from explorer.metrics import METRICS, Metric
from explorer.weights.catalogue import CATALOGUE

if TYPE_CHECKING:  # imports torch, and the app starts before it is needed
    from explorer.evaluation.tables import Table

SHOWN = METRICS[:3]
HEADINGS = {
    "name": "Name",
    **{metric.name: metric.title for metric in SHOWN},
    "seconds": "Seconds",
    "parameters": "Parameters",
    "gmac": "GMac",
    "seen": "Scenes seen",
}
"""Headings of a set's table, by column."""
SEEN = {True: "yes", False: "no", None: "perhaps"}
"""The results of `saw`, in words."""
_COMPARED = 4
"""Smallest number of measured models before one is called the best."""


@dataclass(frozen=True)
class Question:
    """A kind of photo, and the set that represents it."""

    photo: str
    set_name: str
    """One of `SETS`."""


QUESTIONS = (
    Question("A RAW file, very dark", "kodak24_dark"),
    Question("A picture from a dark room, with noise", "lol_eval15"),
    Question("A picture in uneven or dim light, little noise", "sice_val"),
)
ANSWERS = {
    "photo": "Photo",
    "matched": "You set the brightness",
    "free": "The same, free to redistribute",
    "plain": "As it comes, brightness and all",
}
"""Columns of the table of answers: the best by GT-mean PSNR, as with the slider; the same among published ones whose
licence allows redistribution; and by PSNR, in which a wrong brightness weighs more than everything else."""


def saw(row: Row, each: BoardSet) -> bool | None:
    """True if a network was trained on scenes of a set; None if that cannot be excluded."""
    if row.kind == "method" or (row.kind == "own" and each.name != "lol_eval15"):
        return False
    if each.name == "lol_eval15":
        return row.saw_eval15
    if not row.seen or (each.name == "sice_val" and "SICE" in row.seen):
        return None
    return False


def set_table(rows: Iterable[Row], each: BoardSet) -> Table:
    """Returns a set's table, the best plain PSNR first."""
    measured = sorted((r for r in rows if each.name in r.figures), key=lambda r: -r.figures[each.name][METRICS[0].name])
    return tuple(HEADINGS.values()), [
        (
            row.name,
            *(metric.format(row.figures[each.name].get(metric.name)) for metric in SHOWN),
            f"{row.figures[each.name]['seconds']:.2g}" if "seconds" in row.figures[each.name] else "-",
            f"{row.parameters:,}" if row.parameters else "-",
            "-" if row.gmac is None else f"{row.gmac:.3g}",
            SEEN[saw(row, each)],
        )
        for row in measured
    ]


def answers(rows: Sequence[Row]) -> Table:
    """Returns the best for each kind of photo, among those not trained on the set; a dash if too few were measured."""
    psnr, gt_mean = METRICS[0], next(m for m in METRICS if m.matched)
    by_name = {each.name: each for each in SETS}
    found: list[tuple[str, ...]] = []
    for question in QUESTIONS:
        each = by_name[question.set_name]
        fair = [row for row in rows if row.architecture and each.name in row.figures and saw(row, each) is False]
        if len(fair) < _COMPARED:
            fair = []
        free = [row for row in fair if row.name in CATALOGUE and CATALOGUE[row.name].redistributable]
        found.append((question.photo, _best(fair, each, gt_mean), _best(free, each, gt_mean), _best(fair, each, psnr)))
    return tuple(ANSWERS.values()), found


def _best(rows: Sequence[Row], each: BoardSet, metric: Metric) -> str:
    if not rows:
        return "-"
    best = max(rows, key=lambda row: row.figures[each.name][metric.name])
    return f"{best.name} ({metric.format(best.figures[each.name][metric.name])} {metric.unit})"


def unmeasured(rows: Sequence[Row]) -> list[str]:
    """Returns rows that lack a set, with the sets' titles."""
    lacking = [(row, [each.title for each in SETS if each.name not in row.figures]) for row in rows]
    return [f"{row.name}: {', '.join(titles)}" for row, titles in lacking if titles]


def not_installed(rows: Sequence[Row]) -> list[str]:
    """Returns published checkpoints that were never measured, because their files were not installed."""
    known = {row.name for row in rows}
    return [entry.name for entry in CATALOGUE.values() if entry.downloadable and entry.name not in known]


def board_markdown(rows: Sequence[Row]) -> str:
    """Writes the whole page. It depends on the measurements alone, so that a new checkpoint leaves it as it is."""
    from explorer.metrics import markdown_table

    width, height = PICTURE
    parts = [
        "# Leaderboard",
        "Every network and method side by side, measured with this project's own code on local files; no figure comes "
        "from a paper. `lowlight eval --leaderboard` writes this page. It does not repeat figures of the same weights "
        "(`explorer/evaluation/leaderboard.json`, by sha256), so you can stop and resume it. "
        "Each network brightens, or is amplified, as with `--ratio auto`.",
        "Seconds are the median processor time for the whole restoration of one picture; GMac are for one "
        f"{width} x {height} picture. GT-mean PSNR scales the result to the reference's mean first, as if you set the "
        'brightness by hand. "Scenes seen" says whether scenes of the set were in the training data: such a row shows '
        "what the network remembers. Figures without seconds were recorded earlier by `lowlight eval`, with the same "
        "protocol.",
        "## Which checkpoint?",
        "The best of those that certainly saw none of the set's scenes:",
        markdown_table(*answers(rows)),
    ]
    for each in SETS:
        counts = sorted({int(row.figures[each.name]["pictures"]) for row in rows if each.name in row.figures})
        pictures = ", ".join(map(str, counts)) or "no"
        parts += [f"## {each.title}", f"{each.about} Pictures: {pictures}.", markdown_table(*set_table(rows, each))]
    parts += ["## Training data", "\n".join(_trained_on(rows))]
    if lacking := unmeasured(rows):
        parts += ["## Not measured yet", "\n".join(f"- {line}" for line in lacking)]
    parts.append("Published checkpoints that are missing here were never measured; the app's *Learn* tab names them.")
    return "\n\n".join(parts) + "\n"


def _trained_on(rows: Sequence[Row]) -> list[str]:
    trained = sorted((row for row in rows if row.kind != "method"), key=lambda row: row.name)
    return [f"- `{row.name}`: {row.seen or 'not stated by its authors'}" for row in trained]
