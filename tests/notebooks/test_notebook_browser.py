"""A notebook as a reader uses it, in JupyterLab and a real Chromium: the slider is moved by keyboard."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from servers import jupyterlab, voila

import explorer
from explorer.examples import examples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("jupyterlab", reason="needs the extra `notebooks`")
pytestmark = [pytest.mark.browser, pytest.mark.timeout(2400)]

DEEP = os.environ.get("EXPLORER_NOTEBOOKS") == "all"
PATIENCE = 240_000
"""Milliseconds that a busy two-core machine may take to start a kernel and restore a preview."""
PICTURE = """(selector) => {
  const image = document.querySelector(selector);
  if (!image || !image.complete || !image.naturalWidth) return null;
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
  return [canvas.width, canvas.height, sum / data.length * 4 / 3];
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    opened.set_default_timeout(PATIENCE)
    yield opened
    opened.close()


@pytest.fixture
def own_raw(project: Path, tmp_path: Path) -> Path:
    """A RAW file as a learner brings it: a camera's where the shared data are, else one that the darkroom made."""
    real = Path(os.environ.get("EXPLORER_SHARED") or project.parent / "shared") / "data/raw/canon_d30_candlelight.crw"
    if real.is_file():
        return real
    bright = next(each.reference for each in examples() if each.name == "cat")
    made = explorer.darken(explorer.open_photo(bright), "sony_a7s2", iso=6400, ratio=30)
    return made.save(tmp_path / "own.dng")


def brightness(page: Page, selector: str = ".lx-after") -> list[float]:
    """Width, height and mean value of the picture that the page shows."""
    return list(page.wait_for_function(PICTURE, arg=selector).json_value())


def brightness_once(page: Page, condition: str, selector: str = ".lx-after") -> list[float]:
    """The same, as soon as it fulfils a condition on `mean`."""
    wanted = (
        f"(selector) => {{ const found = ({PICTURE})(selector); if (!found) return null; "
        f"const mean = found[2]; return ({condition}) ? found : null; }}"
    )
    return list(page.wait_for_function(wanted, arg=selector).json_value())


@pytest.fixture
def lab(tmp_path: Path, notebooks: dict[str, Path]) -> Iterator[str]:
    """JupyterLab on the second notebook's first cells: enough to have its first widget."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook: Any = nbformat.read(notebooks["02"], as_version=4)
    if not DEEP:
        first = next(i for i, cell in enumerate(notebook.cells) if "widgets.restore(" in cell.source)
        notebook.cells = notebook.cells[: first + 1]
    nbformat.write(notebook, folder / "lesson.ipynb")
    with jupyterlab(folder, tmp_path / "home") as address:
        yield address


def test_in_jupyterlab_the_slider_changes_the_picture(page: Page, lab: str, tmp_path: Path) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    run_all(page, lab, "lesson.ipynb")  # a later cell moves the slider, too
    page.wait_for_selector(".lx-viewer .lx-after")
    frame = page.locator(".lx-viewer").first
    frame.scroll_into_view_if_needed()
    width, height, first = brightness(page)
    assert width > 200 and height > 100 and first > 5, "a picture, and not a black one"

    # The amplification: the slider is moved by the keyboard to its dark end, and answers when it is let go.
    handle = page.locator(".lx-w .widget-hslider:has-text('Amplify') .noUi-handle").first
    handle.focus()
    page.keyboard.press("Home")
    darker = brightness_once(page, f"mean < {first} * 0.5")
    assert darker[:2] == [width, height]
    page.wait_for_selector(".lx-said:has-text('×1 (chosen)')")

    # Back by the button.
    page.click("button:has-text('Suggested')")
    brightness_once(page, f"Math.abs(mean - {first}) < 1")

    # The divider, by the keyboard.
    split = page.locator(".lx-split").first
    split.focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert page.eval_on_selector(".lx-frame", "frame => frame.style.getPropertyValue('--split')") == "38%"
    assert "38 percent as taken" in (split.get_attribute("aria-valuetext") or "")

    # Another model, and its own error-free answer.
    page.locator(".lx-w .widget-dropdown:has-text('Model') select").first.select_option(label="CLAHE")
    page.wait_for_selector(".lx-corner-after:has-text('CLAHE')")
    assert page.locator(".lx-problem-text").count() == 0
    target = os.environ.get("EXPLORER_SCREENSHOTS")
    page.screenshot(path=str(Path(target or tmp_path) / "jupyterlab.png"))
    assert not problems


def run_all(page: Page, address: str, name: str) -> None:
    """Opens a lesson, runs all its cells, and waits until the last has run and none has raised."""
    page.goto(f"{address}lab/tree/{name}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    # Cells that are run before the kernel has answered are forgotten.
    page.wait_for_selector("#jp-main-statusbar :text('| Idle')")
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells")
    page.wait_for_function(
        """() => {
          const cells = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
          const prompts = cells.map((each) => each.textContent);
          const raised = document.querySelector("[data-mime-type='application/vnd.jupyter.error']");
          return raised || (prompts.length > 2 && prompts.every((each) => /\\[\\d+\\]/.test(each)));
        }""",
        timeout=6 * PATIENCE,
    )
    raised = page.locator("[data-mime-type='application/vnd.jupyter.error']")
    assert raised.count() == 0, raised.first.inner_text()


def answer_the_first_question(page: Page) -> None:
    """The reason stays hidden until something is chosen and the button is pressed."""
    card = page.locator(".lx-w:has(.lx-tag-line)").first
    card.scroll_into_view_if_needed()
    assert card.locator(".lx-verdict").count() == 0
    button = card.locator("button:has-text('Show the answer')")
    assert button.is_disabled()
    choices = card.locator("input[type=radio]")
    if choices.count():
        choices.first.check()
    else:
        card.locator("input[type=text]").fill("1")
    button.click()
    card.locator(".lx-verdict").wait_for()


def open_own_raw(page: Page, photo: Path) -> None:
    """Lesson 2: a learner's RAW file goes in through the widget, and the cell on real noise measures it."""
    cell = page.locator(".jp-CodeCell:has-text('row means vary')").first
    assert "the lesson goes on with the simulated one" in cell.locator(".jp-OutputArea").inner_text()
    with page.expect_file_chooser() as chooser:  # the widget's own input is not on the page
        page.locator(".lx-upload").first.click()
    chooser.value.set_files(str(photo))
    page.wait_for_selector(f".lx-head:has-text('{photo.name}')")
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Control+Enter")
    cell.locator(f".jp-OutputArea:has-text('{photo.name}')").wait_for()
    assert "row means vary by" in cell.locator(".jp-OutputArea").inner_text()


def relight(page: Page) -> None:
    """Lesson 4: with a gamma of 0 all light is equal, and the cat is bright."""
    _, _, before = brightness(page)
    page.locator(".lx-w .widget-hslider:has-text('Gamma') .noUi-handle").first.focus()
    page.keyboard.press("Home")
    brightness_once(page, f"mean > {before} * 1.5")
    page.wait_for_selector(".lx-corner-after:has-text('gamma 0')")


def switch_off(page: Page) -> None:
    """Lesson 5: the channel that matters most is picked and switched off: it is marked, and the picture is another."""
    _, _, before = brightness(page)
    named = re.search(r"without channel (\d+): mean change", page.locator(".jp-Notebook").inner_text())
    assert named
    cell = f".lx-sheet button[data-channel='{named[1]}']"
    page.locator(cell).first.click()
    page.wait_for_selector(f"{cell}[aria-pressed='true']")
    page.locator(".lx-w .widget-checkbox:has-text('switch this channel off') input").first.check()
    page.wait_for_selector(f"{cell}[data-off='true']")
    brightness_once(page, f"Math.abs(mean - {before}) > 0.5")
    page.locator("button:has-text('All on')").first.click()
    brightness_once(page, f"Math.abs(mean - {before}) < 0.02")


def after_training(page: Page) -> None:
    """Lesson 7: both trainings have said how far they came, their losses are plotted, and the last network answers."""
    text = page.locator(".jp-Notebook").inner_text()
    assert "λ = 100, step 120" in text and "λ = 0, step 120" in text
    assert page.locator(".jp-Notebook .js-plotly-plot").count() >= 1
    page.locator(".lx-w .widget-hslider:has-text('Amplify') .noUi-handle").last.focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".lx-said:has-text('×1 (chosen)')")


