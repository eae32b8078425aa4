"""`lowlight eval`: measures models on pairs of pictures, on synthetic RAW, or on a photographed colour chart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from explorer.cli.evaluation_options import (
    DEFAULT_RATIOS,
    FLAT_RATIOS,
    Asked,
    check_texts,
    contradictions,
    parse_ratios,
)
from explorer.cli.grouped import spread
from explorer.cli.options import chosen_engine
from explorer.cli.terminal import print_json, print_table, progress, write_text
from explorer.errors import DataError, WeightsError

if TYPE_CHECKING:
    from explorer import LoadedModel
    from explorer.batch.run import Engine
    from explorer.evaluation.records import Figures
    from explorer.evaluation.tables import Point, Table


@dataclass(frozen=True)
class _Measured:
    """Results of one kind of measurement."""

    table: Table
    plain: dict[str, Any]
    """For JSON."""
    points: list[Point] = field(default_factory=list)
    title: str = ""
    """Title of the plot."""
    figures: list[tuple[Figures, str]] = field(default_factory=list)
    """For recording: each model's figures and the sha256 of its weights."""


@spread
def evaluate(context: typer.Context, asked: Asked) -> None:
    """Measure models on the same pictures: PSNR, SSIM and seconds per picture.

    GT-MEAN figures scale the result to the reference's mean first, which forgives
    a wrong brightness: do not compare them with plain PSNR and SSIM. --chart gives
    CIEDE2000. --flat gives power relative to neighbouring frequencies along rows /
    columns; values up to 1.5 mean no weave.
    """
    for contradiction, sentence in contradictions(asked):
        if contradiction:
            context.fail(sentence)
    if asked.leaderboard:
        from explorer.cli.leaderboard import measure_board

        return measure_board(asked)
    check_texts(asked)
    recorded = [_folder(name) for name in asked.models] if asked.record else []
    if asked.plot is not None:
        from explorer.cli.plots import check_plot

        folders = [*(asked.data or ()), asked.synthetic_raw, asked.benchmark and asked.benchmark[1]]
        check_plot(asked.plot, [folder for folder in folders if folder])
    through = None
    if asked.benchmark is not None:
        through = chosen_engine(context, asked.engine, asked.address, asked.workers)
    measured = _measure(asked, through)
    if asked.record:
        from explorer.evaluation.records import record as write_figures

        for folder, (figures, sha256) in zip(recorded, measured.figures, strict=True):
            write_figures(folder, figures, sha256)
    _present(asked, measured)


def _measure(asked: Asked, through: Engine | None) -> _Measured:
    if asked.data is not None:
        return _on_pairs(asked, asked.data)
    if asked.synthetic_raw is not None:
        return _on_synthetic_raw(asked, asked.synthetic_raw)
    if asked.flat:
        return _on_flat(asked)
    if asked.benchmark is not None and through is not None:
        return _on_set(asked, *asked.benchmark, through)
    assert asked.chart is not None
    return _on_chart(asked, asked.chart)


def _present(asked: Asked, measured: _Measured) -> None:
    if asked.plot is not None:
        from explorer.cli.plots import write_plot

        write_plot(asked.plot, measured.points, measured.title)
    if asked.as_json:
        print_json(measured.plain)
    elif asked.as_markdown:
        from explorer.metrics import markdown_table

        write_text(markdown_table(*measured.table))
    else:
        print_table(*measured.table)


def _on_pairs(asked: Asked, data: tuple[Path, Path]) -> _Measured:
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.pairs import evaluate_pairs, list_pairs
    from explorer.evaluation.records import pair_figures
    from explorer.evaluation.tables import pair_points, pair_table

    pairs = list_pairs(*data)[: asked.limit]
    loaded = _load(asked.models)
    with progress(len(pairs) * len(loaded), quiet=asked.quiet) as shown:
        results = evaluate_pairs(pairs, loaded, asked.ratio, shown.advance)
    plain = {"low": str(data[0]), "high": str(data[1]), "ratio": asked.ratio}
    return _Measured(
        pair_table(results),
        plain | {"results": [spread(asdict(r)) for r in results]},
        pair_points(results),
        f"{data[0]}: {len(pairs)} pairs",
        [(pair_figures(result, *data), result.sha256) for result in results[1:]],
    )


