"""The photos of a source, and the paths of their results."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.batch import addresses
from explorer.batch.listing import list_source, name_results
from explorer.errors import OutputError, PhotoError


def test_results_are_named_by_stem_or_by_the_whole_name_where_a_stem_is_shared() -> None:
    places = ["a.dng", "a.jpg", "b.png", "sub/a.dng", "sub/c.tar.tif", "none"]
    assert name_results(places, places) == ["a.dng.png", "a.jpg.png", "b.png", "sub/a.png", "sub/c.tar.png", "none.png"]


def test_a_name_that_is_another_ones_full_name() -> None:
    places = ["a.jpg", "a.dng", "a.jpg.tif"]
    assert name_results(places, places) == ["a.jpg.png", "a.dng.png", "a.jpg.tif.png"]


def test_names_that_differ_in_case_alone() -> None:
    """A destination may be a file system that does not tell them apart."""
    names = name_results(["A.dng", "a.dng"], ["/x/A.dng", "/x/a.dng"])
    assert names[0].startswith("A.dng.") and names[1].startswith("a.dng.")
    assert len({name.casefold() for name in names}) == 2


_PARTS = st.text("aA.b", min_size=1, max_size=4).filter(lambda part: part.strip(".") != "")


@given(st.lists(st.lists(_PARTS, min_size=1, max_size=2).map("/".join), unique=True, max_size=12))
def test_no_two_results_share_a_place(places: list[str]) -> None:
    names = name_results(places, [f"/in/{place}" for place in places])
    assert len({name.casefold() for name in names}) == len(places)
    assert all(name.endswith(".png") and not name.startswith("/") for name in names)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    for name in ("2019/b.DNG", "2019/a.jpg", "c.png", "notes.txt", ".hidden.png", ".cache/d.png", "2019/.x.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_folders_within_are_taken_and_what_is_hidden_is_not(archive: Path, tmp_path: Path) -> None:
    listing = list_source(str(archive), str(tmp_path / "out"))
    assert [item.output for item in listing.items] == ["2019/a.png", "2019/b.png", "c.png"]
    assert [item.input for item in listing.items] == [str(archive / n) for n in ("2019/a.jpg", "2019/b.DNG", "c.png")]
    assert all(item.found.bytes == 1 and item.found.stamp for item in listing.items)


def test_results_within_the_source_are_not_photographs(archive: Path) -> None:
    (archive / "out").mkdir()
    (archive / "out" / "c.png").write_bytes(b"a result")
    listing = list_source(str(archive), str(archive / "out"))
    assert [item.output for item in listing.items] == ["2019/a.png", "2019/b.png", "c.png"]
    with pytest.raises(OutputError, match="results would end up among the photos"):
        list_source(str(archive), str(archive))


def test_a_list_with_remarks_repetitions_and_other_spellings(archive: Path, tmp_path: Path) -> None:
    names = archive / "names.txt"
    names.write_text(
        f"# remark\n\nc.png\n2019/a.jpg\n./c.png\n{archive}/2019/../c.png\nfile://{archive}/c.png\n/elsewhere/z.dng\n"
    )
    listing = list_source(str(names), str(tmp_path / "out"))
    assert [item.output for item in listing.items] == ["c.png", "2019/a.png", "elsewhere/z.png"]
    assert listing.rows == [0, 1, 0, 0, 0, 2]
    assert listing.items[2].found == addresses.ABSENT


def test_results_stay_in_the_destination(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "names.txt").write_text("../../a.png\n")
    (item,) = list_source(str(tmp_path / "in" / "names.txt"), str(tmp_path / "out")).items
    assert ".." not in item.output and not item.output.startswith("/")


def test_one_photograph_is_a_source_too(archive: Path, tmp_path: Path) -> None:
    (item,) = list_source(str(archive / "c.png"), str(tmp_path / "out")).items
    assert (item.input, item.output) == (str(archive / "c.png"), "c.png")
    with pytest.raises(OutputError, match="would replace the photo"):
        list_source(str(archive / "c.png"), str(archive))


def test_sources_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\xff")
    for source, message in {
        "empty": "contains no photos",
        "empty.txt": "lists no photos",
        "binary.txt": "is not UTF-8 text",
        "absent": "no folder, list or photo",
    }.items():
        with pytest.raises(PhotoError, match=message):
            list_source(str(tmp_path / source), str(tmp_path / "out"))
    with pytest.raises(PhotoError, match="cannot be reached"):
        list_source("nosuch://bucket/folder", str(tmp_path / "out"))


def test_addresses_have_one_spelling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        addresses.canonical("a/../b.png") == str(tmp_path / "b.png") == addresses.canonical(f"file://{tmp_path}/b.png")
    )
    assert addresses.canonical("memory://x/y/") == "memory:///x/y" == addresses.canonical("y", "memory://x")
    assert addresses.parent("memory:///x/y") == "memory:///x" and addresses.parent("/x/y") == "/x"


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / addresses.STAGING).mkdir(parents=True)
    addresses.write(str(tmp_path), "sub/a.bin", b"old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        addresses.write(str(tmp_path), "sub/a.bin", b"new")
    assert (tmp_path / "sub" / "a.bin").read_bytes() == b"old"
    assert list((tmp_path / addresses.STAGING).iterdir()) == []
