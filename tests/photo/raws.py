"""RAW files of many containers, written byte by byte, with a scene whose colours are known."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from explorer.photo import RawPhoto, load_rendering, open_photo, srgb_to_linear
from explorer.photo.light.cfa import XTRANS_TILE

XYZ_TO_CAMERA = np.array([[0.6722, -0.0635, -0.0963], [-0.4287, 1.2460, 0.2028], [-0.0908, 0.2162, 0.5668]])
SRGB_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                        [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
_MATRIX = XYZ_TO_CAMERA @ SRGB_TO_XYZ
NEUTRAL = _MATRIX.sum(1) / _MATRIX.sum(1).max()
"""Of daylight, so that no colour has to be adapted."""
RGGB = np.array([[0, 1], [1, 2]])
GRAY = 0.2
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 10: 8}


def scene(height: int, width: int) -> np.ndarray:
    """Linear sRGB: red and green above, blue and grey below."""
    light = np.empty((height, width, 3))
    y, x = height // 2, width // 2
    light[:y, :x], light[:y, x:] = (0.3, 0.06, 0.06), (0.06, 0.25, 0.06)
    light[y:, :x], light[y:, x:] = (0.06, 0.06, 0.3), GRAY
    return light


def camera(light: np.ndarray) -> np.ndarray:
    """What the camera sees of linear sRGB."""
    return light @ (_MATRIX / _MATRIX.sum(1, keepdims=True)).T * NEUTRAL


def sampled(image: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """H x W x 3 through a colour-filter array."""
    y, x = np.indices(image.shape[:2])
    return np.take_along_axis(image, cell[y % len(cell), x % len(cell)][..., None], 2)[..., 0]


def spread(cell: np.ndarray, height: int, width: int) -> np.ndarray:
    """A cell repeated over a picture."""
    y, x = np.indices((height, width))
    return cell[y % cell.shape[0], x % cell.shape[1]]


def counts(light: np.ndarray, black: Any, white: float = 4095) -> np.ndarray:
    """Sensor counts of light from 0 to 1, which all samples of a plane have the same number of counts for."""
    return np.round(black + light * (white - np.max(black))).clip(0, 65535).astype(np.uint16)


def _packed(kind: int, value: Any, order: str) -> bytes:
    if kind in (2, 7):
        return bytes(value)
    values = [value] if not isinstance(value, Iterable) else list(value)
    if kind in (5, 10):
        return b"".join(struct.pack(order + "ii", round(each * 10000), 10000) for each in values)
    return struct.pack(f"{order}{len(values)}{ {1: 'B', 3: 'H', 4: 'I'}[kind] }", *values)


def tiff(
    tags: Mapping[int, tuple[int, Any]], data: bytes = b"", order: str = "<", magic: bytes | None = None,
    strip: tuple[int, int] = (273, 279),
) -> bytes:  # fmt: skip
    """A TIFF of one directory, {code: (type, value)}, with its samples at the end."""
    packed = {code: (kind, _packed(kind, value, order)) for code, (kind, value) in tags.items()}
    packed |= {strip[0]: (4, bytes(4)), strip[1]: (4, _packed(4, len(data), order))}
    end = 8 + 2 + 12 * len(packed) + 4
    places = {}
    for code, (_, raw) in sorted(packed.items()):
        if len(raw) > 4:
            places[code], end = end, end + len(raw) + len(raw) % 2
    packed[strip[0]] = (4, _packed(4, end, order))
    magic = magic or (b"II*\0" if order == "<" else b"MM\0*")
    head, tail = magic + struct.pack(order + "IH", 8, len(packed)), b""
    for code, (kind, raw) in sorted(packed.items()):
        head += struct.pack(order + "HHI", code, kind, len(raw) // SIZES[kind])
        if len(raw) > 4:
            head += struct.pack(order + "I", places[code])
            tail += raw + bytes(len(raw) % 2)
        else:
            head += raw + bytes(4 - len(raw))
    return head + bytes(4) + tail + data


def dng(samples: np.ndarray, cell: np.ndarray | None = RGGB, **more: Any) -> bytes:
    """A DNG of H x W or H x W x 3 counts; `tags` of more override its own."""
    height, width = samples.shape[:2]
    depth = 1 if samples.ndim == 2 else samples.shape[2]
    tags = {
        254: (4, 0), 256: (4, width), 257: (4, height), 258: (3, [16] * depth), 259: (3, 1),
        262: (3, 32803 if cell is not None else 34892), 271: (2, b"Test\0"), 272: (2, b"Test T1\0"), 274: (3, 1),
        277: (3, depth), 278: (4, height), 284: (3, 1), 50706: (1, [1, 4, 0, 0]), 50707: (1, [1, 1, 0, 0]),
        50708: (2, b"Test T1\0"), 50717: (4, [4095] * depth),
    }  # fmt: skip
    if depth == 3 or cell is not None:
        tags |= {50721: (10, XYZ_TO_CAMERA.ravel().tolist()), 50778: (3, 21), 50728: (5, NEUTRAL.tolist())}
    if cell is not None:
        tags |= {33421: (3, list(cell.shape)), 33422: (1, cell.ravel().tolist())}
    return tiff({**tags, **more.get("tags", {})}, samples.astype("<u2").tobytes())


def black_tags(cell: np.ndarray) -> dict[int, tuple[int, Any]]:
    return {50713: (3, list(cell.shape[:2])), 50714: (5, cell.ravel().tolist())}


def gain_map(area: tuple[int, int, int, int], pitch: int, gains: np.ndarray, planes: int = 1) -> bytes:
    """Opcode 9 with points from edge to edge."""
    rows, columns, depth = gains.shape
    body = struct.pack(">10I", *area, 0, planes, pitch, pitch, rows, columns)
    body += struct.pack(">4dI", 1 / (rows - 1), 1 / (columns - 1), 0, 0, depth) + gains.astype(">f4").tobytes()
    return struct.pack(">4I", 9, 0x01030000, 1, len(body)) + body


def opcode(number: int, body: bytes) -> bytes:
    return struct.pack(">4I", number, 0x01030000, 1, len(body)) + body


def opcodes(*each: bytes) -> tuple[int, bytes]:
    return 7, struct.pack(">I", len(each)) + b"".join(each)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


DATE = "2005:06:07 08:09:10"
SECONDS = int(datetime(2005, 6, 7, 8, 9, 10, tzinfo=timezone.utc).timestamp())


def rw2(light: np.ndarray) -> bytes:
    height, width = light.shape[:2]
    tags = {
        1: (7, b"0310"), 2: (3, width), 3: (3, height), 4: (3, 0), 5: (3, 0), 6: (3, height), 7: (3, width), 9: (3, 4),
        10: (3, 12), 11: (3, 34826), 23: (3, 100), 28: (3, 0), 29: (3, 0), 30: (3, 0), 36: (3, 500), 37: (3, 256),
        38: (3, 400), 271: (2, b"Panasonic\0"), 272: (2, b"DMC-LX3\0"), 274: (3, 1), 306: (2, DATE.encode() + b"\0"),
    }  # fmt: skip
    samples = counts(sampled(light, RGGB[::-1, ::-1]), 15).astype("<u2").tobytes()
    return tiff(tags, samples, magic=b"IIU\0", strip=(280, 279))


def orf(light: np.ndarray) -> bytes:
    height, width = light.shape[:2]
    tags = {
        256: (4, width), 257: (4, height), 258: (3, 16), 259: (3, 1), 262: (3, 1), 271: (2, b"OLYMPUS CORPORATION\0"),
        272: (2, b"E-M5\0"), 274: (3, 1), 277: (3, 1), 278: (4, height), 306: (2, DATE.encode() + b"\0"),
    }  # fmt: skip
    return tiff(tags, counts(sampled(light, RGGB), 256).astype("<u2").tobytes(), magic=b"IIRO")


def mrw(light: np.ndarray) -> bytes:
    height, width = light.shape[:2]
    block = tiff({271: (2, b"KONICA MINOLTA\0"), 272: (2, b"DYNAX 5D\0"), 274: (3, 1), 306: (2, DATE.encode() + b"\0")},
                 order=">")  # fmt: skip
    size = struct.pack(">4H", height, width, height, width)
    parts = ((b"PRD", b"21860002" + size + bytes([16, 12, 0x52, 0]) + struct.pack(">2H", 0, 1)),
             (b"WBG", bytes([2] * 4) + struct.pack(">4H", 512, 256, 256, 427)), (b"TTW", block))  # fmt: skip
    blocks = b"".join(b"\0" + name + struct.pack(">I", len(body)) + body for name, body in parts)
    samples = counts(sampled(light, RGGB), 0).astype(">u2").tobytes()
    return b"\0MRM" + struct.pack(">I", len(blocks)) + blocks + samples


def crw(samples: bytes = bytes(4000)) -> bytes:
    """A heap with a camera's name, a date and something like samples."""
    name, image = b"Canon\0Canon EOS D30\0", samples
    heap = name + struct.pack("<3I", SECONDS, 0, 0)
    inner = struct.pack("<H", 2) + struct.pack("<HII", 0x080A, len(name), 0)
    inner += struct.pack("<HII", 0x180E, 12, len(name))
    inner = heap + inner + struct.pack("<I", len(heap))
    outer = image + inner
    directory = struct.pack("<H", 2) + struct.pack("<HII", 0x2005, len(image), 0)
    directory += struct.pack("<HII", 0x300A, len(inner), len(image))
    return b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12) + outer + directory + struct.pack("<I", len(outer))


