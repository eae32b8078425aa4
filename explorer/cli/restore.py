"""`lowlight restore`: dark photographs in, restored photographs out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from explorer import __version__
from explorer.batch.left_out import told as left_out_line
from explorer.cli.failures import Failures
from explorer.cli.folders import Journal, Named, overlapped, photographs_of, remove_leftovers
from explorer.cli.options import (
    BackendOption,
    BitsOption,
    BlackLevelOption,
    ForceLinearOption,
    GpsOption,
    HalfSizeOption,
    IntermediatesOption,
    KeepExposureOption,
    LinearOption,
    ModelOption,
    NeutralPointOption,
    NoOverwriteOption,
    OutOption,
    OverwriteOption,
    PhotographsArgument,
    QuietOption,
    RatioOption,
    ReportJsonOption,
    SettingsOption,
    StrengthOption,
    SuffixOption,
    WeightsOption,
    WhiteBalanceOption,
    chosen_treatment,
)
from explorer.cli.outputs import (
    Overwrite,
    all_or_nothing,
    check_free,
    check_intermediates,
    is_folder,
    plan_outputs,
    save_intermediates,
)
from explorer.cli.standard import STANDARD, opened, write_out
from explorer.cli.terminal import print_json, progress, tell, write_line
from explorer.saving import NEGATIVE, Saving

if TYPE_CHECKING:
    from explorer import LoadedModel, Restoration
    from explorer.batch.photograph import Treatment
    from explorer.photo import Photo
    from explorer.sidecar import RestoreSettings


def restore(
    photographs: PhotographsArgument,
    out: OutOption,
    model: ModelOption = None,
    settings: SettingsOption = None,
    ratio: RatioOption = "auto",
    strength: StrengthOption = None,
    half_size: HalfSizeOption = False,
    suffix: SuffixOption = ".png",
    keep_exposure: KeepExposureOption = False,
    force_linear: ForceLinearOption = False,
    linear: LinearOption = False,
    bits: BitsOption = "8",
    intermediates: IntermediatesOption = None,
    white_balance: WhiteBalanceOption = None,
    neutral_point: NeutralPointOption = None,
    black_level: BlackLevelOption = "auto",
    weights: WeightsOption = None,
    backend: BackendOption = "auto",
    keep_gps: GpsOption = False,
    overwrite: OverwriteOption = False,
    no_overwrite: NoOverwriteOption = False,
    as_json: ReportJsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Restore dark photos.

    Give a folder to restore the photos in it; run the same command again to do
    only what is missing. Results never overwrite photos and are never taken for
    photos. Results of earlier runs are replaced; other existing files are kept.

    If one of several photos fails, the others continue: its error is printed,
    and the exit code is 10 (or the first error's own if all of them failed).
    """
    told_too = (model, white_balance, neutral_point, weights, strength)
    given = ratio != "auto" or black_level != "auto" or any(option is not None for option in told_too)
    _check_together(out, model, settings, given, as_json or intermediates is not None, overwrite and no_overwrite)
    saving = Saving(keep_gps, keep_exposure, force_linear, linear)
    treatment = chosen_treatment(
        ratio, strength, suffix, bits, white_balance, neutral_point, black_level, backend, saving, half_size
    )
    folder = Path(out) if is_folder(out) and out.strip() else None
    named = photographs_of(photographs, folder)
    outputs = plan_outputs(named.files, out, treatment.bits, suffix, saving)
    if intermediates is not None:
        check_intermediates(named.files, outputs, intermediates)
    replaced: Overwrite = "all" if overwrite else "none" if no_overwrite else "own"
    work = _Work(named.files, outputs, model, weights, treatment, intermediates, replaced)
    if settings is not None:
        work.follow(settings)
    _carry_out(work, named, folder, out, quiet, as_json)


def _carry_out(work: _Work, named: Named, folder: Path | None, out: str, quiet: bool, as_json: bool) -> None:
    """Does what is not done yet, reports on it, and leaves with the exit code."""
    told = not (quiet or as_json)
    if named.left_out and told:
        write_line(left_out_line(named.left_out), err=True)
    skipped = work.go_on(folder, named.any_folder)
    if skipped and told:
        tell(f"{len(skipped)} of {len(skipped) + len(work.photographs)} are already restored in {out}")
    restored, failures = work.all(quiet, told and out != str(STANDARD))
    if as_json:
        whole = {"skipped": skipped, "left_out": [asdict(each) for each in named.left_out]} if named.any_folder else {}
        print_json({"restored": restored, "failed": failures.plain, **whole})
    failures.leave()


def _check_together(out: str, model: str | None, settings: Path | None, given: bool, more: bool, both: bool) -> None:
    """Refuses options that cannot be together.

    Args:
        given: an option of the picture that a file of settings says too is there.
        more: there is something to return besides the picture.
        both: files are to be replaced, and are not to be.
    """
    if settings is None and model is None:
        raise typer.BadParameter("name a model with -m, or a file of settings with --settings.", param_hint="--model")
    if settings is not None and given:
        raise typer.BadParameter(
            "leave -m, --ratio, --strength, --white-balance, --neutral-point, --black-level and --weights out: the "
            "file says them.",
            param_hint="--settings",
        )
    if both:
        raise typer.BadParameter("leave one of --overwrite and --no-overwrite out.", param_hint="--overwrite")
    if out == str(STANDARD) and more:
        raise typer.BadParameter("leave --json and --intermediates out with -o -.", param_hint="--out")


