"""`lowlight darken` makes well-lit photos dark; `lowlight noise` measures the noise of your own camera."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explorer.cli.options import OverwriteOption, QuietOption
from explorer.cli.outputs import check_apart, check_file, check_new
from explorer.cli.terminal import print_json, print_table, progress, tell

if TYPE_CHECKING:
    from explorer.darkroom import Calibration, DarkExposure, SensorNoise


def darken(
    photograph: Annotated[
        Path | None, typer.Argument(metavar="IN", help="A well-lit photo, or a folder of them to make pairs of.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The RAW file (.dng) or 8-bit JPEG; of a folder, that of the pairs."),
    ] = None,
    camera: Annotated[
        str, typer.Option(help="A measured camera (--list), or a file written by `lowlight noise`.")
    ] = "sony_a7s2",
    iso: Annotated[float | None, typer.Option(help="The camera's ISO.")] = None,
    gain: Annotated[float | None, typer.Option(metavar="K", help="Counts per electron, instead of --iso.")] = None,
    ratio: Annotated[float, typer.Option(help="How many times less light, 1 to 300.")] = 100.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise: the same seed gives the same noise.")] = 0,
    phase: Annotated[str, typer.Option(help="RGGB, BGGR, GRBG, GBRG or X-Trans.")] = "RGGB",
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the bright reference: .png, .tif, .jpg or .webp.")
    ] = None,
    max_side: Annotated[int, typer.Option(min=64, help="Longest side of a folder's pairs, in pixels.")] = 1200,
    overwrite: OverwriteOption = False,
    list_them: Annotated[bool, typer.Option("--list", help="List the measured cameras and exit.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Make a well-lit photo dark, as a measured camera would have recorded it.

    Reports how dark it is: electrons of middle grey, their signal-to-noise ratio,
    and how many pixels got less light than one count.
    """
    if list_them:
        _list(as_json)
        return
    if photograph is None or out is None:
        raise typer.BadParameter("name a photograph and the file to write with -o, or --list.", param_hint="IN")
    from explorer import open_photo
    from explorer.darkroom import darken as make_dark
    from explorer.darkroom import noise_named

    if not photograph.is_dir():
        _check_outputs(photograph, out, reference, overwrite)
    elif reference is not None:
        raise typer.BadParameter("pairs of a folder have their references in high/.", param_hint="--reference")
    noise = noise_named(camera, iso, gain)
    if photograph.is_dir():
        from explorer.cli.pairs import darken_folder

        darken_folder(photograph, out, noise, ratio, seed, phase, max_side, overwrite=overwrite, quiet=quiet)
        return
    exposure = make_dark(open_photo(photograph), noise, ratio=ratio, seed=seed, phase=phase)
    if reference is not None:
        from explorer.encode import encode, write_bytes

        write_bytes(reference, encode(exposure.reference, reference.suffix))
    exposure.save(out)
    if as_json or not quiet:
        _report(photograph, out, exposure, as_json)


def _report(photograph: Path, out: Path, exposure: DarkExposure, as_json: bool) -> None:
    """Reports how dark it is."""
    noise = exposure.noise
    if as_json:
        known = {key: value for key, value in asdict(noise).items() if key != "xyz_to_camera"}
        print_json(
            {"input": str(photograph), "output": str(out), "ratio": exposure.ratio, "seed": exposure.seed,
             "phase": exposure.phase, "noise": known, "light": asdict(exposure.light)}
        )  # fmt: skip
        return
    at = f"ISO {noise.iso:g}" if noise.iso else f"{noise.gain:.3g} counts per electron"
    tell(f"{photograph} -> {out}: {noise.camera}, {at}, ratio {exposure.ratio:.4g}")
    tell(f"  {exposure.light}")


def _check_outputs(photograph: Path, out: Path, reference: Path | None, overwrite: bool) -> None:
    """Refuses files that cannot be written, or that would replace a photo, before any work."""
    from explorer.darkroom.darkening import SUFFIXES
    from explorer.encode import check_output

    check_file(out, SUFFIXES)
    if reference is not None:
        check_output(reference)
    check_apart((out, reference), [photograph])
    for path in (out, reference):
        check_new(path, overwrite)


