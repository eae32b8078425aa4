"""`lowlight class`: the lessons for a class, and its answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import explorer
from explorer.cli.terminal import write_line

classes = typer.Typer(help="Prepare the lessons for a class, and collect its answers.", no_args_is_help=True)


@classes.command("make")
def make(
    out: Annotated[Path, typer.Argument(help="Folder for the copies.")],
    lessons: Annotated[
        Path | None,
        typer.Option("--lessons", help="Folder of the lessons' notebooks; by default those of the checkout."),
    ] = None,
    only: Annotated[list[int] | None, typer.Option("--only", help="Number of a lesson; may be repeated.")] = None,
    language: Annotated[str, typer.Option("--language", help="Language of the copies: en or de.")] = "en",
    pages: Annotated[
        bool, typer.Option("--pages", help="Also run each lesson and render it as a page to read before class.")
    ] = False,
) -> None:
    """Write copies for students, copies with solutions, a time plan, a rubric and an outcome test."""
    from explorer.classroom.copies import as_text, for_students, for_teachers, read_lessons, write
    from explorer.classroom.outcome import outcome_test
    from explorer.classroom.plan import plan
    from explorer.classroom.translating import translated
    from explorer.errors import DataError

    lessons = lessons or _lessons()
    wanted = [each for each in read_lessons(lessons) if not only or each.number in only]
    found = [translated(each, language, lessons) for each in wanted]
    if not found:
        raise DataError(f"There is no lesson {', '.join(map(str, only or ()))} in {lessons}.")
    for lesson in found:
        write(out / "students" / f"{lesson.name}.ipynb", as_text(for_students(lesson)))
        write(out / "teachers" / f"{lesson.name}.ipynb", as_text(for_teachers(lesson)))
    write(out / "teachers" / "plan.md", plan(found))
    # Both sheets are the teacher's: students get theirs after the lessons.
    write(out / "teachers" / "outcome-test.md", outcome_test(found, answers=False))
    write(out / "teachers" / "outcome-test-answers.md", outcome_test(found, answers=True))
    counted = "1 lesson" if len(found) == 1 else f"{len(found)} lessons"
    write_line(f"{counted}: {out / 'students'}; {out / 'teachers'} with solutions, plan.md and the outcome test")
    if pages:
        from explorer.classroom.pages import page

        for lesson in found:
            write(
                out / "pages" / f"{lesson.name}.html",
                page(for_students(lesson), lessons, lesson.title, lesson.language),
            )
            write_line(str(out / "pages" / f"{lesson.name}.html"))


@classes.command("collect")
def collect(
    folder: Annotated[Path, typer.Argument(help="Folder of the files that were handed in.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A CSV file; by default standard output.")] = None,
) -> None:
    """Make one table of the answers: tries at each exercise and prediction, negative if the last try was wrong."""
    from explorer.classroom.collecting import as_csv
    from explorer.classroom.collecting import collect as collect_files
    from explorer.classroom.copies import write

    found = collect_files(folder)
    for path in found.unread:
        write_line(f"skipped: {path} is not a file of answers", err=True)
    for path, newer in found.older:
        write_line(f"skipped: {path} has the same name and lesson as {newer}, which is newer", err=True)
    table = as_csv(found.handed_in)
    if out is None:
        for line in table.splitlines():
            write_line(line)
    else:
        write(out, table)
        write_line(f"{len(found.handed_in)} handed in: {out}")


def _lessons() -> Path:
    """The lessons of this folder, or of the checkout that is installed."""
    here = Path("notebooks")
    return here if here.is_dir() else Path(explorer.__file__).parents[1] / here
