"""Work in bands on several threads."""

from __future__ import annotations

import threading
import time

import pytest

from explorer.photo.parallel import in_bands


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.photo.parallel.cores", lambda: 4)


def test_every_row_belongs_to_one_band() -> None:
    seen: list[tuple[int, int]] = []
    in_bands(103, 10, lambda top, bottom: seen.append((top, bottom)))
    assert sorted(seen) == [(top, min(top + 10, 103)) for top in range(0, 103, 10)]


def test_an_error_of_any_band_is_raised_once_no_band_runs_any_more() -> None:
    running: set[int] = set()

    def work(top: int, bottom: int) -> None:
        running.add(top)
        time.sleep(0.01)
        running.discard(top)
        if top == failing:
            raise ValueError(f"band {top}")

    for failing in (0, 7, 39):
        with pytest.raises(ValueError, match=f"band {failing}$"):
            in_bands(40, 1, work)
        assert not running


def test_bands_within_bands_and_many_callers_never_wait_for_each_other() -> None:
    """All helpers are busy with work that wants helpers itself."""
    counted, lock = [0], threading.Lock()

    def inner(top: int, bottom: int) -> None:
        time.sleep(0.001)
        with lock:
            counted[0] += 1

    callers = [
        threading.Thread(target=in_bands, args=(8, 1, lambda top, bottom: in_bands(5, 1, inner)), daemon=True)
        for _ in range(12)
    ]
    for each in callers:
        each.start()
    for each in callers:
        each.join(60)
        assert not each.is_alive()
    assert counted[0] == 12 * 8 * 5
