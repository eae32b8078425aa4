"""`lowlight restore`: restores dark photos."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from explorer import __version__
from explorer.batch.journal import Journal, remove_leftovers
from explorer.batch.left_out import told as left_out_line
from explorer.batch.listing import Item, Named, list_named
from explorer.batch.overlapped import EndError, Step, overlapped
from explorer.batch.resuming import resume
from explorer.cli.failures import Failures
from explorer.cli.grouped import spread
from explorer.cli.options import (
    GpsOption,
    IntermediatesOption,
    ModelOption,
    NoOverwriteOption,
    OutOption,
    OverwriteOption,
    PhotographsArgument,
    PictureOptions,
    QuietOption,
    ReportJsonOption,
    SettingsOption,
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
from explorer.cli.terminal import Progress, print_json, progress, tell, write_line
from explorer.saving import NEGATIVE

if TYPE_CHECKING:
    from explorer import LoadedModel, Restoration
    from explorer.batch.photograph import Treatment
    from explorer.photo import Photo
    from explorer.sidecar import RestoreSettings


@spread
def restore(
    photographs: PhotographsArgument,
    out: OutOption,
    model: ModelOption = None,
    settings: SettingsOption = None,
    *,
    picture: PictureOptions,
    intermediates: IntermediatesOption = None,
    keep_gps: GpsOption = False,
    overwrite: OverwriteOption = False,
    no_overwrite: NoOverwriteOption = False,
    as_json: ReportJsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Restore dark photos.

    Give a folder to restore the photos in it; run the same command again to do
    only what is missing. Results never overwrite photos and are never restored
    again. Results of earlier runs are replaced; other existing files are kept.

    If one of several photos fails, the others continue: its error is printed,
    and the exit code is 10 (or the first error's own if all of them failed).
    """
    told_too = (model, picture.white_balance, picture.neutral_point, picture.weights, picture.strength)
    given = (picture.ratio, picture.black_level) != ("auto", "auto") or any(option is not None for option in told_too)
    if settings is None and model is None and picture.weights is None:
        raise typer.BadParameter(
            "name a model with -m, its folder or file with --weights, or a file of settings with --settings.",
            param_hint="--model",
        )
    _check_together(out, settings, given, as_json or intermediates is not None, overwrite and no_overwrite)
    treatment = picture.treatment(keep_gps)
    folder = Path(out) if is_folder(out) and out.strip() else None
    named = list_named(photographs, folder, only_raw=treatment.only_raw)
    outputs = plan_outputs(named.files, out, treatment.bits, treatment.suffix, treatment.saving)
    if intermediates is not None:
        check_intermediates(named.files, outputs, intermediates)
    replaced: Overwrite = "all" if overwrite else "none" if no_overwrite else "own"
    work = _Work(model, picture.weights, treatment, intermediates, replaced)
    if settings is not None:
        work.follow(settings)
    listed = zip(named.files, outputs, named.found, strict=True)
    items = [Item(str(path), str(output), found) for path, output, found in listed]
    _carry_out(work, named, items, folder, _Told(out, quiet, as_json))


def _carry_out(work: _Work, named: Named, items: list[Item], folder: Path | None, told: _Told) -> None:
    """Restores what is missing, reports on it, and ends with the exit code."""
    if named.left_out and told.lines:
        write_line(left_out_line(named.left_out), err=True)
    record = work.begin(folder or Path(items[0].output).parent, folder is not None and named.any_folder)
    for new in filter(None, (folder, work.intermediates)):
        new.mkdir(exist_ok=True)
    with progress(0, quiet=told.quiet) as told.shown:
        resume(items, record, work.outcomes, told.begin, told.report)
    if told.as_json:
        whole = {"skipped": told.skipped, "left_out": [asdict(each) for each in named.left_out]}
        done = {"restored": told.restored, "failed": told.failures.plain}
        print_json(done | (whole if named.any_folder else {}))
    told.failures.leave()


def _check_together(out: str, settings: Path | None, given: bool, more: bool, both: bool) -> None:
    """Refuses options that exclude each other.

    Args:
        given: an option is present that a settings file sets too.
        more: more output than the picture is requested.
        both: replacing files is both requested and forbidden.
    """
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
class _Told:
    """The report of a command line on its work."""

    out: str
    quiet: bool
    as_json: bool
    shown: Progress | None = None
    waiting: list[Item] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    restored: list[dict[str, Any]] = field(default_factory=list)
    failures: Failures = field(default_factory=lambda: Failures(0))

    @property
    def lines(self) -> bool:
        """True if it prints lines for readers."""
        return not (self.quiet or self.as_json)

    def begin(self, waiting: list[Item], kept: list[Item]) -> None:
        self.waiting, self.failures = list(waiting), Failures(len(waiting) + len(kept))
        self.skipped = [{"input": each.input, "output": each.output} for each in kept]
        if kept and self.lines:
            tell(f"{len(kept)} of {len(waiting) + len(kept)} are already restored in {self.out}")
        assert self.shown is not None
        self.shown.expect(len(waiting))
        self._next()

    def report(self, step: Step[Item, dict[str, Any]]) -> None:
        if step.written is None:
            self.failures.add(Path(step.item.input), step.error or RuntimeError("nothing was written"))
        else:
            self.restored.append(step.written)
            if self.lines and self.out != str(STANDARD):
                _report(step.written)
        assert self.shown is not None
        self.shown.advance()
        self._next()

    def _next(self) -> None:
        if self.waiting and self.shown is not None:
            self.shown.say(Path(self.waiting.pop(0).input).name)


