"""`lowlight sweep`: measures the quality of models against light in electrons."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import OverwriteOption, QuietOption, numbers
from explorer.cli.outputs import check_apart, check_file, check_new
from explorer.cli.terminal import print_json, print_table, progress
from explorer.errors import DataError

if TYPE_CHECKING:
    from explorer.darkroom import SensorNoise
    from explorer.evaluation.sweep import SweepPoint

_ISO = 1600.0


def sweep(
    photographs: Annotated[Path, typer.Argument(metavar="IN", help="A well-lit photo to darken, or a folder of them.")],
    models: Annotated[
        list[str], typer.Option("--model", "-m", help="A model's name or a folder of weights; may be repeated.")
    ],
    camera: Annotated[
        str, typer.Option(help="A measured camera (`lowlight darken --list`), or a file written by `lowlight noise`.")
    ] = "sony_a7s2",
    iso: Annotated[
        str | None, typer.Option(help="ISO values, for example 400,6400; 1600 if there are no gains either.")
    ] = None,
    gains: Annotated[str | None, typer.Option(metavar="K,...", help="Counts per electron, instead of --iso.")] = None,
    ratios: Annotated[str, typer.Option(help="How many times less light, 1 to 300.")] = "3,10,30,100,300",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="Use only the first photos by name.")] = None,
    threshold: Annotated[float, typer.Option(help="PSNR, in dB, below which a model counts as broken.")] = 25.0,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the points as CSV.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot PSNR and SSIM against light: .html, .svg or .png.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the points as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Measure where each model breaks: PSNR and SSIM against electrons of middle grey.

    Darkens photos as `lowlight darken` does, at every ISO and ratio, and restores
    them with the true ratio. All models see the same exposures.
    """
    from explorer.evaluation.sweep import as_csv, photos_of, sweep_table
    from explorer.evaluation.sweep import sweep as measure_all

    files = photos_of(photographs, limit)
    _check(files, csv, plot)
    check_new(csv, overwrite)
    noises = _noises(camera, iso, gains)
    wanted = _numbers(ratios, "--ratios")
    from explorer import load_model

    loaded = [load_model(name) for name in dict.fromkeys(models)]
    with progress(len(files) * len(noises) * len(wanted) * len(loaded), quiet=quiet) as shown:
        points = measure_all(files, loaded, noises, wanted, seed=seed, advance=shown.advance)
    if csv is not None:
        from explorer.encode import write_bytes

        write_bytes(csv, as_csv(points))
    if plot is not None:
        _plot(points, plot, f"{noises[0].camera}: {len(files)} photos made dark")
    if as_json:
        print_json([asdict(point) for point in points])
    else:
        print_table(*sweep_table(points, threshold))


def _noises(camera: str, iso: str | None, gains: str | None) -> list[SensorNoise]:
    """Returns the camera at each sensitivity; that of a file has only one."""
    from explorer.darkroom import CAMERAS, noise_named

    if iso is None and gains is None:
        return [noise_named(camera, _ISO if camera in CAMERAS else None)]
    isos = [None] if iso is None else _numbers(iso, "--iso")
    return [
        noise_named(camera, one, gain)
        for one in isos
        for gain in ([None] if gains is None else _numbers(gains, "--gains"))
    ]


def _plot(points: list[SweepPoint], path: Path, title: str) -> None:
    from explorer.cli.plots import write_figure
    from explorer.views.plots import quality_against_light

    lines: dict[str, list[tuple[float, float, float]]] = {}
    for point in points:
        lines.setdefault(point.model, []).append((point.grey_electrons, point.psnr, point.ssim))
    write_figure(path, quality_against_light(lines), title)


def _check(files: list[Path], csv: Path | None, plot: Path | None) -> None:
    """Refuses outputs before anything is measured."""
    check_apart([csv], files)
    if csv is not None:
        check_file(csv, [".csv"])
    if plot is not None:
        from explorer.cli.plots import check_plot

        check_plot(plot, [files[0].parent])


def _numbers(text: str, option: str) -> list[float]:
    """Parses "400,1600" as numbers without repetitions, in their order.

    Raises:
        DataError: there are no numbers, or one is not above 0.
    """
    values = numbers(text)
    if not values or not all(0 < value < 1e9 for value in values):
        raise DataError(f"{option} {text[:40]!r} cannot be used; give numbers separated by commas.")
    return list(dict.fromkeys(values))
