"""Metrics against scikit-image's, evaluation of pairs and of synthetic RAW, and `lowlight eval`."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from explorer.cli import main
from explorer.cli.plots import write_plot
from explorer.errors import DataError, OutputError, RatioError
from explorer.evaluation.metrics import Scores, measure, scale_to_mean
from explorer.evaluation.pairs import UNCHANGED, evaluate_pairs, list_pairs
from explorer.evaluation.synthetic import evaluate_synthetic, make_scene
from explorer.evaluation.tables import pair_points, pair_table, synthetic_points, synthetic_table
from explorer.metrics import METRICS, PLAIN, Metric, digits_of, figures_line, markdown_table
from explorer.photo import develop
from explorer.restorer import load_model, restore


def picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    smooth = 0.5 + 0.3 * np.sin(4 * x + seed)[..., None] * np.cos(3 * y)[..., None] * rng.uniform(0.5, 1, 3)
    return np.clip(smooth + rng.normal(0, 0.01, (height, width, 3)), 0, 1).astype(np.float32)


def save(folder: Path, name: str, image: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * 255).round().astype(np.uint8)).save(folder / name)


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Path, Path]:
    for k in range(2):
        save(tmp_path / "low", f"{k}.png", picture(k) * 0.2)
        save(tmp_path / "high", f"{k}.png", picture(k))
    return tmp_path / "low", tmp_path / "high"


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.3])
def test_metrics_agree_with_scikit_image(noise: float) -> None:
    reference = picture(1)
    image = np.clip(reference * 0.9 + np.random.default_rng(2).normal(0, noise, reference.shape), 0, 1)
    image = image.astype(np.float32)
    scores = measure(image, reference)
    assert scores.psnr == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=1), abs=1e-4)
    expected = structural_similarity(
        reference, image, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert scores.ssim == pytest.approx(expected, abs=1e-5)
    scaled = np.clip(image * (reference.mean() / image.mean()), 0, 1)
    expected = min(100, peak_signal_noise_ratio(reference, scaled, data_range=1))  # 100 dB stands for equal pictures
    assert scores.gt_mean_psnr == pytest.approx(expected, abs=1e-3)
    expected = structural_similarity(
        reference, scaled, data_range=1, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert scores.gt_mean_ssim == pytest.approx(expected, abs=1e-5)


def test_a_metric_is_one_entry() -> None:
    """Every place that shows figures has all of the table, and no file but the table's spells their names."""
    from explorer.app.compare_table import _COLUMNS
    from explorer.hub.card import _METRICS
    from explorer.training.card import figures_section
    from explorer.views.plots import figure_title
    from explorer.weights.config import WeightsConfig

    names = [metric.name for metric in METRICS]
    assert names[:4] == ["psnr", "ssim", "gt_mean_psnr", "gt_mean_ssim"] and names == list(_METRICS)
    assert [figure_title(name) for name in names] == [m.heading for m in METRICS]
    assert {m.heading for m in METRICS} <= {column["title"] for column in _COLUMNS}
    figures = {"mine": {name: 0.5 for name in names}, "mine_base_iso_raw_10": {m.name: 0.5 for m in PLAIN}}
    card = figures_section(WeightsConfig(name="x", architecture="sci", domain="rgb", metrics=figures))
    assert f"|  | {' | '.join(m.title for m in METRICS)} |" in card and "| 0.50 | 0.500 | 0.50 | 0.500 " in card
    assert "| these weights | 0.50 / 0.500" in card
    line = figures_line(figures["mine"])
    assert line.startswith("PSNR 0.50 dB, SSIM 0.500, GT-mean PSNR 0.50 dB, GT-mean SSIM 0.500")
    assert [digits_of(name) for name in ("psnr", "psnr_300", "ssim", "gt_mean_psnr", "other")] == [2, 2, 3, 2, 3]
    assert Metric("error", "Error", 1, METRICS[0].compute).format(None) == "-"
    package = Path(__file__).resolve().parents[2] / "explorer"
    spelt = [path.name for path in package.rglob("*.py") if re.search(r"""["'](gt_mean_)?ssim["']""", path.read_text())]
    assert spelt == ["metrics.py"]


