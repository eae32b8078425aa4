"""A DNG's own corrections: shading is undone first, bad pixels are repaired, all others are reported."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
import pytest
import raws
from raws import CELLS, SCENE, assert_is_the_scene, opened

from explorer.photo import load_rendering, srgb_to_linear

RNG = np.random.default_rng(23)


def falling(height: int, width: int, strength: tuple[float, float, float]) -> np.ndarray:
    """What a lens leaves of the light, H x W x 3."""
    y, x = np.mgrid[0:height, 0:width]
    far = ((y + 0.5 - height / 2) ** 2 + (x + 0.5 - width / 2) ** 2) / ((height / 2) ** 2 + (width / 2) ** 2)
    return np.stack([1 / (1 + k * far) for k in strength], 2)


def gains(height: int, width: int, strengths: tuple[float, ...]) -> np.ndarray:
    v, u = np.meshgrid(np.linspace(-0.5, 0.5, 33), np.linspace(-0.5, 0.5, 33), indexing="ij")
    far = ((v * height) ** 2 + (u * width) ** 2) / ((height / 2) ** 2 + (width / 2) ** 2)
    return np.stack([1 + k * far for k in strengths], 2)


STRENGTH = (2.0, 1.2, 1.5)


@pytest.mark.parametrize("how", ["list 2, by colour", "list 3, three planes", "linear", "radial 2", "radial 3"])
def test_shading_is_undone_before_everything_else(how: str) -> None:
    h, w = 96, 128
    strength = (1.5, 1.5, 1.5) if how.startswith("radial") else STRENGTH
    shaded = raws.camera(np.full((h, w, 3), raws.GRAY)) * falling(h, w, strength)
    area = (0, 0, h, w)
    whole = raws.gain_map(area, 1, gains(h, w, strength), planes=3)
    radial = raws.opcode(3, np.array([1.5, 0, 0, 0, 0, 0.5, 0.5], ">f8").tobytes())
    each = [
        raws.gain_map((dy, dx, h, w), 2, gains(h, w, (strength[raws.RGGB[dy, dx]],))) for dy in (0, 1) for dx in (0, 1)
    ]
    lists = {"list 2, by colour": (51009, each), "list 3, three planes": (51022, [whole]), "linear": (51009, [whole]),
             "radial 2": (51009, [radial]), "radial 3": (51022, [radial])}  # fmt: skip
    code, ops = lists[how]
    light = shaded if how == "linear" else raws.sampled(shaded, raws.RGGB)
    tags = {**raws.black_tags(np.array([[256.0]])), code: raws.opcodes(*ops)}
    if how == "linear":
        tags[50714] = (5, [256.0] * 3)
    photo = opened(raws.dng(raws.counts(light, 256), None if how == "linear" else raws.RGGB, tags=tags))
    np.testing.assert_allclose(srgb_to_linear(load_rendering(photo)), raws.GRAY, atol=0.006)
    assert any("shading correction" in note for note in photo.notes)


def test_a_gain_map_of_a_part_leaves_the_rest() -> None:
    samples = np.full((60, 80), 1256, np.uint16)
    op = raws.gain_map((10, 20, 30, 50), 1, np.full((2, 2, 1), 3.0))
    photo = opened(raws.dng(samples, tags={**raws.black_tags(np.array([[256.0]])), 51009: raws.opcodes(op)}))
    expected = np.full((60, 80), 1000 / 3839)
    expected[10:30, 20:50] *= 3
    np.testing.assert_allclose(photo.mosaic, expected, rtol=1e-5)


@pytest.mark.parametrize("damage", ["cut", "count", "nan", "negative", "huge", "no points", "random", "spacing"])
def test_corrections_that_say_nothing_sensible_cost_no_more_than_a_note(damage: str) -> None:
    samples = raws.counts(raws.sampled(raws.camera(SCENE), raws.RGGB), 256)
    good = gains(96, 128, (2.0,))
    good[0, 0] = {"nan": np.nan, "negative": -1, "huge": 1e6}.get(damage, good[0, 0])
    data = raws.opcodes(raws.gain_map((0, 0, 96, 128), 1, good))[1]
    if damage == "cut":
        data = data[:-50]
    elif damage == "count":
        data = b"\xff\xff\xff\xff" + data[4:]
    elif damage == "no points":
        data = data[:52] + bytes(8) + data[60:]
    elif damage == "spacing":
        data = data[:60] + bytes(16) + data[76:]
    elif damage == "random":
        data = RNG.bytes(400)
    photo = opened(raws.dng(samples, tags={**raws.black_tags(np.array([[256.0]])), 51009: (7, data)}))
    assert_is_the_scene(photo)
    assert any("damaged" in note for note in photo.notes)


def test_what_is_not_applied_is_said() -> None:
    samples = raws.counts(raws.sampled(raws.camera(SCENE), raws.RGGB), 256)
    ops = raws.opcodes(raws.opcode(1, bytes(100)), raws.opcode(4, bytes(8)), raws.opcode(77, b""))
    photo = opened(raws.dng(samples, tags={**raws.black_tags(np.array([[256.0]])), 51022: ops}))
    assert_is_the_scene(photo)
    for word in ("distortion", "FixBadPixelsConstant", "77"):
        assert any(word in note for note in photo.notes), word


def bad_file(how: str, cfa: str, places: list[tuple[int, int]], rectangles: list[tuple[int, ...]]) -> bytes:
    """A slope of light whose bad pixels hold 4095, in an active area that begins at (3, 5) of the sensor."""
    y, x = np.mgrid[0:60, 0:96]
    whole = np.full((66, 104), 300, np.uint16)
    cell = CELLS[cfa]
    whole[3:63, 5:101] = 400 + 10 * x + 12 * y + 200 * raws.spread(cell, 60, 96)
    for top, left, bottom, right in [*((y, x, y + 1, x + 1) for y, x in places), *rectangles]:
        whole[top:bottom, left:right] = 4095
    body = struct.pack(">2I", 4095, 0)
    if how != "constant":
        numbers = [number for each in (*places, *rectangles) for number in each]
        body = struct.pack(f">3I{len(numbers)}I", 0, len(places), len(rectangles), *numbers)
    tags = {50829: (4, [3, 5, 63, 101]), **raws.black_tags(np.array([[100.0]]))}
    return raws.dng(whole, cell, tags={**tags, 51008: raws.opcodes(raws.opcode(4 if how == "constant" else 5, body))})


@pytest.mark.parametrize("cfa", ["bayer", "xtrans"])
@pytest.mark.parametrize("how", ["constant", "list"])
def test_bad_pixels_take_the_mean_of_their_neighbours(how: str, cfa: str) -> None:
    """On a slope, the mean of neighbours all around is the pixel itself; at an edge and in a block it is near."""
    alone, at_edge, block = [(33, 40), (33, 43), (20, 71), (46, 30)], [(3, 5), (3, 60), (62, 100)], (40, 60, 44, 65)
    photo = opened(bad_file(how, cfa, [*alone, *at_edge], [block]))
    clean = opened(bad_file(how, cfa, [], []))
    count = len(alone) + len(at_edge) + 20
    assert [note for note in photo.notes if f"bad pixels ({count})" in note] and not any(
        "bad" in n for n in clean.notes
    )
    top, left, bottom, right = photo.inset
    height, width = photo.mosaic.shape
    found, expected = (each.mosaic[top : height - bottom, left : width - right] * 3995 for each in (photo, clean))
    touched = np.zeros(found.shape, bool)
    for y, x in (*alone, *at_edge, *((y, x) for y in range(40, 44) for x in range(60, 65))):
        touched[y - 3, x - 5] = True
    np.testing.assert_array_equal(found[~touched], expected[~touched])
    assert np.abs(found - expected).max() < 90
    for y, x in alone:
        assert abs(found[y - 3, x - 5] - expected[y - 3, x - 5]) < (0.01 if cfa == "bayer" else 40)


def test_bad_pixels_of_a_linear_file() -> None:
    samples = np.repeat((400 + 10 * np.mgrid[0:40, 0:60][1])[..., None], 3, axis=2).astype(np.uint16)
    samples[10, 20], samples[0, 0] = 4000, 4000
    body = struct.pack(">7I", 0, 2, 0, 10, 20, 0, 0)
    tags = {50714: (5, [100.0] * 3), 51008: raws.opcodes(raws.opcode(5, body))}
    mosaic = opened(raws.dng(samples, None, tags=tags)).mosaic * 3995
    np.testing.assert_allclose(mosaic[10, 20], 500, atol=0.01)
    assert mosaic[0, 0].max() < 330


@pytest.mark.parametrize("body", [b"", bytes(4), struct.pack(">3I", 0, 9, 0), struct.pack(">3I", 0, 0, 2**31)])
def test_a_list_of_bad_pixels_that_is_cut_off_costs_a_note(body: bytes) -> None:
    samples = raws.counts(raws.sampled(raws.camera(SCENE), raws.RGGB), 256)
    tags = {**raws.black_tags(np.array([[256.0]])), 51008: raws.opcodes(raws.opcode(5, body))}
    photo = opened(raws.dng(samples, tags=tags))
    assert_is_the_scene(photo)
    assert any("damaged" in note for note in photo.notes)


def test_a_lossy_dngs_own_curve_is_no_missing_correction() -> None:
    """Samples as 8-bit JPEG under a curve that OpcodeList2 undoes, which LibRaw does as it decodes them."""
    light = raws.camera(SCENE)
    samples = imagecodecs.jpeg8_encode(np.uint8(np.round(np.sqrt(light) * 255)), level=98, subsampling="444")
    height, width = SCENE.shape[:2]
    square = [
        raws.opcode(8, struct.pack(">9I3d", 0, 0, height, width, plane, 1, 1, 1, 2, 0, 0, 1)) for plane in range(3)
    ]
    tags = {
        254: (4, 0), 256: (4, width), 257: (4, height), 258: (3, [8] * 3), 259: (3, 34892), 262: (3, 34892),
        271: (2, b"Test\0"), 272: (2, b"Test T1\0"), 277: (3, 3), 284: (3, 1), 322: (4, width), 323: (4, height),
        50706: (1, [1, 4, 0, 0]), 50707: (1, [1, 4, 0, 0]), 50708: (2, b"Test T1\0"), 50717: (4, [65535] * 3),
        50721: (10, raws.XYZ_TO_CAMERA.ravel().tolist()), 50778: (3, 21), 50728: (5, raws.NEUTRAL.tolist()),
        51009: raws.opcodes(*square),
    }  # fmt: skip
    photo = opened(raws.tiff(tags, samples, strip=(324, 325)))
    assert_is_the_scene(photo, tolerance=0.012)
    assert not any("MapPolynomial" in note for note in photo.notes)
