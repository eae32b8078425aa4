"""A camera's frames without a browser: their restoration and their largest size."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from explorer.app import live, live_tab, model_picker
from explorer.app.live import BUDGET, SIDES, Pace, restore_frame
from explorer.errors import ExplorerError, ModelNotFoundError, PhotoError, RatioError


def jpeg(width: int = 320, height: int = 240, level: int = 20) -> bytes:
    """A dark picture with a bright left half."""
    picture = np.full((height, width, 3), level, np.uint8)
    picture[:, : width // 2] = 2 * level
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def new_pace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(live, "pace", Pace())
    yield


def brightened(level: float, ratio: float) -> float:
    """What an 8-bit sRGB level becomes at an amplification (IEC 61966-2-1)."""
    share = level / 255
    linear = ratio * (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4)
    return 255 * (12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055)


def test_a_frame_is_restored_at_the_ratio_that_was_asked_for() -> None:
    picture, told = restore_frame(jpeg(), {"model": "identity", "ratio": "6"})
    shown = np.asarray(Image.open(io.BytesIO(picture))).astype(float)
    assert shown.shape == (240, 320, 3) and (told["width"], told["height"], told["ratio"]) == (320, 240, 6.0)
    for half, level in ((shown[20:-20, 20:140], 40), (shown[20:-20, 180:300], 20)):
        assert abs(half.mean() - brightened(level, 6)) < 2.5


def test_the_light_is_followed_from_the_frame_before() -> None:
    wanted = restore_frame(jpeg(), {"model": "identity", "ratio": "auto"})[1]["ratio"]
    assert wanted > 2

    def next_ratio(last: float, elapsed: str) -> float:
        choices = {"model": "identity", "ratio": "auto", "last": str(last), "elapsed": elapsed}
        return float(restore_frame(jpeg(), choices)[1]["ratio"])

    assert next_ratio(1.0, "0") == pytest.approx(1.0)
    # After two seconds, 1 - 1/e of the way is gone, in stops.
    assert next_ratio(1.0, "2") == pytest.approx(wanted ** (1 - np.exp(-1)), rel=2e-3)
    assert 1 < next_ratio(1.0, "0.066") < next_ratio(1.0, "0.3") < wanted < next_ratio(300.0, "0.3") < 300
    assert next_ratio(1.0, "1e30") == next_ratio(1.0, "10"), "what a page claims is cut"
    assert next_ratio(1.0, "nan") == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("data", "choices", "error"),
    [
        (b"", {}, PhotoError),
        (b"GIF89a", {}, PhotoError),
        (jpeg()[:400], {}, PhotoError),
        (jpeg(2000, 1000), {}, PhotoError),
        (jpeg(), {"model": "../weights"}, ModelNotFoundError),
        (jpeg(), {"ratio": "0"}, RatioError),
        (jpeg(), {"ratio": "nan"}, RatioError),
        (jpeg(), {"ratio": "auto", "last": "1e9"}, RatioError),
    ],
)
def test_hostile_frames_are_a_sentence(data: bytes, choices: dict[str, str], error: type[ExplorerError]) -> None:
    with pytest.raises(error):
        restore_frame(data, {"model": "identity", **choices})
    assert restore_frame(jpeg(), {"model": "identity", "ratio": "2"})[1]["ratio"] == 2, "the next one is restored"


def timed(pace: Pace, seconds: float, frames: int = 30) -> list[int]:
    """Sides that a model's frames have which take so many seconds at 640 pixels, and less at fewer."""
    sides = []
    for _ in range(frames):
        side = pace.side("m")
        sides.append(side)
        pace.observe("m", side, seconds * (side / SIDES[0]) ** 2)
    return sides


def test_a_slow_model_gets_smaller_frames_and_a_quick_one_the_largest() -> None:
    assert timed(Pace(), BUDGET / 2)[-1] == SIDES[0]
    assert timed(Pace(), 100 * BUDGET)[-1] == SIDES[-1]
    slow = Pace()
    side = timed(slow, 3 * BUDGET)[-1]
    assert SIDES[-1] < side < SIDES[0] and 3 * BUDGET * (side / SIDES[0]) ** 2 <= BUDGET
    assert timed(slow, BUDGET / 3)[-1] == SIDES[0], "it grows again when the machine is free"


def test_the_size_does_not_go_to_and_fro() -> None:
    for factor in np.linspace(0.2, 30, 80):
        sides = timed(Pace(), factor * BUDGET, 60)
        assert len(set(sides[20:])) == 1, factor


def test_a_page_that_sends_more_than_it_may_is_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live.pace, "side", lambda model: 160)
    picture, told = restore_frame(jpeg(640, 480), {"model": "identity", "ratio": "2"})
    assert Image.open(io.BytesIO(picture)).size == (160, 120) and told["side"] == 160


def test_the_tab_begins_with_a_model_that_is_there() -> None:
    assert live_tab.first_model() in model_picker.models()
