"""Quality against light: less light is never better, all models see the same exposures, and the files are right."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.darkroom import CAMERAS
from explorer.evaluation.sweep import SweepPoint, breaking_point, photos_of, sweep
from explorer.restorer import load_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    y, x = np.mgrid[0:64, 0:80] / 80
    for k in range(2):
        image = np.stack([0.3 + 0.5 * x, 0.3 + 0.4 * y, 0.6 - 0.2 * k + 0 * x], axis=2)
        Image.fromarray((image * 255).round().astype(np.uint8)).save(photos / f"{k}.png")
    return photos


def test_quality_falls_with_the_light_and_light_is_counted_in_electrons(folder: Path) -> None:
    cameras = [CAMERAS["sony_a7s2"].at(iso=iso) for iso in (400, 6400)]
    models = [load_model("identity"), load_model("bilateral")]
    points = sweep(photos_of(folder), models, cameras, [10, 100])
    assert [p.model for p in points] == ["identity"] * 4 + ["bilateral"] * 4
    for name in ("identity", "bilateral"):
        own = [p for p in points if p.model == name]
        assert [p.grey_electrons for p in own] == sorted((p.grey_electrons for p in own), reverse=True)
        for iso in (400, 6400):  # between them the read noise changes too
            falling = [p.psnr for p in own if p.iso == iso]
            assert falling == sorted(falling, reverse=True)
    assert points[0].grey_electrons == pytest.approx(0.18 * 15871 / (0.0956 * 4) / 10, rel=0.01)
    assert points[0].photos == 2
    again = sweep(photos_of(folder), models, cameras, [10, 100])
    assert [(p.psnr, p.ssim) for p in points] == [(p.psnr, p.ssim) for p in again]


def test_the_breaking_point_lies_between_the_points_on_either_side() -> None:
    def at(electrons: float, psnr: float) -> SweepPoint:
        return SweepPoint("m", "c", 100, 1, 10, electrons, 1, 1, psnr, 0.5, 0)

    points = [at(1000, 30), at(100, 26), at(10, 20), at(1, 10)]
    assert breaking_point(points, 23) == pytest.approx(math.sqrt(10 * 100))
    assert breaking_point(points, 5) is None
    assert breaking_point(points, 40) == math.inf


def test_the_command_line_writes_table_and_plot(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, plot = tmp_path / "sweep.csv", tmp_path / "sweep.html"
    words = ["sweep", str(folder), "-m", "identity", "-m", "nlm", "--iso", "1600,25600", "--ratios", "10,100"]
    assert main([*words, "--limit", "1", "--csv", str(table), "--plot", str(plot), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert len(rows) == len(printed) == 8
    assert [float(row["psnr"]) for row in rows] == [point["psnr"] for point in printed]
    page = plot.read_text()
    assert "electrons of middle grey" in page and '"nlm"' in page


@pytest.mark.parametrize(
    "words",
    [["--iso", "x"], ["--ratios", "0.1"], ["--camera", "holga"], ["--csv", "out.txt"], ["--plot", "out.pdf"],
     ["--camera", "imx686"]],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["sweep", str(folder), "-m", "identity", *words]) in (4, 7, 8)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Unexpected" not in error