@pytest.mark.skipif(not DEEP, reason="takes minutes; EXPLORER_NOTEBOOKS=all (make notebooks-test) includes it")
@pytest.mark.parametrize("number", ["02", "04", "05", "07"])
def test_a_lesson_is_driven_in_jupyterlab(
    number: str, page: Page, tmp_path: Path, notebooks: dict[str, Path], own_raw: Path
) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(notebooks[number], folder)
    with jupyterlab(folder, tmp_path / "home") as address:
        run_all(page, address, notebooks[number].name)
        answer_the_first_question(page)
        drive = {"04": relight, "05": switch_off, "07": after_training}
        open_own_raw(page, own_raw) if number == "02" else drive[number](page)
        if target := os.environ.get("EXPLORER_SCREENSHOTS"):
            page.screenshot(path=str(Path(target) / f"jupyterlab-{number}.png"))
        assert page.locator(".lx-problem-text").count() == 0
    assert not problems


EVERYTHING = (
    """
import numpy as np, explorer
w = explorer.widgets
""",
    'w.restore("cat", "identity", 6, max_side=160)',
    'w.compare("cat", ["identity", "gamma"], 4, max_side=160)',
    """
w.retinex("cat", "lime", max_side=160)""",
    """
for answer in (..., 3, 154):
    display(w.check("1.levels", answer))""",
    """
for guess in ("a half", "a third"):
    p = w.ask("1.green"); p.guess = guess; p.reveal(); display(p)""",
    """
w.restore("no such photo")""",
    """
w.play(lambda gain: {"grey": np.full((9, 9, 3), gain)}, gain=(0.0, 1.0, 0.5))""",
)
"""Cells that show every kind of widget, verdict and message."""
FAINT = """() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return [...numbers.slice(0, 3), numbers.length > 3 ? numbers[3] : 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const behind = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const v = c[i] / 255;
    return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  }, 0);
  const found = [];
  for (const node of document.querySelectorAll(".lx-w *")) {
    const words = [...node.childNodes].filter((each) => each.nodeType === 3).map((each) => each.data).join("").trim();
    if (!words || !node.getClientRects().length || node.closest(":disabled, .lx-frame, svg, style, option")) continue;
    const below = behind(node);
    const [high, low] = [light(over(parse(getComputedStyle(node).color), below)), light(below)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    found.push([ratio, words.slice(0, 60)]);
  }
  return found;
}"""
"""The contrast of every piece of text in a widget to what is behind it, as WCAG 2 counts it."""


