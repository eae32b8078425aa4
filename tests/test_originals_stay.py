"""No run overwrites a photo, whatever its paths look like, and none takes its own results for photos."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from explorer.cli import main
from explorer.identity import identity, nearest_of

REFUSED = 7


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(seed).integers(0, 40, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(samples).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    picture(tmp_path / "photos" / "a.png", 1)
    picture(tmp_path / "photos" / "sub" / "b.png", 2)
    picture(tmp_path / "photos" / "c.jpg", 3)
    return tmp_path / "photos"


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(*arguments: str | Path) -> int:
    return main([str(argument) for argument in arguments])


def batch(source: str | Path, destination: str | Path, *more: str) -> int:
    return run("batch", source, destination, "-m", "gamma", "--workers", "0", *more)


def restore(*arguments: str | Path) -> int:
    return run("restore", *arguments, "-m", "gamma", "--quiet")


def refused(photos: Path, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Asserts that one sentence said why, and that nothing was written among the photographs."""
    assert code == REFUSED
    error = capsys.readouterr().err
    assert error.startswith("error: ") and len(error.splitlines()) == 1
    assert sorted(path.name for path in photos.rglob("*") if path.is_file()) == ["a.png", "b.png", "c.jpg"]


@pytest.mark.parametrize(
    "spelling", ["{p}", "{p}/", "{p}/.", "{p}/sub/..", "file://{p}", "local://{p}", "simplecache::file://{p}", "{link}",
                 "{link}/", "{link}/sub/.."]
)  # fmt: skip
def test_a_destination_that_is_the_source(
    spelling: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "link").symlink_to("photos")
    before = digests(photos)
    names = {"p": photos, "link": tmp_path / "link"}
    refused(photos, batch(photos, spelling.format(**names)), capsys)
    refused(photos, batch(spelling.format(**names), photos), capsys)
    assert digests(photos) == before


