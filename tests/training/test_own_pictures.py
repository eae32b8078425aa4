"""From a folder of photos to weights in the app: pairs, a training, a card, a restored picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file
from tiny_sets import scene

from explorer.cli.program import main
from explorer.errors import DataError
from explorer.training.loop import Trainer
from explorer.training.recipe import Own, own_recipe

BASE = "lynx_rgb.mixed_small"


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for k in range(4):
        Image.fromarray(scene(k, 240, 320)).save(folder / f"p{k}.jpg", quality=95)
    return folder


@pytest.fixture(scope="module")
def pairs(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("own") / "pairs"
    asked = ["darken", str(photographs), "-o", str(out), "--iso", "6400", "--ratio", "20", "--max-side", "160"]
    assert main(asked) == 0
    return out


@pytest.fixture(scope="module")
def shipped(project: Path) -> Path:
    return project / "weights" / BASE / "model.safetensors"


@pytest.fixture(scope="module")
def weights(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps of fine-tuning, and the folder that the app can load."""
    place = tmp_path_factory.mktemp("weights")
    asked = ["train", BASE, "--data", str(pairs), "--name", "mine", "--start-from", BASE, "--rate", "0.05"]
    assert main([*asked, "--steps", "2", "--device", "cpu", "--run", str(place / "run"), "-o", str(place / "out")]) == 0
    return place


def test_a_folder_of_photographs_becomes_pairs(pairs: Path, photographs: Path) -> None:
    names = [f"p{k}" for k in range(4)]
    assert sorted(path.name for path in (pairs / "low").iterdir()) == [f"{name}.jpg" for name in names]
    assert sorted(path.name for path in (pairs / "high").iterdir()) == [f"{name}.png" for name in names]
    for name in names:
        low, high = (np.asarray(Image.open(pairs / part)) for part in (f"low/{name}.jpg", f"high/{name}.png"))
        assert low.shape == high.shape and max(low.shape) <= 160
        assert low.mean() < 0.5 * high.mean(), "one of them is dark"
        whole = Image.open(photographs / f"{name}.jpg").resize((high.shape[1], high.shape[0]), Image.Resampling.BOX)
        assert np.abs(np.asarray(whole).astype(float) - high).mean() < 12, "and the other is the photograph"


