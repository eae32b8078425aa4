"""The leaderboard: what is measured once or again, and the advice that follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.evaluation import leaderboard_measuring
from explorer.evaluation.leaderboard import BOARD, SETS, Row, is_known, merged, read_board
from explorer.evaluation.leaderboard_text import answers, board_markdown, not_installed, saw, set_table, unmeasured
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.store import LoadedModel


@pytest.fixture
def material(tmp_path: Path) -> Path:
    """The three sets, two small pictures each: plain grey of 64 that should be 128."""
    data = tmp_path / "material" / "data"
    for folder in ("lol_eval15", "sice"):
        for side, value in (("low", 64), ("high", 128)):
            (data / folder / side).mkdir(parents=True)
            for name in ("1", "2"):
                Image.new("RGB", (48, 40), (value,) * 3).save(data / folder / side / f"{name}.png")
    (data / "sice" / "val.txt").write_text("1\n2\n")
    (data / "kodak24").mkdir()
    picture = np.random.default_rng(0).integers(90, 160, (40, 48, 3)).astype(np.uint8)
    for name in ("1", "2"):
        Image.fromarray(picture).save(data / "kodak24" / f"{name}.png")
    return data.parent


def run(material: Path, out: Path, *more: str) -> int:
    return main(["eval", "--leaderboard", "--material", str(material), "--output", str(out), "--quiet", *more])


def test_what_is_there_is_not_measured_again(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, asked = tmp_path / "out", ("-m", "input unchanged", "-m", "gamma")
    out.mkdir()
    measured: list[tuple[str, int]] = []
    measure = leaderboard_measuring.measured_on

    def counted(model: LoadedModel | None, photos: Iterator[leaderboard_measuring.Taken]) -> dict[str, float]:
        figures = measure(model, photos)
        measured.append((model.name if model else "input unchanged", int(figures["pictures"])))
        return figures

    monkeypatch.setattr(leaderboard_measuring, "measured_on", counted)
    assert run(material, out, *asked, "--limit", "1") == 0
    assert sorted(measured) == [("gamma", 1)] * 3 + [("input unchanged", 1)] * 3
    rows = {row.name: row for row in read_board(out / "leaderboard.json")}
    # 64 of 255 against 128 of 255: the error is 64/255 everywhere, and scaled to the mean there is none.
    figures = rows["input unchanged"].figures["lol_eval15"]
    assert figures["psnr"] == pytest.approx(20 * np.log10(255 / 64), abs=1e-3)
    assert figures["gt_mean_psnr"] == 100 and "seconds" not in figures
    assert rows["gamma"].figures["sice_val"]["seconds"] > 0 and rows["gamma"].gmac is None

    assert run(material, out, *asked, "--limit", "1") == 0
    assert len(measured) == 6  # nothing new
    (out / "leaderboard.md").unlink()
    assert run(material, out, "-m", "gamma", "--limit", "2") == 0
    assert measured[6:] == [("gamma", 2)] * 3  # more pictures are another figure
    assert {row.name for row in read_board(out / "leaderboard.json")} == {"input unchanged", "gamma"}
    assert "| gamma |" in (out / "leaderboard.md").read_text()


def test_other_weights_lose_the_old_figures() -> None:
    each = SETS[0]
    old = Row("net", "own", "net", sha256="a", figures={each.name: {"pictures": 15, "psnr": 20.0, "seconds": 1.0}})
    assert is_known([old], "net", "a", each, 15)
    assert not is_known([old], "net", "b", each, 15) and not is_known([old], "net", "a", SETS[1], 15)
    same = merged([old], Row("net", "own", sha256="a", figures={"sice_val": {"pictures": 12, "psnr": 19.0}}))
    assert set(same[0].figures) == {each.name, "sice_val"}
    other = merged([old], Row("net", "own", sha256="b", figures={"sice_val": {"pictures": 12, "psnr": 19.0}}))
    assert set(other[0].figures) == {"sice_val"}


def test_recorded_figures_are_taken_over_until_they_are_measured() -> None:
    rows = {row.name: row for row in leaderboard_measuring.recorded([])}
    entry = CATALOGUE["zero_dce"]
    assert rows["zero_dce"].figures["lol_eval15"] == {"pictures": 15, **entry.figures["lol_eval15"].scores}
    assert not is_known(list(rows.values()), "zero_dce", "", SETS[0], 15)  # without seconds: to be measured
    better = Row("zero_dce", "published", "zero_dce", sha256="a", figures={"lol_eval15": {"pictures": 15, "psnr": 1.0}})
    kept = {row.name: row for row in leaderboard_measuring.recorded([better])}
    assert kept["zero_dce"] == better


def test_one_broken_set_does_not_end_the_others(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (material / "data" / "sice" / "val.txt").unlink()
    out = tmp_path / "out"
    out.mkdir()
    assert run(material, out, "-m", "input unchanged", "--limit", "1") == 10
    assert "input unchanged, SICE" in capsys.readouterr().err
    row = read_board(out / "leaderboard.json")[0]
    assert set(row.figures) == {"lol_eval15", "kodak24_dark"}
    assert unmeasured([row]) == ["input unchanged: SICE"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--leaderboard", "--limit", "1"], "--limit goes with --output"),
        (["--leaderboard", "--markdown"], "writes its own page"),
        (["--leaderboard", "--flat", "-m", "gamma"], "Give one of"),
        (["--flat", "-m", "gamma", "--output", "x"], "go with --leaderboard"),
        (["--flat"], "Name a model"),
    ],
)
def test_contradictions_are_named(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", *arguments]) == 2
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_files_of_published_checkpoints_are_found_by_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = CATALOGUE["mobileie_lolv1"]
    content = b"the network" * 3
    file = replace(entry.files[0], sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    monkeypatch.setitem(CATALOGUE, entry.name, replace(entry, files=(file,)))
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "of another name.bin"
    path.write_bytes(content[:-1] + b"!")
    assert leaderboard_measuring.files_of([tmp_path]) == {}
    path.write_bytes(content)
    assert leaderboard_measuring.files_of([tmp_path]) == {entry.name: [path]}


def board() -> list[Row]:
    def row(name: str, kind: str, psnr: float, gt_mean: float) -> Row:
        figures = {each.name: {"pictures": 2, "psnr": psnr, "ssim": 0.5, "gt_mean_psnr": gt_mean} for each in SETS}
        return Row(name, kind, "net", figures=figures)  # type: ignore[arg-type]

    return [
        row("flight_lol", "published", 30, 30),  # trained on eval15's scenes
        row("psenet_sice", "published", 25, 22),  # trained on SICE
        row("flight_rellisur", "published", 20, 24),  # on neither, but not free to pass on
        row("own", "own", 21, 23),
        row("gamma", "method", 10, 20),
    ]


def test_nobody_is_recommended_for_what_it_remembers() -> None:
    rows = board()
    found = {line[0]: line[1:] for line in answers(rows)[1]}
    by_set = dict(zip(("kodak24_dark", "lol_eval15", "sice_val"), found.values(), strict=True))
    assert [each.split()[0] for each in by_set["lol_eval15"]] == ["flight_rellisur", "psenet_sice", "psenet_sice"]
    assert [each.split()[0] for each in by_set["sice_val"]] == ["flight_lol", "-", "flight_lol"]
    assert by_set["kodak24_dark"][0].startswith("flight_lol")
    seen = {row.name: saw(row, SETS[0]) for row in rows}
    assert seen["flight_lol"] is True and seen["own"] is False and seen["gamma"] is False


def test_one_that_was_compared_with_nobody_is_not_the_best() -> None:
    assert all(set(line[1:]) == {"-"} for line in answers(board()[2:4])[1])


def test_a_sets_table_is_sorted_and_says_who_saw_it() -> None:
    headings, lines = set_table(board(), SETS[0])
    assert [line[0] for line in lines] == ["flight_lol", "psenet_sice", "own", "flight_rellisur", "gamma"]
    assert all(len(line) == len(headings) for line in lines)
    assert [line[-1] for line in lines] == ["yes", "no", "no", "no", "no"]


def test_the_page_is_made_from_the_figures(project: Path) -> None:
    rows = read_board()
    assert (project / "docs" / "leaderboard.md").read_text("utf-8") == board_markdown(rows)
    assert json.loads(BOARD.read_text("utf-8"))["rows"]
    known = {row.name for row in rows}
    assert known.isdisjoint(not_installed(rows)) and "darkir_m" in not_installed(rows)
    for row in rows:
        for each in SETS:
            figures = row.figures.get(each.name)
            assert figures is None or figures["pictures"] == each.pictures, row.name
