"""Wrong arguments of the Python API: each gives one sentence from the family of `explorer.errors`, never another."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer
from explorer.encode import check_output, write_bytes
from explorer.errors import ExplorerError, ModelNotFoundError, OutputError, PhotoError, RatioError, WhiteBalanceError
from explorer.models import create_model
from explorer.photo import RgbPhoto, check_ratio, open_mosaic, suggest_ratio, write_dng
from explorer.photo.light.reduce import reduced

NAN, INFINITE = float("nan"), float("inf")
COUNTS = np.full((16, 16), 900, np.uint16)
RAW = open_mosaic(COUNTS, black=500)
RGB = RgbPhoto(np.full((16, 16, 3), 0.3, np.float32), bits=8)


def misuses() -> list[Any]:
    """Calls that are wrong, with the error that each must raise; a call is given an empty folder."""
    found: list[Any] = []

    def add(name: str, error: type[ExplorerError], call: Callable[[Path], object]) -> None:
        found.append(pytest.param(call, error, id=name))

    for kind, photo in (("raw", RAW), ("rgb", RGB)):
        for choice in ((10**400, 1, 1), (10**5000, 1, 1), np.array([1, 2]), "211", np.array(3.0), None):
            what = f"{kind} gains {type(choice).__name__} {len(found)}"
            add(what, WhiteBalanceError, lambda _, p=photo, c=choice: p.with_white_balance(c))
        for x, y in (("5", "5"), (None, 1), (1, None), (NAN, 1), (10**400, 1)):
            what = f"{kind} point {len(found)}"
            add(what, WhiteBalanceError, lambda _, p=photo, x=x, y=y: p.with_neutral_point(x, y))
        for size in (NAN, INFINITE, "a", None, 0, -3):
            add(f"{kind} size {size}", WhiteBalanceError, lambda _, p=photo, s=size: p.with_neutral_point(5, 5, s))
        for m in ("a", 0, NAN, None, -1):
            add(f"{kind} m {m}", RatioError, lambda _, p=photo, m=m: suggest_ratio(p, m=m))
        for long in ("5", NAN, 0, -1, True, object()):
            add(f"{kind} long {len(found)}", RatioError, lambda _, p=photo, v=long: suggest_ratio(p, long_exposure=v))
        for side in (0, -1, 2.5, NAN, "a", None, True):
            add(f"{kind} side {side}", PhotoError, lambda _, p=photo, s=side: reduced(p, s))
    for ratio in (10**5000, np.bool_(True), -(10**5000)):
        add(f"ratio {len(found)}", RatioError, lambda _, r=ratio: check_ratio(r))
    for source in (None, 5, ["a.png"]):
        add(f"photo {source}", PhotoError, lambda _, s=source: explorer.open_photo(s))
    for photo in ("a.png", Path("a.dng"), COUNTS, None):
        add(f"restored {type(photo).__name__}", PhotoError, lambda _, p=photo: explorer.restore(p, "gamma", 2))
    for width in (-1, 2.5, 0, "a", None):
        add(f"width {width}", ModelNotFoundError, lambda _, w=width: create_model("pix2pix", width=w))
    for error, options in (
        (PhotoError, {"phase": None}), (PhotoError, {"phase": 3}), (PhotoError, {"black": "a"}),
        (PhotoError, {"black": None}), (PhotoError, {"white": "a"}), (PhotoError, {"white": None}),
        (PhotoError, {"rotation": 45}), (PhotoError, {"rotation": None}), (WhiteBalanceError, {"gains": "abc"}),
        (WhiteBalanceError, {"gains": (1, 2)}), (WhiteBalanceError, {"gains": 3}),
    ):  # fmt: skip
        add(f"mosaic {options}", error, lambda _, o=options: open_mosaic(COUNTS, **o))
    for options in (
        {"rotation": 45}, {"rotation": None}, {"white": -1}, {"white": "a"}, {"white": 70000}, {"black": -5},
        {"black": "a"}, {"black": 20000}, {"black": (1, 2, 3)}, {"as_shot_neutral": (1, 1)}, {"as_shot_neutral": "abc"},
        {"as_shot_neutral": 1}, {"phase": None}, {"phase": "RGBW"}, {"color_matrix": "abc"}, {"iso": -1},
        {"exposure_seconds": NAN}, {"aperture": "a"},
    ):  # fmt: skip
        add(f"dng {options}", PhotoError, lambda folder, o=options: write_dng(folder / "a.dng", COUNTS, **o))
    for name in (f"{'n' * 300}.png", "a\0b.png", f"{'n' * 300}/a.png", "a\ud800.png"):
        add(f"output {len(found)}", OutputError, lambda folder, n=name: check_output(folder / n))
        add(f"written {len(found)}", OutputError, lambda folder, n=name: write_bytes(folder / n, b"1"))
    return found


@pytest.mark.parametrize(("call", "error"), misuses())
def test_misuse_is_one_sentence(call: Callable[[Path], object], error: type[ExplorerError], tmp_path: Path) -> None:
    with pytest.raises(ExplorerError) as caught:
        call(tmp_path)
    assert isinstance(caught.value, error)
    message = str(caught.value)
    assert message.endswith((".", ")"))
    assert "\n" not in message
    assert not re.search(r"\. [A-Z]", message)
    assert len(message) < 400
    assert not list(tmp_path.iterdir())
