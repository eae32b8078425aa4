"""Every recipe runs, resumes and learns on a tiny set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from explorer.errors import DataError
from explorer.models import create_model
from explorer.training.loop import Trainer
from explorer.training.recipe import Phase, Recipe, load_recipe, recipe_names
from explorer.training.state import read_log
from explorer.weights.config import InputConvention, OutputConvention


def tiny(recipe: Recipe) -> Recipe:
    """The recipe on the smallest crops that its network takes."""
    crop = {"pix2pix": 256, "sid_unet": 32, "retinexnet": 24, "lynx_xtrans": 48}.get(recipe.architecture, 32)
    options = recipe.options | ({"width": 4} if recipe.architecture == "pix2pix" else {})
    # What a recipe begins with is a run of its own; tests/training/test_stretches.py looks at that.
    return replace(recipe, phases=(Phase(1.0, crop, 2),), epoch=2, options=options, init_from={}, warm_start=None)


def test_every_recipe_is_there(project: Path) -> None:
    assert len(recipe_names()) > 15
    assert {folder.name for folder in (project / "weights").iterdir()} <= set(recipe_names())
    for name in recipe_names():
        recipe = load_recipe(name)
        InputConvention.model_validate(recipe.input)
        OutputConvention.model_validate(recipe.output)
        assert recipe.phases[-1].until == 1.0
        assert recipe.summary and recipe.training_data and recipe.known_failures and recipe.duration


def test_m2_begins_as_m1() -> None:
    torch.manual_seed(0)
    m1, m2 = create_model("lamba_m1").eval(), create_model("lamba_m2").eval()
    warm = load_recipe("lamba_m2.raw_synthetic").warm_start
    assert warm is not None and warm.source == "lamba_m1.raw_synthetic"
    warm.grow(m2, m1.state_dict())
    x = torch.rand(2, 1, 96, 64)
    with torch.inference_mode():
        assert torch.allclose(m1(x), m2(x), atol=1e-5)
    # Everything that is new can learn: its gradient, or that of what comes behind it, is not zero.
    m2.train()(x).square().mean().backward()
    still = [name for name, p in m2.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert all(name.startswith(("refine", "scale8.chain.blocks.0.dense.3")) for name in still)


def test_an_unknown_recipe_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match="lamba_m0.raw_synthetic"):
        load_recipe("lamba_m9")


@pytest.mark.parametrize("name", recipe_names())
def test_two_steps_of_each_recipe_change_the_network_and_its_average(
    name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = next((n for start, n in (("pix2pix", 256), ("lynx_xtrans", 48)) if name.startswith(start)), 32)
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", side)
    trainer = Trainer(tiny(load_recipe(name)), data, tmp_path / "run", steps=2, device="cpu")
    before = {k: v.clone() for k, v in trainer.objective.net.state_dict().items()}
    trainer.run()
    moved = [k for k, v in trainer.objective.net.state_dict().items() if not torch.equal(v, before[k])]
    parts = {k.split(".")[0] for k in moved}
    if name == "retinexnet.split_transpose":
        assert parts == {"relight"}  # its Decom-Net is that of split_resize, and stays it
    elif name.startswith("retinexnet") and "decom_only" not in name:
        assert parts == {"decom", "relight"}
    assert moved
    averaged = trainer.average.state_dict()
    assert any(not torch.equal(averaged[k], before[k]) for k in moved)
    validations = [e["validation"] for e in read_log(tmp_path / "run") if "validation" in e]
    assert len(validations) == 2 and all(v["psnr"] > 0 and -1 <= v["ssim"] <= 1 for v in validations)


@pytest.mark.parametrize("name", ["lamba_m0.raw_synthetic", "retinexnet.joint", "res_unet.lol", "zero_dce.lol"])
def test_the_loss_falls(name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
    monkeypatch.setattr("explorer.training.loop._WARM_UP", 1)
    trainer = Trainer(replace(tiny(load_recipe(name)), epoch=100), data, tmp_path / "run", steps=40, device="cpu")
    losses: list[float] = []
    trainer.run(lambda progress: losses.append(progress.losses["loss"]))
    assert sum(losses[-8:]) < 0.9 * sum(losses[:8])


@pytest.mark.parametrize("name", ["lynx.raw_synthetic_small", "lynx_rgb.mixed_small"])
def test_a_batch_is_learnt(name: str, data: Path) -> None:
    """Lynx begins near the picture, so that the loss differs more between batches than between early steps."""
    torch.manual_seed(0)
    recipe = tiny(load_recipe(name))
    objective = recipe.objective(create_model(recipe.architecture, **recipe.options))
    batch = recipe.source(data, recipe.seed, recipe.phases).batch(0, 1)
    losses = [objective.step(batch, 0, 1)["loss"] for _ in range(25)]
    assert losses[-1] < 0.8 * losses[0]


def test_the_enhanced_illumination_of_the_joint_training_does_not_begin_at_zero(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.training.sources._VALIDATION_SIDE", 32)
    trainer = Trainer(tiny(load_recipe("retinexnet.joint")), data, tmp_path / "run", steps=30, device="cpu")
    assert trainer.validate()["enhanced_mean"] == pytest.approx(0.8, abs=0.2)
    trainer.run()
    assert trainer.validated["enhanced_mean"] > 0.4


@pytest.mark.parametrize("name", recipe_names())
def test_training_begins_with_a_network_that_tells_pictures_apart(name: str) -> None:
    """torch's own initialisation left a thousandth of what tells two dark pictures apart in plain deep networks, and
    colours were learnt last of all."""
    recipe = load_recipe(name)
    torch.manual_seed(0)
    net = create_model(recipe.architecture, **recipe.options)
    recipe.objective(net)
    side = 257 if recipe.architecture == "retinexnet" else 256
    two = torch.rand(2, net.input_channels, side, side) * 0.3
    with torch.inference_mode():
        parts = net.train().forward_intermediates(two)  # batch norms have no statistics yet
    # The enhanced illumination begins as a constant.
    seen = parts["reflectance"] if recipe.architecture == "retinexnet" else parts["image"]
    assert (seen[0] - seen[1]).std() > 0.005


def test_the_two_res_unets_on_raw_see_the_same_scenes(data: Path) -> None:
    sixteen, eight = (load_recipe(f"res_unet.raw_synthetic{end}") for end in ("", "_8bit"))
    batches = [r.source(data, r.seed, (Phase(1.0, 32, 4),)).batch(5, 10) for r in (sixteen, eight)]
    assert torch.equal(batches[0]["high"], batches[1]["high"])
    assert torch.equal(batches[0]["ratio"], batches[1]["ratio"])
    assert not torch.equal(batches[0]["low"], batches[1]["low"])
