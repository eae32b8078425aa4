"""Looking inside networks: layers, hooks that leave nothing behind, switched-off channels, cost, decompositions."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import explorer
from explorer.errors import DataError, ModelNotFoundError, RatioError
from explorer.inspect import (
    captured,
    compare,
    cost,
    decompose,
    decompose_pair,
    feature_maps,
    features,
    layers,
    profile,
    recombined,
    sweep_ratios,
    switched_off,
)
from explorer.inspect.hooks import hooked
from explorer.inspect.runs import find_runs, read_run, replay_frames
from explorer.models import architecture, architectures
from explorer.photo.types import RgbPhoto
from explorer.weights.config import WeightsConfig
from explorer.weights.store import LoadedModel, WeightsIdentity


def model_of(name: str, **options: object) -> LoadedModel:
    """A network with random parameters, as if it had been loaded."""
    torch.manual_seed(3)
    a = architecture(name)
    config = WeightsConfig(schema=1, name=f"{name}.test", architecture=name, domain=a.domain)
    return LoadedModel(f"{name}.test", a, a.create(**options), config, WeightsIdentity(f"{name}.test", "local", name))


def hook_count(net: torch.nn.Module) -> int:
    """Forward hooks on a network and everything in it."""
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in net.modules())


@pytest.fixture(scope="module")
def photo() -> RgbPhoto:
    return RgbPhoto(np.random.default_rng(1).random((64, 96, 3), np.float32) * 0.2, 8)


@pytest.mark.parametrize("name", [n for n, a in architectures().items() if a.needs_weights])
def test_every_network_lists_its_layers(name: str) -> None:
    options = {"width": 8} if name in ("pix2pix",) else {}
    model = model_of(name, **options)
    found = layers(model)
    leaves = [layer for layer in found if layer.leaf and layer.order >= 0]
    assert {layer.name for layer in found} == {n for n, _ in model.net.named_modules() if n}
    # Parameters that a block has beside its layers, such as the scales of IAT's branches.
    beside = sum(p.numel() for m in model.net.modules() if [*m.children()] for p in m.parameters(recurse=False))
    total = sum(p.numel() for p in model.net.parameters())
    assert sum(layer.parameters for layer in found if layer.leaf) + beside == total
    assert all(layer.outputs and layer.reduction and layer.receptive_field for layer in leaves)
    assert hook_count(model.net) == 0


def test_receptive_fields_are_those_of_gradients() -> None:
    """The analytic field against the input samples that really move the output, with all weights positive."""
    model = model_of("zero_dce", width=4)
    for parameter in model.net.parameters():
        nn.init.constant_(parameter, 0.02)
    known = {layer.name: layer for layer in layers(model)}
    for name in ("convs.0", "convs.3", "convs.6"):
        x = torch.full((1, 3, 41, 41), 0.5, requires_grad=True)
        seen: dict[str, torch.Tensor] = {}
        with hooked([(model.net.get_submodule(name), lambda m, i, o, seen=seen: seen.update(map=o))]):
            model.net.forward_intermediates(x)
        seen["map"][0, 0, 20, 20].backward()
        rows = x.grad[0, 0].abs().sum(1).nonzero()
        assert known[name].receptive_field == int(rows.max() - rows.min()) + 1


def test_sizes_and_fields_of_a_network_that_folds_the_mosaic() -> None:
    known = {layer.name: layer for layer in layers(model_of("lamba_m0"))}
    stem = known["scale32.chain.stem.0"]
    assert (stem.inputs, stem.outputs, stem.reduction, stem.receptive_field) == (1024, 128, 32, 96)
    assert known["residual8.conv1"].receptive_field == 24
    assert known["tail"].reduction == 2


def test_the_packed_domain_counts_pixels_of_the_picture() -> None:
    first = layers(model_of("sid_unet"))[0]
    running = min((x for x in layers(model_of("sid_unet")) if x.leaf and x.order >= 0), key=lambda x: x.order)
    assert first.name
    assert (running.reduction, running.receptive_field) == (2, 6)


def test_classical_methods_have_no_layers_and_no_cost() -> None:
    clahe = explorer.load_model("clahe")
    assert layers(clahe) == []
    assert cost(clahe, 100, 100) is None


def test_no_hook_is_left_after_success_and_after_an_error(photo: RgbPhoto) -> None:
    model = model_of("zero_dce", width=4)
    found = feature_maps(photo, model, "convs.2", 2.0, off={"convs.2": [1]})
    assert hook_count(model.net) == 0
    assert found.maps.shape == (64, 96, 4)
    with pytest.raises(ModelNotFoundError, match="no layer"):
        feature_maps(photo, model, "convs.99", 2.0)
    with pytest.raises(ModelNotFoundError, match="channels 0 to 3"):
        feature_maps(photo, model, "convs.2", 2.0, off={"convs.2": [4]})
    assert hook_count(model.net) == 0
    with pytest.raises(ZeroDivisionError), captured(model.net, ["convs.1"]), switched_off(model.net, {"convs.1": [0]}):
        assert hook_count(model.net) == 2
        raise ZeroDivisionError
    assert hook_count(model.net) == 0
    assert model.lock.acquire(blocking=False), "an error must not leave the model locked"
    model.lock.release()


def test_maps_are_what_the_layer_gives(photo: RgbPhoto) -> None:
    model = model_of("zero_dce", width=4)
    expected = model.net.convs[0](torch.from_numpy(np.moveaxis(photo.image, 2, 0).copy())[None])
    found = feature_maps(photo, model, "convs.0", 1.0)
    assert np.abs(found.maps - expected[0].detach().permute(1, 2, 0).numpy()).max() < 1e-4
    low, high = found.network_range
    assert low <= found.maps.min()
    assert high >= found.maps.max()


def test_a_switched_off_channel_is_silent_and_changes_the_picture(photo: RgbPhoto) -> None:
    model = model_of("zero_dce", width=4)
    on = feature_maps(photo, model, "convs.6", 4.0)
    off = feature_maps(photo, model, "convs.6", 4.0, off={"convs.6": range(24)})
    assert on.maps.any()
    assert not off.maps.any()
    assert np.abs(off.image - on.image).max() > 1e-3
    expected = explorer.restore(photo, "identity", 4.0).image
    assert np.abs(off.image - expected).max() < 1e-5, "without curves Zero-DCE leaves its input as it is"


def test_maps_stay_within_their_bound(photo: RgbPhoto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "LARGEST_MAPS", 64 * 43 * 4 * 4)
    found = feature_maps(photo, model_of("zero_dce", width=4), "convs.0", 1.0)
    assert found.bounded
    assert found.maps.nbytes <= features.LARGEST_MAPS
    large = RgbPhoto(np.zeros((200, 3000, 3), np.float32), 8)
    assert max(feature_maps(large, model_of("zero_dce", width=4), "convs.0", 1.0).maps.shape[:2]) <= features.MAP_SIDE


def test_hooks_of_one_thread_do_not_hear_another() -> None:
    net = nn.Conv2d(1, 1, 1)
    heard: list[int] = []
    with hooked([(net, lambda m, i, o: heard.append(threading.get_ident()))]):
        other = threading.Thread(target=lambda: net(torch.zeros(1, 1, 2, 2)))
        other.start()
        other.join()
        net(torch.zeros(1, 1, 2, 2))
    assert heard == [threading.get_ident()]


def test_the_published_count_of_multiplications() -> None:
    found = cost(model_of("lamba_m0"), 4096, 2048)
    assert found
    assert found.gmac == pytest.approx(41.2, abs=0.1)
    x = torch.zeros(1, 3, 64, 64)
    whole = cost(model_of("zero_dce"), 64, 64)
    assert whole
    assert whole.peak_bytes > 32 * x[0, 0].numel() * 4 * 3, "x1, x2 and x3 are alive together"


def test_compare_measures_each_model_at_each_ratio(photo: RgbPhoto) -> None:
    reference = explorer.restore(photo, "identity", 4.0).image
    rows = list(compare(photo, ["identity", "gamma"], [2.0, 4.0], reference=reference))
    assert [(row.model, row.restoration.ratio) for row in rows] == [
        ("identity", 2.0), ("identity", 4.0), ("gamma", 2.0), ("gamma", 4.0),
    ]  # fmt: skip
    assert rows[1].scores
    assert rows[1].scores.psnr == 100
    assert rows[0].scores
    assert rows[0].scores.psnr < 60


def test_sweeps_go_by_equal_factors() -> None:
    assert sweep_ratios(1, 100, 3) == [1, 10, 100]
    with pytest.raises(RatioError):
        sweep_ratios(0, 100, 3)


def test_decomposition_explains_the_picture(photo: RgbPhoto) -> None:
    found = decompose(photo, "ssr", 2.0)
    assert found.residual is not None
    assert found.residual.mean() < 1e-3
    assert found.reflectance is not None
    assert found.illumination is not None
    again = recombined(found.reflectance, found.illumination)
    assert np.abs(again - found.seen).max() < 2e-2
    assert np.allclose(recombined(found.reflectance, found.illumination, gamma=0), found.reflectance.clip(0, 1))
    with pytest.raises(ModelNotFoundError, match="choose another model"):
        decompose(photo, "clahe")


def test_the_pair_of_a_photo_with_itself_has_no_difference(photo: RgbPhoto) -> None:
    pair = decompose_pair(photo, photo, "ssr", 1.0)
    assert pair.difference is not None
    assert pair.difference.max() == 0


def test_a_profile_reads_the_line() -> None:
    plane = np.tile(np.arange(11, dtype=np.float32), (5, 1))
    assert np.allclose(profile(plane, (0, 0.5), (1, 0.5), 11), np.arange(11))
    assert np.allclose(profile(plane, (0.5, 0), (0.5, 1), 4), 5)
    assert profile(np.stack([plane, plane], -1), (0, 0), (1, 1), 7).shape == (7, 2)


def test_runs_are_found_and_read(tmp_path: Path) -> None:
    beside = tmp_path / "weights" / "a.x" / "training"
    own = tmp_path / "runs" / "b.y"
    for folder in (beside, own / "replay"):
        folder.mkdir(parents=True)
    lines = [
        {"step": 0, "validation": {"psnr": 5.0}}, {"step": 1, "losses": {"loss": 1.0}},
        {"step": 2, "validation": {"psnr": 9.0}},
    ]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"step": 3, "los'
    (beside / "log.jsonl").write_text(text)
    (own / "log.jsonl").write_text(text)
    pictures = [Image.new("RGB", (8, 8), (90 * i, 0, 0)) for i in range(2)]
    pictures[0].save(beside / "replay.webp", save_all=True, append_images=pictures[1:], lossless=True)
    for i, picture in enumerate(pictures):
        picture.save(own / "replay" / f"{i:07d}.png")
    found = find_runs({"a.x": beside.parent, "c.z": tmp_path}, tmp_path / "runs")
    assert list(found) == ["a.x", "b.y"]
    run = read_run("a.x", found["a.x"])
    assert [entry["step"] for entry in run.entries] == [0, 1, 2]
    assert run.figures == ["psnr"]
    assert [frame.step for frame in replay_frames(run)] == [0, 2]
    assert [frame.step for frame in replay_frames(read_run("b.y", own))] == [0, 1]
    (own / "log.jsonl").write_text("")
    with pytest.raises(DataError, match="no entries"):
        read_run("b.y", own)


def test_layers_name_what_they_are_computed_from() -> None:
    found = {layer.name: layer.sources for layer in layers(model_of("zero_dce"))}
    symmetric = [(), ("0",), ("1",), ("2",), ("2", "3"), ("1", "4"), ("0", "5")]  # section 3 of the paper
    assert found == {"convs": ()} | {
        f"convs.{k}": tuple(f"convs.{name}" for name in names) for k, names in enumerate(symmetric)
    }