@pytest.mark.skipif(not DEEP, reason="takes minutes; EXPLORER_NOTEBOOKS=all (make notebooks-test) includes it")
@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_word_of_a_widget_is_legible(theme: str, page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = new_notebook(cells=[new_code_cell(each.strip()) for each in EVERYTHING], metadata=kernel)
    nbformat.write(notebook, folder / "everything.ipynb")
    with jupyterlab(folder, tmp_path / "home", theme) as address:
        run_all(page, address, "everything.ipynb")
        page.wait_for_selector(".lx-viewer .lx-after")
        assert page.get_attribute("body", "data-jp-theme-light") == str(theme.endswith("Light")).lower()
        found = page.evaluate(FAINT)
        if target := os.environ.get("EXPLORER_SCREENSHOTS"):
            page.screenshot(path=str(Path(target) / f"{theme.replace(' ', '-').lower()}.png"))
    assert len(found) > 40
    assert not [(round(ratio, 2), words) for ratio, words in found if ratio < 4.5]


PAGE = """
import explorer
explorer.widgets.restore("cat", "identity", 6, max_side=160)
"""


def test_voila_serves_a_page_with_a_widget(page: Page, tmp_path: Path) -> None:
    """A small page here; with EXPLORER_NOTEBOOKS=all two of the lessons themselves, in the next test."""
    pytest.importorskip("voila", reason="needs voila")
    folder = tmp_path / "pages"
    folder.mkdir()
    nbformat.write(
        new_notebook(
            cells=[new_code_cell(PAGE)],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        ),
        folder / "small.ipynb",
    )
    with voila(folder, tmp_path / "home") as address:
        page.goto(f"{address}voila/render/small.ipynb")
        page.wait_for_selector(".lx-viewer .lx-after")
        assert brightness(page)[:2] == [160, 107]


@pytest.mark.skipif(not DEEP, reason="takes minutes; EXPLORER_NOTEBOOKS=all (make notebooks-test) includes it")
@pytest.mark.parametrize("number", ["02", "04"])
def test_voila_serves_a_lesson_as_a_page(number: str, page: Page, tmp_path: Path, notebooks: dict[str, Path]) -> None:
    pytest.importorskip("voila", reason="needs voila")
    folder = tmp_path / "pages"
    folder.mkdir()
    shutil.copy(notebooks[number], folder)
    with voila(folder, tmp_path / "home") as address:
        page.goto(f"{address}voila/render/{notebooks[number].name}")
        page.wait_for_selector(".lx-viewer .lx-frame img")
        page.wait_for_selector(".lx-w .widget-hslider .noUi-handle")
        assert brightness(page, ".lx-viewer .lx-frame img")[0] > 100
        assert page.locator("h1").count() >= 1
        assert page.locator(".lx-problem-text").count() == 0
        handle = page.locator(".lx-w .widget-hslider:has-text('Amplify') .noUi-handle").first
        handle.focus()
        page.keyboard.press("End")
        page.wait_for_selector(".lx-said:has-text('×300')")
        if target := os.environ.get("EXPLORER_SCREENSHOTS"):
            page.screenshot(path=str(Path(target) / f"voila-{number}.png"))
