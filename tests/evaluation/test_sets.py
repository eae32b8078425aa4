"""Benchmark sets: their lists and ratios, SID's protocol, and the same table from every engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.batch.run import Engine
from explorer.batch.scoring import score_set
from explorer.cli import main
from explorer.errors import DataError
from explorer.evaluation.metrics import measure
from explorer.evaluation.pairs import UNCHANGED, Pair, evaluate_pairs, list_pairs, reference_of, score_pair
from explorer.evaluation.sets import list_set
from explorer.photo import RawPhoto, open_photo
from explorer.photo.files.dng import write_dng
from explorer.restorer import load_model, restore


def write_pairs(low: Path, high: Path, count: int) -> None:
    for folder in (low, high):
        folder.mkdir(parents=True)
    for k in range(count):
        bright = np.random.default_rng(k).integers(60, 250, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(bright).save(high / f"{k}.png")
        Image.fromarray(bright // 6).save(low / f"{k}.png")


def test_sices_parts_are_those_that_its_lists_name(tmp_path: Path) -> None:
    write_pairs(tmp_path / "low", tmp_path / "high", 4)
    (tmp_path / "val.txt").write_text("1.png\n3\n\n")
    assert [pair.name for pair in list_set("sice", tmp_path, "val")] == ["1", "3"]
    with pytest.raises(DataError, match=r"train\.txt cannot be read"):
        list_set("sice", tmp_path, "train")
    (tmp_path / "train.txt").write_text("0\n7\n")
    with pytest.raises(DataError, match="lists 2 pairs, but only 1 exist"):
        list_set("sice", tmp_path, "train")


def exposure(path: Path, scale: float) -> None:
    """A RAW file whose scene is always the same, at another exposure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:1:48j, 0:1:64j]
    light = (0.15 + 0.5 * x * y) * scale
    write_dng(path, (512 + light * 15000).astype(np.uint16), black=512, white=16383)


@pytest.fixture
def sid(tmp_path: Path) -> Path:
    exposure(tmp_path / "Sony/short/10003_00_0.1s.dng", 0.1)
    exposure(tmp_path / "Sony/short/10006_00_0.01s.dng", 0.01)
    exposure(tmp_path / "Sony/long/10003_00_1s.dng", 1.0)
    (tmp_path / "Sony_test_list.txt").write_text(
        "./Sony/short/10003_00_0.1s.dng ./Sony/long/10003_00_1s.dng ISO200 F8\n"
        "\n./Sony/short/10006_00_0.01s.dng ./Sony/long/10003_00_1s.dng ISO200 F9\n"
    )
    return tmp_path


def test_sids_list_gives_pairs_and_the_ratios_of_their_exposure_times(sid: Path) -> None:
    pairs = list_set("sid_sony", sid)
    assert [(p.name, p.ratio) for p in pairs] == [("10003_00_0.1s", 10.0), ("10006_00_0.01s", 100.0)]
    assert pairs[0].dark == sid / "Sony/short/10003_00_0.1s.dng" and pairs[0].bright == pairs[1].bright
    (sid / "Sony_val_list.txt").write_text("./Sony/short/10006_00_0.01s.dng ./Sony/long/10003_00_1s.dng\n")
    assert [p.ratio for p in list_set("sid_sony", sid, "val")] == [100.0]
    for name, seconds in (("10006_00_0.01s.dng", 10),):
        exposure(sid / f"Sony/long/10003_00_{seconds}s.dng", 1.0)
        (sid / "Sony_train_list.txt").write_text(f"./Sony/short/{name} ./Sony/long/10003_00_{seconds}s.dng\n")
    assert [p.ratio for p in list_set("sid_sony", sid, "train")] == [300.0]  # 1000, cut as the paper does


def test_a_pair_of_exposures_is_measured_as_the_paper_does(sid: Path) -> None:
    """LibRaw's development of the long exposure is the reference, and the true ratio amplifies the short one."""
    pair = list_set("sid_sony", sid)[0]
    model = load_model("identity")
    scored = score_pair(pair, [model])
    photo = open_photo(pair.dark)
    assert isinstance(photo, RawPhoto)
    reference = reference_of(pair.bright, photo)
    assert reference.shape == (48, 64, 3) and 0 <= reference.min() < reference.max() <= 1
    expected = measure(restore(photo, model, 10.0).image, reference)
    assert scored.scores[0] == expected and scored.scores[0].psnr > scored.unchanged.psnr + 3


