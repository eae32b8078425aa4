"""Training in several processes: the same losses as in one, and checkpoints that either can continue."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_sets import write_data

from explorer.errors import TrainingError
from explorer.training import distributed
from explorer.training import state as run_state
from explorer.training.loop import Trainer
from explorer.training.recipe import Phase, Recipe, load_recipe

PROJECT = Path(__file__).resolve().parents[2]

RECIPES = """
from dataclasses import replace
from explorer.training.recipe import Phase, load_recipe

def tiny(name, crop=32, batch=3, **changes):
    return replace(load_recipe(name), phases=(Phase(1.0, crop, batch),), epoch=3, **changes)

CHOSEN = {
    "plain": tiny("zero_dce.lol"),
    "split": tiny("retinexnet.split_resize", batch=2, init_from={}),
    "gan": tiny("pix2pix.lol", crop=256, batch=2, options={"width": 2}),
    "plateau": tiny("zero_dce.lol", schedule="plateau"),
}
SIDES = {"gan": 256}
FLOAT32 = {"plain", "split", "plateau"}  # compared to the last digits, which bfloat16 would not give twice
"""

SCRIPT = (
    RECIPES
    + """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
import explorer.training.loop as loop, explorer.training.sources as sources
from explorer.training.distributed import launched
loop._SAVE_EVERY = 0.0
native = loop.reduced_precision
data = Path(sys.argv[1])

with launched("cpu") as here:
    for name, folder, steps, resume in json.loads(sys.argv[2]):
        sources._VALIDATION_SIDE = SIDES.get(name, 32)
        loop.reduced_precision = native if name not in FLOAT32 else lambda device: False
        trainer = loop.Trainer(CHOSEN[name], data, Path(folder), steps=steps, device="cpu", resume=resume)
        losses = []
        trainer.run(lambda progress: losses.append((progress.step, progress.losses)))
        digest = {k: float(v.double().sum()) for k, v in trainer.objective.net.state_dict().items()}
        record = {"losses": losses, "digest": digest, "rank": here.rank, "world": here.world, "total": trainer.total}
        Path(f"{folder}.{here.rank}.json").write_text(json.dumps(record))
tasks = Path("/proc/self/task")
left = [(each / "comm").read_text().strip() for each in tasks.iterdir()] if tasks.is_dir() else []
(data.parent / f"threads.{here.rank}.json").write_text(json.dumps(left))
"""
)


def torchrun(*arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    launcher = ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command = [sys.executable, *launcher, "--nproc-per-node", str(processes), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)


def chosen() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(RECIPES, names)
    return names


def tiny(name: str) -> Recipe:
    recipe = chosen()["CHOSEN"][name]
    assert isinstance(recipe, Recipe)
    return recipe


def alone(name: str, data: Path, folder: Path, steps: int | None, resume: bool = False) -> list[dict[str, float]]:
    losses: list[dict[str, float]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("explorer.training.sources._VALIDATION_SIDE", chosen()["SIDES"].get(name, 32))
        if name in chosen()["FLOAT32"]:
            patch.setattr("explorer.training.loop.reduced_precision", lambda device: False)
        trainer = Trainer(tiny(name), data, folder, steps=steps, device="cpu", resume=resume)
        trainer.run(lambda progress: losses.append(progress.losses))
    return losses


def weights(folder: Path, which: str = "net") -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = run_state.load_checkpoint(folder)["networks"][which]
    return state


def close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], tolerance: float) -> bool:
    return a.keys() == b.keys() and all(torch.allclose(a[k].float(), b[k].float(), atol=tolerance) for k in a)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Everything that two processes train here, in one launch: the folder of the data and that of the runs."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this build of torch has no gloo")
    folder = tmp_path_factory.mktemp("ranks")
    data = write_data(folder / "set")
    alone("plain", data, folder / "begun_alone", 3)
    jobs = [(name, str(folder / name), 6, False) for name in ("plain", "split", "gan", "plateau")]
    jobs += [("plain", str(folder / "begun_together"), 3, False), ("plain", str(folder / "begun_alone"), 6, True)]
    (folder / "script.py").write_text(SCRIPT)
    done = torchrun(str(folder / "script.py"), str(data), json.dumps(jobs))
    assert done.returncode == 0, done.stderr[-3000:]
    return data, folder


def recorded(runs: tuple[Path, Path], name: str, rank: int = 0) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((runs[1] / f"{name}.{rank}.json").read_text())
    return record


@pytest.mark.parametrize(("name", "tolerance"), [("plain", 2e-5), ("split", 2e-5), ("plateau", 2e-5)])
def test_two_processes_lose_what_one_loses(
    name: str, tolerance: float, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    """A batch of 3 has shares of 2 and 1, so the mean over processes must be weighted; the split training leaves one
    half of the network without gradients in each half of the steps."""
    expected = alone(name, runs[0], tmp_path / "alone", 6)
    found = recorded(runs, name)
    assert found["world"] == 2 and [step for step, _ in found["losses"]] == [1, 2, 3, 4, 5, 6]
    for before, (_, after) in zip(expected, found["losses"], strict=True):
        assert after.keys() == before.keys()
        assert all(math.isclose(after[k], before[k], rel_tol=1e-3, abs_tol=tolerance) for k in before), (before, after)
    assert close(weights(runs[1] / name), weights(tmp_path / "alone"), 1e-4)
    whole, shared = (run_state.load_checkpoint(f) for f in (tmp_path / "alone", runs[1] / name))
    assert whole.keys() == shared.keys()
    assert shared["validated"] == pytest.approx(whole["validated"], abs=0.05)


def test_shares_differ_so_the_agreement_is_not_that_of_equal_work() -> None:
    source = {"x": torch.arange(5.0), "y": torch.arange(10.0).reshape(5, 2)}
    shares = []
    with pytest.MonkeyPatch.context() as patch:
        for rank in range(2):
            patch.setattr(distributed, "ranks", lambda rank=rank: distributed.Ranks(rank, 2))
            shares.append(distributed.share_of(source))
    assert [share["x"].tolist() for share, _ in shares] == [[0, 2, 4], [1, 3]]
    assert [weight for _, weight in shares] == [0.6, 0.4]
    assert shares[1][0]["y"].tolist() == [[2, 3], [6, 7]]


@pytest.mark.parametrize("name", ["plain", "split", "gan", "plateau"])
def test_all_processes_hold_the_same_network(name: str, runs: tuple[Path, Path]) -> None:
    """With the GAN's batch norms too: their running statistics are averaged."""
    first, second = (recorded(runs, name, rank) for rank in (0, 1))
    assert first["digest"] == second["digest"]
    assert second["losses"] == []  # the first process alone reports