def test_metrics_clip_and_bear_extremes() -> None:
    white, black = np.ones((16, 16, 3), np.float32), np.zeros((16, 16, 3), np.float32)
    assert measure(white, white).psnr == 100 and measure(white, white).ssim == pytest.approx(1)
    assert measure(white * 3, white).psnr == 100
    assert measure(black, white).psnr == pytest.approx(0, abs=1e-9)
    assert measure(black, white).gt_mean_psnr == pytest.approx(0, abs=1e-9)
    assert scale_to_mean(white * 0.25, white * 0.5).mean() == pytest.approx(0.5)


def test_pairs_are_measured_with_the_input_as_first_row(pairs: tuple[Path, Path]) -> None:
    models = [load_model("identity"), load_model("gamma")]
    seen: list[str] = []
    results = evaluate_pairs(list_pairs(*pairs), models, 1.0, seen.append)
    assert [r.model for r in results] == [UNCHANGED, "identity", "gamma"]
    assert results[0].scores.psnr == pytest.approx(results[1].scores.psnr, abs=1e-6)
    assert results[2].scores.psnr > results[0].scores.psnr and results[0].seconds is None
    assert all(r.scores.gt_mean_psnr > r.scores.psnr for r in results[:2])
    assert len(seen) == 4 and results[1].pictures == 2


def test_pairs_that_cannot_be_measured_are_named(pairs: tuple[Path, Path], tmp_path: Path) -> None:
    low, high = pairs
    save(low, "alone.png", picture(5))
    with pytest.raises(DataError, match="have no counterpart .alone"):
        list_pairs(low, high)
    save(high, "alone.png", picture(5, 48, 60))
    with pytest.raises(DataError, match=r"low/alone.png is 64 x 48 but .*high/alone.png is 60 x 48"):
        evaluate_pairs(list_pairs(low, high), [])
    with pytest.raises(DataError, match="does not exist"):
        list_pairs(low, tmp_path / "none")


def test_scenes_are_fixed_by_name_ratio_and_seed() -> None:
    clean = (picture(3) * 255).astype(np.uint8)
    one, same = make_scene(clean, 100, "a"), make_scene(clean, 100, "a")
    assert np.array_equal(one.photo.mosaic, same.photo.mosaic)
    for other in (make_scene(clean, 100, "b"), make_scene(clean, 30, "a"), make_scene(clean, 100, "a", seed=1)):
        assert not np.array_equal(one.photo.mosaic, other.photo.mosaic)
    assert one.photo.mosaic.shape == one.reference.shape[:2] == (46, 62)
    # The reference is the photograph itself, moved by the phase.
    reference = (one.reference * 255).round().astype(np.uint8)
    assert any(np.array_equal(reference, clean[y : y + 46, x : x + 62]) for y in (0, 1) for x in (0, 1))
    with pytest.raises(RatioError):
        make_scene(clean, 0, "a")
    with pytest.raises(DataError, match="at least 34"):
        make_scene(clean[:20], 100, "small")


def test_a_scene_has_one_camera_at_all_ratios_and_noise_by_its_sensor() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)

    def noise(ratio: float, sensor: str, name: str = "a") -> float:
        scene = make_scene(flat, ratio, name, sensor=sensor)
        red = scene.photo.mosaic[::2, ::2]
        return float(red.std() / red.mean())

    scenes = [make_scene(flat, ratio, "a") for ratio in (10, 100)]
    assert scenes[0].photo.as_shot == scenes[1].photo.as_shot
    assert np.array_equal(scenes[0].photo.camera_to_srgb, scenes[1].photo.camera_to_srgb)
    for name in "abcd":
        assert noise(10, "base", name) < noise(100, "base", name)
        assert noise(30, "base", name) < noise(30, "high", name)


def test_developing_a_scene_brings_back_brightness_and_colour() -> None:
    clean = np.full((64, 64, 3), (180, 120, 90), np.uint8)
    scene = make_scene(clean, 2, "flat")  # dark enough to test, too bright for noise to bend the mean
    shown = develop(scene.photo, 2).mean((0, 1)) * 255
    assert np.abs(shown - (180, 120, 90)).max() < 3


