"""Options of `lowlight eval`: their names, the combinations that they exclude, and the meaning of their texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from explorer.cli.options import AddressOption, EngineOption, WorkersOption, numbers
from explorer.errors import DataError, RatioError

if TYPE_CHECKING:
    from explorer.evaluation.chart import Corners

DEFAULT_RATIOS = "30,100,300"
FLAT_RATIOS = "30,100"


@dataclass(frozen=True)
class Asked:
    """The request of one command line."""

    models: Annotated[
        list[str], typer.Option("--model", "-m", help="A model's name or a folder of weights; may be repeated.")
    ] = field(default_factory=list)
    data: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="LOW_DIR HIGH_DIR", help="Folders of dark and of bright pictures, paired by name."),
    ] = None
    synthetic_raw: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Clean photos to make dark mosaics from.")
    ] = None
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A photo of a ColorChecker Classic: its colour error.")
    ] = None
    corners: Annotated[
        str | None,
        typer.Option(
            metavar='"X,Y X,Y X,Y X,Y"',
            help="For --chart: centres of dark skin, bluish green, black and white, in pixels of the upright picture.",
        ),
    ] = None
    flat: Annotated[
        bool,
        typer.Option(
            "--flat",
            help="Pattern noise at periods of 2, 4 and 8 pixels on synthetic grey, and on the --chart if given.",
        ),
    ] = False
    benchmark: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="NAME DIR",
            help="A benchmark set in its folder: lol, sice, or sid_sony and sid_fuji with their lists.",
        ),
    ] = None
    leaderboard: Annotated[
        bool,
        typer.Option(
            "--leaderboard",
            help="Measure every available model, or each --model, on the leaderboard's sets and write "
            "docs/leaderboard.md; existing figures are kept.",
        ),
    ] = False
    material: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="For --leaderboard: the folder with data/ and checkpoints*/; by default EXPLORER_SHARED, or shared/ "
            "next to the checkout.",
        ),
    ] = None
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For --leaderboard: where to write instead of the checkout.")
    ] = None
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Part of the --benchmark.")] = "test"
    engine: EngineOption = "local"
    address: AddressOption = None
    workers: WorkersOption = None
    ratios: Annotated[
        str, typer.Option(help="Amplification ratios of the synthetic RAW; --flat uses 30,100 by default.")
    ] = DEFAULT_RATIOS
    ratio: Annotated[
        str, typer.Option(help="Amplification for --data and lol; `auto` follows each model's own rule.")
    ] = "auto"
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first pictures by name.")] = None
    seed: Annotated[int, typer.Option(help="Seed of the synthetic cameras and their noise.")] = 0
    sensor: Annotated[
        Literal["base", "high"],
        typer.Option(
            help="Synthetic sensors: at base ISO (15,000 to 60,000 electrons) or at high ISO (2,000 to 15,000)."
        ),
    ] = "base"
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the config and card of each model's weights.")
    ] = False
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot PSNR against time: a .html, .svg or .png file.")
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False

    @property
    def places(self) -> Corners | None:
        """Returns the chart's corners, if given."""
        return None if self.corners is None else parse_corners(self.corners)


def contradictions(asked: Asked) -> list[tuple[bool, str]]:
    """Lists options that exclude each other: whether they occur together, and the message."""
    on_chart = asked.chart is not None and not asked.flat
    sources = (
        asked.data, asked.synthetic_raw, asked.chart if on_chart else None, asked.benchmark, asked.flat or None,
        asked.leaderboard or None,
    )  # fmt: skip
    plotted, sets = asked.plot is not None, "--data and --synthetic-raw"
    partly = (asked.limit, asked.ratio, asked.seed) != (None, "auto", 0)
    by_many = (asked.engine, asked.address, asked.workers, asked.split) != ("local", None, None, "test")
    return [
        (
            sum(each is not None for each in sources) != 1,
            "Give one of --data LOW_DIR HIGH_DIR, --synthetic-raw DIR, --chart FILE, --flat, --benchmark NAME DIR and "
            "--leaderboard.",
        ),
        (not asked.models and not asked.leaderboard, "Name a model with --model."),
        (
            asked.leaderboard and (asked.record or plotted or asked.as_markdown),
            "--record, --plot and --markdown do not go with --leaderboard, which writes its own page.",
        ),
        (
            asked.leaderboard and asked.limit is not None and asked.output is None,
            "With --leaderboard, --limit goes with --output: the published board has whole sets only.",
        ),
        (
            not asked.leaderboard and (asked.material is not None or asked.output is not None),
            "--material and --output go with --leaderboard.",
        ),
        (asked.as_json and asked.as_markdown, "Give either --json or --markdown."),
        (on_chart and (asked.record or plotted), f"--record and --plot go with {sets}, not with --chart."),
        (asked.flat and plotted, f"--plot goes with {sets}, not with --flat."),
        (asked.corners is not None and asked.chart is None, "--corners goes with --chart."),
        (
            asked.record and partly,
            "--record keeps figures of the whole protocol: leave out --limit, --ratio and --seed.",
        ),
        (
            asked.benchmark is None and by_many,
            "--split, --engine, --address and --workers go with --benchmark.",
        ),
        (asked.benchmark is not None and asked.record, f"--record goes with {sets}, not with --benchmark."),
    ]


def check_texts(asked: Asked) -> None:
    """Refuses invalid ratios and corners before anything is measured.

    Raises:
        RatioError, DataError: as `parse_ratios` and `parse_corners`.
    """
    parse_ratios(asked.ratios)
    if asked.corners is not None:
        parse_corners(asked.corners)


def parse_ratios(text: str) -> list[float]:
    """Parses "30,100,300" as ascending numbers without repetitions.

    Raises:
        RatioError: one of them is not a number from 1 to 300.
    """
    from explorer.photo import check_ratio

    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise RatioError("--ratios contains no ratio; give numbers from 1 to 300, for example 30,100,300.")
    return sorted({check_ratio(part) for part in parts})


def parse_corners(text: str) -> Corners:
    """Parses "10,20 90,20 90,70 10,70" as four points.

    Raises:
        DataError: they are not four pairs of numbers.
    """
    points = [tuple(numbers(pair) or ()) for pair in text.split()]
    if len(points) != 4 or any(len(point) != 2 for point in points):
        raise DataError(
            f'The corners "{text[:60]}" cannot be used; give four points in pixels, for example '
            '"100,100 600,100 600,400 100,400".'
        )
    return tuple(points)  # type: ignore[return-value]
