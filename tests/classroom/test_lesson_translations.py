"""Lessons in other languages: the same cells and the same code, and every sentence that a learner meets."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer import widgets
from explorer.classroom import language as languages
from explorer.classroom.copies import SOLUTION, Lesson, for_teachers, read_lessons, source_of
from explorer.classroom.language import LANGUAGES, WORDS
from explorer.classroom.translating import prose_of, translated
from explorer.cli.program import main
from explorer.errors import ExplorerError

pytest.importorskip("ipywidgets")

from explorer.widgets.exercise import exercises  # noqa: E402  (needs ipywidgets)
from explorer.widgets.questions import questions  # noqa: E402

OTHERS = [each for each in LANGUAGES if each != "en"]
NUMBERS = range(1, 9)
_FIELD = re.compile(r"\{(\w+)\}")
_LATEX = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.S)


@pytest.fixture
def german() -> Iterator[None]:
    widgets.speak("de")
    yield
    widgets.speak("en")


@pytest.fixture(scope="module")
def lessons(project: Path) -> list[Lesson]:
    return read_lessons(project / "notebooks")


def both(lessons: list[Lesson], number: int, language: str, project: Path) -> tuple[Lesson, Lesson]:
    lesson = lessons[number - 1]
    return lesson, translated(lesson, language, project / "notebooks")


def shape(source: str) -> str:
    """Code without its texts: what two languages of one cell must share."""

    class WithoutTexts(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant("") if isinstance(node.value, str) else node

    return ast.dump(WithoutTexts().visit(ast.parse(source)))


def code_of(lesson: Lesson) -> list[str]:
    return [
        source_of(cell)
        for cell in lesson.content["cells"]
        if cell["cell_type"] == "code" and "%pip" not in source_of(cell)
    ]


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_lesson_has_the_same_cells_and_the_same_code(
    number: int, language: str, lessons: list[Lesson], project: Path
) -> None:
    english, other = both(lessons, number, language, project)
    kinds = [[(cell["id"], cell["cell_type"]) for cell in each.content["cells"]] for each in (english, other)]
    assert kinds[0] == kinds[1]
    for mine, theirs in zip(code_of(english), code_of(other), strict=True):
        assert shape(mine) == shape(theirs)
    prose = prose_of(project / "notebooks" / language / f"{english.name}.md")
    assert list(prose) == [cell["id"] for cell in english.content["cells"] if cell["cell_type"] == "markdown"]
    for mine, theirs in zip(english.content["cells"], other.content["cells"], strict=True):
        if mine["cell_type"] != "markdown":
            continue
        texts = [SOLUTION.sub("", source_of(each)) for each in (mine, theirs)]
        found = [[re.sub(r"\\text\{[^}]*\}", "", f) for f in _LATEX.findall(text)] for text in texts]
        assert sorted(found[0]) == sorted(found[1]), mine["id"]
        for pattern in (r"^#+ ", r"\]\((\w+\.ipynb)\)", r"^- ", r"^\|"):
            counts = [len(re.findall(pattern, text, re.M)) for text in texts]
            assert counts[0] == counts[1], (mine["id"], pattern)
        blocks = [[shape(f["code"]) for f in SOLUTION.finditer(source_of(each))] for each in (mine, theirs)]
        assert blocks[0] == blocks[1], mine["id"]


def said_in(source: str) -> Iterator[str]:
    """The comments of a cell, and its texts of more than one word."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and "noqa" not in token.string:
            yield token.string
    inside = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(each) for each in ast.walk(node) if each is not node}
        if id(node) in inside or not isinstance(node, ast.JoinedStr | ast.Constant):
            continue
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            continue
        text = ast.get_source_segment(source, node) or ""
        if re.search(r"[a-z]{2}[:,.]? [a-z]{2}", re.sub(r"\{[^}]*\}", "", text)):
            yield text


@pytest.mark.parametrize("language", OTHERS)
def test_every_title_and_comment_of_the_code_is_translated_and_nothing_else(
    language: str, lessons: list[Lesson], project: Path
) -> None:
    words = json.loads((project / "notebooks" / language / "code.json").read_text("utf-8"))
    for lesson in lessons:
        known = {**words["*"], **words[f"{lesson.number:02d}"]}
        missing = [text for source in code_of(lesson) for text in said_in(source) if text not in known]
        assert not missing, f"lesson {lesson.number}"
        whole = "\n".join(source_of(cell) for cell in lesson.content["cells"])
        assert not [text for text in words[f"{lesson.number:02d}"] if text not in whole], "no longer in the lesson"


