"""The comparison of a folder's photos with other decoders, on a folder with known differences."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.photo import write_dng

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import corpus  # noqa: E402


def test_a_folder_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    y, x = np.mgrid[0:48, 0:64]
    pixels = np.stack([20 + 3 * x, 30 + 4 * y, 90 + x], axis=-1).astype(np.uint8)
    picture, folder = Image.fromarray(pixels), tmp_path / "photos"
    (folder / "inside").mkdir(parents=True)
    exif = Image.Exif()
    exif[274] = 6
    picture.save(folder / "turned.jpg", exif=exif, quality=95)
    picture.convert("P").save(folder / "inside" / "palette.gif")
    picture.save(folder / "plain.png")
    plain = (folder / "plain.png").read_bytes()
    gamma = b"gAMA" + struct.pack(">I", 100_000)
    stated = struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma))
    (folder / "linear.png").write_bytes(plain[:33] + stated + plain[33:])  # Pillow shows it as it is stored
    (folder / "cut.png").write_bytes(plain[: len(plain) // 2])
    (folder / "letter.txt").write_text("Dear reader")
    mosaic = np.full((96, 128), 4000, np.uint16) + np.arange(128, dtype=np.uint16) * 40
    write_dng(folder / "mosaic.dng", mosaic, black=512, white=16383)
    report = tmp_path / "report.md"
    assert corpus.main([str(folder), "--report", str(report)]) == 0
    rows = [line.split(" | ")[:2] for line in report.read_text().split("| file |")[1].splitlines()[2:]]
    assert rows == [["| cut.png", corpus.NEITHER], ["| linear.png", corpus.COLORS]]
    assert "6 photos" in report.read_text() and "6 photos, 2 differ" in capsys.readouterr().out


def test_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert corpus.main([str(tmp_path / "absent")]) == 1
    assert "is no folder" in capsys.readouterr().err
