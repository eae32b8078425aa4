"""`lowlight eval`: models measured on pairs of pictures, on synthetic RAW, or on a photographed colour chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from explorer.cli.options import AddressOption, EngineOption, WorkersOption, chosen_engine
from explorer.cli.terminal import print_json, print_table, progress, write_text
from explorer.errors import DataError, RatioError, WeightsError

if TYPE_CHECKING:
    from explorer import LoadedModel
    from explorer.batch.run import Engine
    from explorer.evaluation.chart import Corners
    from explorer.evaluation.records import Figures
    from explorer.evaluation.tables import Point, Table

DEFAULT_RATIOS = "30,100,300"
FLAT_RATIOS = "30,100"


@dataclass(frozen=True)
class _Measured:
    """What one kind of measuring gave."""

    table: Table
    plain: dict[str, Any]
    """For JSON."""
    points: list[Point] = field(default_factory=list)
    title: str = ""
    """Of the plot."""
    figures: list[tuple[Figures, str]] = field(default_factory=list)
    """To be recorded: each model's figures and the sha256 of its weights."""


def evaluate(
    context: typer.Context,
    models: Annotated[
        list[str], typer.Option("--model", "-m", help="A model's name or a folder of weights; may be repeated.")
    ],
    data: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="LOW_DIR HIGH_DIR", help="Folders of dark and of well-exposed pictures with equal names."),
    ] = None,
    synthetic_raw: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Clean photographs, from which dark mosaics are synthesised.")
    ] = None,
    chart: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A photograph of a ColorChecker Classic: its colour error.")
    ] = None,
    corners: Annotated[
        str | None,
        typer.Option(
            metavar='"X,Y X,Y X,Y X,Y"',
            help="For --chart: centres of dark skin, bluish green, black and white, in pixels of the upright picture.",
        ),
    ] = None,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat",
            help="Weave at periods of 2, 4 and 8 pixels on synthetic grey, and on the --chart where one is given.",
        ),
    ] = False,
    benchmark: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="NAME DIR",
            help="A benchmark set in its folder: lol, sice, or sid_sony and sid_fuji with their lists.",
        ),
    ] = None,
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Part of the --benchmark.")] = "test",
    engine: EngineOption = "local",
    address: AddressOption = None,
    workers: WorkersOption = None,
    ratios: Annotated[
        str, typer.Option(help="Amplification ratios of the synthetic RAW; of --flat 30,100 unless given.")
    ] = DEFAULT_RATIOS,
    ratio: Annotated[
        str, typer.Option(help="Amplification for --data and lol; `auto` by each model's own rule.")
    ] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first pictures by name.")] = None,
    seed: Annotated[int, typer.Option(help="Of the synthetic cameras and their noise.")] = 0,
    sensor: Annotated[
        Literal["base", "high"],
        typer.Option(
            help="Synthetic sensors: at base ISO (15,000 to 60,000 electrons) or at high ISO (2,000 to 15,000)."
        ),
    ] = "base",
    record: Annotated[
        bool,
        typer.Option("--record", help="Write the figures into each model's folder of weights: config and card."),
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot PSNR against time: a .html, .svg or .png file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure models: PSNR, SSIM and seconds a picture, all on the same pictures.

    GT-MEAN PSNR is another measure than PSNR: the result is first scaled to the
    reference's mean, which forgives a wrong brightness. On a chart, CIEDE2000. With
    --flat, power relative to neighbouring frequencies along rows / columns; up to
    1.5 there is no weave.
    """
    if sum(each is not None for each in (data, synthetic_raw, None if flat else chart, benchmark, flat or None)) != 1:
        context.fail(
            "Give one of --data LOW_DIR HIGH_DIR, --synthetic-raw DIR, --chart FILE, --flat and --benchmark NAME DIR."
        )
    if as_json and as_markdown:
        context.fail("Give either --json or --markdown.")
    if chart is not None and not flat and (record or plot):
        context.fail("--record and --plot go with --data and --synthetic-raw, not with --chart.")
    if flat and plot:
        context.fail("--plot goes with --data and --synthetic-raw, not with --flat.")
    if corners is not None and chart is None:
        context.fail("--corners goes with --chart.")
    if record and (limit is not None or ratio != "auto" or seed != 0):
        context.fail("--record keeps figures of the whole protocol: leave out --limit, --ratio and --seed.")
    if benchmark is None and (engine, address, workers, split) != ("local", None, None, "test"):
        context.fail("--split, --engine, --address and --workers go with --benchmark.")
    if benchmark is not None and record:
        context.fail("--record goes with --data and --synthetic-raw, not with --benchmark.")
    wanted_ratios = parse_ratios(ratios)
    places = None if corners is None else parse_corners(corners)
    recorded = [_folder(name) for name in models] if record else []
    if plot is not None:
        from explorer.cli.plots import check_plot

        folders = [*(data or ()), synthetic_raw, benchmark and benchmark[1]]
        check_plot(plot, [folder for folder in folders if folder])

    if data is not None:
        measured = _on_pairs(data, models, ratio, limit, quiet)
    elif synthetic_raw is not None:
        measured = _on_synthetic_raw(synthetic_raw, models, wanted_ratios, limit, seed, sensor, quiet)
    elif flat:
        grey = parse_ratios(FLAT_RATIOS) if ratios == DEFAULT_RATIOS else wanted_ratios
        measured = _on_flat(models, grey, chart, places, quiet)
    elif benchmark is not None:
        through = chosen_engine(context, engine, address, workers)
        measured = _on_set(*benchmark, split, through, models, ratio, limit, quiet)
    else:
        assert chart is not None
        measured = _on_chart(chart, models, places, quiet)
    if record:
        from explorer.evaluation.records import record as write_figures

        for folder, (figures, sha256) in zip(recorded, measured.figures, strict=True):
            write_figures(folder, figures, sha256)
    if plot is not None:
        from explorer.cli.plots import write_plot

        write_plot(plot, measured.points, measured.title)
    if as_json:
        print_json(measured.plain)
    elif as_markdown:
        from explorer.evaluation.tables import markdown

        write_text(markdown(measured.table))
    else:
        print_table(*measured.table)


def _on_pairs(data: tuple[Path, Path], models: list[str], ratio: str, limit: int | None, quiet: bool) -> _Measured:
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.pairs import evaluate_pairs, list_pairs
    from explorer.evaluation.records import pair_figures
    from explorer.evaluation.tables import pair_points, pair_table

    pairs = list_pairs(*data)[:limit]
    loaded = _load(models)
    with _advancing(len(pairs) * len(loaded), quiet) as advance:
        results = evaluate_pairs(pairs, loaded, ratio, advance)
    plain = {"low": str(data[0]), "high": str(data[1]), "ratio": ratio, "results": [spread(asdict(r)) for r in results]}
    return _Measured(
        pair_table(results),
        plain,
        pair_points(results),
        f"{data[0]}: {len(pairs)} pairs",
        [(pair_figures(result, *data), result.sha256) for result in results[1:]],
    )


def _on_set(
    name: str,
    folder: Path,
    split: str,
    engine: Engine,
    models: list[str],
    ratio: str,
    limit: int | None,
    quiet: bool,
) -> _Measured:
    from explorer.batch.scoring import score_set
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.sets import list_set
    from explorer.evaluation.tables import pair_points, pair_table

    pairs = list_set(name, folder, split)[:limit]
    loaded = _load(models)
    with _advancing(len(pairs), quiet) as advance:
        results = score_set(pairs, loaded, engine, ratio, advance)
    plain = {"benchmark": name, "folder": str(folder), "split": split, "engine": engine.name, "ratio": ratio}
    return _Measured(
        pair_table(results),
        plain | {"results": [spread(asdict(result)) for result in results]},
        pair_points(results),
        f"{name}, {split}: {len(pairs)} pairs",
    )


def _on_synthetic_raw(
    folder: Path, models: list[str], ratios: list[float], limit: int | None, seed: int, sensor: str, quiet: bool
) -> _Measured:
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.records import synthetic_figures
    from explorer.evaluation.synthetic import evaluate_synthetic
    from explorer.evaluation.tables import synthetic_points, synthetic_table
    from explorer.training.data import list_pictures

    pictures = list(list_pictures(folder))[:limit]
    loaded = _load(models)
    with _advancing(len(pictures) * len(ratios) * len(loaded), quiet) as advance:
        results = evaluate_synthetic(folder, ratios, loaded, seed=seed, sensor=sensor, limit=limit, advance=advance)
    by_model = [(model.identity.sha256, [r for r in results if r.model == model.name]) for model in loaded]
    return _Measured(
        synthetic_table(results),
        {"synthetic_raw": str(folder), "seed": seed, "sensor": sensor, "results": [spread(asdict(r)) for r in results]},
        synthetic_points(results),
        f"Synthetic RAW from {folder.name}, {'mean over the ratios' if len(ratios) > 1 else 'ratio'} "
        + ", ".join(f"{r:g}" for r in ratios),
        [(synthetic_figures(each, folder), sha256) for sha256, each in by_model],
    )


def _on_chart(file: Path, models: list[str], corners: Corners | None, quiet: bool) -> _Measured:
    from explorer import open_photo
    from explorer.evaluation.chart import evaluate_chart, known_corners
    from explorer.evaluation.tables import chart_table

    places = known_corners(file.name) if corners is None else corners
    photo = open_photo(file)
    loaded = _load(models)
    with _advancing(len(loaded), quiet) as advance:
        results = evaluate_chart(photo, places, loaded, advance)
    plain = {"chart": str(file), "corners": [list(corner) for corner in places]}
    return _Measured(chart_table(results), plain | {"results": [asdict(result) for result in results]})


def _on_flat(
    models: list[str], ratios: list[float], chart: Path | None, corners: Corners | None, quiet: bool
) -> _Measured:
    from explorer import open_photo
    from explorer.evaluation.chart import known_corners
    from explorer.evaluation.flat import evaluate_flat
    from explorer.evaluation.records import flat_figures
    from explorer.evaluation.tables import flat_table

    places = None if chart is None else (open_photo(chart), corners or known_corners(chart.name))
    loaded = _load(models)
    with _advancing(len(loaded) * (len(ratios) + (chart is not None)), quiet) as advance:
        results = evaluate_flat(loaded, ratios, places, advance)
    of_models = [[r for r in results if r.model == model.name] for model in loaded]
    name = None if places is None else places[0].name
    return _Measured(
        flat_table(results),
        {"chart": None if chart is None else str(chart), "results": [asdict(r) for r in results]},
        figures=[(flat_figures(each, name), each[0].sha256) for each in of_models],
    )


@contextmanager
def _advancing(total: int, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Gives what shows progress, one call for each thing that is done."""
    with progress(total, quiet=quiet) as shown:

        def advance(what: str) -> None:
            shown.say(what)
            shown.advance()

        yield advance


def _load(names: list[str]) -> list[LoadedModel]:
    from explorer import load_model

    loaded = [load_model(name) for name in names]
    known = [model.name for model in loaded]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise DataError(f"{', '.join(twice)} is named twice; name each model once.")
    return loaded


def _folder(name: str) -> Path:
    """The folder of weights that a model's figures are recorded in.

    Raises:
        WeightsError: a classical method, or weights in the Hub's cache, which holds what others published.
    """
    from explorer.hub.resolver import at_hand

    found = at_hand().get(name)
    if found is None and Path(name).is_dir():
        return Path(name)
    if found is None or found.place == "hub":
        raise WeightsError(
            f"{name} has no folder of weights of its own on this machine to record figures in; leave it out, or "
            "measure it without --record."
        )
    return found.folder


def parse_ratios(text: str) -> list[float]:
    """ "30,100,300" as ascending numbers without repetitions.

    Raises:
        RatioError: one of them is not a number from 1 to 300.
    """
    from explorer.photo import check_ratio

    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise RatioError("--ratios names no ratio; give numbers from 1 to 300, for example 30,100,300.")
    return sorted({check_ratio(part) for part in parts})


def parse_corners(text: str) -> Corners:
    """ "10,20 90,20 90,70 10,70" as four points.

    Raises:
        DataError: they are not four pairs of numbers.
    """
    import math

    try:
        points = [tuple(float(part) for part in pair.split(",")) for pair in text.split()]
    except ValueError:
        points = []
    if len(points) != 4 or any(len(point) != 2 or not all(map(math.isfinite, point)) for point in points):
        raise DataError(
            f'The corners "{text[:60]}" cannot be used; give four points in pixels, for example '
            '"100,100 600,100 600,400 100,400".'
        )
    return tuple(points)  # type: ignore[return-value]
