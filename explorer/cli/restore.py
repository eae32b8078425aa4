"""`lowlight restore`: dark photographs in, restored photographs out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from explorer import __version__
from explorer.cli.failures import Failures, exit_code
from explorer.cli.folders import Journal, overlapped, photographs_of, remove_leftovers
from explorer.cli.options import (
    BackendOption,
    NeutralPointOption,
    QuietOption,
    RatioOption,
    WeightsOption,
    WhiteBalanceOption,
    check_backend_option,
    parse_balance,
    parse_ratio,
)
from explorer.cli.outputs import all_or_nothing, check_folder, check_free, plan_outputs, save_intermediates
from explorer.cli.terminal import print_json, progress, write_line

if TYPE_CHECKING:
    from explorer import LoadedModel, Restoration
    from explorer.photo import Photo
    from explorer.settings import RestoreSettings


def restore(
    photographs: Annotated[
        list[Path],
        typer.Argument(metavar="IN", help="Dark photographs: RAW files, JPEG, PNG, TIFF, WebP; or folders of them."),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="A .png, .tif, .tiff, .jpg, .jpeg or .webp file for one photograph; an existing folder for several, "
            "where each becomes <stem>.png.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's name; `lowlight models` lists them.")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help="Settings that the app wrote beside a picture: model, ratio, white balance and finishing come from "
            "there, in the place of -m and the other options of the picture; --backend comes before the file's.",
        ),
    ] = None,
    ratio: RatioOption = "auto",
    bits: Annotated[Literal["8", "16"], typer.Option(help="Bits a channel; 16 needs PNG or TIFF.")] = "8",
    intermediates: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="An existing folder for the model's intermediates (reflectance, illumination, ...): each as a 16-bit "
            "<stem>.<name>.png and as floats in <stem>.<name>.npy.",
        ),
    ] = None,
    white_balance: WhiteBalanceOption = None,
    neutral_point: NeutralPointOption = None,
    weights: WeightsOption = None,
    backend: BackendOption = "auto",
    keep_gps: Annotated[
        bool, typer.Option("--keep-gps", help="Carry on the place where the photograph was taken, if its file says it.")
    ] = False,
    no_overwrite: Annotated[
        bool, typer.Option("--no-overwrite", help="Leave files that are already there and count that as an error.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Report on the results as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Restore dark photographs.

    A folder stands for the photographs in it. Run again, such a command leaves
    out what it already restored from the same photographs in the same way.

    One of several photographs that fails does not stop the others: its error is
    printed, and the exit code at the end is 10 (or the first error's own when all
    of them failed).
    """
    overwrite = not no_overwrite
    if settings is None and model is None:
        raise typer.BadParameter("name a model with -m, or a file of settings with --settings.", param_hint="--model")
    if settings is not None:
        given = (model, white_balance, neutral_point, weights)
        if ratio != "auto" or any(option is not None for option in given):
            raise typer.BadParameter(
                "leave -m, --ratio, --white-balance, --neutral-point and --weights out: the file says them.",
                param_hint="--settings",
            )
    depth: Literal[8, 16] = 16 if bits == "16" else 8
    amplification = parse_ratio(ratio)
    balance = parse_balance(white_balance, neutral_point)
    check_backend_option(backend)
    photographs, whole_folder = photographs_of(photographs)
    outputs = plan_outputs(photographs, out, depth)
    if intermediates is not None:
        check_folder(intermediates)

    from explorer import load_model, open_photo
    from explorer import restore as restore_photo

    chosen: RestoreSettings | None = None
    if settings is not None:
        from explorer.settings import read_settings, restore_with

        chosen = read_settings(settings)
    loaded: LoadedModel | None = None
    restored: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    skipped: list[dict[str, str]] = []
    journal: Journal | None = None
    if whole_folder and Path(out).is_dir():
        for folder in {Path(out), intermediates or Path(out)}:
            remove_leftovers(folder)
        if model is not None:
            loaded = load_model(model, weights)
        made_with = [
            model, loaded and loaded.identity.sha256, ratio, white_balance, neutral_point, bits, backend,
            intermediates and str(intermediates), settings and settings.read_text(), keep_gps, __version__,
        ]  # fmt: skip
        journal = Journal(Path(out), made_with, intermediates)
        waiting = []
        for path, output in zip(photographs, outputs, strict=True):
            if journal.holds(path, output):
                skipped.append({"input": str(path), "output": str(output)})
            else:
                waiting.append((path, output))
        photographs, outputs = [path for path, _ in waiting], [output for _, output in waiting]
        if skipped and not (quiet or as_json):
            write_line(f"{len(skipped)} of {len(skipped) + len(photographs)} are already restored in {out}")
    failures = Failures(len(photographs))

    def read(index: int) -> Photo:
        check_free(outputs[index], overwrite)
        return balance(open_photo(photographs[index]))

    def make(index: int, photo: Photo) -> Restoration:
        nonlocal loaded
        if chosen is not None:
            own = None if backend == "auto" else backend
            return restore_with(photo, chosen, backend=own, intermediates=intermediates is not None)
        if loaded is None:  # after the first photograph opened: an unreadable one is told of without loading torch
            try:
                loaded = load_model(str(model), weights)
            except Exception as error:
                raise _NoModelError(error) from error
        return restore_photo(photo, loaded, amplification, backend=backend, intermediates=intermediates is not None)

    def write(index: int, restoration: Restoration) -> dict[str, Any]:
        output = outputs[index]
        files: dict[str, list[Path]] = {}
        with all_or_nothing(overwrite) as stage:
            restoration.save(stage(output), bits=depth, keep_gps=keep_gps)
            if intermediates is not None:
                files = save_intermediates(restoration, intermediates, output.stem, stage)
        if journal is not None:
            journal.add(photographs[index], output, [file for each in files.values() for file in each])
        return {"plain": _as_plain(photographs[index], output, depth, files, restoration), "lines": restoration.notes}

    with progress(len(photographs), quiet=quiet) as shown:
        if photographs:
            shown.say(photographs[0].name)
        for step in overlapped(len(photographs), read, make, write):
            path = photographs[step.index]
            if isinstance(step.error, _NoModelError):
                raise step.error.reason
            if step.error is not None or step.written is None:
                failed.append(_failure(failures, path, step.error or RuntimeError("nothing was written")))
            else:
                restored.append(step.written["plain"])
                if not (quiet or as_json):
                    _report(step.written["plain"], step.written["lines"])
            shown.advance()
            if step.index + 1 < len(photographs):
                shown.say(photographs[step.index + 1].name)
    if as_json:
        print_json({"restored": restored, "failed": failed, **({"skipped": skipped} if whole_folder else {})})
    failures.leave()


