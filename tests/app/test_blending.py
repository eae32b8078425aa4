"""Changing the strength only blends: in previews, in a window and in the whole photo, within the session's memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from places import coded

import explorer
from explorer import restorer
from explorer.app import detail, opening, sessions, workspace
from explorer.app.detail import Look
from explorer.app.holding import MEBIBYTE
from explorer.app.sessions import Session
from explorer.photo import Photo, RgbPhoto, open_mosaic
from explorer.sidecar import Finish

MODEL, RATIO = "gamma", 4.0
WINDOW = Look((0.2, 0.2, 0.4, 0.4), 4000, 800)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pixels that each run of a network got."""
    found: list[int] = []
    computed = restorer.compute

    def counted(job: Any, *given: Any) -> Any:
        found.append(job.pixels)
        return computed(job, *given)

    monkeypatch.setattr(restorer, "compute", counted)
    return found


def photo_of(kind: str) -> Photo:
    if kind == "picture":
        return RgbPhoto(coded(1800, 1200).astype(np.float32) / np.float32(1500), 8)
    samples = np.random.default_rng(0).integers(520, 900, (1200, 1800)).astype(np.uint16)
    return open_mosaic(samples, black=512, name="dark")


@pytest.mark.parametrize("kind", ["picture", "mosaic"])
def test_another_strength_runs_no_network(session: Session, runs: list[int], kind: str) -> None:
    photo = photo_of(kind)
    opening.take_photo(session, photo)

    def shown(strength: float) -> list[np.ndarray]:
        quick = workspace.finished_preview(session, MODEL, RATIO, Finish(), strength)
        sharp = workspace.sharp_preview(session, 1000, Finish())
        window = detail.detail(session, WINDOW, Finish())
        assert sharp is not None and window is not None
        assert quick.restoration.strength == sharp.restoration.strength == strength
        return [quick.restoration.image, sharp.restoration.image, window.restored]

    full = shown(100)
    shown(70)  # a window needs more of what is around it than at 100
    before = len(runs)
    half = shown(50)
    others = [shown(strength) for strength in (20, 0, 90)]
    again = shown(100)
    assert len(runs) == before + 1, "only the window at 100 is computed anew"
    for most, less, last in zip(full, half, again, strict=True):
        assert most.shape == less.shape and np.abs(most - last).max() < 1e-6
        assert np.abs(most - less).mean() > 1e-3
    left, top, right, bottom = WINDOW.box(photo.size)
    expected = explorer.restore(photo, MODEL, RATIO, strength=50).image[top:bottom, left:right]
    assert np.abs(half[2] - expected).mean() < 0.1 * np.abs(half[2] - full[2]).mean()
    assert all(not np.array_equal(one[0], half[0]) for one in others)


@pytest.mark.parametrize("kind", ["picture", "mosaic"])
@pytest.mark.parametrize("first", [100, 40])
def test_the_whole_photo_is_restored_once(session: Session, runs: list[int], kind: str, first: float) -> None:
    photo = photo_of(kind)
    opening.take_photo(session, photo)
    results = {s: workspace.full(session, MODEL, RATIO, s) for s in (first, 0, 60)}
    assert len(runs) == 1
    for strength, result in results.items():
        expected = explorer.restore(photo, MODEL, RATIO, strength=strength)
        assert result.strength == strength and np.array_equal(result.image, expected.image)
        assert (result.scene is None) == (expected.scene is None)
        if result.scene is not None and result.scene.codes is not None:
            assert np.array_equal(result.scene.codes, expected.scene.codes)  # type: ignore[union-attr]
    before = len(runs)
    workspace.full(session, MODEL, 2 * RATIO, 60)
    workspace.full(session, "identity", 2 * RATIO, 60)
    assert len(runs) == before + 2, "another ratio and another model are another picture"


def test_what_other_strengths_need_goes_before_photos_and_results(
    session: Session, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = photo_of("picture")
    opening.take_photo(session, photo)
    workspace.full(session, MODEL, RATIO, 60)
    kept, everything = session.held()[0], sum(session.held())
    assert kept == 18 * 1800 * 1200, "16 bits for each sample, and floats of a small picture"
    monkeypatch.setenv("EXPLORER_SESSION_MEGABYTES", str((everything - kept / 2) / 0.6 / MEBIBYTE))
    sessions.settle()
    assert sum(session.held()) == everything - kept
    opened = session.require_open()
    assert opened.work.full is not None and opened.kept.held is not None
    result = workspace.full(session, MODEL, RATIO, 30)
    assert len(runs) == 2 and np.array_equal(result.image, explorer.restore(photo, MODEL, RATIO, strength=30).image)