def test_every_model_meets_the_same_mosaics_on_the_real_path(tmp_path: Path) -> None:
    for k in range(2):
        save(tmp_path, f"{k}.png", picture(k))
    models = [load_model("identity"), load_model("clahe")]
    results = evaluate_synthetic(tmp_path, [1, 300], models)
    found = {(r.model, r.ratio): r for r in results}
    assert len(found) == 4 and all(r.pictures == 2 for r in results)
    assert found["identity", 1].scores.psnr > found["identity", 300].scores.psnr + 3
    again = evaluate_synthetic(tmp_path, [1, 300], [models[0]])
    assert [r.scores.psnr for r in again] == [found["identity", 1].scores.psnr, found["identity", 300].scores.psnr]
    # By hand: restore the same scene with the true ratio.
    scene = make_scene((picture(0) * 255).round().astype(np.uint8), 300, "0")
    by_hand = measure(restore(scene.photo, models[0], 300.0).image, scene.reference).psnr
    one = evaluate_synthetic(tmp_path, [300], [models[0]], limit=1)[0]
    assert one.scores.psnr == pytest.approx(by_hand)


def test_tables(pairs: tuple[Path, Path]) -> None:
    headings, rows = pair_table(evaluate_pairs(list_pairs(*pairs), [load_model("gamma")], 1.0))
    assert headings[3] == "GT-MEAN PSNR" and [row[0] for row in rows] == [UNCHANGED, "gamma"]
    headings, rows = synthetic_table(evaluate_synthetic(pairs[1], [30, 100], [load_model("identity")]))
    assert headings[1:3] == ("RATIO 30", "RATIO 100") and " / " in rows[0][1]
    lines = markdown_table(headings, rows).splitlines()
    assert len(lines) == 3 and lines[1].startswith("| --- | --:") and len({line.count("|") for line in lines}) == 1


