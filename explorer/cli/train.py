"""`lowlight train`, `lowlight replay` and `lowlight export`: make weights from data by the project's recipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from explorer.cli.options import QuietOption
from explorer.cli.terminal import bar_of, print_table, tell, write_line
from explorer.errors import DataError
from explorer.metrics import PLAIN, figures_line

if TYPE_CHECKING:
    from explorer.training.loop import Progress
    from explorer.training.recipe import Recipe


RecipeArgument: TypeAlias = Annotated[str | None, typer.Argument(help="The weights to make; --list shows the recipes.")]
TrainingDataOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        envvar="EXPLORER_DATA",
        help="The folder of the training data: `clean/` with photos, `lol/` with `low/` and `high/`.",
    ),
]
StepsOption: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="Steps to train for; the recipe's own by default.")
]
DeviceOption: TypeAlias = Annotated[str, typer.Option(help="cpu, cuda, or auto.")]
ThreadsOption: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Processor threads; all by default.")]
ResumeOption: TypeAlias = Annotated[bool, typer.Option("--resume", help="Resume the run in the folder.")]
RunOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder for checkpoint, log and replay; by default one per recipe."),
]
WeightsOutOption: TypeAlias = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="WEIGHTS_DIR", help="Write WEIGHTS_DIR/<recipe>/ when done.")
]
TrackOption: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TRACKER", help="tensorboard, trackio or wandb, if installed.")
]
NameOption: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Train on pictures of your own: the weights are called ARCHITECTURE.NAME."),
]
StartOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--start-from", metavar="WEIGHTS", help="With --name: begin with these weights, not with random ones."
    ),
]
RateOption: TypeAlias = Annotated[
    float | None,
    typer.Option(
        min=0.001, max=1.0, help="With --name: part of the recipe's learning rate; 0.1 with --start-from, else 1."
    ),
]
ListOption: TypeAlias = Annotated[bool, typer.Option("--list", help="List the recipes.")]


def train(
    context: typer.Context,
    recipe: RecipeArgument = None,
    data: TrainingDataOption = None,
    steps: StepsOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    resume: ResumeOption = False,
    run: RunOption = None,
    out: WeightsOutOption = None,
    track: TrackOption = None,
    name: NameOption = None,
    start_from: StartOption = None,
    rate: RateOption = None,
    recipes: ListOption = False,
    quiet: QuietOption = False,
) -> None:
    """Train a recipe. Resume an interrupted run with --resume; it loses less than a minute."""
    if recipes:
        _print_recipes()
        return
    if recipe is None:
        context.fail("Name a recipe, or give only --list.")
    if data is None:
        raise DataError("No training data was given; give --data DIR, or set EXPLORER_DATA to the folder.")
    chosen = _chosen(recipe, data, name, start_from, rate)

    import torch

    from explorer.machine import flush_denormals
    from explorer.training.export import export_weights
    from explorer.training.loop import Trainer

    flush_denormals()
    if threads:
        torch.set_num_threads(threads)
    folder = default_run(chosen.name) if run is None else run
    trainer = Trainer(chosen, data, folder, steps=steps, device=device, resume=resume)
    for path in trainer.skipped if not quiet else []:
        write_line(f"skipped, cannot be read: {path}", err=True)
    noted = {"steps": trainer.total, "seed": chosen.seed}
    with _tracked(track, folder, chosen.name, noted) as log, _shown(trainer.step, trainer.total, quiet) as show:

        def follow(progress: Progress) -> None:
            show(progress)
            log(progress)

        trainer.run(follow)
    if not quiet:
        tell(f"{chosen.name}: {trainer.step} steps, validation {figures_line(trainer.validated, PLAIN)}")
        tell(f"Run: {folder}")
    if out is not None:
        weights = export_weights(folder, out)
        if not quiet:
            write_line(f"Weights: {weights}")


def _chosen(recipe: str, data: Path, name: str | None, start_from: str | None, rate: float | None) -> Recipe:
    """Returns the recipe, as it is or for the user's own pictures."""
    from explorer.training.recipe import Own, load_recipe, own_recipe
    from explorer.training.sources import pictures_words

    chosen = load_recipe(recipe)
    if name is None:
        if start_from is not None or rate is not None:
            raise typer.BadParameter(
                "give the weights a name of your own, too: --name NAME.", param_hint="--start-from"
            )
        return chosen
    part = rate or (0.1 if start_from else 1.0)
    return own_recipe(Own(recipe, name, pictures_words(data), start_from, part))


