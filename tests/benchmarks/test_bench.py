"""The benchmark runs and writes its report; what it measures, it measures elsewhere."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from explorer.models import create_model


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_quick_run_writes_both_reports(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench = loaded(project / "benchmarks" / "bench.py")
    assert bench.main(["--quick", "--out", str(tmp_path)]) == 0
    assert "times" in capsys.readouterr().out
    report = json.loads((tmp_path / "quick.json").read_text())
    assert [r["case"] for r in report["results"]] == ["lamba_m0 tiny", "zero_dce tiny"]
    for result in report["results"]:
        assert result["ratio"] > 0 and result["gmac"] > 0
        assert result["difference"] < 1e-4 or result["precision"] == "bfloat16"
    assert "| lamba_m0 tiny |" in (tmp_path / "quick.md").read_text()


@pytest.mark.parametrize("name", ["lamba_m0", "zero_dce"])
def test_published_form_computes_the_same(project: Path, name: str) -> None:
    eager = loaded(project / "benchmarks" / "eager.py")
    net = create_model(name)
    plain = eager.as_published(net)
    x = torch.rand(1, net.input_channels, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(net(x), plain(x), atol=1e-5)
    normalised = any("parametrizations" in key for key in plain.state_dict())
    assert normalised == (name == "lamba_m0")


def test_multiplications_of_lamba_m0_are_those_of_the_paper(project: Path) -> None:
    eager = loaded(project / "benchmarks" / "eager.py")
    gmac = eager.multiplications(create_model("lamba_m0"), torch.zeros(1, 1, 256, 512)) * 64 / 1e9
    assert gmac == pytest.approx(41.2, abs=0.1)