def test_pairs_of_an_earlier_run_are_said_to_be_so_and_made_anew_on_request(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["darken", str(photographs), "-o", str(tmp_path / "out"), "--iso", "6400", "--max-side", "64"]
    assert main([*asked, "--ratio", "30"]) == 0
    first = (tmp_path / "out" / "low" / "p0.jpg").read_bytes()
    capsys.readouterr()
    assert main([*asked, "--ratio", "3"]) == 0
    assert "0 new pairs" in (said := capsys.readouterr().out) and "4 pairs were there before" in said
    assert (tmp_path / "out" / "low" / "p0.jpg").read_bytes() == first
    assert main([*asked, "--ratio", "3", "--overwrite"]) == 0
    assert "4 new pairs" in capsys.readouterr().out
    assert Image.open(tmp_path / "out" / "low" / "p0.jpg").resize((1, 1)).getpixel((0, 0)) > (20, 0, 0)


def test_pairs_that_are_there_stay_and_what_is_no_photograph_is_named(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.jpg").write_bytes((photographs / "p0.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    asked = ["darken", str(folder), "-o", str(out), "--iso", "6400", "--ratio", "20"]
    assert main(asked) == 0
    first = (out / "low" / "a.jpg").stat().st_mtime_ns
    assert "left out: broken.jpg" in capsys.readouterr().err
    assert main([*asked, "--seed", "9"]) == 0
    assert (out / "low" / "a.jpg").stat().st_mtime_ns == first
    assert main(["darken", str(folder), "-o", str(folder), "--iso", "6400"]) != 0
    (folder / "a.png").write_bytes((photographs / "p0.jpg").read_bytes())
    assert main(asked) != 0
    assert "several photographs called a" in capsys.readouterr().err


def test_fine_tuning_begins_with_the_shipped_weights_and_moves_them_a_little(weights: Path, shipped: Path) -> None:
    before, after = load_file(shipped), load_file(weights / "out" / "lynx_rgb.mine" / "model.safetensors")
    assert before.keys() == after.keys()
    moved = max(float((before[key].float() - after[key].float()).abs().max()) for key in before)
    assert 0 < moved < 0.02
    log = [json.loads(line) for line in (weights / "run" / "log.jsonl").read_text().splitlines()]
    first = next(entry["validation"]["psnr"] for entry in log if "validation" in entry)
    assert first > 15, "it could restore before its first step"


def test_the_card_says_whose_pictures_they_are(weights: Path) -> None:
    folder = weights / "out" / "lynx_rgb.mine"
    card, config = (folder / "README.md").read_text("utf-8"), json.loads((folder / "config.json").read_text("utf-8"))
    assert card.startswith("# lynx_rgb.mine")
    assert "4 pairs of the maker's own" in card and "LOL" not in card.partition("## Licence")[2]
    assert f"`lowlight train {BASE} --data DIR --name mine --start-from {BASE} --rate 0.05`" in card
    assert f"started from `{BASE}`, whose terms apply as well" in card
    assert config["name"] == "lynx_rgb.mine" and config["origin"] == "trained on the maker's own pictures"
    assert config["licence"] == "research use", "as of what it began with"


def test_the_weights_restore_and_are_listed(
    weights: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(weights / "out"))
    out = tmp_path / "bright.png"
    assert main(["restore", str(pairs / "low" / "p1.jpg"), "-m", "lynx_rgb.mine", "--ratio", "20", "-o", str(out)]) == 0
    dark, bright = (np.asarray(Image.open(path).convert("RGB")) for path in (pairs / "low" / "p1.jpg", out))
    truth = np.asarray(Image.open(pairs / "high" / "p1.png"))
    errors = [np.abs(each.astype(float) - truth).mean() for each in (dark, bright)]
    assert errors[1] < 0.6 * errors[0], "it is nearer to the photograph than the dark picture is"
    capsys.readouterr()
    assert main(["models"]) == 0
    assert "lynx_rgb.mine" in capsys.readouterr().out


def test_an_interrupted_run_is_resumed_and_exported_by_itself(weights: Path, pairs: Path, tmp_path: Path) -> None:
    asked = ["train", BASE, "--data", str(pairs), "--name", "mine", "--start-from", BASE, "--rate", "0.05", "--resume"]
    assert main([*asked, "--steps", "3", "--device", "cpu", "--run", str(weights / "run")]) == 0
    assert main(["export", str(weights / "run"), "-o", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "lynx_rgb.mine" / "config.json").read_text("utf-8"))["training"]["steps"] == 3


def test_a_recipe_on_plain_photographs_is_the_makers_own(photographs: Path, tmp_path: Path) -> None:
    """No start: nothing of the project is in the weights, and no terms of its data."""
    asked = ["train", "lynx.raw_synthetic_small", "--data", str(photographs), "--name", "mine", "--steps", "1"]
    assert main([*asked, "--device", "cpu", "--run", str(tmp_path / "run"), "-o", str(tmp_path / "out")]) == 0
    card = (tmp_path / "out" / "lynx.mine" / "README.md").read_text("utf-8")
    config = json.loads((tmp_path / "out" / "lynx.mine" / "config.json").read_text("utf-8"))
    assert "4 photographs of the maker's own" in card and "CID22" not in card
    assert config["licence"] == "not stated"


def test_the_rate_is_a_part_of_the_recipes(pairs: Path, tmp_path: Path) -> None:
    rates = {}
    for part in (1.0, 0.25):
        recipe = own_recipe(Own(BASE, "mine", "pictures", BASE, part))
        trainer = Trainer(recipe, pairs, tmp_path / str(part), steps=1, device="cpu")
        rates[part] = [g["lr"] for each in trainer.objective.optimisers.values() for g in each.param_groups]
    assert rates[0.25] == pytest.approx([0.25 * each for each in rates[1.0]])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--name", "mixed_small"], "a recipe of the project"),
        (["--name", "My weights"], "cannot name weights"),
        (["--rate", "0.1"], "--name"),
        (["--name", "mine", "--start-from", "lynx_rgb.mixed"], "do not fit the network"),
        (["--name", "mine", "--start-from", "nothing.here"], "neither in"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    asked: list[str], words: str, pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", BASE, "--data", str(pairs), "--steps", "1", "--run", str(tmp_path / "run"), *asked]) != 0
    assert words in capsys.readouterr().err


def test_unknown_base() -> None:
    with pytest.raises(DataError, match="no recipe"):
        own_recipe(Own("no.such", "mine", "pictures"))
