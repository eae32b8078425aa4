"""Copies for a class, the plan, pages to read before it, and the table of what was handed in."""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from explorer.classroom.copies import for_students, for_teachers, read_lessons, source_of
from explorer.cli.program import main


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    out = tmp_path_factory.mktemp("class")
    assert main(["class", "make", str(out), "--lessons", str(project / "notebooks")]) == 0
    return out


def cells_of(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def test_students_get_everything_but_the_solutions(made: Path, project: Path) -> None:
    for path in sorted((project / "notebooks").glob("*.ipynb")):
        lesson, copy = cells_of(path), cells_of(made / "students" / path.name)
        text = "\n".join(source_of(cell) for cell in copy)
        assert "A solution" not in text and "<details>" not in text
        assert "hand_in(" in source_of(copy[-1])
        code = [source_of(cell) for cell in lesson if cell["cell_type"] == "code"]
        assert [source_of(cell) for cell in copy if cell["cell_type"] == "code"][:-1] == code
        for heading in re.findall(
            r"^#+ .+$", "\n".join(source_of(c) for c in lesson if c["cell_type"] != "code"), re.M
        ):
            assert heading in text, "a heading that stood beside a solution is still there"
        identities = [cell["id"] for cell in copy]
        assert len(set(identities)) == len(identities)


def test_teachers_get_solutions_that_pass(made: Path) -> None:
    import numpy as np

    from explorer import widgets
    from explorer.photo import linear_to_srgb, srgb_to_linear

    pytest.importorskip("ipywidgets")
    import time

    solved = 0
    for path in sorted((made / "teachers").glob("*.ipynb")):
        for cell in cells_of(path):
            source = source_of(cell)
            if cell["cell_type"] != "code" or not re.search(r"^explorer\.widgets\.check\(", source, re.M):
                continue
            scope: dict[str, Any] = {"np": np, "time": time, "slope": 1.79e-4}
            scope |= {"linear_to_srgb": linear_to_srgb, "srgb_to_linear": srgb_to_linear}
            answer, _, check = source.rpartition("explorer.widgets.check(")
            exec(compile(answer, path.name, "exec"), scope)
            name, _, variable = check.rstrip(")").partition(", ")
            verdict = widgets.check(ast.literal_eval(name), scope[variable])
            assert verdict.right is True, (path.name, verdict.sentence)
            solved += 1
    assert solved == sum(len(each.exercises) for each in read_lessons(made / "teachers")) > 20


def test_an_exercise_without_a_solution_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lesson(tmp_path, 'x = ...\n\nexplorer.widgets.check("1.levels", x)')
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", str(tmp_path)]) == 8
    assert "without a solution" in capsys.readouterr().err


def test_the_plan_has_every_lesson_and_a_rubric(made: Path, project: Path) -> None:
    text = (made / "teachers" / "plan.md").read_text(encoding="utf-8")
    for lesson in read_lessons(project / "notebooks"):
        assert f"## {lesson.number} · {lesson.title}" in text
        part = text.partition(f"## {lesson.number} · {lesson.title}\n")[2].partition("\n## ")[0]
        rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in part.splitlines() if row.startswith("| ")][
            1:
        ]
        assert sum(int(row[0]) for row in rows) <= 90, "a lesson fits a double period"
        assert f"**{sum(int(row[0]) for row in rows)} minutes.**" in part
        for column, names in ((2, lesson.questions), (3, lesson.exercises)):
            assert ", ".join(row[column] for row in rows if row[column]).split(", ") == names
        assert "task without one answer" in rows[-3][1] and int(rows[-3][0]) > 25 and rows[-2][1] == "Key points"
        second = re.search(r"begin the second one with “(.+)”, after (\d+) minutes", part)
        if sum(int(row[0]) for row in rows[:-3]) + int(rows[-2][0]) > 45:
            assert second, "a lesson that one period does not hold says where the second begins"
            begins = [row[1] for row in rows].index(second[1])
            assert sum(int(row[0]) for row in rows[:begins]) == int(second[2]) <= 45
            assert sum(int(row[0]) for row in rows[begins:-3]) + int(rows[-2][0]) <= 45
    assert "## What counts" in text


def test_the_lessons_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["class", "make", "spring", "--only", "2"]) == 0
    assert (tmp_path / "spring" / "students" / "02_amplification_ratio.ipynb").is_file()