def test_links_within_the_destination(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of it, or a file, may be one of the source's."""
    pytest.importorskip("pyarrow")
    before = digests(photos)
    folder_linked, file_linked, hard_linked = (tmp_path / name for name in ("one", "two", "three"))
    for each in (folder_linked, file_linked, hard_linked):
        each.mkdir()
    (folder_linked / "sub").symlink_to(photos / "sub")
    (file_linked / "a.png").symlink_to(photos / "a.png")
    os.link(photos / "a.png", hard_linked / "a.png")
    names = tmp_path / "names.txt"
    names.write_text("photos/a.png\nphotos/c.jpg\n")
    (tmp_path / "four").mkdir()
    (tmp_path / "four" / "photos").symlink_to(photos)
    for each in (folder_linked, file_linked, hard_linked):
        refused(photos, batch(photos, each), capsys)
    refused(photos, batch(names, tmp_path / "four"), capsys)
    refused(photos, batch(photos / "a.png", tmp_path / "four" / "photos"), capsys)
    assert digests(photos) == before and (hard_linked / "a.png").stat().st_nlink == 2


def test_a_source_within_the_destination(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose folder of the same name is the source itself."""
    pytest.importorskip("pyarrow")
    picture(tmp_path / "x" / "x" / "a.png")
    before = digests(tmp_path)
    assert batch(tmp_path / "x", tmp_path) == REFUSED
    assert digests(tmp_path) == before


def test_a_destination_within_the_source_is_left_out_by_any_name(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pyarrow")
    before = digests(photos)
    (tmp_path / "elsewhere").symlink_to(photos / "out")
    assert batch(photos, photos / "out") == 0
    made = {name: digest for name, digest in digests(photos / "out").items() if name.endswith(".png")}
    assert set(made) == {"a.png", "sub/b.png", "c.png"}
    assert batch(photos, tmp_path / "elsewhere") == 0
    assert batch(photos, tmp_path / "other", "--json") == 0  # which is another folder: that one's results are results
    report = json.loads(capsys.readouterr().out[-4000:].split("failed; ")[-1].partition("\n")[2])
    assert sorted(each["name"] for each in report["left_out"] if each["reason"] == "result") == [
        "out/a.png", "out/c.png", "out/sub/b.png",
    ]  # fmt: skip
    assert report["photographs"] == 3
    after = digests(photos)
    assert {name: after[name] for name in before} == before
    assert {name: d for name, d in digests(photos / "out").items() if name.endswith(".png")} == made


def test_results_become_photographs_where_their_own_are_not_restored(photos: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert batch(photos, tmp_path / "bright") == 0
    assert batch(tmp_path / "bright", tmp_path / "again") == 0
    assert (tmp_path / "again" / "sub" / "b.png").is_file()


def test_an_object_store_that_is_its_own_destination(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    store = fsspec.filesystem("memory")
    for name in ("a.png", "sub/b.png"):
        store.pipe_file(f"/stay/x/{name}", (photos / name).read_bytes())
    store.pipe_file("/stay/x/x/a.png", (photos / "a.png").read_bytes())
    before = {name: store.cat_file(name) for name in store.find("/stay")}
    for source, destination in (("stay/x", "/stay/x/"), ("stay/x", "stay")):
        assert batch(f"memory://{source}", f"memory://{destination}") == REFUSED
    assert {name: store.cat_file(name) for name in store.find("/stay")} == before


def test_restore_by_any_name_of_the_photograph(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(photos)
    (tmp_path / "link").symlink_to(photos)
    (tmp_path / "a-link.png").symlink_to(photos / "a.png")
    (tmp_path / "hard").mkdir()
    os.link(photos / "a.png", tmp_path / "hard" / "a.png")
    monkeypatch.chdir(photos)
    for out in ("a.png", "./sub/../a.png", photos / "a.png", tmp_path / "link" / "a.png", tmp_path / "a-link.png",
                tmp_path / "hard" / "a.png", tmp_path / "hard", tmp_path / "link", "."):  # fmt: skip
        refused(photos, restore("a.png", "-o", out), capsys)
    refused(photos, restore(tmp_path / "a-link.png", "-o", "a.png"), capsys)
    assert digests(photos) == before


def test_intermediates_do_not_replace_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    one, other = picture(folder / "b.jpg"), picture(folder / "b.illumination.png", 5)
    (tmp_path / "out").mkdir()
    before = digests(tmp_path)
    common = ("-m", "lime", "-o", tmp_path / "out", "--intermediates", folder)
    assert run("restore", one, other, *common) == REFUSED
    assert run("restore", folder, *common) == REFUSED
    assert digests(tmp_path) == before


def notes_of(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    assert run("restore", *arguments, "-m", "lime") == 0
    return capsys.readouterr().err


def test_a_folder_restored_into_itself_again_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "own"
    picture(folder / "b.jpg")
    picture(folder / "b.tif", 4)
    options = ("-o", folder, "--intermediates", folder)
    assert "skipped" not in notes_of(capsys, folder, *options)
    first = digests(folder)
    assert {name for name in first if name.endswith(".png")} == {
        f"b.{kind}{part}.png"
        for kind in ("jpg", "tif")
        for part in ("", ".illumination", ".illumination_enhanced", ".reflectance")
    }
    said = notes_of(capsys, folder, *options)
    assert "8 results of earlier runs" in said and "b.jpg.png" in said
    assert digests(folder) == first
    picture(folder / "d.jpg", 6)
    notes_of(capsys, folder, *options)
    assert {"d.png", "b.jpg.png", "b.tif.png"} <= set(digests(folder))
    (tmp_path / "elsewhere").mkdir()
    notes_of(capsys, folder, "-o", tmp_path / "elsewhere")
    names = {name for name in digests(tmp_path / "elsewhere") if not name.startswith(".")}
    assert names == {"b.jpg.png", "b.tif.png", "d.png"}
    # A photograph that took a result's place is one.
    picture(folder / "d.png", 9)
    notes_of(capsys, folder, "-o", tmp_path / "elsewhere")
    assert "d.png.png" in digests(tmp_path / "elsewhere")


def test_files_named_by_a_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "own"
    picture(folder / "b.jpg")
    picture(folder / "c.jpg", 2)
    for _ in range(3):
        said = notes_of(capsys, *sorted(folder.glob("*.*g")), "-o", folder)
    assert sorted(path.name for path in folder.glob("*.png")) == ["b.png", "c.png"]
    assert "2 results" in said


def test_a_run_that_was_ended_before_it_noted_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "own"
    picture(folder / "b.jpg")
    from explorer.batch.journal import Journal

    def ended(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "add", ended)
        assert restore(folder, "-o", folder) == 130
    assert (folder / "b.png").is_file()
    assert restore(folder, "-o", folder) == 0
    assert sorted(path.name for path in folder.glob("*.png")) == ["b.png"]


def test_names_that_differ_in_case(tmp_path: Path) -> None:
    """Where a file system takes both for one, a result would replace the other's."""
    picture(tmp_path / "in" / "a.jpg")
    picture(tmp_path / "in" / "A.tif", 2)
    (tmp_path / "out").mkdir()
    assert restore(tmp_path / "in", "-o", tmp_path / "out") == 0
    names = [path.name for path in (tmp_path / "out").glob("*.png")]
    assert len({name.casefold() for name in names}) == 2


def test_the_file_system_says_what_is_the_same(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As one does that takes upper and lower case for the same: the system is asked, names are not compared."""
    stat = os.stat

    def caseless(path: object, **options: object) -> os.stat_result:
        return stat(str(path).replace("PHOTOS", "photos").replace("A.PNG", "a.png"), **options)  # type: ignore[arg-type]

    monkeypatch.setattr("explorer.identity.os.stat", caseless)
    refused(photos, restore(photos / "a.png", "-o", photos / "A.PNG"), capsys)


def test_a_plot_and_an_animation_among_their_own_pictures(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "high").mkdir()
    picture(tmp_path / "high" / "a.png")
    before = digests(tmp_path)
    for plot in (photos / "a.png", photos / "plot.png", tmp_path / "high" / "a.png"):
        assert run("eval", "-m", "gamma", "--data", photos, tmp_path / "high", "--plot", plot) == REFUSED
    (tmp_path / "run" / "replay").mkdir(parents=True)
    frame = picture(tmp_path / "run" / "replay" / "00001.png")
    os.link(frame, tmp_path / "film.gif")
    assert run("replay", tmp_path / "run", "-o", tmp_path / "film.gif") == REFUSED
    after = digests(tmp_path)
    assert {name: after[name] for name in before} == before
    assert (tmp_path / "film.gif").read_bytes() == frame.read_bytes()


def test_identity(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("a")
    assert identity(tmp_path / "link") == identity(tmp_path / "a") != identity(tmp_path / "a" / "b")
    assert identity(tmp_path / "none") is None and identity("nul\0") is None
    a, b = tmp_path / "a", tmp_path / "a" / "b"
    assert nearest_of(tmp_path / "link" / "b" / "new" / "er", (a, b)) == b
    assert nearest_of(tmp_path / "link" / "c", (a, b)) == a
    assert nearest_of(b / "x", (a, b / "x")) == b / "x"
    assert nearest_of(tmp_path, (a, b)) is None


@pytest.mark.parametrize(
    "words",
    [
        ("darken", "{bright}", "--iso", "1600", "-o", "{there}"),
        ("darken", "{bright}", "--iso", "1600", "-o", "{folder}/new.dng", "--reference", "{there}"),
        ("video", "{clip}", "-m", "identity", "--ratio", "2", "-o", "{there}"),
        ("export-onnx", "zero_dce.lol", "{there}"),
    ],
    ids=lambda words: " ".join(words[:1] + words[-2:-1]),
)
def test_a_file_of_somebody_else_is_replaced_only_on_request(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suffix = {"video": ".mp4", "export-onnx": ".onnx"}.get(words[0], ".png" if "--reference" in words else ".dng")
    there = tmp_path / f"somebody{suffix}"
    there.write_bytes(b"a photo that cannot be taken again")
    names = {"bright": picture(tmp_path / "bright.png"), "there": there, "folder": tmp_path, "clip": tmp_path / "a.mp4"}
    if words[0] == "video":
        pytest.importorskip("av")
        names["clip"].write_bytes(b"not yet looked at")
    before = digests(tmp_path)
    assert run(*(word.format(**names) for word in words)) == REFUSED
    assert "--overwrite" in capsys.readouterr().err and digests(tmp_path) == before
    if words[0] == "darken":
        assert run(*(word.format(**names) for word in words), "--overwrite") == 0
        assert digests(tmp_path)[there.name] != before[there.name]