@pytest.mark.parametrize(("phase", "rotation"), [("RGGB", 0), ("BGGR", 0), ("GRBG", 90), ("GBRG", 270)])
def test_the_reference_is_cropped_and_turned_as_the_mosaic_is(tmp_path: Path, phase: str, rotation: int) -> None:
    """A mosaic begins at its first whole tile, LibRaw's picture at the first visible pixel: both must be one scene."""
    y, x = np.mgrid[0:1:57j, 0:1:71j]
    light = 0.1 + 0.6 * (np.hypot(x - 0.4, y - 0.6) < 0.3)
    for name, part in (("a_0.1s.dng", 0.1), ("a_1s.dng", 1.0)):
        counts = (512 + light * part * 15000).astype(np.uint16)
        write_dng(tmp_path / name, counts, black=512, white=16383, phase=phase, rotation=rotation)
    pair = Pair("a", tmp_path / "a_0.1s.dng", tmp_path / "a_1s.dng", 10.0)
    photo = open_photo(pair.dark)
    assert isinstance(photo, RawPhoto)
    reference = reference_of(pair.bright, photo)
    restored = restore(photo, "identity", 10.0).image
    here = measure(restored, reference).psnr
    assert all(here > measure(restored, np.roll(reference, by, axis)).psnr + 1 for by in (-1, 1) for axis in (0, 1))


def test_lol_in_each_of_its_layouts(tmp_path: Path) -> None:
    for low, high in (("eval15/low", "eval15/high"), ("Test/Low", "Test/Normal"), ("low", "high")):
        folder = tmp_path / low.replace("/", "_")
        write_pairs(folder / low, folder / high, 2)
        pairs = list_set("lol", folder)
        assert [(p.name, p.ratio, p.dark.parent) for p in pairs] == [(name, None, folder / low) for name in ("0", "1")]


def test_sets_that_are_not_there(sid: Path, tmp_path: Path) -> None:
    for arguments, message in (
        (("nosuch", sid), "There is no set 'nosuch'"),
        (("lol", sid, "val"), "does not hold LOL's val pairs"),
        (("lol", sid / "Sony"), "does not hold LOL's test pairs"),
        (("sid_fuji", sid), "Fuji_test_list.txt cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            list_set(*arguments)
    for text, message in (
        ("a.ARW b.ARW\n", "Line 1 .* does not name two exposures"),
        ("./a_10s.ARW ./b_1s.ARW\n", "Line 1 .* longer exposure first"),
        ("./a_0.1s.ARW ./b_1s.ARW\n", "names 2 missing files"),
        ("\n", "is empty"),
    ):
        (sid / "Sony_val_list.txt").write_text(text)
        with pytest.raises(DataError, match=message):
            list_set("sid_sony", sid, "val")


def test_every_engine_gives_the_table_of_the_pairs(tmp_path: Path) -> None:
    write_pairs(tmp_path / "low", tmp_path / "high", 3)
    models = [load_model("gamma"), load_model("identity")]
    known = evaluate_pairs(list_pairs(tmp_path / "low", tmp_path / "high"), models)
    named: list[str] = []
    for engine in (Engine(workers=0), Engine(workers=2)):
        named.clear()
        found = score_set(list_set("lol", tmp_path), models, engine, advance=named.append)
        assert [r.model for r in found] == [UNCHANGED, "gamma", "identity"] and sorted(named) == ["0", "1", "2"]
        for before, after in zip(known, found, strict=True):
            assert (after.pictures, after.scores.psnr, after.scores.ssim) == pytest.approx(
                (3, before.scores.psnr, before.scores.ssim)
            )


def test_a_pair_of_unequal_sizes_stops_with_its_name(tmp_path: Path) -> None:
    write_pairs(tmp_path / "low", tmp_path / "high", 1)
    Image.new("RGB", (30, 20)).save(tmp_path / "high" / "0.png")
    with pytest.raises(DataError, match="0.png is 24 x 20 but .* is 30 x 20"):
        score_set(list_set("lol", tmp_path), [load_model("gamma")], Engine(workers=0))


def test_a_set_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lowlight eval --benchmark` prints the figures of `--data` on the same pairs, from one process and from two."""
    write_pairs(tmp_path / "low", tmp_path / "high", 3)
    models = ["-m", "gamma", "-m", "retinexnet.joint_decom_only", "--json", "-q"]
    found = []
    for line in (
        ["--data", str(tmp_path / "low"), str(tmp_path / "high")],
        ["--benchmark", "lol", str(tmp_path), "--workers", "0"],
        ["--benchmark", "lol", str(tmp_path), "--workers", "2", "--limit", "3"],
    ):
        assert main(["eval", *line, *models]) == 0
        results = json.loads(capsys.readouterr().out)["results"]
        found.append([(r["model"], r["pictures"], r["psnr"], r["ssim"], r["sha256"]) for r in results])
    assert [each[:2] for each in found[0]] == [(UNCHANGED, 3), ("gamma", 3), ("retinexnet.joint_decom_only", 3)]
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            assert one[2:4] == pytest.approx(same[2:4], abs=1e-3) and one[4] == same[4]
