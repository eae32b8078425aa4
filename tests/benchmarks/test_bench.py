"""The benchmark runs and writes its report; its figures are not tested."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from explorer.models import create_model

SAVED = ("JPEG", "PNG", "16-bit TIFF", "16-bit PNG", "DNG")


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


def test_a_peak_is_the_process_own(project: Path) -> None:
    """A child's counter begins with what the parent held: measured from a large process, every peak was zero."""
    child = "import _measure; print(_measure.peak())"
    parent = (
        "import subprocess, sys; held = bytearray(400 << 20)\n"
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True, check=True).stdout)"
    )
    environment = {**os.environ, "PYTHONPATH": str(project / "benchmarks")}
    found = subprocess.run(
        [sys.executable, "-c", parent], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert 1 < float(found) < 200


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


def test_raw_files_of_the_benchmark_are_the_same_in_both_forms(project: Path, tmp_path: Path) -> None:
    from explorer.photo import open_photo

    everyday = loaded(project / "benchmarks" / "everyday.py")
    plain = everyday.write_raw(tmp_path / "plain.dng", 300, 600)
    packed = everyday.write_raw(tmp_path / "packed.dng", 300, 600, compressed=True)
    assert packed.stat().st_size < 0.8 * plain.stat().st_size
    assert (open_photo(plain).mosaic == open_photo(packed).mosaic).all()


def test_everyday_report(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    everyday = loaded(project / "benchmarks" / "everyday.py")
    # What starts the program is left to the benchmark itself.
    cores = os.cpu_count() or 1
    # A start of 2 s on one core, then 1 s a photograph on all of them but a tenth.
    monkeypatch.setattr(everyday, "_folder_run", lambda _, height, width, n: (2.0 + n, 2.0 + 0.9 * cores * n))
    monkeypatch.setattr(everyday, "starting", lambda _: {"lowlight app": 3.0})
    assert everyday.main(["--quick", "--only", "lamba_m0", "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "everyday_quick.json").read_text())
    assert [row["file"] for row in report["opening"]] == ["uncompressed, 0.1 MP", "lossless JPEG, 0.1 MP"]
    assert all(row["ratio"] > 0 for row in report["opening"])
    text = (tmp_path / "everyday_quick.md").read_text()
    assert [*report["stages"]] == [
        "start, load, a small photo", "open", "restore", *(f"save as {kind}" for kind in SAVED)
    ]  # fmt: skip
    assert all(busy > 0 and wall > 0 for busy, wall in report["stages"].values())
    assert [*report["ratios"]] == ["DNG", "JPEG", "16-bit TIFF"] and min(report["ratios"].values()) > 0
    assert report["processor"] and report["processor"] in text
    assert f"| save as 16-bit PNG | {report['stages']['save as 16-bit PNG'][0]:.2f} |" in text
    assert "after the start 1.00 s a photograph, 90% busy" in text and "| lowlight app | 3.00 |" in text
