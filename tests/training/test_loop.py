"""Schedules, checkpoints, resuming after a kill, and runs that cannot go on."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_sets import write_data
from torch import nn

from explorer.errors import TrainingError
from explorer.training import state as run_state
from explorer.training.loop import Trainer, choose_device, make_schedules
from explorer.training.objectives import Objective
from explorer.training.recipe import Phase, Recipe, load_recipe
from explorer.weights.run_files import LOG

PROJECT = Path(__file__).resolve().parents[2]


class Plain(Objective):
    """Two optimisers of one parameter each, for schedules."""

    def __init__(self) -> None:
        first, second = nn.Linear(1, 1), nn.Linear(1, 1)
        super().__init__(
            {"net": first},
            {"a": torch.optim.SGD(first.parameters(), 1.0), "b": torch.optim.SGD(second.parameters(), 1.0)},
        )

    def stretch(self, optimiser: str, total: int) -> tuple[int, int]:
        return (0, total // 2) if optimiser == "a" else (total // 2, total)


def rates(kind: str, total: int, restarts: tuple[tuple[float, float], ...] = ()) -> dict[str, list[float]]:
    objective = Plain()
    schedules = make_schedules(objective, kind, total, restarts)
    found: dict[str, list[float]] = {"a": [], "b": []}
    for step in range(total):
        for name, optimiser in objective.optimisers.items():
            found[name].append(optimiser.param_groups[0]["lr"])
            start, end = objective.stretch(name, total)
            if start <= step < end:  # as the loop does: an optimiser's schedule runs in its own stretch alone
                optimiser.step()
                schedules[name].step()
    return found


def test_cosine_warms_up_and_falls_to_a_hundredth_within_each_stretch() -> None:
    found = rates("cosine", 2000)
    assert found["a"][0] == pytest.approx(1 / 200) and found["a"][99] == pytest.approx(0.5, abs=0.02)
    middle = 0.505 + 0.495 * math.cos(math.pi / 2)
    assert found["a"][500] == pytest.approx(middle, rel=1e-6)
    assert found["a"][999] == pytest.approx(0.01, abs=1e-4)
    assert found["b"][1000:] == pytest.approx(found["a"][:1000])


def test_cosines_begin_anew_from_a_part_of_the_rate() -> None:
    found = rates("cosine", 8000, ((0.25, 0.5), (0.5, 0.25)))
    short, long = rates("cosine", 2000)["a"][:1000], rates("cosine", 4000)["a"][:2000]
    wanted = short + [rate / 2 for rate in short] + [rate / 4 for rate in long]
    assert found["a"][:4000] == pytest.approx(wanted) and found["b"][4000:] == pytest.approx(wanted)


def test_step_halves_at_each_fifth_of_the_stretch() -> None:
    objective = Plain()
    schedule = make_schedules(objective, "step", 100)["a"]
    seen = []
    for _ in range(50):
        seen.append(objective.optimisers["a"].param_groups[0]["lr"])
        objective.optimisers["a"].step()
        schedule.step()
    assert seen == [0.5 ** (k // 10) for k in range(50)]


def test_plateau_halves_after_three_epochs_without_gain() -> None:
    objective = Plain()
    schedule = make_schedules(objective, "plateau", 100)["a"]
    assert isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau)
    seen = []
    for psnr in (10, 11, 11, 11, 11, 11, 12):
        schedule.step(psnr)
        seen.append(objective.optimisers["a"].param_groups[0]["lr"])
    assert seen == [1, 1, 1, 1, 1, 0.5, 0.5]


def test_unknown_schedules_and_devices_are_named() -> None:
    with pytest.raises(TrainingError, match="'linear'"):
        make_schedules(Plain(), "linear", 10)
    with pytest.raises(TrainingError, match="'gpu9'"):
        choose_device("gpu9")
    assert choose_device("cpu").type == "cpu"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """SCI is the quickest to train, and has batch norms."""
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
    return replace(load_recipe("sci.lol"), phases=(Phase(1.0, 16, 2),), epoch=4)


def parameters(folder: Path) -> dict[str, torch.Tensor]:
    state = run_state.load_checkpoint(folder)
    return {f"{part}.{k}": v for part in ("networks",) for n in state[part] for k, v in state[part][n].items()} | {
        f"average.{k}": v for k, v in state["average"].items()
    }


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("schedule", ["cosine", "step", "plateau"])
def test_a_resumed_run_is_the_uninterrupted_one(schedule: str, recipe: Recipe, data: Path, tmp_path: Path) -> None:
    recipe = replace(recipe, schedule=schedule)
    Trainer(recipe, data, tmp_path / "whole", steps=12, device="cpu").run()

    class StopError(Exception):
        pass

    def stop(progress: Any) -> None:
        if progress.step == 7:
            raise StopError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.training.loop._SAVE_EVERY", 0.0)
        with pytest.raises(StopError):
            Trainer(recipe, data, tmp_path / "cut", steps=12, device="cpu").run(stop)
    resumed = Trainer(recipe, data, tmp_path / "cut", device="cpu", resume=True)
    assert (resumed.step, resumed.total) == (7, 12)  # the run's own number of steps, not the recipe's
    resumed.run()
    assert same(parameters(tmp_path / "whole"), parameters(tmp_path / "cut"))


SCRIPT = """
import sys, torch
torch.set_num_threads(1)
from dataclasses import replace
from pathlib import Path
import explorer.training.loop as loop, explorer.training.sources as sources
from explorer.training.recipe import Phase, load_recipe
loop._SAVE_EVERY, sources._VALIDATION_SIDE = 0.0, 256
recipe = replace(load_recipe("pix2pix.lol"), phases=(Phase(1.0, 256, 2),), options={"width": 2}, epoch=3)
data, folder, mode = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
trainer = loop.Trainer(recipe, data, folder, steps=6, device="cpu", resume=mode == "resume")
trainer.run(lambda p: print(p.step, flush=True))
"""


def test_a_killed_run_loses_nothing_to_the_bit(data: Path, tmp_path: Path) -> None:
    """A GAN with dropout, killed by SIGKILL at a step of its own choosing."""

    def start(folder: Path, mode: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        command = [sys.executable, "-c", SCRIPT, str(data), str(folder), mode]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    gan = replace(load_recipe("pix2pix.lol"), phases=(Phase(1.0, 256, 2),), options={"width": 2}, epoch=3)
    Trainer(gan, data, tmp_path / "whole", steps=6, device="cpu").run()

    cut = start(tmp_path / "cut", "new")
    assert cut.stdout is not None
    for line in cut.stdout:
        if int(line) >= 3:
            cut.send_signal(signal.SIGKILL)
            break
    cut.wait(60)
    assert 3 <= run_state.load_checkpoint(tmp_path / "cut")["step"] < 6
    assert start(tmp_path / "cut", "resume").wait(120) == 0
    assert same(parameters(tmp_path / "whole"), parameters(tmp_path / "cut"))
    logs = [[(e["step"], "validation" in e) for e in run_state.read_log(tmp_path / n) if "device" not in e]
            for n in ("whole", "cut")]  # fmt: skip
    assert logs[0] == logs[1]


def test_resume_with_another_recipes_state(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    Trainer(recipe, data, tmp_path / "run", steps=1, device="cpu").run()
    with pytest.raises(TrainingError, match="'sci.lol', not 'zero_dce.lol'"):
        Trainer(load_recipe("zero_dce.lol"), data, tmp_path / "run", device="cpu", resume=True)
    wider = replace(recipe, options={"width": 5})
    with pytest.raises(TrainingError, match="does not fit the current recipe sci.lol"):
        Trainer(wider, data, tmp_path / "run", device="cpu", resume=True)


def test_resume_from_nothing_from_rubbish_and_a_run_that_would_be_overwritten(
    recipe: Recipe, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="holds no checkpoint"):
        Trainer(recipe, data, tmp_path / "run", device="cpu", resume=True)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / run_state.CHECKPOINT).write_bytes(b"half a file")
    with pytest.raises(TrainingError, match="cannot be read"):
        Trainer(recipe, data, tmp_path / "run", device="cpu", resume=True)
    with pytest.raises(TrainingError, match="already contains a run; add --resume"):
        Trainer(recipe, data, tmp_path / "run", device="cpu")


def test_a_checkpoint_that_holds_code_is_not_run(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / run_state.CHECKPOINT).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(TrainingError, match="cannot be read"):
        Trainer(recipe, data, tmp_path / "run", device="cpu", resume=True)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_that_is_not_a_number_keeps_the_last_good_state(
    where: str, recipe: Recipe, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.training.loop._SAVE_EVERY", 0.0)
    trainer = Trainer(recipe, data, tmp_path / "run", steps=20, device="cpu")
    step = trainer.objective.step

    def poisoned(batch: Any, number: int, total: int) -> dict[str, float]:
        logs = step(batch, number, total)
        if number == 5:
            with torch.no_grad():
                next(trainer.objective.net.parameters()).fill_(math.nan)
            return logs | ({"loss": math.nan} if where == "loss" else {})
        return logs

    monkeypatch.setattr(trainer.objective, "step", poisoned)
    with pytest.raises(TrainingError, match=f"not a number at step {5 if where == 'loss' else 6}"):
        trainer.run()
    state = run_state.load_checkpoint(tmp_path / "run")
    assert state["step"] == 5
    assert all(v.isfinite().all() for v in state["networks"]["net"].values())
    assert Trainer(recipe, data, tmp_path / "run", device="cpu", resume=True).step == 5


def test_a_full_disk_keeps_the_checkpoint_before(
    recipe: Recipe, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(recipe, data, tmp_path / "run", steps=4, device="cpu")
    trainer.save()
    before = (tmp_path / "run" / run_state.CHECKPOINT).read_bytes()

    def full(state: Any, file: Any) -> None:
        file.write(b"x" * 1000)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("torch.save", full)
        with pytest.raises(TrainingError, match="No space left.*previous checkpoint is intact"):
            trainer.save()
    assert (tmp_path / "run" / run_state.CHECKPOINT).read_bytes() == before
    assert [p.name for p in (tmp_path / "run").iterdir() if p.name.startswith(".")] == []
    assert Trainer(recipe, data, tmp_path / "run", device="cpu", resume=True).step == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_disk_that_is_really_full(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("this system permits no mount")
    try:
        trainer = Trainer(recipe, data, small / "run", steps=2, device="cpu")
        trainer.save()
        before = (small / "run" / run_state.CHECKPOINT).read_bytes()
        with (small / "ballast").open("wb", buffering=0) as file, pytest.raises(OSError):
            while True:
                file.write(b"\0" * 4096)
        with pytest.raises(TrainingError, match="free some space"):
            trainer.save()
        assert (small / "run" / run_state.CHECKPOINT).read_bytes() == before
        (small / "ballast").unlink()
        Trainer(recipe, data, small / "run", device="cpu", resume=True).run()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_run_folder_that_cannot_be_made(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        Trainer(recipe, data, tmp_path / "file" / "run", device="cpu")


def test_log_and_replay(recipe: Recipe, data: Path, tmp_path: Path) -> None:
    reports = []
    trainer = Trainer(recipe, data, tmp_path / "run", steps=102, device="cpu")
    trainer.recipe = replace(recipe, epoch=50)
    trainer.run(reports.append)
    log = run_state.read_log(tmp_path / "run")
    assert "thread" in log[0]["device"] and log[0]["skipped"] == []
    assert [e["step"] for e in log if "validation" in e] == [0, 50, 100, 102]
    assert [e["step"] for e in log if "losses" in e] == [50, 100]
    assert set(log[-1]["validation"]) >= {"psnr", "ssim"}
    replay = sorted((tmp_path / "run" / "replay").iterdir())
    assert [p.stem for p in replay] == ["0000000", "0000050", "0000100", "0000102"]
    with Image.open(replay[0]) as first, Image.open(replay[-1]) as last:
        assert first.size == last.size == (32, 32)
        assert not np.array_equal(np.asarray(first), np.asarray(last))
    assert [r.step for r in reports] == list(range(1, 103))
    assert reports[-1].seconds_left == 0 and reports[0].seconds_left > 0
    first_mean = np.mean([r.losses["loss"] for r in reports[:50]])
    logged = next(e for e in log if "losses" in e)["losses"]["loss"]
    assert logged == pytest.approx(first_mean, abs=1e-5)


def test_a_log_cut_short_by_a_kill_is_still_read(tmp_path: Path) -> None:
    lines = [json.dumps({"step": k}) for k in (10, 20, 30)]
    (tmp_path / LOG).write_text("\n".join(lines) + '\n{"step": 4')
    assert [e["step"] for e in run_state.read_log(tmp_path)] == [10, 20, 30]
    run_state.truncate_log(tmp_path, 20)
    assert (tmp_path / LOG).read_text() == lines[0] + "\n" + lines[1] + "\n"


def test_an_epoch_saves_within_the_minute(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint is due 45 seconds after the last one, whatever the step."""
    data = write_data(tmp_path / "set")
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    trainer = Trainer(replace(recipe, epoch=1000), data, tmp_path / "run", steps=10, device="cpu")
    saved: list[int] = []
    keep = trainer.save
    monkeypatch.setattr(trainer, "save", lambda: (saved.append(trainer.step), keep()))

    def advance(progress: Any) -> None:
        clock[0] += 20

    trainer.run(advance)
    assert saved == [0, 4, 7, 10]