@dataclass
class _Work:
    """The photos that a command line restores, and how."""

    photographs: list[Path]
    outputs: list[Path]
    model: str | None
    weights: Path | None
    treatment: Treatment
    intermediates: Path | None
    overwrite: Overwrite
    settings: RestoreSettings | None = None
    loaded: LoadedModel | None = None
    journal: Journal | None = None

    def follow(self, settings: Path) -> None:
        """Takes what a file of settings says in the place of the options."""
        from explorer.sidecar import read_settings

        self.settings = read_settings(settings)
        self.treatment = replace(self.treatment, black_level=self.settings.black_level)

    def go_on(self, folder: Path | None, any_folder: bool) -> list[dict[str, str]]:
        """Takes up what an earlier run into the folder did: leaves out the photographs that it restored.

        Args:
            folder: of the results; None if there is one result, which has a name of its own.
            any_folder: folders of photographs are named.

        Returns:
            Those that are left out. A journal of the results is kept, so that the next run can tell them from
            photographs and from files of other origin.
        """
        if folder is None:
            self.journal = Journal(self.outputs[0].parent, self._made_with(), self.intermediates)
            return []
        if any_folder:
            for each in {folder, self.intermediates or folder}:
                remove_leftovers(each)
            if self.model is not None:
                from explorer import load_model

                self.loaded = load_model(self.model, self.weights)
        self.journal = Journal(folder, self._made_with(), self.intermediates)
        if not any_folder:
            return []
        pairs = list(zip(self.photographs, self.outputs, strict=True))
        held = [self.journal.holds(*pair) for pair in pairs]
        waiting = [pair for pair, done in zip(pairs, held, strict=True) if not done]
        self.photographs, self.outputs = [path for path, _ in waiting], [output for _, output in waiting]
        done = [pair for pair, done in zip(pairs, held, strict=True) if done]
        return [{"input": str(path), "output": str(output)} for path, output in done]

    def _made_with(self) -> list[object]:
        from explorer.sidecar import as_json

        how = self.treatment
        return [
            self.model, self.loaded and self.loaded.identity.sha256, how.ratio, asdict(how.balance), how.bits,
            how.backend, self.intermediates and str(self.intermediates), self.settings and as_json(self.settings),
            asdict(how.saving), how.strength, how.half, how.black_level, __version__,
        ]  # fmt: skip

    def all(self, quiet: bool, told: bool) -> tuple[list[dict[str, Any]], Failures]:
        """Restores one photograph after the other; gives what became of those that went well, and the failures."""
        restored: list[dict[str, Any]] = []
        failures = Failures(len(self.photographs))
        with progress(len(self.photographs), quiet=quiet) as shown:
            for path in self.photographs[:1]:
                shown.say(path.name)
            for step in overlapped(len(self.photographs), self.read, self.make, self.write):
                if isinstance(step.error, _NoModelError):
                    raise step.error.reason
                if step.error is not None or step.written is None:
                    failures.add(self.photographs[step.index], step.error or RuntimeError("nothing was written"))
                else:
                    restored.append(step.written["plain"])
                    if told:
                        _report(step.written["plain"], step.written["lines"])
                shown.advance()
                for path in self.photographs[step.index + 1 : step.index + 2]:
                    shown.say(path.name)
        return restored, failures

    def read(self, index: int) -> Photo:
        if self.outputs[index] != STANDARD:
            check_free(self.outputs[index], self.overwrite, self.outputs[index].parent)
        photo = opened(self.photographs[index], self.treatment.black_level)
        if self.outputs[index].suffix.lower() == NEGATIVE:
            from explorer.negative import check_negative

            check_negative(photo, self.treatment.saving)
        return self.treatment.balance(photo)

    def make(self, index: int, photo: Photo) -> Restoration:
        from explorer import load_model

        how, intermediates = self.treatment, self.intermediates is not None
        if self.settings is not None:
            from explorer.sidecar import restore_with

            own = None if how.backend == "auto" else how.backend
            scene = how.saving.needs_scene(self.outputs[index].suffix)
            return restore_with(
                photo, self.settings, backend=own, max_side=how.max_side(photo), intermediates=intermediates,
                scene=scene,
            )  # fmt: skip
        if self.loaded is None:  # after the first photo opened: an unreadable one is reported without loading torch
            try:
                self.loaded = load_model(str(self.model), self.weights)
            except Exception as error:
                raise _NoModelError(error) from error
        how = replace(how, suffix=self.outputs[index].suffix.lower())
        return how.restored(photo, self.loaded, intermediates=intermediates)

    def write(self, index: int, restoration: Restoration) -> dict[str, Any]:
        photograph, output, how = self.photographs[index], self.outputs[index], self.treatment
        if output.suffix.lower() == NEGATIVE:
            from explorer.negative import notes_of

            restoration = replace(restoration, notes=(*restoration.notes, *notes_of(restoration)))
        files: dict[str, list[Path]] = {}
        if output == STANDARD:
            write_out(restoration.encoded(".png", how.bits, how.saving))
        else:
            with all_or_nothing(self.overwrite, output.parent) as stage:
                restoration.save(stage(output), bits=how.bits, **asdict(how.saving))
                if self.intermediates is not None:
                    files = save_intermediates(restoration, self.intermediates, output.stem, stage)
                others = [file for each in files.values() for file in each]
                if self.journal is not None:
                    self.journal.begin(photograph, output, others)
            if self.journal is not None:
                self.journal.add(photograph, output, others)
        return {"plain": _as_plain(photograph, output, how.bits, files, restoration), "lines": restoration.notes}


class _NoModelError(Exception):
    """The model is not available, so no photo can be restored and the command ends with the reason."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _report(result: dict[str, Any], notes: Sequence[str]) -> None:
    source = f" ({result['ratio_source']})" if result["ratio_source"] else ""
    tell(
        f"{result['input']} -> {result['output']}: {result['model']}, ratio {result['ratio']:.4g}{source}, "
        f"{result['seconds']:.2f} s"
    )
    for note in notes:
        tell(f"  {note}")


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
