"""Exports runs to weights, animations and trackers, also from the command line."""

from __future__ import annotations

import io
import json
import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence
from tiny_sets import scene

from explorer.cli import main
from explorer.errors import OutputError, TrainingError
from explorer.evaluation.records import record
from explorer.inspect.runs import find_runs, read_run, replay_frames
from explorer.photo import RgbPhoto
from explorer.restorer import restore
from explorer.training.export import LARGEST_EXTRAS, _extras, export_weights
from explorer.training.loop import Trainer
from explorer.training.recipe import Phase, load_recipe, recipe_names
from explorer.training.replay import small_replay, write_replay
from explorer.training.state import read_log
from explorer.training.tracking import open_tracker
from explorer.weights.store import load_weights


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "sci"
    recipe = replace(load_recipe("sci.lol"), phases=(Phase(1.0, 32, 2),), epoch=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
        Trainer(recipe, data, folder, steps=8, device="cpu").run()
    return folder


def test_exported_weights_load_and_restore(run: Path, tmp_path: Path) -> None:
    folder = export_weights(run, tmp_path / "weights")
    assert folder == tmp_path / "weights" / "sci.lol"
    assert sorted(p.name for p in folder.iterdir()) == ["README.md", "config.json", "model.safetensors", "training"]
    model = load_weights(folder)
    average = torch.load(run / "checkpoint.pt", weights_only=True)["average"]
    for name, value in model.net.state_dict().items():
        assert torch.equal(value, average[name].half().to(value.dtype) if value.is_floating_point() else average[name])
    config = model.config
    assert config.name == "sci.lol" and config.input.ratio_rule == "none" and config.output.color == "srgb"
    assert config.training["steps"] == config.training["steps_planned"] == 8
    assert "thread" in config.training["hardware"] and config.training["seed"] == 1
    assert config.metrics["validation"]["psnr"] > 0
    result = restore(RgbPhoto(scene(1).astype(np.float32) / 255, bits=8), model)
    assert result.image.shape == (72, 80, 3) and result.ratio == 1


def test_the_card_says_what_a_card_must(run: Path, tmp_path: Path) -> None:
    folder = export_weights(run, tmp_path)
    record(folder, {"lol_eval15": {"psnr": 15.25}}, load_weights(folder).identity.sha256)
    card = (folder / "README.md").read_text()
    for words in (
        "# sci.lol", "LOL", "CC BY-SA 4.0", "research use", "sci__lol.py", "8 steps", "Hardware:", "Known failures",
        "LOL eval15", "15.25", "CVPR 2022", "published SCI, difficult", "13.87", "Over the last quarter",
        "lowlight train sci.lol", "258 parameters",
    ):  # fmt: skip
        assert words in card, words
    assert max(len(line) for line in card.splitlines() if "|" not in line) < 400


def test_the_training_can_be_looked_at_without_its_run(run: Path, tmp_path: Path) -> None:
    """In the layout that the app's Training tab reads."""
    folder = export_weights(run, tmp_path / "weights")
    assert sorted(p.name for p in (folder / "training").iterdir()) == ["log.jsonl", "replay.webp"]
    found = find_runs({"sci.lol": folder}, tmp_path / "no runs")
    assert found == {"sci.lol": folder / "training"}
    kept, whole = read_run("sci.lol", found["sci.lol"]), read_run("sci.lol", run)
    assert [e["step"] for e in kept.validations] == [e["step"] for e in whole.validations] == [0, 3, 6, 8]
    assert [e["validation"] for e in kept.validations] == [e["validation"] for e in whole.validations]
    frames = {frame.step: frame.picture for frame in replay_frames(kept)}
    assert frames and set(frames) == {e["step"] for e in kept.validations if "frame" in e} and max(frames) == 8
    for step, picture in frames.items():
        with Image.open(io.BytesIO(picture)) as frame, Image.open(run / "replay" / f"{step:07d}.png") as drawn:
            assert frame.size == drawn.size
            difference = np.asarray(frame, dtype=int) - np.asarray(drawn.convert("RGB"), dtype=int)
            assert np.abs(difference).mean() < 8
    # What a log says about the machine's own files stays there.
    assert all(not isinstance(entry.get("skipped"), list) for entry in kept.entries)


def long_run(folder: Path, epochs: int, side: int, alike: bool = False) -> list[int]:
    """A run of many epochs whose pictures are hard to compress."""
    (folder / "replay").mkdir(parents=True)
    rng = np.random.default_rng(0)
    steps = [100 * k for k in range(epochs)]
    noise = rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
    lines = []
    for step in steps:
        picture = noise if alike else rng.integers(0, 255, (side, side, 3)).astype(np.uint8)
        Image.fromarray(picture).save(folder / "replay" / f"{step:07d}.png")
        lines += [{"step": step, "losses": {f"term {k}": 0.123456 for k in range(20)}} for _ in range(20)]
        lines.append({"step": step, "validation": {"psnr": 20.0}})
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return steps


def test_what_goes_beside_the_weights_is_bounded(tmp_path: Path) -> None:
    steps = long_run(tmp_path, epochs=40, side=130)
    log = read_log(tmp_path)
    assert (tmp_path / "log.jsonl").stat().st_size > 300_000
    files = _extras(tmp_path, log)
    assert sum(map(len, files.values())) <= LARGEST_EXTRAS
    entries = [json.loads(line) for line in files["training/log.jsonl"].splitlines()]
    assert [e["step"] for e in entries if "validation" in e] == steps  # losses are thinned out, validations are not
    assert 40 < sum("losses" in e for e in entries) < 800
    shown = [e["step"] for e in entries if "frame" in e]
    assert len(shown) >= 2 and (shown[0], shown[-1]) == (steps[0], steps[-1])
    assert [e["frame"] for e in entries if "frame" in e] == list(range(len(shown)))
    with Image.open(io.BytesIO(files["training/replay.webp"])) as film:
        assert film.n_frames == len(shown)  # type: ignore[attr-defined]
    # Pictures that no animation of this size could hold are left out; the log is not.
    assert small_replay(tmp_path, 1000) == (b"", [])


def test_epochs_that_look_alike_are_one_frame(tmp_path: Path) -> None:
    """The encoder merges them by itself; the steps must follow."""
    steps = long_run(tmp_path, epochs=6, side=40, alike=True)
    different = np.zeros((40, 40, 3), np.uint8)
    Image.fromarray(different).save(tmp_path / "replay" / f"{steps[2]:07d}.png")
    content, shown = small_replay(tmp_path, 100_000)
    assert shown == [steps[0], steps[2], steps[5]]
    with Image.open(io.BytesIO(content)) as film:
        frames = [np.asarray(frame.convert("RGB")).mean() for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 3 and frames[1] < 10 < frames[0]
    for step in steps:
        Image.fromarray(different).save(tmp_path / "replay" / f"{step:07d}.png")
    assert small_replay(tmp_path, 100_000)[1] == [steps[-1]]


def test_figures_of_the_same_weights_survive_another_export(run: Path, tmp_path: Path) -> None:
    folder = export_weights(run, tmp_path)
    record(folder, {"lol_eval15": {"psnr": 15.25}}, load_weights(folder).identity.sha256)
    export_weights(run, tmp_path, hardware="another machine")
    config = load_weights(folder).config
    assert config.metrics["lol_eval15"] == {"psnr": 15.25} and "15.25" in (folder / "README.md").read_text()
    state = torch.load(run / "checkpoint.pt", weights_only=True)
    name = next(key for key, value in state["average"].items() if value.is_floating_point())
    state["average"][name] = state["average"][name] + 1
    other = tmp_path / "run"
    other.mkdir()
    torch.save(state, other / "checkpoint.pt")
    export_weights(other, tmp_path)
    assert "lol_eval15" not in load_weights(folder).config.metrics


def test_an_unfinished_run_says_so(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
    recipe = replace(load_recipe("sci.lol"), phases=(Phase(1.0, 16, 2),))
    Trainer(recipe, data, tmp_path / "run", steps=50, device="cpu").save()
    card = (export_weights(tmp_path / "run", tmp_path / "w") / "README.md").read_text()
    assert "0 steps of 50 (training was not finished)" in card and "Not measured." in card


def test_export_of_what_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no checkpoint"):
        export_weights(tmp_path, tmp_path / "w")
    torch.save({"recipe": "sci.lol", "average": {}}, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="does not fit the current recipe sci.lol"):
        export_weights(tmp_path, tmp_path / "w")


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_replay_shows_every_epoch(suffix: str, run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run, tmp_path / "run"))
    out = tmp_path / "out" / f"replay{suffix}"
    out.parent.mkdir()
    for level, frame in enumerate(sorted((run / "replay").iterdir())):  # equal ones would become one that lasts longer
        Image.new("RGB", (32, 32), (40 + 30 * level, 90, 20)).save(frame)
    assert write_replay(run, out, frame_seconds=0.1, last_seconds=1) == 4
    with Image.open(out) as film, Image.open(sorted((run / "replay").iterdir())[0]) as first:
        assert film.n_frames == 4 and film.size == first.size  # type: ignore[attr-defined]
        shown = np.asarray(film.convert("RGB"), dtype=int)
        assert np.abs(shown - np.asarray(first, dtype=int)).mean() < (1e-9 if suffix == ".webp" else 8)
    assert [p.name for p in out.parent.iterdir()] == [out.name]


def test_replay_of_nothing_and_to_nowhere(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no replay pictures"):
        write_replay(tmp_path, tmp_path / "a.gif")
    with pytest.raises(OutputError, match="end it in .gif or .webp"):
        write_replay(run, tmp_path / "a.mp4")
    with pytest.raises(OutputError, match="does not exist"):
        write_replay(run, tmp_path / "no" / "a.gif")


def test_a_tracker_that_is_not_installed_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, module in (("tensorboard", "torch.utils.tensorboard"), ("trackio", "trackio"), ("wandb", "wandb")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(TrainingError, match=f"{kind} is not installed; run `pip install {kind}`"):
            open_tracker(kind, tmp_path, "sci.lol", {})
    with pytest.raises(TrainingError, match="'mlflow'"):
        open_tracker("mlflow", tmp_path, "sci.lol", {})


class _Recorder(types.ModuleType):
    """Stands where a tracker's package would."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.calls: list[tuple[Any, ...]] = []

    def init(self, **options: Any) -> None:
        self.calls.append(("init", options["project"], options["name"]))

    def log(self, values: dict[str, float], step: int) -> None:
        self.calls.append(("log", step, dict(values)))

    def finish(self) -> None:
        self.calls.append(("finish",))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(load_recipe("sci.lol"), phases=(Phase(1.0, 16, 2),), epoch=30)
    monkeypatch.setattr("explorer.training.recipe.load_recipe", lambda name: recipe)
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)


@pytest.mark.usefixtures("quick")
def test_train_from_the_command_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracker = _Recorder("trackio")
    monkeypatch.setitem(sys.modules, "trackio", tracker)
    run, weights = tmp_path / "run", tmp_path / "weights"
    line = ["train", "sci.lol", "--data", str(data), "--run", str(run), "--threads", "1", "--device", "cpu"]
    assert main([*line, "--steps", "51", "-o", str(weights), "--track", "trackio"]) == 0
    said = capsys.readouterr()
    assert "sci.lol: 51 steps, validation PSNR" in said.out and "30/51 loss" in said.err
    assert load_weights(weights / "sci.lol").config.training["steps"] == 51
    assert tracker.calls[0] == ("init", "lowlight-explorer", "sci.lol") and tracker.calls[-1] == ("finish",)
    logged = {call[1]: call[2] for call in tracker.calls if call[0] == "log"}
    assert list(logged) == [50, 51]
    assert {"loss/loss", "rate/net", "validation/psnr"} <= set(logged[50])
    # A run is not overwritten by accident, goes on when asked, and then there is nothing left to do.
    assert main([*line, "--steps", "51"]) == 9
    assert "add --resume" in capsys.readouterr().err
    assert main([*line, "--resume", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["export", str(run), "-o", str(tmp_path / "w2")]) == 0
    assert main(["replay", str(run), "-o", str(tmp_path / "film.webp")]) == 0
    assert "3 epochs" in capsys.readouterr().out


def test_what_train_refuses(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    run = ["--run", str(tmp_path / "run")]
    for line, code, words in (
        (["train"], 2, "--list"),
        (["train", "sci.lol"], 8, "give --data DIR"),
        (["train", "nonsense", "--data", str(data)], 8, "There is no recipe 'nonsense'"),
        (["train", "sci.lol", "--data", str(tmp_path / "none"), *run], 8, "does not exist"),
        (["train", "sci.lol", "--data", str(data), *run, "--device", "gpu9"], 9, "'gpu9'"),
        (["train", "sci.lol", "--data", str(data), *run, "--resume"], 9, "holds no checkpoint"),
        (["train", "sci.lol", "--data", str(data), *run, "--steps", "0"], 2, "--steps"),
        (["export", str(tmp_path), "-o", str(tmp_path / "w")], 9, "holds no checkpoint"),
        (["replay", str(tmp_path), "-o", str(tmp_path / "a.gif")], 9, "no replay pictures"),
    ):
        assert main(line) == code, line
        said = capsys.readouterr()
        assert words in said.err and said.err.count("error:") == 1 and "Traceback" not in said.err, line


def test_hardware_that_the_log_does_not_tell(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "-o", str(tmp_path / "w"), "--hardware", "two cores"]) == 0
    assert load_weights(tmp_path / "w" / "sci.lol").config.training["hardware"] == "two cores"


def test_the_list_names_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in recipe_names())


def test_all_weights_together_fit() -> None:
    """96 MiB in half precision for all of them, none above 32 MiB."""
    from explorer.models import create_model

    sizes = {}
    for name in recipe_names():
        recipe = load_recipe(name)
        net = create_model(recipe.architecture, **recipe.options)
        sizes[name] = 2 * sum(v.numel() for v in net.state_dict().values())
    assert max(sizes.values()) < 32 * 2**20 and sum(sizes.values()) < 96 * 2**20, sizes
