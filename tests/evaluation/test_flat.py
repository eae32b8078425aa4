"""Weave on flat surfaces: noise with and without a pattern of a known period."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from explorer import load_model
from explorer.cli import main
from explorer.errors import DataError
from explorer.evaluation import flat
from explorer.evaluation.flat import LARGEST, PERIODS, evaluate_flat, flatness, grey_steps, relative_power, spectrum
from explorer.weights.config import read_config


def noise(count: int = 16, side: int = 64, smooth: int = 1) -> list[np.ndarray]:
    """Grey with shading and noise; `smooth` averages that many neighbours, as a denoiser's mottling."""
    rng = np.random.default_rng(5)
    shading = np.linspace(0.4, 0.5, side)[:, None, None]
    patches = []
    for _ in range(count):
        grain = rng.normal(0, 0.02, (side, side, 3))
        grain = np.mean([np.roll(grain, (k, k), (0, 1)) for k in range(smooth)], axis=0)
        patches.append(shading + grain)
    return patches


def pattern(period: int, axis: int, side: int = 64) -> np.ndarray:
    wave = np.cos(2 * np.pi * np.arange(side) / period)[:, None, None]
    return wave if axis == 0 else wave.transpose(1, 0, 2)


def test_noise_has_no_weave() -> None:
    for smooth in (1, 3):
        counted, rows, columns = flatness(noise(smooth=smooth))
        assert counted == 16
        assert max(*rows.values(), *columns.values()) < LARGEST


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("axis", [0, 1])
def test_a_weave_is_seen_where_it_is(period: int, axis: int) -> None:
    """A fifth of the noise's amplitude, which the eye sees on a flat wall."""
    _, rows, columns = flatness([each + 0.004 * pattern(period, axis) for each in noise()])
    found, other = (rows, columns) if axis == 1 else (columns, rows)
    assert found[period] > LARGEST
    assert all(found[each] < LARGEST for each in PERIODS if each != period)
    assert max(other.values()) < LARGEST


def test_power_against_its_definition() -> None:
    """A cosine of amplitude a holds N a^2 / 4 times the power that white noise of variance 1 has there; at period 2,
    where both of its halves meet in one place, four times as much."""
    side, amplitude = 64, 0.5
    rng = np.random.default_rng(1)
    patches = [rng.standard_normal((side, side, 1)) + amplitude * pattern(8, 1) for _ in range(40)]
    mean = np.mean([spectrum(each, 1) for each in patches], axis=0)
    assert relative_power(mean, 8) == pytest.approx(1 + side * amplitude**2 / 4, rel=0.1)
    patches = [rng.standard_normal((side, side, 1)) + amplitude * pattern(2, 0) for _ in range(40)]
    mean = np.mean([spectrum(each, 0) for each in patches], axis=0)
    assert relative_power(mean, 2) == pytest.approx(1 + side * amplitude**2, rel=0.1)


def test_black_white_and_even_patches_do_not_count() -> None:
    black, white, even = (np.full((64, 64, 3), level) for level in (0.0, 1.0, 0.5))
    assert flatness([*noise(4), black, white, even])[0] == 5  # an even one is seen, but shows nothing
    with pytest.raises(DataError, match="is black or white"):
        flatness([black, white])
    with pytest.raises(DataError, match="is black or white"):
        flatness([even])


def test_the_grey_steps_are_flat() -> None:
    steps = grey_steps()
    assert steps.shape == (384, 384, 3) and steps.dtype == np.uint8
    assert len(np.unique(steps)) == 16 and (steps[..., 0] == steps[..., 2]).all()
    assert (steps[16:80, 16:80] == steps[20, 20]).all()


def test_a_model_that_weaves_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture as it is, and with a lattice of period 4 added by the model."""
    identity = load_model("identity")
    clean = evaluate_flat([identity], [30.0])[0]
    assert clean.surface == "grey" and clean.patches > 8
    assert all(clean.weave(period) < LARGEST for period in PERIODS)
    restore = flat.restore

    def weaving(*given: object, **options: object) -> object:
        made = restore(*given, **options)
        height, width = made.image.shape[:2]
        lattice = np.cos(np.pi / 2 * np.arange(height))[:, None] * np.cos(np.pi / 2 * np.arange(width))
        return SimpleNamespace(image=np.clip(made.image + 0.05 * lattice[..., None], 0, 1))

    monkeypatch.setattr(flat, "restore", weaving)
    woven = evaluate_flat([identity], [30.0])[0]
    assert min(woven.rows[4], woven.columns[4]) > LARGEST > max(woven.weave(2), woven.weave(8))


def test_the_command_measures_and_records(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    weights = tmp_path / "zero_dce.lol"
    shutil.copytree(project / "weights" / "zero_dce.lol", weights)
    assert main(["eval", "--flat", "-m", str(weights), "--ratios", "30", "--record", "--json", "-q"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["surface"] == "grey" and result["ratio"] == 30
    assert all(math.isfinite(value) for value in result["rows"].values())
    kept = read_config(weights).metrics["flat_grey_30"]
    assert kept["weave_4"] == pytest.approx(max(result["rows"]["4"], result["columns"]["4"]), abs=1e-4)
    card = (weights / "README.md").read_text()
    assert "| grey, synthetic RAW at ×30 |" in card and "|  | period 2 | period 4 | period 8 |" in card
    assert main(["eval", "--flat", "-m", "identity", "--plot", str(tmp_path / "a.svg")]) == 2
    assert main(["eval", "--flat", "-m", "identity", "--synthetic-raw", str(tmp_path)]) == 2