def _on_set(asked: Asked, name: str, folder: Path, engine: Engine) -> _Measured:
    from explorer.batch.scoring import score_set
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.sets import list_set
    from explorer.evaluation.tables import pair_points, pair_table

    pairs = list_set(name, folder, asked.split)[: asked.limit]
    loaded = _load(asked.models)
    with progress(len(pairs), quiet=asked.quiet) as shown:
        results = score_set(pairs, loaded, engine, asked.ratio, shown.advance)
    plain = {
        "benchmark": name, "folder": str(folder), "split": asked.split, "engine": engine.name, "ratio": asked.ratio,
    }  # fmt: skip
    return _Measured(
        pair_table(results),
        plain | {"results": [spread(asdict(result)) for result in results]},
        pair_points(results),
        f"{name}, {asked.split}: {len(pairs)} pairs",
    )


def _on_synthetic_raw(asked: Asked, folder: Path) -> _Measured:
    from explorer.evaluation.metrics import spread
    from explorer.evaluation.records import synthetic_figures
    from explorer.evaluation.synthetic import evaluate_synthetic
    from explorer.evaluation.tables import synthetic_points, synthetic_table
    from explorer.training.data import list_pictures

    ratios = parse_ratios(asked.ratios)
    pictures = list(list_pictures(folder))[: asked.limit]
    loaded = _load(asked.models)
    options: dict[str, Any] = {"seed": asked.seed, "sensor": asked.sensor}
    with progress(len(pictures) * len(ratios) * len(loaded), quiet=asked.quiet) as shown:
        results = evaluate_synthetic(folder, ratios, loaded, limit=asked.limit, advance=shown.advance, **options)
    by_model = [(model.identity.sha256, [r for r in results if r.model == model.name]) for model in loaded]
    return _Measured(
        synthetic_table(results),
        {"synthetic_raw": str(folder), **options, "results": [spread(asdict(r)) for r in results]},
        synthetic_points(results),
        f"Synthetic RAW from {folder.name}, {'mean over the ratios' if len(ratios) > 1 else 'ratio'} "
        + ", ".join(f"{r:g}" for r in ratios),
        [(synthetic_figures(each, folder), sha256) for sha256, each in by_model],
    )


def _on_chart(asked: Asked, file: Path) -> _Measured:
    from explorer import open_photo
    from explorer.evaluation.chart import evaluate_chart, known_corners
    from explorer.evaluation.tables import chart_table

    places = asked.places or known_corners(file.name)
    photo = open_photo(file)
    loaded = _load(asked.models)
    with progress(len(loaded), quiet=asked.quiet) as shown:
        results = evaluate_chart(photo, places, loaded, shown.advance)
    plain = {"chart": str(file), "corners": [list(corner) for corner in places]}
    return _Measured(chart_table(results), plain | {"results": [asdict(result) for result in results]})


def _on_flat(asked: Asked) -> _Measured:
    from explorer import open_photo
    from explorer.evaluation.chart import known_corners
    from explorer.evaluation.flat import evaluate_flat
    from explorer.evaluation.records import flat_figures
    from explorer.evaluation.tables import flat_table

    chart = asked.chart
    ratios = parse_ratios(FLAT_RATIOS if asked.ratios == DEFAULT_RATIOS else asked.ratios)
    places = None if chart is None else (open_photo(chart), asked.places or known_corners(chart.name))
    loaded = _load(asked.models)
    with progress(len(loaded) * (len(ratios) + (chart is not None)), quiet=asked.quiet) as shown:
        results = evaluate_flat(loaded, ratios, places, shown.advance)
    of_models = [[r for r in results if r.model == model.name] for model in loaded]
    name = None if places is None else places[0].name
    return _Measured(
        flat_table(results),
        {"chart": None if chart is None else str(chart), "results": [asdict(r) for r in results]},
        figures=[(flat_figures(each, name), each[0].sha256) for each in of_models],
    )


def _load(names: list[str]) -> list[LoadedModel]:
    from explorer import load_model

    loaded = [load_model(name) for name in names]
    known = [model.name for model in loaded]
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise DataError(f"{', '.join(twice)} is given twice; give each model once.")
    return loaded


def _folder(name: str) -> Path:
    """Returns the folder of weights in which a model's figures are recorded.

    Raises:
        WeightsError: a classical method, or weights in the Hub's cache, which belong to their publisher.
    """
    from explorer.sources import installed

    found = installed().get(name)
    if found is None and Path(name).is_dir():
        return Path(name)
    if found is None or found.place == "hub":
        raise WeightsError(
            f"{name} has no folder of weights on this machine to record figures in; leave it out, or "
            "measure it without --record."
        )
    return found.folder
