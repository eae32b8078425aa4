"""Benchmark sets: their lists and ratios, SID's protocol, and the same table from every engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.batch.run import Engine
from explorer.batch.scoring import score_set
from explorer.errors import DataError
from explorer.evaluation.metrics import measure
from explorer.evaluation.pairs import UNCHANGED, evaluate_pairs, list_pairs
from explorer.evaluation.sets import list_set, reference_of, score_pair
from explorer.photo.dng import write_dng
from explorer.restorer import load_model


def write_pairs(low: Path, high: Path, count: int) -> None:
    for folder in (low, high):
        folder.mkdir(parents=True)
    for k in range(count):
        bright = np.random.default_rng(k).integers(60, 250, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(bright).save(high / f"{k}.png")
        Image.fromarray(bright // 6).save(low / f"{k}.png")


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
    reference = reference_of(pair.bright)
    assert reference.shape == (48, 64, 3) and 0 <= reference.min() < reference.max() <= 1
    from explorer import open_photo, restore

    expected = measure(restore(open_photo(pair.dark), model, 10.0).image, reference)
    assert scored.scores[0] == expected and scored.scores[0].psnr > scored.unchanged.psnr + 3


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
        ("a.ARW b.ARW\n", "Line 1 .* names no two exposures"),
        ("./a_10s.ARW ./b_1s.ARW\n", "Line 1 .* longer exposure first"),
        ("./a_0.1s.ARW ./b_1s.ARW\n", "names 2 files that are not there"),
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
        found = score_set(list_set("lol", tmp_path), [(m, None) for m in models], engine, advance=named.append)
        assert [r.model for r in found] == [UNCHANGED, "gamma", "identity"] and sorted(named) == ["0", "1", "2"]
        for before, after in zip(known, found, strict=True):
            assert (after.pictures, after.psnr, after.ssim) == pytest.approx((3, before.psnr, before.ssim))


def test_a_pair_of_unequal_sizes_stops_with_its_name(tmp_path: Path) -> None:
    write_pairs(tmp_path / "low", tmp_path / "high", 1)
    Image.new("RGB", (30, 20)).save(tmp_path / "high" / "0.png")
    with pytest.raises(DataError, match="0.png is 24 x 20 but .* is 30 x 20"):
        score_set(list_set("lol", tmp_path), [(load_model("gamma"), None)], Engine(workers=0))
