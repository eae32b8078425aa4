"""`lowlight eval`: models measured on pairs of pictures, or on synthetic RAW."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explorer.cli.terminal import print_json, print_table, progress, write_line
from explorer.errors import DataError, RatioError

if TYPE_CHECKING:
    from explorer import LoadedModel


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
    ratios: Annotated[str, typer.Option(help="Amplification ratios of the synthetic RAW.")] = "30,100,300",
    ratio: Annotated[str, typer.Option(help="Amplification for --data; `auto` by each model's own rule.")] = "auto",
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first pictures by name.")] = None,
    seed: Annotated[int, typer.Option(help="Of the synthetic cameras and their noise.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Measure models: PSNR, SSIM and seconds a picture, all on the same pictures.

    GT-MEAN PSNR is another measure than PSNR: the result is first scaled to the
    reference's mean, which forgives a wrong brightness.
    """
    if (data is None) == (synthetic_raw is None):
        context.fail("Give either --data LOW_DIR HIGH_DIR or --synthetic-raw DIR.")
    if as_json and as_markdown:
        context.fail("Give either --json or --markdown.")
    wanted_ratios = parse_ratios(ratios)

    from explorer.evaluation.tables import markdown, pair_table, synthetic_table

    if data is not None:
        from explorer.evaluation.pairs import evaluate_pairs, list_pairs

        pairs = list_pairs(*data)[:limit]
        loaded = _load(models)
        with progress(len(pairs) * len(loaded), quiet=quiet) as shown:

            def advance(what: str) -> None:
                shown.say(what)
                shown.advance()

            measured = evaluate_pairs(pairs, loaded, ratio, advance)
        plain: dict[str, Any] = {"low": str(data[0]), "high": str(data[1]), "ratio": ratio}
        plain["results"] = [asdict(result) for result in measured]
        table = pair_table(measured)
    else:
        from explorer.evaluation.synthetic import evaluate_synthetic
        from explorer.training.data import list_pictures

        assert synthetic_raw is not None
        pictures = list(list_pictures(synthetic_raw))[:limit]
        loaded = _load(models)
        with progress(len(pictures) * len(wanted_ratios) * len(loaded), quiet=quiet) as shown:

            def advance(what: str) -> None:
                shown.say(what)
                shown.advance()

            found = evaluate_synthetic(synthetic_raw, wanted_ratios, loaded, seed=seed, limit=limit, advance=advance)
        plain = {"synthetic_raw": str(synthetic_raw), "seed": seed, "results": [asdict(result) for result in found]}
        table = synthetic_table(found)
    if as_json:
        print_json(plain)
    elif as_markdown:
        write_line(markdown(table))
    else:
        print_table(*table)


def _load(names: list[str]) -> list[LoadedModel]:
    from explorer import load_model

    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{', '.join(twice)} is named twice; name each model once.")
    return [load_model(name) for name in names]


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