def replay(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or the name of a recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .gif or .webp file.")],
    frame: Annotated[float, typer.Option(min=0.02, help="Seconds to show each epoch.")] = 0.25,
) -> None:
    """Write a training run as an animation: the same pictures after every epoch."""
    from explorer.training.replay import write_replay

    frames = write_replay(_run_folder(run), out, frame_seconds=frame)
    write_line(f"{out}: {frames} epochs")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or the name of a recipe.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="WEIGHTS_DIR", help="Write WEIGHTS_DIR/<recipe>/.")],
    hardware: Annotated[str | None, typer.Option(help="The hardware of the run, if its log does not say.")] = None,
) -> None:
    """Write the current weights of a run: tensors, config, model card, log and replay.

    The card shows the figures of the training; `lowlight eval --record` adds others.
    """
    from explorer.training.export import export_weights

    write_line(f"Weights: {export_weights(_run_folder(run), out, hardware=hardware)}")


def default_run(recipe: str) -> Path:
    """Returns the default folder of a recipe's run, where the Training tab looks for it."""
    from explorer.inspect.runs import runs_folder

    return runs_folder() / recipe


def _run_folder(run: Path) -> Path:
    own = default_run(run.name)
    return own if not run.is_dir() and len(run.parts) == 1 and own.is_dir() else run


def _print_recipes() -> None:
    from explorer.training.recipe import load_recipe, recipe_names

    rows = []
    for name in recipe_names():
        recipe = load_recipe(name)
        rows.append((name, f"{recipe.steps:,}", recipe.duration, recipe.summary))
    print_table(("RECIPE", "STEPS", "TAKES", "WHAT IT MAKES"), rows)


@contextmanager
def _tracked(
    name: str | None, folder: Path, recipe: str, noted: dict[str, int]
) -> Iterator[Callable[[Progress], None]]:
    """Yields a function that reports to a tracker every fifty steps, if one is chosen."""
    if name is None:
        yield lambda progress: None
        return
    from explorer.training.tracking import open_tracker

    tracker = open_tracker(name, folder, recipe, noted)
    logged: dict[str, float] = {}

    def log(progress: Progress) -> None:
        nonlocal logged
        if progress.step % 50 and progress.step != progress.total:
            return
        values = {f"loss/{name}": value for name, value in progress.losses.items()}
        values |= {f"rate/{name}": value for name, value in progress.rates.items()}
        if progress.validation != logged:
            values |= {f"validation/{name}": value for name, value in progress.validation.items()}
            logged = dict(progress.validation)
        tracker.log(progress.step, values)

    try:
        yield log
    finally:
        tracker.close()


@contextmanager
def _shown(first: int, total: int, quiet: bool) -> Iterator[Callable[[Progress], None]]:
    """Yields a function that shows progress: a bar with the time left on a terminal, otherwise a line for each
    validation."""
    if quiet:
        yield lambda progress: None
        return
    if not sys.stderr.isatty():
        seen: dict[str, float] = {}

        def line(progress: Progress) -> None:
            nonlocal seen
            if progress.validation != seen:
                seen = dict(progress.validation)
                write_line(f"{progress.step}/{progress.total} {_figures(progress)}", err=True)

        yield line
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with bar_of(*columns, speed_estimate_period=300) as bar:
        task = bar.add_task("", total=total, completed=first)
        yield lambda progress: bar.update(task, completed=progress.step, description=_figures(progress))


def _figures(progress: Progress) -> str:
    return f"loss {progress.losses['loss']:.4f}, validation {figures_line(progress.validation, PLAIN) or 'not yet'}"
