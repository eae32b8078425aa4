"""Trainings in several stretches, and those that start with parts of other weights."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from explorer.errors import TrainingError
from explorer.models import create_model
from explorer.training import state as run_state
from explorer.training.loop import Trainer
from explorer.training.recipe import Phase, Recipe, load_recipe

FIRST, SECOND = "retinexnet.split_resize", "retinexnet.split_transpose"


def tiny(name: str) -> Recipe:
    recipe = load_recipe(name)
    return replace(recipe, phases=(Phase(1.0, 16, 1),), epoch=100, init_from={} if name == FIRST else recipe.init_from)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 24)
    monkeypatch.setattr(run_state, "embedded_folders", lambda: [])


def shipped(folder: Path, monkeypatch: pytest.MonkeyPatch, **tensors: torch.Tensor) -> None:
    """Makes weights of `FIRST` those that the project ships."""
    (folder / FIRST).mkdir(parents=True)
    save_file(tensors, folder / FIRST / "model.safetensors")
    (folder / FIRST / "config.json").write_text("{}")
    monkeypatch.setattr(run_state, "embedded_folders", lambda: [folder / "nowhere", folder])


def decom(trainer: Trainer) -> dict[str, torch.Tensor]:
    state = trainer.objective.net.get_submodule("decom").state_dict()
    return {name: value.clone() for name, value in state.items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize(("name", "steps"), [(FIRST, 5), (FIRST, 2), (SECOND, 2)])
def test_rates_change_with_their_own_optimiser_alone(name: str, steps: int, data: Path, tmp_path: Path) -> None:
    """An optimiser's schedule goes as far as its optimiser, and never before it: PyTorch would warn of that.

    Two steps of `split_resize` are the case in which the share of the first stretch is not a complete number of steps.
    """
    trainer = Trainer(replace(tiny(name), init_from={}), data, tmp_path / "run", steps=steps, device="cpu")
    taken = dict.fromkeys(trainer.objective.optimisers, 0)
    for key, optimiser in trainer.objective.optimisers.items():
        optimiser.register_step_post_hook(lambda *_, key=key: taken.update({key: taken[key] + 1}))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer.run()
    assert not [str(w.message) for w in said if "lr_scheduler" in str(w.message)]
    assert sum(taken.values()) == steps and taken["relight"] > 0
    assert {key: schedule.last_epoch for key, schedule in trainer.schedules.items()} == taken


def test_a_recipe_begins_with_a_part_of_the_run_beside_it(data: Path, tmp_path: Path) -> None:
    first = Trainer(tiny(FIRST), data, tmp_path / FIRST, steps=2, device="cpu")
    first.run()
    averaged = {k: v.clone() for k, v in first.average.get_submodule("decom").state_dict().items()}
    second = Trainer(tiny(SECOND), data, tmp_path / SECOND, steps=2, device="cpu")
    assert same(decom(second), averaged)
    assert all(torch.equal(v, averaged[k]) for k, v in second.average.get_submodule("decom").state_dict().items())
    second.run()
    assert same(decom(second), averaged)  # frozen
    # What the run began with is its own from then on: it goes on without the other.
    (tmp_path / FIRST / run_state.CHECKPOINT).unlink()
    resumed = Trainer(tiny(SECOND), data, tmp_path / SECOND, device="cpu", resume=True)
    assert same(decom(resumed), averaged)


def test_a_run_that_is_not_finished_is_not_begun_with(data: Path, tmp_path: Path) -> None:
    Trainer(tiny(FIRST), data, tmp_path / FIRST, steps=5, device="cpu").save()
    with pytest.raises(TrainingError, match=f"{FIRST} is not finished.*finish it"):
        Trainer(tiny(SECOND), data, tmp_path / SECOND, steps=2, device="cpu")
    assert not (tmp_path / SECOND).exists()


def test_shipped_weights_serve_where_there_is_no_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(5)
    whole = {k: v.half() for k, v in create_model("retinexnet", variant="resize").state_dict().items()}
    shipped(tmp_path / "weights", monkeypatch, **whole)
    trainer = Trainer(tiny(SECOND), data, tmp_path / "runs" / SECOND, steps=2, device="cpu")
    wanted = {k.removeprefix("decom."): v.float() for k, v in whole.items() if k.startswith("decom.")}
    assert same(decom(trainer), wanted)
    # A run of one's own goes before them.
    first = Trainer(tiny(FIRST), data, tmp_path / "runs" / FIRST, steps=1, device="cpu")
    first.run()
    again = Trainer(tiny(SECOND), data, tmp_path / "runs" / "again", steps=2, device="cpu")
    assert not same(decom(again), wanted)


def test_neither_a_run_nor_shipped_weights(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=f"lowlight train {FIRST}"):
        Trainer(tiny(SECOND), data, tmp_path / SECOND, steps=2, device="cpu")


def test_weights_without_that_part_or_of_another_shape(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped(tmp_path / "a", monkeypatch, **{"relight.first.weight": torch.ones(1)})
    with pytest.raises(TrainingError, match="have no part 'decom'"):
        Trainer(tiny(SECOND), data, tmp_path / "run", steps=2, device="cpu")
    shipped(tmp_path / "b", monkeypatch, **{"decom.first.weight": torch.ones(1)})
    with pytest.raises(TrainingError, match=f"part 'decom' of {FIRST} does not fit retinexnet"):
        Trainer(tiny(SECOND), data, tmp_path / "run", steps=2, device="cpu")


def test_a_run_of_another_recipe_beside_it_is_refused(data: Path, tmp_path: Path) -> None:
    Trainer(replace(tiny("retinexnet.joint"), init_from={}), data, tmp_path / FIRST, steps=1, device="cpu").run()
    with pytest.raises(TrainingError, match="belongs to the recipe 'retinexnet.joint'"):
        Trainer(tiny(SECOND), data, tmp_path / SECOND, steps=2, device="cpu")


def test_every_start_names_a_recipe_and_a_part_of_its_network() -> None:
    from explorer.training.recipe import recipe_names

    started = [load_recipe(name) for name in recipe_names() if load_recipe(name).init_from]
    assert {recipe.name for recipe in started} >= {SECOND, "retinexnet.joint"}
    for recipe in started:
        for part, source in recipe.init_from.items():
            other = load_recipe(source)
            theirs = create_model(other.architecture, **other.options).get_submodule(part).state_dict()
            create_model(recipe.architecture, **recipe.options).get_submodule(part).load_state_dict(theirs)
