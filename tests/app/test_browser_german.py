"""German: whole pages, labels of files, and sentences that contain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from driving import PATIENCE, message, opened, upload

import explorer
from explorer.app.lessons import LESSONS
from explorer.app.queue_text import GRADIO_SAYS
from explorer.errors import ExplorerError
from explorer.examples import examples
from explorer.messages import MESSAGES
from explorer.photo import check_ratio, describe, suggest_ratio
from explorer.photo.types import RgbPhoto

pytestmark = pytest.mark.browser


@pytest.fixture
def german(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(locale="de-DE")
    page.set_default_timeout(PATIENCE)
    opened(page, address, "?example=still_life&model=identity&ratio=2&tab=learn&lesson=lamba")
    yield page
    page.close()


def sentence_of(action: Callable[[], object]) -> str:
    with pytest.raises(ExplorerError) as caught:
        action()
    return str(caught.value)


def test_lessons_labels_and_sentences(german: Page, address: str, tmp_path: Path, night: Path) -> None:
    page = german
    page.wait_for_selector(".lx-lesson h2:has-text('in Echtzeit')")
    assert "Anders als beim Pooling geht beim Falten nichts verloren" in page.inner_text(".lx-lesson")
    page.click("#lx-tabs button[role=tab]:has-text('Wiederherstellen')")
    labels = page.locator("#lx-metadata th").all_inner_texts()
    assert {"Kamera", "Schwarzwert", "Belichtungszeit", "Größe"} <= set(labels)

    for lesson in LESSONS:
        for words in (lesson.title, *lesson.paragraphs, lesson.caption):
            assert page.evaluate("words => lxTranslated(words)", words), words

    empty, text, cut = tmp_path / "empty.png", tmp_path / "text.jpg", tmp_path / "cut.png"
    empty.touch()
    text.write_text("words")
    cut.write_bytes(night.read_bytes()[:900])
    raws = [explorer.open_photo(each.path) for each in examples()]
    black = RgbPhoto(np.zeros((64, 64, 3), np.float32), 8, name="black.png")
    white = RgbPhoto(np.ones((64, 64, 3), np.float32), 8, name="white.png")
    said = [
        sentence_of(lambda: explorer.open_photo(empty)),
        sentence_of(lambda: explorer.open_photo(text)),
        sentence_of(lambda: explorer.open_photo(cut)),
        sentence_of(lambda: check_ratio(999)),
        sentence_of(lambda: explorer.load_model("nothing")),
        sentence_of(lambda: black.with_neutral_point(30, 30)),
        sentence_of(lambda: white.with_neutral_point(30, 30)),
        sentence_of(lambda: white.with_neutral_point(300, 30)),
        *(note for photo in raws for note in photo.notes),
        *(f"Suggested ×3.2: {suggest_ratio(photo, 'dark_bin').source}" for photo in raws),
        *(f"Suggested ×3.2: {suggest_ratio(photo, 'percentile').source}" for photo in raws),
        *(f"Suggested ×3.2: {suggest_ratio(photo, 'learned').source}" for photo in raws),
        *(label for photo in raws for label in describe(photo)
          if label not in ("ISO", "Notes", "Suggested ratio", "Suggested ratio from")),
        *(photo.white_balance.source for photo in raws),
        *explorer.restore(raws[0].with_white_balance("grey_world"), "clahe", 2.0, max_side=64).notes,
        *(words.format(wait=3, most=20, mebibytes="512", name="session_hash")
          for code, words in MESSAGES.items() if code.startswith("refused.")),
        *GRADIO_SAYS.values(),
    ]  # fmt: skip
    assert len(said) > 40
    untranslated = [words for words in said if page.evaluate("words => lxTranslated(words)", words) is None]
    assert not untranslated

    upload(page, text)
    assert "kein Foto in einem bekannten Format" in message(page)
    assert "Kamera-RAW" in message(page) and "camera" not in message(page)
    titles = page.eval_on_selector_all("#lx-examples button", "all => all.map((each) => each.title)")
    assert "mit einem Zwölftel des Lichts" in " ".join(titles)
    for words, wanted in (
        ("It needs 5.9 more stops of light: most models manage that.", "5,9 Blendenstufen"),
        ("×3.2", "×3,2"),
        ("3.93 (11.9 dB)", "3,93 (11,9 dB)"),
        ("27.2 %", "27,2 %"),
        ("2.51 M parameters", "2,51 M Parameter"),
        ("number input for Strength, %", "Zahlenfeld für Stärke, %"),
    ):
        assert wanted in page.evaluate("words => lxTranslated(words)", words)
    assert page.evaluate("() => lxTranslated('6.0.1')") is None
    page.click("#lx-tabs button[role=tab]:has-text('Merkmalskarten')")
    page.wait_for_selector(".lx-layer-facts:has-text('Kanäle, 1 / ')")
    assert not {"channels", "size", "sees"} & set(page.inner_text(".lx-layer-facts").split())


def test_a_closed_dropdown_shows_the_german_choice(german: Page, address: str) -> None:
    """As it comes, and after a choice, which the server still knows by its English name."""
    page = german
    shown = "document.querySelector('%s input').value === '%s'"
    opened(page, address, "?tab=queue")
    page.wait_for_function(shown % ("#lx-queue-for", "Alle Fotos"))
    page.click("#lx-queue-format input")
    page.click("[role=option]:has-text('DNG zum Bearbeiten')")
    page.wait_for_function(shown % ("#lx-queue-format", "DNG zum Bearbeiten"))
    page.click(".lx-header h1")
    page.wait_for_timeout(500)
    assert page.input_value("#lx-queue-format input") == "DNG zum Bearbeiten"
    page.click("#lx-queue-format input")
    assert "DNG" in page.inner_text("[role=option][aria-selected=true]")