def test_eval_from_the_command_line(pairs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    low, high = map(str, pairs)
    assert main(["eval", "--data", low, high, "-m", "gamma", "--ratio", "1"]) == 0
    said = capsys.readouterr().out
    assert "GT-MEAN PSNR" in said and "input unchanged" in said
    assert main(["eval", "--data", low, high, "-m", "gamma", "-m", "clahe", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [r["model"] for r in found["results"]] == ["input unchanged", "gamma", "clahe"]
    assert main(["eval", "--synthetic-raw", high, "--ratios", "100,30", "-m", "identity", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("| MODEL | RATIO 30 | RATIO 100 |")


def test_a_plot_of_the_measured_rows(pairs: tuple[Path, Path], tmp_path: Path) -> None:
    low, high = map(str, pairs)
    for options in (["--data", low, high], ["--synthetic-raw", high, "--ratios", "30,100"]):
        out = tmp_path / "plot.html"
        assert main(["eval", *options, "-m", "gamma", "-m", "identity", "--plot", str(out), "-q"]) == 0
        text = out.read_text()
        assert "gamma" in text and "identity" in text and "PSNR, dB" in text and UNCHANGED not in text
        assert "cdn.plot.ly/plotly" not in text  # it must show without a connection
        assert list(tmp_path.glob(".plot*")) == []


def test_points_of_a_plot_carry_the_sizes_of_the_networks(pairs: tuple[Path, Path]) -> None:
    results = evaluate_synthetic(pairs[1], [30, 100], [load_model("identity")])
    better = [Scores(r.scores | {"psnr": r.scores.psnr + 1}) for r in results]
    two = [
        replace(r, model="net", parameters=1_714_080, scores=s, seconds=0.5)
        for r, s in zip(results, better, strict=True)
    ]
    points = synthetic_points([*results, *two])
    assert [label for label, _, _ in points] == ["identity", "net (1.7 M)"]
    assert points[1][1] == 0.5
    assert points[1][2] == pytest.approx(sum(r.scores.psnr for r in results) / 2 + 1)
    pairs_found = evaluate_pairs(list_pairs(*pairs), [load_model("gamma")], 1.0)
    assert [(label, psnr) for label, _, psnr in pair_points(pairs_found)] == [("gamma", pairs_found[1].scores.psnr)]


def test_a_plot_without_its_drawing_program_is_one_sentence(
    pairs: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    line = ["eval", "--data", *map(str, pairs), "-m", "gamma", "--plot", str(tmp_path / "a.svg")]
    assert main(line) == 7
    assert "pip install kaleido" in capsys.readouterr().err


def test_a_plot_that_chrome_does_not_draw_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = [("one", 0.5, 24.0)]

    def no_chrome(*_: object, **__: object) -> bytes:
        raise RuntimeError("no browser")

    monkeypatch.setattr("plotly.graph_objects.Figure.to_image", no_chrome)
    with pytest.raises(OutputError, match="a.svg could not be drawn .RuntimeError.; kaleido needs Chrome"):
        write_plot(tmp_path / "a.svg", points, "what")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr("plotly.graph_objects.Figure.to_image", lambda self, **options: options["format"].encode())
    write_plot(tmp_path / "a.png", points, "what")
    assert (tmp_path / "a.png").read_bytes() == b"png"


def test_what_eval_refuses(pairs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    low, high = map(str, pairs)
    for line, code, words in (
        (["-m", "gamma"], 2, "one of --data"),
        (["-m", "gamma", "--data", low, high, "--synthetic-raw", high], 2, "one of --data"),
        (["-m", "gamma", "--data", low, high, "--engine", "ray"], 2, "go with --benchmark"),
        (["-m", "gamma", "--data", low, high, "--split", "val"], 2, "go with --benchmark"),
        (["-m", "gamma", "--benchmark", "lol", low, "--address", "auto"], 2, "goes with --engine ray"),
        (["-m", "gamma", "--benchmark", "lol", low, "--record"], 2, "not with --benchmark"),
        (["-m", "gamma", "--benchmark", "nosuch", low], 8, "the sets are lol"),
        (["-m", "gamma", "--benchmark", "sid_sony", low], 8, "Sony_test_list.txt cannot be read"),
        (["-m", "gamma", "--data", low, high, "--json", "--markdown"], 2, "either --json"),
        (["--data", low, high], 2, "--model"),
        (["-m", "nonsense", "--data", low, high], 5, "nonsense"),
        (["-m", "gamma", "-m", "gamma", "--data", low, high], 8, "given twice"),
        (["-m", "gamma", "--data", low, str(tmp_path / "none")], 8, "does not exist"),
        (["-m", "gamma", "--data", low, high, "--ratio", "900"], 4, "900"),
        (["-m", "gamma", "--data", low, high, "--record"], 6, "gamma has no folder of weights"),
        (["-m", "gamma", "--data", low, high, "--record", "--limit", "1"], 2, "the whole protocol"),
        (["-m", "gamma", "--data", low, high, "--record", "--ratio", "2"], 2, "the whole protocol"),
        (["-m", "gamma", "--synthetic-raw", high, "--record", "--seed", "2"], 2, "the whole protocol"),
        (["-m", "gamma", "--data", low, high, "--plot", str(tmp_path / "a.pdf")], 7, "end it in .html, .svg, .png"),
        (["-m", "gamma", "--data", low, high, "--plot", str(tmp_path / "no" / "a.html")], 7, "does not exist"),
        (["-m", "gamma", "--data", low, high, "--corners", "1,2"], 2, "--corners goes with --chart"),
        (["-m", "gamma", "--chart", low, "--data", low, high], 2, "one of --data"),
        (["-m", "gamma", "--chart", low, "--record"], 2, "not with --chart"),
        (["-m", "gamma", "--chart", low, "--corners", "1,2 3,4"], 8, "four points"),
        (["-m", "gamma", "--chart", low, "--corners", "1,2 3,4 5,6 7,inf"], 8, "four points"),
        (["-m", "gamma", "--synthetic-raw", high, "--ratios", "30,bright"], 4, "bright"),
        (["-m", "gamma", "--synthetic-raw", high, "--ratios", ","], 4, "contains no ratio"),
    ):
        assert main(["eval", *line]) == code, line
        said = capsys.readouterr()
        assert words in said.err and said.err.count("error:") == 1 and said.out == "", line


def test_the_protocol_gives_the_known_figures(shared: Path) -> None:
    """Input and gamma 2.2 on LOL eval15: 7.77 / .195 / 18.75 and 13.28 / .593 / 22.91."""
    folder = shared / "data" / "lol_eval15"
    if not folder.is_dir():
        pytest.skip("needs LOL eval15 among the shared test data")
    results = evaluate_pairs(list_pairs(folder / "low", folder / "high"), [load_model("gamma")], 1.0)
    found = [(round(r.scores.psnr, 2), round(r.scores.ssim, 3), round(r.scores.gt_mean_psnr, 2)) for r in results]
    assert found == [(7.77, 0.195, 18.75), (13.28, 0.593, 22.91)]


def test_help_loads_nothing_heavy(project: Path) -> None:
    import sys

    script = "import sys; from explorer.cli import main; main(['eval', '--help']); main(['train', '--help']);" \
        "print([m for m in ('torch', 'numpy', 'gradio') if m in sys.modules])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=project, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"
