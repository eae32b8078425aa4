"""The page's address: it holds what is set, leads back through the tabs, and says what it cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

from driving import PATIENCE, choose_model, opened, upload

from explorer.messages import say

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def selected(page: Page, title: str) -> None:
    page.wait_for_selector(f"#lx-tabs button[role=tab][aria-selected=true]:has-text('{title}')")


def asked(page: Page) -> dict[str, str]:
    """What the address asks for."""
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_back_and_forward_move_between_tabs(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma&ratio=2&models=gamma&decompose=lime")
    for title in ("Compare", "Retinex"):
        page.click(f"#lx-tabs button[role=tab]:has-text('{title}')")
        selected(page, title)
        page.wait_for_url(f"**tab={title.lower()}**")
    page.go_back()
    selected(page, "Compare")
    page.go_back()
    selected(page, "Restore")
    page.fill(".lx-ratio-number", "3")
    page.press(".lx-ratio-number", "Enter")
    page.wait_for_url("**ratio=3**")
    page.go_forward()
    selected(page, "Compare")
    page.wait_for_timeout(500)
    assert asked(page) | {"ratio": "3", "tab": "compare"} == asked(page), "what was set meanwhile stays"
    assert page.evaluate("document.querySelector('#lx-tabs [aria-selected=true]').dataset.tabId") == "compare"


def test_a_tab_that_is_chosen_while_the_page_is_busy_is_a_page_to_go_back_to(page: Page, address: str) -> None:
    opened(page, address)
    page.click("#lx-examples button[data-name=cat]")
    page.wait_for_timeout(300)
    page.click("#lx-tabs button[role=tab]:has-text('Training')")
    page.wait_for_url("**tab=training**")
    page.go_back()
    selected(page, "Restore")


def test_what_a_link_asks_for_in_vain_is_said_in_few_words(page: Page, address: str) -> None:
    opened(page, address, "?example=nowhere&model=nothing&tab=elsewhere")
    said = page.locator("#lx-message .lx-notes p")
    said.nth(2).wait_for()
    assert all(
        f"“{name}”" in words and len(words) < 90
        for name, words in zip(("elsewhere", "nowhere", "nothing"), said.all_inner_texts(), strict=True)
    )
    assert not page.locator("#lx-message [role=alert]").count(), "nothing failed"


def test_the_address_holds_amplifications_edits_and_channel(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&tab=compare&models=gamma&at=list&ratios=2,5")
    page.wait_for_selector("#lx-compare-table tbody tr:nth-child(2) td:has-text('5')")
    assert page.locator("#lx-compare-tiles .lx-tile").count() == 4
    page.click("#lx-compare-ratio label:has-text('As set')")
    page.wait_for_function("!location.search.includes('ratios') && location.search.includes('at=same')")

    opened(page, address, "?example=cat&tab=retinex&decompose=lime&gamma=0.4")
    page.wait_for_selector("#lx-retinex-edited .lx-tile img")
    assert page.input_value("#lx-retinex-gamma input[type=number]") == "0.4"
    page.fill("#lx-retinex-gain input[type=number]", "2")
    page.press("#lx-retinex-gain input[type=number]", "Enter")
    page.wait_for_function("location.search.includes('gain=2') && location.search.includes('gamma=0.4')")

    opened(page, address, "?example=cat&tab=features&network=zero_dce.lol&layer=convs.2&channel=7")
    page.wait_for_selector("#lx-features-tiles strong:has-text('Channel 7 of convs.2')")
    page.click("#lx-features-channels button[data-channel='3']")
    page.wait_for_url("**channel=3**")


def test_a_link_to_ones_own_photo_says_that_it_does_not_hold_it(
    page: Page, browser: Browser, address: str, night: Path
) -> None:
    opened(page, address, "?example=cat&model=gamma&ratio=2")
    upload(page, night)
    page.wait_for_url("**own=1**")
    assert "example" not in asked(page)
    other = browser.new_page()
    other.set_default_timeout(PATIENCE)
    other.goto(page.url)
    other.wait_for_selector(f'#lx-message :text("{say("link.own_photo")}")')
    other.wait_for_selector("#lx-viewer [data-revision]", state="attached")
    other.click("#lx-examples button[data-name=cat]")
    other.wait_for_function("!location.search.includes('own=')")
    other.close()
    page.reload()
    page.wait_for_function("document.querySelector('#lx-viewer .lx-after')?.alt.includes('night')")
    assert not page.inner_text("#lx-message").strip(), "the owner finds it again"


def test_feature_maps_begin_with_restores_model_and_its_drawing_is_a_file(page: Page, address: str) -> None:
    opened(page, address, "?example=cat&model=gamma&ratio=2")
    choose_model(page, "Zero-DCE")
    page.wait_for_url("**model=zero_dce.lol**")
    page.click("#lx-tabs button[role=tab]:has-text('Feature maps')")
    page.wait_for_selector("#lx-features-layers .lx-layer-list button[data-name='convs.6']")
    page.wait_for_selector("#lx-features-status :text('amplified')")
    with page.expect_download() as waiting:
        page.click("#lx-features-layers .lx-svg")
    assert waiting.value.suggested_filename == "zero_dce.lol.svg"
    drawn = ElementTree.parse(waiting.value.path()).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}rect")) == 7 and len(drawn.findall(f"{space}path")) == 3, "boxes and skips"
    assert [each.text for each in drawn.findall(f"{space}text")][-1] == "convs.6"
    page.click("#lx-features-layers summary")
    page.wait_for_function("!document.querySelector('#lx-features-layers .lx-diagram').checkVisibility()")