def _list(as_json: bool) -> None:
    from explorer.darkroom import CAMERAS

    plain = [
        {"camera": each.key, "name": each.name, "iso": None if each.iso is None else each.iso_range,
         "gain": each.gain_range, "bits": int(each.white).bit_length(), "source": each.source}
        for each in CAMERAS.values()
    ]  # fmt: skip
    if as_json:
        print_json(plain)
        return
    print_table(
        ("CAMERA", "NAME", "ISO", "COUNTS PER ELECTRON", "BITS", "SOURCE"),
        [
            (str(each["camera"]), str(each["name"]), _span(each["iso"]), _span(each["gain"]), str(each["bits"]),
             str(each["source"]))
            for each in plain
        ],
    )  # fmt: skip


def _span(bounds: object) -> str:
    return "-" if not isinstance(bounds, tuple) else f"{bounds[0]:.3g} to {bounds[1]:.6g}"


def noise(
    frames: Annotated[
        list[Path],
        typer.Argument(
            metavar="DARK... FLAT...",
            help="RAW files of one camera and one ISO: dark frames (lens cap on) and flat ones (an evenly lit surface, "
            "half exposed), best two or more of each. Their brightness tells which is which.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="JSON", help="A file for `lowlight darken --camera`."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Plot variance against mean: a .html, .svg or .png file.")
    ] = None,
    overwrite: OverwriteOption = False,
    name: Annotated[str | None, typer.Option(help="The camera's name; by default the files' own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Measure the noise of your own camera: gain, read noise, rows, bias."""
    from explorer import open_photo
    from explorer.darkroom import calibrate, save_noise

    _check_measured(frames, out, plot)
    check_new(out, overwrite)
    photos = []
    with progress(len(frames), quiet=quiet) as shown:
        for path in frames:
            shown.say(path.name)
            photos.append(open_photo(path))
            shown.advance()
    found = calibrate(photos, name)
    if out is not None:
        from explorer.encode import write_bytes

        write_bytes(out, save_noise(found.noise))
    if plot is not None:
        _plot(found, plot)
    if as_json:
        print_json({**asdict(found.noise), "dark_frames": found.dark_frames, "flat_frames": found.flat_frames,
                    "read_deviation": found.noise.read_deviation, "notes": found.notes})  # fmt: skip
        return
    _print_figures(found.noise)
    if not quiet:
        for note in found.notes:
            tell(note)


def _check_measured(frames: list[Path], out: Path | None, plot: Path | None) -> None:
    """Refuses files that cannot be written, or that would replace a frame, before any of them is read."""
    if out is not None:
        check_file(out, [".json"])
    check_apart((out, plot), frames)
    if plot is not None:
        from explorer.cli.plots import check_plot

        check_plot(plot, [])


def _plot(found: Calibration, path: Path) -> None:
    from explorer.cli.plots import write_figure
    from explorer.views.plots import photon_transfer

    at_dark = found.noise.read_deviation**2 + 1 / 12
    figure = photon_transfer(found.means, found.variances, found.noise.gain, at_dark)
    write_figure(path, figure, f"{found.noise.camera}: {found.noise.gain:.4g} counts per electron")


def _print_figures(of: SensorNoise) -> None:
    print_table(
        ("FIGURE", "COUNTS", "ELECTRONS"),
        [
            ("gain K, counts per electron", f"{of.gain:.4g}", "1"),
            ("read noise, standard deviation", f"{of.read_deviation:.4g}", f"{of.read_deviation / of.gain:.3g}"),
            ("its Tukey lambda", f"{of.shape:.2f}", "-"),
            ("row noise, standard deviation", f"{of.row:.3g}", f"{of.row / of.gain:.3g}"),
            ("bias R, G1, B, G2", ", ".join(f"{each:.2f}" for each in of.bias), "-"),
            ("saturation", f"{of.full_scale:.0f}", f"{of.full_scale / of.gain:.0f}"),
        ],
    )
