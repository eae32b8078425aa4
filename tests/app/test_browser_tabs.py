"""Each tab's main gesture in a real Chromium, accessibility, languages, phone width."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from driving import PATIENCE, changed, entered, opened, pixels, pixels_once, revision

pytestmark = pytest.mark.browser


def test_compare_shows_every_model_beside_the_others(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&models=gamma,clahe,ssr")
    sheet = "() => document.querySelector('#lx-compare-png')?.checkVisibility() ?? false"
    seen = page.evaluate_handle(
        f"() => {{ const seen = []; setInterval(() => seen.push([({sheet})(), "
        "document.querySelectorAll('#lx-compare-tiles .lx-tile').length]), 20); return seen; }"
    )
    page.click("button[role=tab]:has-text('Compare')")
    page.wait_for_url("**tab=compare**")
    page.wait_for_selector("#lx-compare-plot .js-plotly-plot")
    assert page.evaluate(sheet) and not [tiles for shown, tiles in seen.json_value() if shown and tiles < 3]
    tiles = page.locator("#lx-compare-tiles .lx-tile img")
    assert tiles.count() >= 3
    names = page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts()
    assert names[:2] == ["Photo as taken", "Reference"]
    assert set(names[2:]) == {"Gamma correction", "CLAHE", "Single-scale Retinex"}

    page.click("#lx-compare-tiles .lx-only-blind")
    assert page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts()[2:] == ["A", "B", "C"]
    assert page.is_hidden("#lx-compare-table"), "the table would give the names away"
    blind = page.locator("#lx-compare-tiles .lx-tile").all()
    assert not any("clahe" in (tile.inner_html()).lower() for tile in blind)
    page.click("#lx-compare-tiles .lx-only-blind")
    assert page.locator("#lx-compare-tiles .lx-tile strong").all_inner_texts() == names

    page.hover("#lx-compare-tiles .lx-tile-frame >> nth=1")
    values = page.locator("#lx-compare-tiles .lx-tile code").all_inner_texts()
    assert all(len(value.split()) == 3 for value in values), "every tile reads out under one pointer"

    page.select_option("#lx-compare-tiles .lx-mode", "difference")
    details = page.locator("#lx-compare-tiles .lx-detail").all_inner_texts()
    assert details[1] == "mean difference 0.0000", "the reference against itself"
    assert all(float(words.split()[-1]) > 0.005 for words in details[2:])
    assert page.locator("#lx-compare-tiles .lx-legend:visible").count() == 5
    page.select_option("#lx-compare-tiles .lx-mode", "matched")
    assert "exposure matched" in page.locator("#lx-compare-tiles .lx-detail").nth(2).inner_text()

    table = "#lx-compare-table tbody th"
    page.click("#lx-compare-table th button:has-text('PSNR, dB') >> nth=0")
    first = page.locator("#lx-compare-table tbody tr td:nth-child(3)").all_inner_texts()
    assert [float(cell) for cell in first] == sorted((float(cell) for cell in first), reverse=True)
    with page.expect_download() as waiting:
        page.click("#lx-compare-table button[data-kind=csv]")
    lines = waiting.value.path().read_text().splitlines()
    assert len(lines) == 1 + page.locator(table).count()
    assert lines[0].startswith('Model,Amplification,"PSNR, dB"')


def test_stop_ends_a_long_comparison(page: Page, address: str) -> None:
    models = "nlm,gamma,pix2pix.lol,res_unet.lol,sid_unet.raw_synthetic,retinexnet.joint"
    opened(page, address, f"?example=still_life&tab=compare&models={models}")
    page.click("#lx-compare-ratio label:has-text('These')")
    # So many that a quick machine does not end before the click.
    ratios = [str(2 + 3 * k) for k in range(6)]
    page.fill("#lx-compare-list textarea, #lx-compare-list input", ", ".join(ratios))
    page.click("#lx-compare-run")
    page.wait_for_selector("#lx-compare-table tbody tr:nth-child(36)")
    # Clicked by the page itself: between two commands of this test, a quick machine may end.
    page.wait_for_function(
        """() => {
            const stop = document.querySelector('#lx-compare-stop');
            const ready = document.querySelectorAll('#lx-compare-tiles .lx-tile').length >= 2 && !stop.disabled;
            if (ready) stop.click();
            return ready;
        }"""
    )
    page.wait_for_selector("#lx-compare-status :text('Stopped')")
    done = page.locator("#lx-compare-tiles .lx-tile").count()
    page.wait_for_timeout(2500)
    assert page.locator("#lx-compare-tiles .lx-tile").count() <= done + 1, "nothing more comes after Stop"
    assert done < 6 * len(ratios)
    assert page.locator("#lx-compare-table tbody td:nth-child(2):not(:text-is('–'))").count() >= 1, "what is done stays"
    assert page.is_enabled("#lx-compare-run")


def test_a_sweep_becomes_a_strip_and_an_animation(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&tab=compare&models=gamma")
    page.wait_for_selector("#lx-sweep-link a:visible")  # the tab's own first one
    page.click("#lx-sweep-model input")
    page.fill("#lx-sweep-model input", "Gamma")
    page.click("[role=option]:has-text('Gamma')")
    page.click("#lx-sweep-run")
    page.wait_for_selector("#lx-sweep-link a[download*=gamma]")
    assert page.locator("#lx-sweep-strip .lx-tile").count() == 6
    label = page.inner_text("#lx-sweep-player output")
    page.click("#lx-sweep-player .lx-play")
    page.wait_for_function("text => document.querySelector('#lx-sweep-player output').textContent !== text", arg=label)
    page.click("#lx-sweep-player .lx-play")
    answer = page.request.get(page.eval_on_selector("#lx-sweep-link a", "link => link.href"))
    assert getattr(Image.open(io.BytesIO(answer.body())), "n_frames", 1) == 6


def test_finishing_and_settings(page: Page, address: str, project: Path, tmp_path: Path) -> None:
    """What the app shows, its settings file and the command line agree to the last bit."""
    opened(page, address, "?example=cat&model=clahe&ratio=6")
    page.wait_for_selector("#lx-scores dd")
    before = pixels(page)
    scores = page.inner_text("#lx-scores")
    assert "PSNR" in scores
    page.click("#lx-finish button >> nth=0")
    entered(page, "#lx-finish-exposure input[type=number]", "1")
    pixels_once(page, lambda shown: shown.mean() > before.mean() * 1.2)
    page.wait_for_function(
        "text => document.querySelector('#lx-scores dd') && document.querySelector('#lx-scores').innerText !== text",
        arg=scores,
    )

    def download(kind: str) -> Path:
        page.click("#lx-format input")
        page.click(f"[role=option]:has-text('{kind}')")
        with page.expect_download() as waiting:
            page.click("#lx-save")
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        return tmp_path / waiting.value.suggested_filename

    picture, settings = download("PNG, 16 bit"), download("Settings")
    out = tmp_path / "again.png"
    command = ["restore", str(project / "explorer/examples/cat.png"), "--settings", str(settings), "-o", str(out)]
    subprocess.run([sys.executable, "-m", "explorer", *command, "--bits", "16"], check=True, cwd=project)
    assert out.read_bytes() == picture.read_bytes()


def test_a_reference_of_another_size_gets_a_sentence(page: Page, address: str, night: Path) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    page.click("#lx-reference-box button >> nth=0")
    page.set_input_files("#lx-reference input[type=file]", str(night))
    page.wait_for_selector("#lx-message [role=alert]")
    assert "480 × 320" in page.inner_text("#lx-message")


def test_a_channel_is_chosen_and_switched_off(page: Page, address: str) -> None:
    networks = "#lx-features-model input"
    opened(page, address, "?example=cat&tab=features")
    if not page.input_value(networks):
        pytest.skip("needs a network with weights, and none is installed")
    tiles = "#lx-features-tiles .lx-tile"
    page.wait_for_selector(f"{tiles} img[src]")
    assert page.locator("#lx-features-layers .lx-layer-list button").count() > 5
    assert page.locator("#lx-features-layers rect.lx-marked").count() == 1
    assert "320" in page.inner_text("#lx-features-status"), "the bound is shown"
    page.click("#lx-features-channels button[data-channel='3']")
    page.wait_for_selector("#lx-features-tiles strong:has-text('Channel 3 of')")
    page.wait_for_selector("#lx-features-tiles .lx-legend:visible")
    scales = [page.inner_text("#lx-features-channels .lx-legend")]
    for channel in (2, 3):
        page.click(f"#lx-features-channels button[data-channel='{channel}']")
        page.wait_for_selector(f"#lx-features-tiles strong:has-text('Channel {channel} of')")
        scales.append(page.inner_text("#lx-features-channels .lx-legend"))
    assert scales[0] == scales[2] != scales[1], "each channel has its own, so that none is washed out"
    page.hover(f"{tiles} .lx-tile-frame >> nth=1")
    page.wait_for_function(
        "!document.querySelectorAll('#lx-features-tiles code')[1].textContent.includes(' ')"
        " && document.querySelectorAll('#lx-features-tiles code')[1].textContent !== ''"
    )
    page.click("#lx-features-channels .lx-switch")
    page.wait_for_selector("#lx-features-tiles strong:has-text('What the channels changed')")
    assert page.locator(tiles).count() == 5
    assert page.locator("#lx-features-channels button[data-off='true']").count() == 1
    page.click("#lx-features-channels .lx-all-on")
    page.wait_for_function("document.querySelectorAll('#lx-features-tiles .lx-tile').length === 3")
    with page.expect_download() as waiting:
        page.click("#lx-features-npy")
    maps = np.load(waiting.value.path())
    assert maps.ndim == 3
    assert maps.dtype == np.float32


def test_the_light_is_edited_and_a_line_is_drawn(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&tab=retinex&decompose=lime")
    page.wait_for_selector("#lx-retinex-profile .js-plotly-plot")
    page.wait_for_selector("#lx-retinex-pair strong:has-text('|R dark − R bright|')")
    titles = page.locator("#lx-retinex-tiles .lx-tile strong").all_inner_texts()
    assert titles[0] == "Input S"
    assert any(title.startswith("Illumination") for title in titles)
    assert page.locator("#lx-retinex-tiles .lx-legend:visible").count() >= 1
    edited = "#lx-retinex-edited .lx-tile img"
    before = page.get_attribute(edited, "src")
    page.fill("#lx-retinex-gamma input[type=number]", "0.2")
    page.press("#lx-retinex-gamma input[type=number]", "Enter")
    page.wait_for_function(
        "source => document.querySelector('#lx-retinex-edited .lx-tile img').getAttribute('src') !== source", arg=before
    )
    curve = "document.querySelector('#lx-retinex-profile .js-line').getAttribute('d')"
    drawn = page.evaluate(curve)
    page.click("#lx-retinex-tiles .lx-draw")
    frame = page.locator("#lx-retinex-tiles .lx-tile-frame").first
    frame.scroll_into_view_if_needed()
    box = frame.bounding_box()
    assert box
    page.mouse.move(box["x"] + 15, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 120, steps=4)
    page.mouse.up()
    page.wait_for_function(f"text => {curve} !== text", arg=drawn)
    pair = "#lx-retinex-pair .lx-tile img"
    before = page.get_attribute(pair, "src")
    page.click("#lx-retinex-pair-run")
    page.wait_for_function(f"source => document.querySelector('{pair}').getAttribute('src') !== source", arg=before)


def test_a_page_sets_the_tabs_to_its_example(page: Page, address: str) -> None:
    opened(page, address, "?tab=learn&lesson=classical&example=cat")
    page.wait_for_selector(".lx-lesson h2:has-text('Before networks')")
    start = revision(page)
    page.click("#lx-learn-show")
    page.wait_for_selector("#lx-tabs button[role=tab][aria-selected=true]:has-text('Compare')")
    changed(page, start)
    page.wait_for_selector("#lx-examples button[data-name=launchpad][aria-pressed=true]")


def test_a_training_is_replayed(page: Page, address: str) -> None:
    opened(page, address, "?tab=training&run=a.run&model=identity&ratio=2")
    page.wait_for_selector("#lx-training-replay img[src]")
    page.wait_for_selector("#lx-training-psnr .js-plotly-plot")
    assert page.inner_text("#lx-training-replay output") == "step 20"
    page.focus("#lx-training-replay input")
    page.keyboard.press("Home")
    assert page.inner_text("#lx-training-replay output") == "step 0"
    assert "PSNR" in page.inner_text("#lx-training-table").upper()


@pytest.mark.skipif(
    not os.environ.get("EXPLORER_ACCESSIBILITY"), reason="takes minutes on a busy machine; make accessibility runs it"
)
def test_an_accessibility_scan_finds_nothing_serious(page: Page, address: str) -> None:
    scanner = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    opened(page, address, "?example=cat&model=gamma&ratio=4&decompose=lime&models=gamma,clahe")
    found = []

    def scan(where: str, *rules: str) -> None:
        options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        for rule in scanner.Axe().run(page, options=options).response["violations"]:
            if rule["impact"] in ("serious", "critical"):
                found.extend(f"{where}: {rule['id']}: {node['html'][:160]}" for node in rule["nodes"])

    page.wait_for_selector("#lx-scores dd")
    steps = {
        # The histogram comes after the figures; until then Gradio's own empty plot stands in its place.
        "Restore": ("", "#lx-histogram .js-plotly-plot"),
        "Queue": ("", "#lx-queue-strip"),
        "Live": ("", "#lx-live"),
        "Video": ("", "#lx-video-upload, #lx-video-absent"),
        "Darkroom": ("", "#lx-dark-run"),
        "Compare": ("", "#lx-compare-plot .js-plotly-plot"),
        "Retinex": ("", "#lx-retinex-profile .js-plotly-plot"),
        "Feature maps": ("", "#lx-features-tiles .lx-tile img[src]"),
        "Training": ("", "#lx-training-psnr .js-plotly-plot"),
        "Learn": ("", ".lx-lesson"),
    }
    for tab, (button, shown) in steps.items():
        page.click(f"#lx-tabs button[role=tab]:has-text('{tab}')")
        if button:
            page.click(button)
        page.wait_for_selector(shown)
        page.wait_for_timeout(400)
        scan(tab)
        page.click(".lx-theme")  # the other colours; all else is the same in both
        page.wait_for_function("document.body.classList.contains('dark')")
        page.wait_for_timeout(400)
        scan(f"{tab}, dark", "color-contrast")
        page.click(".lx-theme")
        page.wait_for_function("!document.body.classList.contains('dark')")
    page.evaluate("localStorage.removeItem('lx-theme')")
    assert not found, "\n".join(dict.fromkeys(found))


def test_the_page_speaks_german(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="en-GB")
    page.set_default_timeout(PATIENCE)
    opened(page, address, "?lang=de&model=identity&ratio=2")
    page.wait_for_selector("#lx-tabs button[role=tab]:has-text('Wiederherstellen')")
    page.wait_for_selector("#lx-full:has-text('In voller Auflösung wiederherstellen')")
    assert page.get_attribute("html", "lang") == "de"
    page.wait_for_function("document.querySelector('.lx-language select').value === 'de'")
    page.wait_for_selector("#lx-viewer .lx-badge:has-text('Vorschau')")
    assert "aufnahm" in (page.get_attribute("#lx-viewer .lx-before", "alt") or "")
    page.select_option(".lx-language select", "en")
    page.wait_for_selector("#lx-tabs button[role=tab]:has-text('Restore')")
    assert "lang=en" in page.url
    page.close()


def test_phone_width_fits(browser: Browser, address: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.set_default_timeout(PATIENCE)
    opened(phone, address)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    box = phone.locator("#lx-viewer .lx-frame").bounding_box()
    assert box
    assert box["width"] > 340
    for tab in ("compare", "retinex", "features", "learn"):
        phone.goto(f"{address}?tab={tab}&example=cat&model=identity&ratio=2")
        phone.wait_for_selector("#lx-viewer [data-revision]", state="attached")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390, tab
    phone.close()