def test_no_thread_of_the_group_outlives_it(runs: tuple[Path, Path]) -> None:
    """One that did would make the interpreter abort at its end in about one of seven runs."""
    for rank in range(2):
        assert not [name for name in json.loads((runs[1] / f"threads.{rank}.json").read_text()) if "gloo" in name]


def test_a_gan_steps_both_networks(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """Batch norms and dropout differ between one process and two, so the curves agree within their noise alone."""
    before = Trainer(tiny("gan"), runs[0], tmp_path / "fresh", steps=6, device="cpu")
    for which, network in before.objective.networks.items():
        trained = weights(runs[1] / "gan", which)
        moved = [k for k, v in network.state_dict().items() if v.is_floating_point() and not torch.equal(v, trained[k])]
        assert len(moved) == sum(v.is_floating_point() for v in network.state_dict().values())
    expected = alone("gan", runs[0], tmp_path / "alone", 6)
    found = [losses for _, losses in recorded(runs, "gan")["losses"]]
    assert found[-1]["l1"] == pytest.approx(expected[-1]["l1"], rel=0.3)


def test_each_goes_on_from_the_other(runs: tuple[Path, Path]) -> None:
    data, folder = runs
    assert run_state.load_checkpoint(folder / "begun_together")["step"] == 3
    # `begun_together` has 3 steps of 3, whose schedule is another than that of 6: both are continued alike.
    alone("plain", data, folder / "begun_together", 6, resume=True)
    assert [step for step, _ in recorded(runs, "begun_alone")["losses"]] == [4, 5, 6]
    mixed = weights(folder / "begun_alone"), weights(folder / "begun_together")
    assert close(*mixed, 1e-4)
    assert not close(mixed[0], weights(folder / "plateau"), 1e-4)  # the tolerance tells trainings apart


def test_the_first_process_alone_logs(runs: tuple[Path, Path]) -> None:
    log = run_state.read_log(runs[1] / "plain")
    assert [entry["step"] for entry in log if "validation" in entry] == [0, 3, 6]
    assert [entry["device"].startswith("2 processes, each on ") for entry in log if "device" in entry] == [True]
    assert sorted(p.stem for p in (runs[1] / "plain" / "replay").iterdir()) == ["0000000", "0000003", "0000006"]


def test_the_module_itself_and_a_run_that_cannot_start(data: Path, tmp_path: Path) -> None:
    """One sentence of one process, whatever the number of processes; more processes than pictures are refused."""
    arguments = ["-m", "explorer.training", "pix2pix.lol", "--data", str(data), "--device", "cpu"]
    done = torchrun(*arguments, "--run-folder", str(tmp_path / "run"), "--resume")
    assert done.returncode != 0
    assert done.stderr.count("error: ") == 1 and "holds no checkpoint; start without --resume" in done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "ranks", lambda: distributed.Ranks(0, 4))
        with pytest.raises(TrainingError, match="batches of 3, which 4 processes cannot share; start at most 3"):
            distributed.check_shares(3, "pix2pix.lol")


def test_one_process_speaks_with_nobody(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a collective was called")

    for name in ("all_reduce", "broadcast", "broadcast_object_list", "all_gather_object"):
        monkeypatch.setattr(torch.distributed, name, refuse)
    recipe = replace(load_recipe("sci.lol"), phases=(Phase(1.0, 16, 2),), epoch=4)
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
    Trainer(recipe, data, tmp_path / "run", steps=2, device="cpu").run()