def sentences() -> dict[str, str]:
    """All that checks, questions and copies say, in English, by id."""
    found = dict(WORDS)
    for each in (*exercises().values(), *questions().values()):
        found |= each.sentences
    return found


@pytest.mark.parametrize("language", OTHERS)
def test_every_id_is_translated_with_the_same_fields(language: str) -> None:
    path = Path(languages.__file__).with_name("locales") / f"{language}.json"
    words: dict[str, str] = json.loads(path.read_text("utf-8"))
    english = sentences()
    assert words.keys() == english.keys()
    for code, sentence in WORDS.items():
        assert sorted(_FIELD.findall(sentence)) == sorted(_FIELD.findall(words[code])), code


def test_in_german_checks_and_questions_speak_german(german: None) -> None:
    assert "Noch nicht." in str(widgets.check("1.levels", 163.83).children[1].value)
    assert widgets.check("1.levels", 163.83).sentence.startswith("Fast: 1024 Zählwerte")
    assert widgets.check("1.levels", 3).sentence.startswith("3 ist es nicht. Das Licht reicht")
    assert widgets.check("1.levels", 153.59).sentence.startswith("Auch ein Hundertstel")
    assert widgets.check("8.step", lambda w, g, r: w + r * g).sentence.startswith("Sie steigen bergauf")
    assert widgets.check("6.measure", lambda work, clock: None).sentence.startswith("Die Funktion gab nichts zurück")
    assert "löste aus: IndexError" in widgets.check("8.step", lambda w, g, r: [][1]).sentence
    asked = widgets.ask("5.work", measured={"scale32": 0.1})
    assert asked._entry.options == ("der Zweig bei 1/32", "der Rest")
    asked.guess = "der Zweig bei 1/32"
    asked.reveal()
    assert "<b>der Rest</b>" in asked._verdict.value and "Sie sagten „der Zweig bei 1/32“" in asked._verdict.value


def test_in_english_again(german: None) -> None:
    widgets.speak("en")
    assert widgets.check("1.levels", 163.83).sentence.startswith("Nearly: 1024 counts")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    out = tmp_path_factory.mktemp("klasse")
    assert main(["class", "make", str(out), "--lessons", str(project / "notebooks"), "--language", "de"]) == 0
    return out


def test_a_class_gets_german_copies(made: Path) -> None:
    for folder, words in (("students", "Ihren vollen Namen"), ("teachers", "Eine Lösung")):
        paths = sorted((made / folder).glob("*.ipynb"))
        assert len(paths) == 8
        for path in paths:
            cells: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
            whole = "\n".join(source_of(cell) for cell in cells)
            assert 'explorer.widgets.speak("de")' in source_of(cells[1])
            assert words in whole and "**Was Sie lernen**" in whole
            assert ("Eine Lösung" in whole) == (folder == "teachers")
    plan = (made / "teachers" / "plan.md").read_text("utf-8")
    sheet = (made / "teachers" / "outcome-test-answers.md").read_text("utf-8")
    assert "# Lernkontrolle" in sheet and sheet.count("> Antwort:") == 16
    assert "# Plan und Bewertung" in plan and "## 5 · Merkmalskarten" in plan and "| je 1 |" in plan


def test_german_solutions_are_written_in(lessons: list[Lesson], project: Path) -> None:
    for number in NUMBERS:
        english, other = both(lessons, number, "de", project)
        code = [[shape(each) for each in code_of(Lesson(number, "", for_teachers(x)))] for x in (english, other)]
        assert code[0] == code[1]


def test_another_language_is_refused(tmp_path: Path, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lessons = str(project / "notebooks")
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", lessons, "--language", "tlh"]) != 0
    assert "choose one of en, de" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(ExplorerError, match="en, de"):
        widgets.speak("tlh")


def test_a_lesson_without_its_translation_is_one_sentence(
    tmp_path: Path, lessons: list[Lesson], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "01_x.ipynb").write_text(json.dumps(lessons[0].content))
    assert main(["class", "make", str(tmp_path / "out"), "--lessons", str(tmp_path), "--language", "de"]) != 0
    assert "There is no translation" in capsys.readouterr().err