def cr3() -> bytes:
    """The boxes of a CR3 that hold its tags, and one that stands for its samples."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + kind + body

    main = tiff({271: (2, b"Canon\0"), 272: (2, b"Canon EOS R\0"), 306: (2, DATE.encode() + b"\0")})
    details = tiff({33434: (5, [0.02]), 33437: (5, [2.8]), 34855: (3, 6400), 37386: (5, [35.0])})
    inner = box(b"uuid", bytes(16) + box(b"CMT1", main) + box(b"CMT2", details))
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + box(b"moov", inner) + box(b"mdat", bytes(4000))


def x3f() -> bytes:
    """The sections of an X3F that hold its properties, and the directory at its end."""
    properties = {"CAMMANUF": "SIGMA", "CAMMODEL": "SIGMA DP2", "TIME": str(SECONDS), "EXPTIME": "20000",
                  "ISO": "400", "APERTURE": "2.8", "FLENGTH": "24.2"}  # fmt: skip
    text, places = "", b""
    for pair in properties.items():
        for word in pair:
            places += struct.pack("<I", len(text))
            text += word + "\0"
    section = b"SECp" + struct.pack("<5I", 0x20000, len(properties), 0, 0, len(text)) + places
    section += text.encode("utf-16-le")
    head = b"FOVb" + struct.pack("<I", 0x20002) + bytes(100)
    directory = b"SECd" + struct.pack("<2I", 0x20000, 1) + struct.pack("<2I", len(head), len(section)) + b"PROP"
    return head + section + directory + struct.pack("<I", len(head) + len(section))


def raf(light: np.ndarray, levels: np.ndarray, cell: np.ndarray) -> bytes:
    """A Fujifilm RAF whose raw directory states a cell of black levels."""
    height, width = light.shape[:2]
    samples = counts(sampled(light, cell), spread(levels, height, width)).astype("<u2").tobytes()
    inner_tags = {0xF001: width, 0xF002: height, 0xF003: 16, 0xF007: 0, 0xF008: len(samples)}
    inner = struct.pack("<H", len(inner_tags) + 1)
    start = 8 + 18 + 4
    place = start + 2 + 12 * (len(inner_tags) + 1) + 4
    for code, value in inner_tags.items():
        inner += struct.pack("<HHII", code, 4, 1, place + 4 * levels.size if code == 0xF007 else value)
    inner += struct.pack("<HHII", 0xF00A, 4, levels.size, place) + bytes(4)
    inner += struct.pack(f"<{levels.size}I", *levels.astype(int).ravel().tolist())
    outer = b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0xF000, 13, 1, start) + bytes(4 + 4)
    body = outer[:start].ljust(start, b"\0") + inner + samples
    head = (b"FUJIFILMCCD-RAW 0201FF389501" + b"X-T1".ljust(32, b"\0") + b"0100").ljust(84, b"\0")
    head += struct.pack(">6I", 0, 0, 0, 0, 160, len(body))
    return head.ljust(160, b"\0") + body


SCENE = scene(96, 128)
CELLS = {"bayer": RGGB, "xtrans": XTRANS_TILE}


def opened(data: bytes, **options: str) -> RawPhoto:
    photo = open_photo(data, name="a.dng", **options)  # type: ignore[arg-type]
    assert isinstance(photo, RawPhoto)
    return photo


def assert_is_the_scene(photo: RawPhoto, light: np.ndarray = SCENE, tolerance: float = 0.006) -> None:
    """Colours of the four quarters, in linear sRGB, away from their edges."""
    found = srgb_to_linear(load_rendering(photo))
    height, width = light.shape[:2]
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            where = slice(y - 6, y + 6), slice(x - 6, x + 6)
            np.testing.assert_allclose(found[where].mean((0, 1)), light[where].mean((0, 1)), atol=tolerance)
