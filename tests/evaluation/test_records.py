"""Figures that `lowlight eval --record` writes into folders of weights and their cards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.cli import main
from explorer.errors import WeightsError
from explorer.evaluation.records import record
from explorer.metrics import METRICS, PLAIN
from explorer.models import create_model
from explorer.training.baselines import EVAL15, baselines
from explorer.training.card import figures_section, late_gain_words, model_card, with_figures
from explorer.training.recipe import recipe_names
from explorer.weights import CATALOGUE
from explorer.weights.config import WeightsConfig, read_config
from explorer.weights.store import load_weights, write_weights

CARD = "# sci.lol\n\nText.\n\n## Figures\n\nNot measured.\n\n## Known failures\n\nSome.\n"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = WeightsConfig(
        name="sci.lol",
        architecture="sci",
        domain="rgb",
        metrics={"validation": {"psnr": 15.5, "ssim": 0.6}, EVAL15: {"psnr": 1.0}},
    )
    write_weights(tmp_path / "weights" / "sci.lol", create_model("sci"), config, CARD)
    return tmp_path / "weights" / "sci.lol"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder that is called like LOL's test pairs."""
    folder = tmp_path / EVAL15
    y, x = np.mgrid[0 : 1 : 40 * 1j, 0 : 1 : 48 * 1j]
    for k in range(2):
        high = (0.5 + 0.4 * np.sin(4 * x + k)[..., None] * np.cos(3 * y)[..., None] * (1, 0.8, 0.7)) * 255
        for name, image in (("high", high), ("low", high * 0.2)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.astype(np.uint8)).save(folder / name / f"{k}.png")
    return folder