def test_the_outcome_test_has_two_questions_a_lesson_and_right_answers(made: Path, project: Path) -> None:
    import math

    assert not list((made / "students").glob("outcome*")), "the test comes after the lessons, from the teacher"
    names = {"students": "outcome-test.md", "teachers": "outcome-test-answers.md"}
    sheets = {who: (made / "teachers" / name).read_text("utf-8") for who, name in names.items()}
    for lesson in read_lessons(project / "notebooks"):
        for text in sheets.values():
            part = text.partition(f"## {lesson.number} · {lesson.title}\n")[2].partition("\n## ")[0]
            assert part.count("**a)**") == part.count("**b)**") == 1
    assert "Answer:" not in sheets["students"] and sheets["teachers"].count("> Answer:") == 16
    answers = re.findall(r"\*\*a\)\*\* .+\n\n> Answer: (.+)", sheets["teachers"])
    right = (
        f"{(870 - 512) / (4095 - 512):.0%}".replace("%", " %"),
        f"= {min(0.18 / 0.002, 1 / 0.04):.0f}",
        f"{10 * math.log10(0.004 / 0.001):.1f} dB",
        f"{0.12 / 0.3:g}",
        f"= {5 * 8}",
        f"{32 * 16 * 9 * 100 * 200 / 1e9:.3f} GMac",
        f"= {10 * 0.01 / 0.02:g}",
        f"{0.5 - 0.05 * -2:g}",
    )
    assert all(value in answer for value, answer in zip(right, answers, strict=True))


@pytest.mark.parametrize("wrong", ["{", "{}", '{"cells": []}', '{"cells": [{"cell_type": "code", "source": "1"}]}'])
def test_what_is_no_lesson_is_one_sentence(wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "01_x.ipynb").write_text(wrong)
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", str(tmp_path)]) == 8
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", str(tmp_path / "nothing")]) == 8
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 2 and "is not a lesson" in said[0] and "--lessons" in said[1]
    assert not (tmp_path / "out").exists()


