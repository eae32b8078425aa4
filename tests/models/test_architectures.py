"""Every architecture without weights: sizes, names of intermediates, numbers of parameters, the registry."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.errors import ModelNotFoundError
from explorer.models import (
    Architecture,
    RestorationNet,
    SizeRequirements,
    architecture,
    architecture_of,
    architectures,
    create_model,
    register,
)
from explorer.models.pix2pix import PatchDiscriminator
from explorer.models.res_unet import ResNetBody, ShuffleUp

PLANES = {"bayer": 1, "packed": 4, "xtrans": 9, "rgb": 3}
UPSCALE = {"bayer": 1, "packed": 2, "xtrans": 3, "rgb": 1}
SMALL: dict[str, dict[str, Any]] = {
    "sid_unet": {"width": 4},
    "sid_unet_xtrans": {"width": 4},
    "pix2pix": {"width": 4},
    "res_unet": {"depth": 18, "width": 8},
    "lynx": {"size": "small"},
    "lynx_xtrans": {"size": "small"},
    "lynx_rgb": {"size": "small"},
}
UNBOUNDED = {
    "illumination_enhanced", "gain", "tuned", "first_stage", "reflectance", "illumination", "gamma",
    "chroma_u", "chroma_v", "transmission", "atmosphere", "intersection", "hvi_enhanced", "brightened", "removed",
    "illumination_map", "lit_up", "illumination_features",
}  # fmt: skip
"""Maps of networks that clamp nothing on their way."""


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_every_file_of_a_family_gives_architectures(project: Path) -> None:
    """What is found are the descriptors that the files hold, each with a network of its own."""
    written = [
        ast.literal_eval(node.args[0])
        for path in (project / "explorer" / "models" / "families").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Architecture"
    ]
    assert sorted(written) == list(architectures(from_tensors=True)) and len(written) > 20
    assert any(not found.needs_weights for found in architectures().values())


@pytest.mark.parametrize("name", architectures())
def test_forward_at_the_smallest_size_and_at_a_larger_one(name: str) -> None:
    descriptor = architecture(name)
    net = create_model(name, **SMALL.get(name, {}))
    assert not net.training
    step = descriptor.size.multiple_of
    smallest = descriptor.size.padded(1)
    for height, width in [(smallest, smallest), (smallest, descriptor.size.padded(smallest + step))]:
        generator = torch.Generator().manual_seed(0)
        x = torch.rand(1, net.input_channels, height, width, generator=generator)
        with torch.inference_mode():
            results = net.forward_intermediates(x)
            image = net(x)
        scale = UPSCALE[descriptor.domain]
        assert image.shape == (1, 3, height * scale, width * scale)
        assert torch.equal(image, results["image"])
        assert set(results) == {"image", *(each.name for each in descriptor.intermediates)}
        assert all(torch.isfinite(value).all() for value in results.values())
        tables = {each.name for each in descriptor.intermediates if each.table}
        assert all(value.shape[-2:] == image.shape[-2:] for name, value in results.items() if name not in tables)
        assert all(results[name].shape[1] == 1 for name in tables)


@pytest.mark.parametrize("name", ["retinexnet", "zero_dce", "sci", "lamba_m0", "sid_unet", "res_unet", "pix2pix"])
def test_pictures_of_a_batch_do_not_see_each_other(name: str) -> None:
    descriptor = architecture(name)
    net = create_model(name, **SMALL.get(name, {}))
    side = descriptor.size.padded(descriptor.size.minimum)
    x = torch.rand(2, PLANES[descriptor.domain], side, side, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.allclose(net(x)[1:], net(x[1:]), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("lamba_m0", {}, 783_432),
        ("lamba_m1", {}, 1_711_368),
        ("lamba_m2", {}, 2_549_128),
        ("sid_unet", {}, 7_760_748),
        ("lynx", {}, 2_513_052),
        ("lynx", {"size": "small"}, 247_660),
        ("retinexnet", {"variant": "resize"}, 425_605),
        ("retinexnet", {"variant": "transpose"}, 425_605),
        ("retinexnet", {"variant": "port"}, 555_205),
        ("zero_dce", {}, 79_416),
        ("sci", {}, 258),
    ],
)
def test_numbers_of_parameters(name: str, options: dict[str, Any], count: int) -> None:
    assert parameters(create_model(name, **options)) == count


def test_pix2pix_at_full_width_has_about_54_million_parameters() -> None:
    assert 54.0e6 < parameters(create_model("pix2pix")) < 55.0e6


def test_pix2pix_takes_and_gives_the_unit_range_and_drops_only_in_training() -> None:
    net = create_model("pix2pix", width=4)
    x = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        image = net(x)
        assert torch.equal(image, net(x))
        net.train()
        assert not torch.equal(net(x), net(x))
    assert image.min() >= 0 and image.max() <= 1


def test_pix2pix_trains_on_a_batch_of_one() -> None:
    net = create_model("pix2pix", width=4).train()
    net(torch.rand(1, 3, 256, 256)).mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())


def test_discriminator_judges_30x30_patches_of_70x70_pixels() -> None:
    net = PatchDiscriminator(4).eval()
    x = torch.zeros(1, 3, 256, 256, requires_grad=True)
    logits = net(x, torch.zeros(1, 3, 256, 256))
    assert logits.shape == (1, 1, 30, 30)
    logits[0, 0, 15, 15].backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum(0).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]


def test_resnet_bodies_have_the_published_sizes_and_names() -> None:
    # ResNet-18 and ResNet-34 without their classifiers (He et al., CVPR 2016, as torchvision counts them).
    assert parameters(ResNetBody(18, 64)) == 11_176_512
    body = ResNetBody(34, 64)
    assert parameters(body) == 21_284_672
    names = set(body.state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.2.bn2.weight", "layer3.5.conv2.weight"} <= names
    assert {"layer2.0.downsample.0.weight", "layer4.0.downsample.1.bias"} <= names
    assert "layer1.0.downsample.0.weight" not in names


def test_icnr_begins_as_nearest_neighbour() -> None:
    image = ShuffleUp(6, 4)(torch.rand(1, 6, 5, 5))
    assert torch.equal(image[..., ::2, ::2], image[..., 1::2, 1::2])


def test_res_unet_output_forms() -> None:
    x = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(0)) * 4
    torch.manual_seed(0)
    bounded = create_model("res_unet", depth=18, width=8)
    free = create_model("res_unet", depth=18, width=8, output="linear")
    free.load_state_dict(bounded.state_dict())
    with torch.inference_mode():
        assert torch.allclose(bounded(x), torch.sigmoid(free(x)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sid_unet", {"cfa": "foveon"}),
        ("res_unet", {"depth": 50}),
        ("res_unet", {"output": "tanh"}),
        ("res_unet", {"width": 7}),
        ("gamma", {"gamma": 0}),
        ("lime", {"denoise": "bm3d"}),
        ("zero_dce", {"depth": 3}),
    ],
)
def test_wrong_options_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(ModelNotFoundError, match=name):
        create_model(name, **options)


def test_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(KeyError) as caught:
        create_model("u_net")
    assert isinstance(caught.value, ModelNotFoundError)
    assert "'u_net'" in str(caught.value)
    assert all(name in str(caught.value) for name in architectures())


def test_a_name_cannot_be_registered_twice() -> None:
    before = architecture("sci")
    with pytest.raises(ValueError, match="'sci'"):
        register(Architecture("sci", RestorationNet, title="Other", domain="rgb", summary=""))
    assert architecture("sci") is before


@pytest.mark.parametrize("name", architectures())
def test_every_map_stays_in_its_range_and_has_a_title(name: str) -> None:
    descriptor = architecture(name)
    assert descriptor.title and descriptor.summary and all(each.title for each in descriptor.intermediates)
    torch.manual_seed(0)
    net = create_model(name, **SMALL.get(name, {}))
    side = descriptor.size.padded(32)
    x = torch.rand(1, net.input_channels, side, side, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        results = net.forward_intermediates(x)
    for each in descriptor.intermediates:
        if descriptor.needs_weights and each.name not in UNBOUNDED:  # as published, not clamped
            assert each.range[0] <= results[each.name].min() and results[each.name].max() <= each.range[1], each.name


def test_a_network_knows_its_architecture_however_it_was_built() -> None:
    from explorer.models.zero_dce import ZeroDCE

    assert architecture_of(create_model("sid_unet_xtrans", width=4)).name == "sid_unet_xtrans"
    assert architecture_of(ZeroDCE()) is architecture("zero_dce")

    class Stranger(RestorationNet):
        pass

    with pytest.raises(ModelNotFoundError, match="Stranger"):
        architecture_of(Stranger())


@pytest.mark.parametrize(
    ("size", "length", "padded"),
    [
        (SizeRequirements(), 1, 1),
        (SizeRequirements(), 37, 37),
        (SizeRequirements(minimum=32, multiple_of=32), 1, 32),
        (SizeRequirements(minimum=32, multiple_of=32), 32, 32),
        (SizeRequirements(minimum=32, multiple_of=32), 33, 64),
        (SizeRequirements(minimum=17, multiple_of=8, offset=1), 3, 17),
        (SizeRequirements(minimum=17, multiple_of=8, offset=1), 18, 25),
        (SizeRequirements(minimum=17, multiple_of=8, offset=1), 25, 25),
        (SizeRequirements(minimum=17, multiple_of=8, offset=1), 24, 25),
    ],
)
def test_padded_lengths(size: SizeRequirements, length: int, padded: int) -> None:
    assert size.padded(length) == padded
