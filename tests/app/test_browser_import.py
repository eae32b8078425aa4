"""Importing an author's weights from the page, after it has shown their licence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

from driving import message, opened
from server import Fault, LocalHub

pytestmark = pytest.mark.browser


def test_the_button_names_the_licence_and_the_model_is_there_at_once(
    page: Page, address: str, authors: LocalHub
) -> None:
    opened(page, address, "?example=cat&model=identity&ratio=2")
    page.click("#lx-import > button")
    page.wait_for_selector("#lx-import-terms :text('Licence')")
    page.click("#lx-import-name input")
    page.locator("[role=option]").filter(has_text=re.compile(r"^\W*zero_dce\s*$")).click()
    page.wait_for_selector("#lx-import-run:has-text('CC BY-NC 4.0')")
    terms = page.inner_text("#lx-import-terms")
    assert "Zero-Reference Deep Curve Estimation" in terms
    assert "permission" not in terms, "the licence gives it, for what earns no money"
    assert authors.requests == [], "nothing is fetched before the visitor agrees"

    authors.faults = [Fault("store:GET", status=404)]
    page.click("#lx-import-run")
    assert "Epoch99.pth" in message(page)
    assert "zero_dce" not in page.inner_text("#lx-result")

    page.click("#lx-import-run")
    page.wait_for_selector("#lx-result :text('zero_dce')")
    assert "published" in page.input_value("#lx-model input")
    page.wait_for_selector("#lx-message [role=alert]", state="detached")
    page.wait_for_url("**model=zero_dce**")

    # It is in the other tabs' choices too, and in pages that are opened later.
    page.click("button[role=tab]:has-text('Feature maps')")
    page.click("#lx-features-model input")
    page.wait_for_selector("[role=option]:has-text('(published)')")
    opened(page, address, "?example=cat&model=zero_dce&ratio=1")
    page.wait_for_selector("#lx-result :text('zero_dce')")