@dataclass
class _Work:
    """The settings for the photos of a command line."""

    model: str | None
    weights: Path | None
    treatment: Treatment
    intermediates: Path | None
    overwrite: Overwrite
    settings: RestoreSettings | None = None
    loaded: LoadedModel | None = None
    journal: Journal | None = None

    def follow(self, settings: Path) -> None:
        """Replaces the options by those of a settings file."""
        from explorer.sidecar import read_settings

        self.settings = read_settings(settings)
        self.treatment = replace(self.treatment, black_level=self.settings.black_level)

    def begin(self, folder: Path, resumes: bool) -> Journal:
        """Returns the record of a folder of results, by which the next run recognises them among photos and other
        files.

        Args:
            resumes: keep what an earlier run restored; otherwise restore it again.
        """
        if resumes:
            for each in {folder, self.intermediates or folder}:
                remove_leftovers(each)
            if self.settings is None:
                from explorer import load_model

                self.loaded = load_model(self.model, self.weights)
        self.journal = Journal(folder, self._made_with(), self.intermediates, resumes)
        return self.journal

    def _made_with(self) -> list[object]:
        from explorer.sidecar import as_json

        how = self.treatment
        return [
            self.model, self.loaded and self.loaded.identity.sha256, how.ratio, asdict(how.balance), how.bits,
            how.backend, self.intermediates and str(self.intermediates), self.settings and as_json(self.settings),
            asdict(how.saving), how.strength, how.half, how.black_level, __version__,
        ]  # fmt: skip

    def outcomes(self, items: Sequence[Item]) -> Generator[Step[Item, dict[str, Any]], None, None]:
        """The engine: restores one photo after the other."""
        return overlapped(items, self.read, self.make, self.write)

    def read(self, item: Item) -> tuple[Path, Photo]:
        output = Path(item.output)
        if output != STANDARD:
            check_free(output, self.overwrite, output.parent)
        photo = opened(Path(item.input), self.treatment.black_level)
        if output.suffix.lower() == NEGATIVE:
            from explorer.negative import check_negative

            check_negative(photo, self.treatment.saving)
        return output, self.treatment.balance(photo)

    def make(self, item: Item, read: tuple[Path, Photo]) -> Restoration:
        from explorer import load_model

        output, photo = read
        how, intermediates = self.treatment, self.intermediates is not None
        if self.settings is not None:
            from explorer.sidecar import Finish, restore_with

            own = None if how.backend == "auto" else how.backend
            scene = how.saving.needs_scene(output.suffix)
            settings = replace(self.settings, finish=Finish()) if scene else self.settings
            return restore_with(
                photo, settings, backend=own, max_side=how.max_side(photo), intermediates=intermediates,
                scene=scene,
            )  # fmt: skip
        if self.loaded is None:  # after the first photo was opened: an unreadable one is reported without loading torch
            try:
                self.loaded = load_model(self.model, self.weights)
            except Exception as error:  # no photo can be restored
                raise EndError from error
        how = replace(how, suffix=output.suffix.lower())
        return how.restored(photo, self.loaded, intermediates=intermediates)

    def write(self, item: Item, restoration: Restoration) -> dict[str, Any]:
        output, how, journal = Path(item.output), self.treatment, self.journal
        if how.saving.needs_scene(output.suffix):
            from explorer.negative import notes_of
            from explorer.sidecar import Finish

            finish = self.settings.finish if self.settings else Finish()
            more = notes_of(restoration, output.suffix, finish)
            restoration = replace(restoration, notes=(*restoration.notes, *more))
        files: dict[str, list[Path]] = {}
        if output == STANDARD:
            write_out(restoration.encoded(".png", how.bits, how.saving))
        else:
            assert journal is not None
            with all_or_nothing(self.overwrite, output.parent) as stage:
                restoration.save(stage(output), bits=how.bits, **asdict(how.saving))
                if self.intermediates is not None:
                    files = save_intermediates(restoration, self.intermediates, output.stem, stage)
                others = [file for each in files.values() for file in each]
                journal.begin(item, others)
            journal.add(item, others)
        return _as_plain(item, how.bits, files, restoration)


def _report(result: dict[str, Any]) -> None:
    source = f" ({result['ratio_source']})" if result["ratio_source"] else ""
    tell(
        f"{result['input']} -> {result['output']}: {result['model']}, ratio {result['ratio']:.4g}{source}, "
        f"{result['seconds']:.2f} s"
    )
    for note in result["notes"]:
        tell(f"  {note}")


def _as_plain(item: Item, bits: int, files: dict[str, list[Path]], result: Restoration) -> dict[str, Any]:
    height, width = result.image.shape[:2]
    return {
        "input": item.input,
        "output": item.output,
        "bits": bits,
        "width": width,
        "height": height,
        "intermediates": {name: [str(file) for file in written] for name, written in files.items()},
        "model": result.model,
        "ratio": float(result.ratio),
        "ratio_source": result.ratio_source,
        "weights": asdict(result.weights),
        "seconds": float(result.seconds),
        "device": str(result.device),
        "precision": result.precision,
        "backend": result.backend,
        "notes": list(result.notes),
    }
