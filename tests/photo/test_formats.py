"""The table of formats, and what is derived from it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from explorer import formats
from explorer.errors import PhotoError
from explorer.photo import open_photo
from explorer.photo.files.pictures import READERS

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import formats_page  # noqa: E402


def test_every_suffix_belongs_to_one_format() -> None:
    counted = Counter(suffix for each in formats.FORMATS for suffix in each.suffixes)
    assert [suffix for suffix, count in counted.items() if count > 1] == []
    assert all(suffix == suffix.lower().strip(". ") for suffix in counted)
    assert counted.keys() == formats.SUFFIXES
    # What Windows' browsers save JPEGs as, Fujifilm's HEIF, and cameras whose files used to open by name only.
    assert {"jfif", "jpe", "mpo", "hif", "dcr", "gpr", "bay", "k25", "cap", "mdc", "ptx", "pxn"} <= formats.SUFFIXES


def test_suffixes_of_names() -> None:
    assert formats.suffix_of("a/b.c/IMG_1.JPG") == "jpg"
    assert formats.suffix_of("https://example.org/x.tar/night.Dng") == "dng"
    assert [formats.suffix_of(name) for name in ("a.b/c", ".dng", "dng", "x.", r"a\b.c\d")] == ["", "", "", "", ""]


def test_the_table_costs_nothing_to_ask() -> None:
    code = "import sys, explorer.formats; print(sorted({'numpy', 'torch', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_the_page_is_what_the_table_says() -> None:
    assert formats_page.PAGE.read_text(encoding="utf-8") == formats_page.page(), "run scripts/formats_page.py"


def test_every_picture_format_has_a_reader() -> None:
    assert {each.key for each in formats.FORMATS if each.group == "picture"} == READERS.keys()


def test_messages_name_what_is_opened() -> None:
    with pytest.raises(PhotoError, match="JPEG, PNG, TIFF, WebP, GIF, BMP, HEIC, AVIF, JPEG XL or JPEG 2000 file"):
        open_photo(b"Dear reader, " * 100, name="letter.jpg")


def test_signatures_belong_to_one_format() -> None:
    for each in formats.FORMATS:
        for at, magic in each.signatures:
            found = formats.format_of(bytes(at) + magic)
            assert found is each, (each.key, magic)