def write_lesson(folder: Path, *codes: str) -> None:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "markdown",
            "id": "a",
            "metadata": {},
            "source": "# 1 · A title\n\nLight is $x_{1}$, and $x_{2}$:\n\n$$x = \\frac{c}{w}.$$",
        }
    ]
    cells += [
        {"cell_type": "code", "id": f"c{index}", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
        for index, code in enumerate(codes)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (folder / "01_x.ipynb").write_text(json.dumps(content))


def test_a_page_has_the_pictures_and_fetches_nothing(tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipywidgets")
    write_lesson(
        tmp_path,
        "import numpy as np, explorer\nexplorer.widgets.pictures({'a <title> | a note': np.full((6, 6, 3), 0.5)})",
        'explorer.widgets.ask("1.green")',
        'explorer.widgets.ask("1.values")',
        "import ipywidgets\nipywidgets.FloatSlider(0.25, description='Gain')",
    )
    out = tmp_path / "out"
    assert main(["class", "make", str(out), "--lessons", str(tmp_path), "--pages"]) == 0
    html = (out / "pages" / "01_x.html").read_text(encoding="utf-8")
    picture = re.search(r'<img alt="a &lt;title&gt;" src="data:image/png;base64,([^"]+)"', html)
    assert picture and "a note" in html
    import base64
    import io

    from PIL import Image

    assert Image.open(io.BytesIO(base64.b64decode(picture[1]))).convert("RGB").getpixel((3, 3)) == (128, 128, 128)
    assert "Which share of all samples is green?" in html and "<li>a third</li>" in html
    assert "Two of the four places" not in html, "the key is not on the page"
    assert "Gain: 0.25" in html
    assert not re.findall(r"(?:src|href)=[\"']https?:[^\"']+\.(?:js|css)", html), "a script or a style from elsewhere"
    assert re.search(r"<mfrac>.*<mi>c</mi>.*<mi>w</mi>.*</mfrac>", html) and html.count("<msub>") == 2
    assert "$" not in re.sub(r"<script.*?</script>", "", html, flags=re.S), "no formula is left as it was typed"


def test_a_lesson_that_fails_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("nbclient")
    write_lesson(tmp_path, "raise KeyError('no such thing')")
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", str(tmp_path), "--pages"]) == 8
    said = capsys.readouterr().err.strip()
    assert "fails at a cell" in said and "no such thing" in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out" / "pages" / "01_x.html").exists()


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_kernel_that_is_killed_once_gets_a_second_chance(
    deaths: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nbclient")
    died = tmp_path / "died"
    write_lesson(
        tmp_path,
        f"import os\nfrom pathlib import Path\ndied = Path({str(died)!r})\n"
        f"if not died.exists() or len(died.read_text()) < {deaths}:\n"
        "    died.open('a').write('x'); os._exit(9)\nprint('it ran')",
    )
    out = tmp_path / "out"
    code = main(["class", "make", str(out), "--lessons", str(tmp_path), "--pages"])
    assert len(died.read_text()) == deaths
    if deaths == 1:
        assert code == 0 and "it ran" in (out / "pages" / "01_x.html").read_text(encoding="utf-8")
    else:
        assert code == 8 and "ended its kernel twice" in capsys.readouterr().err


def handed(folder: Path, name: str, written: str, tries: int, right: bool = True, lesson: str = "3") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "format": "lowlight lesson 1", "lesson": lesson, "name": name, "written": written,
        "summary": {
            "exercise 3.gamma": {"right": right, "tries": tries},
            "prediction 3.tenth": {"right": False, "tries": 1},
        },
        "events": [],
    }  # fmt: skip
    (folder / f"{name.strip('=')}-{written[-1]}.json").write_text(json.dumps(content))


def test_what_a_class_hands_in_is_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    handed(folder, "Ada", "2026-01-01T10:00:01", 1, right=False)
    handed(folder / "later", "Ada", "2026-01-01T10:00:02", 3)
    handed(folder, "=1+1", "2026-01-01T10:00:03", 2, right=False)
    (folder / "other.json").write_text("[]")
    assert main(["class", "collect", str(folder), "-o", str(tmp_path / "table.csv")]) == 0
    said = capsys.readouterr().err.splitlines()
    assert "other.json" in said[0] and len(said) == 2
    assert re.search(r"Ada-1\.json has the same name and lesson as .*Ada-2\.json", said[1]), "two may be called Ada"
    rows = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert [row["name"] for row in rows] == ["'=1+1", "Ada"], (
        "no cell is a formula, and the last file of a learner counts"
    )
    assert (rows[1]["exercise 3.gamma"], rows[1]["exercises right"], rows[1]["predictions right"]) == ("3", "1", "0")
    assert rows[0]["exercise 3.gamma"] == "-2" and rows[0]["exercises right"] == "0"
    assert main(["class", "collect", str(folder)]) == 0
    assert len(capsys.readouterr().out.strip().splitlines()) == 3
    assert main(["class", "collect", str(tmp_path / "empty")]) == 8


def test_copies_leave_the_lesson_as_it_is(project: Path) -> None:
    for lesson in read_lessons(project / "notebooks"):
        before = json.dumps(lesson.content)
        for_students(lesson)
        for_teachers(lesson)
        assert json.dumps(lesson.content) == before


def script(project: Path, name: str) -> Any:
    """A file of `scripts/` as a module."""
    spec = importlib.util.spec_from_file_location(name, project / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_lesson_is_a_page_of_the_documentation(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipywidgets")
    write_lesson(
        tmp_path,
        "for word in ('first', 'second'):\n    print(f'<{word}>', flush=True)",
        "import numpy as np, explorer\nexplorer.widgets.pictures({'grey': np.full((6, 6, 3), 0.5)})",
        'explorer.widgets.check("1.levels", ...)\nexplorer.widgets.ask("3.tenth")',
        "%pip install nothing",
    )
    page = script(project, "lesson_pages").as_page(read_lessons(tmp_path)[0])
    hook = script(project, "docs_lessons")
    monkeypatch.setattr(hook, "RENDERED", tmp_path / "rendered")
    (tmp_path / "rendered").mkdir()
    (tmp_path / "rendered" / "01_x.json").write_text(json.dumps(page))
    config = hook.on_config(SimpleNamespace(nav=["index.md", {"Use": []}, {"Python": []}]))
    assert config.nav[2] == {"Lessons": [{"1 · A title": "lessons/01_x.md"}]} and len(config.nav) == 4

    rendered = "".join(f"<p>{each}</p>" for each in page["markdown"].split("\n\n"))
    html = hook.on_page_content(rendered, page=SimpleNamespace(file=SimpleNamespace(src_uri="lessons/01_x.md")))
    assert not re.search(r"OUTPUT\d|FORMULA\d", html)
    assert html.count("<msub>") == 2 and "<mfrac>" in html, "the formulas"
    assert "<pre>&lt;first&gt;\n&lt;second&gt;\n</pre>" in html, "one block for what a cell prints"
    assert 'alt="grey" src="data:image/png;base64,' in html
    assert "Write down your guess" in html and "lesson-blank" in html
    assert "%pip" not in html and "hand_in" not in html
    other = SimpleNamespace(file=SimpleNamespace(src_uri="index.md"))
    assert hook.on_page_content("<p>OUTPUT1X</p>", page=other) == "<p>OUTPUT1X</p>"