class _NoModelError(Exception):
    """The model cannot be had: no photograph can be restored, so the command ends with the reason."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _failure(failures: Failures, path: Path, error: Exception) -> dict[str, Any]:
    return {"input": str(path), "error": failures.add(path, error), "exit_code": exit_code(error)}


def _report(result: dict[str, Any], notes: Sequence[str]) -> None:
    source = f" ({result['ratio_source']})" if result["ratio_source"] else ""
    write_line(
        f"{result['input']} -> {result['output']}: {result['model']}, ratio {result['ratio']:.4g}{source}, "
        f"{result['seconds']:.2f} s"
    )
    for note in notes:
        write_line(f"  {note}")


def _as_plain(path: Path, output: Path, bits: int, files: dict[str, list[Path]], result: Restoration) -> dict[str, Any]:
    height, width = result.image.shape[:2]
    return {
        "input": str(path),
        "output": str(output),
        "bits": bits,
        "width": width,
        "height": height,
        "intermediates": {name: [str(file) for file in written] for name, written in files.items()},
        "model": result.model,
        "ratio": float(result.ratio),
        "ratio_source": result.ratio_source,
        "weights": {
            "name": result.weights.name,
            "revision": result.weights.revision,
            "sha256": result.weights.sha256,
        },
        "seconds": float(result.seconds),
        "device": str(result.device),
        "precision": result.precision,
        "backend": result.backend,
        "notes": list(result.notes),
    }