def test_measured_figures_go_into_config_and_card(
    weights: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (weights / "model.safetensors").read_bytes()
    line = ["eval", "--data", str(pictures / "low"), str(pictures / "high"), "-m", str(weights), "--json", "--record"]
    assert main([*line, "-q"]) == 0
    measured = json.loads(capsys.readouterr().out)["results"][1]
    config = read_config(weights)
    assert set(config.metrics) == {"validation", EVAL15}
    assert config.metrics[EVAL15] == {
        "pictures": 2,
        **{key: round(measured[key], 4) for key in (metric.name for metric in METRICS)},
    }
    assert config.metrics["validation"] == {"psnr": 15.5, "ssim": 0.6}
    card = (weights / "README.md").read_text()
    assert card.startswith("# sci.lol\n\nText.\n\n## Figures\n\n") and card.endswith("## Known failures\n\nSome.\n")
    assert f"| these weights | {measured['psnr']:.2f} | {measured['ssim']:.3f} |" in card
    assert "| published SCI, medium | 14.85 | 0.524 | 19.13 |" in card and "Not measured" not in card
    assert (weights / "model.safetensors").read_bytes() == before
    load_weights(weights)
    # Once more: the same figures, once.
    assert main([*line, "-q"]) == 0
    assert (weights / "README.md").read_text() == card
    assert sorted(p.name for p in weights.iterdir()) == ["README.md", "config.json", "model.safetensors"]


def test_figures_on_synthetic_raw_are_recorded_by_ratio(
    weights: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["eval", "--synthetic-raw", str(pictures / "high"), "--ratios", "10,100", "-m", str(weights), "--json"]
    assert main([*line, "--sensor", "high", "--record", "-q"]) == 0
    measured = {r["ratio"]: r for r in json.loads(capsys.readouterr().out)["results"]}
    metrics = read_config(weights).metrics
    for ratio in (10, 100):
        assert metrics[f"high_high_iso_raw_{ratio}"]["psnr"] == pytest.approx(measured[ratio]["psnr"], abs=1e-4)
        assert metrics[f"high_high_iso_raw_{ratio}"]["pictures"] == 2
    card = (weights / "README.md").read_text()
    cells = " | ".join(" / ".join(m.format(measured[r][m.name]) for m in PLAIN) for r in (10, 100))
    assert "**Synthetic RAW from high, sensors at high ISO**" in card
    assert "|  | ×10 | ×100 |" in card and f"| these weights | {cells} |" in card


def test_other_weights_than_the_measured_ones_keep_their_figures(weights: Path) -> None:
    before = (weights / "config.json").read_bytes(), (weights / "README.md").read_bytes()
    with pytest.raises(WeightsError, match="different weights from those that were measured"):
        record(weights, {EVAL15: {"psnr": 30.0}}, "0" * 64)
    assert ((weights / "config.json").read_bytes(), (weights / "README.md").read_bytes()) == before


def test_a_card_without_that_section_gets_it_at_its_end(weights: Path) -> None:
    config = read_config(weights)
    assert with_figures("# x\n\nText.\n", config) == f"# x\n\nText.\n\n{figures_section(config)}"
    (weights / "README.md").unlink()
    record(weights, {"other": {"psnr": 20.0}}, config.sha256)
    assert (weights / "README.md").read_text().startswith("# sci.lol\n")
    assert "**other**" in (weights / "README.md").read_text()


def test_weights_that_may_not_be_written_are_not_measured_first(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("it measured before it looked")

    monkeypatch.setattr("explorer.evaluation.pairs.evaluate_pairs", never)
    line = ["eval", "--data", str(pictures / "low"), str(pictures / "high"), "-m", "clahe", "--record"]
    assert main(line) == 6
    assert "clahe has no folder of weights on this machine" in capsys.readouterr().err


def test_a_measured_raw_network_stands_beside_the_published_one() -> None:
    metrics = {
        f"kodak24_base_iso_raw_{ratio}": {"psnr": 20.0 + ratio, "ssim": 0.5, "pictures": 24} for ratio in (100, 10)
    }
    config = WeightsConfig(
        name="lamba_m1.raw_synthetic", architecture="lamba_m1", domain="bayer", metrics=metrics
    )  # fmt: skip
    section = figures_section(config)
    assert "|  | ×10 | ×100 |" in section and "| these weights | 30.00 / 0.500" in section
    assert "| 120.00 / 0.500" in section
    assert "| published M0 |" in section and "| developed and amplified |" in section


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (0.8, "rose by 0.80 dB: it was still climbing"),
        (0.12, "rose by 0.12 dB: it was rising slowly"),
        (-0.01, "fell by 0.01 dB: it had levelled off"),
        (-0.4, "fell by 0.40 dB: the last steps did not help"),
        (None, "too short to show"),
    ],
)
def test_the_end_of_the_curve_in_words(gain: float | None, words: str) -> None:
    assert words in late_gain_words(gain)


def test_a_card_tells_shrunk_phases_parts_and_bits() -> None:
    training = {
        "recipe": "res_unet.raw_synthetic_8bit", "steps": 10, "steps_planned": 10, "seed": 1, "schedule": "step",
        "phases": [{"until": 1.0, "crop": 64, "batch": 4, "shrink": 3}], "average": 0.9, "seconds": 7200,
        "hardware": "a machine", "data": "pictures", "start": {"decom": "other.weights"}, "input_bits": 8,
        "known_failures": "It fails in fog.", "psnr_gain_last_quarter": 0.5,
    }  # fmt: skip
    config = WeightsConfig(
        name="res_unet.raw_synthetic_8bit", architecture="res_unet", domain="rgb", input={"bits": 8}, training=training
    )
    card = model_card(config)
    for words in (
        "reduced from up to 3 times that width", "the part `decom` of `other.weights`", "2.0 hours", "It fails in fog.",
        "rounded to 8 bits before amplification", "still climbing", "Not measured.",
    ):  # fmt: skip
        assert words in card, words


def test_the_published_rows_name_checkpoints_and_recipes_that_exist() -> None:
    compared = {name for entry in CATALOGUE.values() for name in entry.compared_with}
    assert compared and compared <= set(recipe_names())
    assert all(entry.figures for entry in CATALOGUE.values() if entry.compared_with)
    assert [row.scores["psnr"] for row in baselines("zero_dce.lol", EVAL15)] == [14.86, 7.77]
    assert baselines("zero_dce.lol", "other pictures") == []


def test_the_published_rows_are_what_this_project_measures(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that are quick: Zero-DCE and SCI, as imported, on LOL eval15; in float32, as the rows were measured."""
    monkeypatch.setenv("EXPLORER_BACKEND", "torch")
    from explorer.evaluation.pairs import evaluate_pairs, list_pairs
    from explorer.weights import import_published

    folder = shared / "data" / EVAL15
    if not folder.is_dir():
        pytest.skip("needs LOL eval15 among the shared test data")
    models = [
        import_published("zero_dce", shared / "checkpoints" / "zero_dce" / "Epoch99.pth"),
        import_published("sci_medium", shared / "checkpoints" / "sci" / "medium.pt"),
    ]
    for result in evaluate_pairs(list_pairs(folder / "low", folder / "high"), models)[1:]:
        row = CATALOGUE[result.model].figures[EVAL15]
        assert result.scores.psnr == pytest.approx(row.scores["psnr"], abs=0.011), result.model
        assert result.scores.ssim == pytest.approx(row.scores["ssim"], abs=0.0011), result.model
        assert result.scores.gt_mean_psnr == pytest.approx(row.scores["gt_mean_psnr"], abs=0.011), result.model
