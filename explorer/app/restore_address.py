"""The Restore tab's part of the page's address: how it is written and read."""

from __future__ import annotations

import json
import math

from explorer.app import text

WRITE_ADDRESS = "(model, ratio) => lxAddress({model, ratio: ratio && !ratio.auto ? ratio.ratio : null})"
"""JavaScript: keeps the model, and a ratio set by hand, in the page's address."""

WRITE_STRENGTH = "(strength) => lxAddress({strength: strength === 100 ? null : strength})"
WRITE_FINISH = (
    f"(...steps) => lxSteps(Object.fromEntries({json.dumps(list(text.FINISH_STEPS))}"
    ".map((name, k) => [name, steps[k] || null])))"
)
"""JavaScript: keeps the finishing steps that have an effect in the page's address."""

WRITE_BALANCE = """(choice, x, y) => {
    const balance = choice === "as_shot" ? null : choice === "neutral" ? [choice, x, y].join() : choice;
    lxAddress({ balance: choice === "neutral" && (x === null || y === null) ? null : balance });
}"""
"""JavaScript: keeps the white balance in the page's address, with the position of the grey patch if there is one."""


def step_in_address(least: float, most: float, typed: str) -> float | None:
    """A slider's value in the page's address, moved into its limits; None if it is not a number."""
    try:
        value = float(typed)
    except ValueError:
        return None
    return None if math.isnan(value) else min(max(value, least), most)
