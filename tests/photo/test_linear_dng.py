"""Linear DNGs of restorations, opened by LibRaw and read by exiftool: size, colours, orientation, tags."""

from __future__ import annotations

import errno
import io
import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import rawpy
import raws
import tifffile
from PIL import Image

import explorer
from explorer.errors import OutputError, PhotoError
from explorer.photo import RawPhoto, linear_to_srgb, srgb_to_linear
from explorer.photo.light.noise_left import noise_profile
from explorer.restoration import Restoration

MODEL = "lynx.raw_synthetic"
BLACK = 256
HEIGHT, WIDTH = 96, 160
WARP = struct.pack(">I", 1) + struct.pack(">8d", 1, 0.01, 0, 0, 0, 0, 0.5, 0.5)


def source(light: np.ndarray | None = None, share: float = 0.1, noise: float = 2.0, **tags: Any) -> bytes:
    """A Bayer DNG of linear sRGB, `share` as bright, with its own black level."""
    light = raws.scene(HEIGHT, WIDTH) if light is None else light
    random = np.random.default_rng(5)
    counts = BLACK + raws.sampled(raws.camera(light) * share, raws.RGGB) * (4095 - BLACK)
    counts = np.round(counts + random.normal(0, noise, counts.shape)).clip(0, 4095).astype(np.uint16)
    return raws.dng(counts, tags={**raws.black_tags(np.full((2, 2), BLACK)), **tags.get("tags", {})})


def developed_by_libraw(path: Path, **options: Any) -> np.ndarray:
    """Linear sRGB as LibRaw makes it of a file; white is white, not the brightest sample where that is near it."""
    fixed = {"gamma": (1, 1), "no_auto_bright": True, "output_bps": 16, "adjust_maximum_thr": 0}
    balance = {} if "user_wb" in options else {"use_camera_wb": True}
    with rawpy.imread(str(path)) as raw:
        picture = raw.postprocess(**fixed, **balance, **options)
    return picture / 65535


def restored(data: bytes, ratio: float = 10, **options: Any) -> Restoration:
    return explorer.restore(explorer.open_photo(data, name="night.dng"), MODEL, ratio, **options)


@pytest.fixture(scope="module")
def result() -> Restoration:
    return restored(source())


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_libraw_opens_the_same_picture(orientation: int, tmp_path: Path) -> None:
    made = restored(source(tags={274: (3, orientation)}))
    made.save(tmp_path / "out.dng")
    theirs = developed_by_libraw(tmp_path / "out.dng")
    assert theirs.shape == made.image.shape
    assert np.abs(linear_to_srgb(theirs.astype(np.float32)) - made.image).max() < 1 / 255
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        assert raw.white_level == 65535 and set(raw.black_level_per_channel) == {0}
        assert raw.raw_image.shape[:2] == (HEIGHT, WIDTH)


def test_white_balance_can_still_be_chosen(result: Restoration, tmp_path: Path) -> None:
    result.save(tmp_path / "out.dng")
    gains = np.array([1.4, 1.0, 2.2])
    theirs = developed_by_libraw(tmp_path / "out.dng", user_wb=[1.4, 1.0, 2.2, 1.0])
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        camera = raw.raw_image[..., :3] / 65535
    to_srgb = np.linalg.inv(raws._MATRIX / raws._MATRIX.sum(1, keepdims=True))
    ours = np.clip(np.minimum(camera * gains, 1) @ to_srgb.T, 0, 1)
    assert np.abs(theirs - ours).max() < 1 / 255


def test_colours_of_a_chart(tmp_path: Path) -> None:
    from skimage.color import deltaE_ciede2000, rgb2lab

    from explorer.evaluation.chart import reference_lab

    lab = reference_lab().reshape(4, 6, 3)
    light = np.clip(lab_to_linear(lab), 0.002, 0.95)
    made = restored(source(np.kron(light, np.ones((24, 24, 1))), 0.2, noise=1), 5)
    made.save(tmp_path / "chart.dng")
    theirs = linear_to_srgb(developed_by_libraw(tmp_path / "chart.dng").astype(np.float32))
    centres = np.ix_(range(12, 96, 24), range(12, 144, 24))
    difference = deltaE_ciede2000(rgb2lab(theirs[centres]), rgb2lab(made.image[centres]))
    assert difference.mean() < 0.5
    # And the colours are the chart's: a file and a picture that were wrong together would agree, too.
    scale = srgb_to_linear(theirs)[centres].mean() / light.mean()
    assert np.abs(srgb_to_linear(theirs)[centres] / scale - light).mean() < 0.02


def test_colours_of_a_chart_under_a_lamp(tmp_path: Path) -> None:
    """LibRaw takes daylight's matrix under every light. With that matrix our colours are LibRaw's, so what differs as
    shot is the adaptation to the lamp."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    from explorer.evaluation.chart import reference_lab
    from explorer.photo.light.develop import apply_matrix

    light = np.clip(lab_to_linear(reference_lab().reshape(4, 6, 3)), 0.002, 0.95)
    lamp = raws.XYZ_TO_CAMERA @ (1.0985, 1.0, 0.3558)  # CIE illuminant A
    data = source(np.kron(light, np.ones((24, 24, 1))) * lamp / lamp.max() / raws.NEUTRAL, 0.2, noise=1,
                  tags={50728: (5, lamp / lamp.max())})  # fmt: skip
    made = restored(data, 5)
    made.save(tmp_path / "chart.dng")
    photo = explorer.open_photo(tmp_path / "chart.dng")
    assert isinstance(photo, RawPhoto)
    balanced = np.clip(photo.mosaic * np.array(photo.white_balance.gains, np.float32), 0, 1)
    same = np.clip(apply_matrix(balanced, photo.camera_to_srgb), 0, 1)
    theirs = linear_to_srgb(developed_by_libraw(tmp_path / "chart.dng").astype(np.float32))
    centres = np.ix_(range(12, 96, 24), range(12, 144, 24))
    alike, adapted = (
        deltaE_ciede2000(rgb2lab(theirs[centres]), rgb2lab(ours[centres])).mean()
        for ours in (linear_to_srgb(same), made.image)
    )
    assert alike < 0.02 < 0.5 < adapted < 5


def lab_to_linear(lab: np.ndarray) -> np.ndarray:
    """Linear sRGB of CIELAB under D50."""
    from skimage.color import lab2xyz

    light: np.ndarray = lab2xyz(lab, illuminant="D50") @ np.linalg.inv(_bradford() @ raws.SRGB_TO_XYZ).T
    return light


def _bradford() -> np.ndarray:
    from explorer.photo.light.chromatic_adaptation import adaptation

    matrix = adaptation(raws.SRGB_TO_XYZ.sum(1), np.array([0.96422, 1.0, 0.82521]))
    assert matrix is not None
    return matrix


def test_reading_it_back_is_the_same_picture(result: Restoration, tmp_path: Path) -> None:
    result.save(tmp_path / "first.dng")
    first = explorer.open_photo(tmp_path / "first.dng")
    assert isinstance(first, RawPhoto) and first.cfa == "none" and first.size == (WIDTH, HEIGHT)
    again = explorer.restore(first, MODEL, 1, strength=0)
    difference = srgb_to_linear(again.image) - srgb_to_linear(result.image)
    assert np.abs(difference).max() < 5 / 65535  # a step of each camera channel, after gains and matrix
    again.save(tmp_path / "second.dng")
    second = explorer.open_photo(tmp_path / "second.dng")
    assert isinstance(second, RawPhoto)
    assert np.abs(second.mosaic - first.mosaic).max() < 1 / 65535


def test_keeping_the_exposure_clips_nothing(tmp_path: Path) -> None:
    light = raws.scene(HEIGHT, WIDTH)
    light[10:30, 10:30] = 6.0  # 0.6 of saturation in green; amplified twenty times it is far beyond white
    made = restored(source(light, noise=1), 20)
    made.save(tmp_path / "dark.dng", keep_exposure=True)
    made.save(tmp_path / "bright.dng")
    with rawpy.imread(str(tmp_path / "dark.dng")) as raw, rawpy.imread(str(tmp_path / "bright.dng")) as other:
        dark, bright = raw.raw_image[..., :3] / 65535, other.raw_image[..., :3] / 65535
    assert dark[15:25, 15:25] == pytest.approx(np.broadcast_to(0.6 * raws.NEUTRAL, (10, 10, 3)), rel=0.02)
    # Where nothing was clipped, the two are the same but for the amplification and a step of rounding.
    grey = dark[60:90, 90:150], bright[60:90, 90:150] / 20
    assert np.abs(grey[0] - grey[1]).max() < 2 / 65535
    assert grey[0].mean() == pytest.approx(grey[1].mean(), abs=0.1 / 65535)
    assert _tag(tmp_path / "dark.dng", 50730) == pytest.approx(np.log2(20), abs=1e-4)
    assert _tag(tmp_path / "bright.dng", 50730) == 0


def _tag(path: Path, code: int) -> Any:
    import tifffile

    with tifffile.TiffFile(path) as file:
        value = file.pages.first.tags[code].value
    return value[0] / value[1]


def test_a_network_that_gives_srgb(tmp_path: Path) -> None:
    photo = explorer.open_photo(source(), name="night.dng")
    made = explorer.restore(photo, "clahe", 10)
    made.save(tmp_path / "out.dng")
    theirs = linear_to_srgb(developed_by_libraw(tmp_path / "out.dng").astype(np.float32))
    assert np.abs(theirs - made.image).max() < 1.5 / 255


def test_a_channel_that_white_balance_darkens_keeps_its_highlights(tmp_path: Path) -> None:
    light = np.full((HEIGHT, WIDTH, 3), 0.09)
    data = source(light, noise=0, tags={50728: (5, [1.0, 0.6, 0.5])})  # red gain 0.6
    made = restored(data, 10)
    made.save(tmp_path / "out.dng")
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        assert raw.raw_image[..., :3].max() < 65535
    theirs = linear_to_srgb(developed_by_libraw(tmp_path / "out.dng").astype(np.float32))
    # The light is not daylight, for which LibRaw knows no adaptation: greys are the same all the same.
    assert np.abs(theirs - made.image).mean() < 8 / 255


class TestBadInput:
    def test_a_developed_picture_is_refused_unless_forced(self, tmp_path: Path) -> None:
        picture = (np.random.default_rng(2).random((24, 32, 3)) * 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(np.kron(picture, np.ones((4, 4, 1), np.uint8))).save(buffer, "PNG")
        made = explorer.restore(explorer.open_photo(buffer.getvalue(), name="party.png"), "clahe", 1, strength=0)
        with pytest.raises(OutputError, match=r"party.png is a developed picture"):
            made.save(tmp_path / "out.dng")
        assert not list(tmp_path.iterdir())
        made.save(tmp_path / "out.dng", force_linear=True)
        theirs = linear_to_srgb(developed_by_libraw(tmp_path / "out.dng").astype(np.float32))
        # Saturated colours lie outside what a camera can see; they are cut.
        assert np.abs(theirs - made.image).mean() < 1 / 255

    def test_a_forced_dng_keeps_the_exposure_too(self, tmp_path: Path) -> None:
        picture = np.kron(np.random.default_rng(2).integers(2, 30, (24, 32, 3)), np.ones((4, 4, 1))).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        made = explorer.restore(explorer.open_photo(buffer.getvalue(), name="party.png"), "gamma", 8)
        made.save(tmp_path / "out.dng", force_linear=True, keep_exposure=True)
        theirs = 8 * developed_by_libraw(tmp_path / "out.dng")
        assert np.abs(linear_to_srgb(theirs.astype(np.float32)) - made.image).mean() < 1 / 255
        with tifffile.TiffFile(tmp_path / "out.dng") as file:
            assert file.pages.first.tags[50730].value == (3, 1)

    def test_a_full_disk_leaves_what_was_there(
        self, result: Restoration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        target = tmp_path / "out.dng"
        target.write_bytes(b"before")

        def full(file: BinaryIO, data: bytes) -> int:
            if not data.startswith(b"\xff\xd8\xff\xe0"):  # the first tile, after the preview
                raise OSError(errno.ENOSPC, "No space left on device")
            return file.write(data)

        monkeypatch.setattr("explorer.photo.files.linear_dng._write_even", full)
        with pytest.raises(OutputError, match="No space left"):
            result.save(target)
        assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]

    def test_a_source_without_matrix_and_with_a_nonsense_white_balance(self, tmp_path: Path) -> None:
        plain = source(tags={50721: (10, [0.0] * 9), 50728: (5, [0.0, 0.0, 0.0])})
        made = restored(plain)
        made.save(tmp_path / "out.dng")
        theirs = linear_to_srgb(developed_by_libraw(tmp_path / "out.dng").astype(np.float32))
        assert np.abs(theirs - made.image).max() < 1.5 / 255

    @pytest.mark.parametrize("cell", [[[3, 4], [5, 1]], [[0, 1], [4, 2]]])
    def test_a_sensor_of_four_colours_is_refused(self, cell: list[list[int]]) -> None:
        colours = sorted({each for row in cell for each in row})
        more = {50710: (1, colours), 50721: (10, [1.0] * 12), 50728: (5, [1.0] * 4)}
        counts = np.full((64, 64), 800, np.uint16)
        with pytest.raises(PhotoError, match=r"four\.dng has a colour-filter array other than Bayer"):
            explorer.open_photo(raws.dng(counts, np.array(cell, np.uint8), tags=more), name="four.dng")

    def test_without_its_scene(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="scene=True"):
            restored(source(), scene=False).save(tmp_path / "out.dng")


def test_a_monochrome_sensor_stays_monochrome(tmp_path: Path) -> None:
    light = raws.scene(HEIGHT, WIDTH)[..., 1] * 0.1
    counts = (BLACK + light * (4095 - BLACK)).astype(np.uint16)
    data = raws.dng(counts, None, tags={**raws.black_tags(np.full((1, 1), BLACK))})
    made = restored(data)
    made.save(tmp_path / "out.dng")
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        assert raw.num_colors == 1
        light = raw.raw_image / 65535
    assert np.abs(light - srgb_to_linear(made.image)[..., 0]).max() < 2 / 65535
    again = explorer.open_photo(tmp_path / "out.dng")
    assert isinstance(again, RawPhoto) and again.monochrome


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    photo = explorer.open_photo(source(), name="nacht\udce4 <&>.dng")
    explorer.restore(photo, MODEL, 10, strength=0).save(tmp_path / "out.dng")
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        assert raw.raw_image.shape[:2] == (HEIGHT, WIDTH)


def test_what_is_left_of_noise_is_estimated() -> None:
    random = np.random.default_rng(3)
    means = np.repeat(np.linspace(0.05, 0.9, 640)[None], 480, axis=0)[..., None]
    slope, offset = 4e-5, 1e-6
    noisy = means + random.normal(size=means.shape) * np.sqrt(slope * means + offset)
    ((s, o),) = noise_profile((noisy.clip(0, 1) * 65535).astype(np.uint16))
    for x in (0.1, 0.4, 0.8):
        assert s * x + o == pytest.approx(slope * x + offset, rel=0.2)


MORE = {
    50722: (10, [0.9, -0.1, -0.1, -0.4, 1.2, 0.2, -0.1, 0.2, 0.6]), 50779: (3, 17), 50964: (10, [0.5, 0.3, 0.16] * 3),
    50730: (10, [0.5]), 50719: (4, [2, 4]), 50720: (4, [WIDTH - 8, HEIGHT - 8]), 50736: (5, [24, 70, 2.8, 2.8]),
    51022: raws.opcodes(
        raws.gain_map((0, 0, HEIGHT, WIDTH), 1, np.ones((2, 2, 1), np.float32)), raws.opcode(1, WARP)
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What exiftool reads of a DNG made of a source that says much."""
    tool = shutil.which("exiftool")
    if tool is None:
        pytest.skip("needs exiftool (Debian: libimage-exiftool-perl)")
    path = tmp_path_factory.mktemp("tags") / "out.dng"
    restored(source(tags=MORE)).save(path)
    found = subprocess.run([tool, "-j", "-n", "-a", str(path)], capture_output=True, check=True, text=True)
    warnings = subprocess.run([tool, "-validate", "-warning", "-a", str(path)], capture_output=True, text=True)
    assert "Error" not in warnings.stdout + warnings.stderr
    return dict(json.loads(found.stdout)[0])


def test_exiftool_reads_what_was_carried_on(tags: dict[str, Any]) -> None:
    def numbers(name: str) -> list[float]:
        return [float(each) for each in str(tags[name]).split()]

    assert (tags["Make"], tags["Model"], tags["UniqueCameraModel"]) == ("Test", "Test T1", "Test T1")
    assert numbers("ColorMatrix1") == pytest.approx(raws.XYZ_TO_CAMERA.ravel(), abs=1e-4)
    assert numbers("ColorMatrix2") == pytest.approx(MORE[50722][1], abs=1e-4)
    assert numbers("ForwardMatrix1") == pytest.approx(MORE[50964][1], abs=1e-4)
    assert tags["CalibrationIlluminant2"] == 17
    assert numbers("AsShotNeutral") == pytest.approx(raws.NEUTRAL / raws.NEUTRAL[1], abs=1e-3)
    assert tags["BaselineExposure"] == 0.5
    assert (numbers("DefaultCropOrigin"), numbers("DefaultCropSize")) == ([2, 4], [WIDTH - 8, HEIGHT - 8])
    assert len(numbers("NoiseProfile")) == 6
    assert tags["PhotometricInterpretation"] == 34892 and tags["Compression"] == 7
    assert tags["DNGVersion"] == "1 4 0 0"


def test_it_says_that_it_was_denoised_and_how(tags: dict[str, Any]) -> None:
    assert tags["Neural_restore"] == "raw-denoise"
    settings = json.loads(str(tags["Settings"]))
    assert settings["model"] == MODEL and settings["ratio"] == 10 and settings["strength"] == 100


def test_what_was_denoised_once_stays_marked(tmp_path: Path) -> None:
    """Also if it is only saved again; an untouched photo is not marked."""
    for first, last in ((100, True), (0, False)):
        restored(source(), strength=first).save(tmp_path / "first.dng")
        explorer.restore(explorer.open_photo(tmp_path / "first.dng"), "gamma", 1, strength=0).save(
            tmp_path / "last.dng"
        )
        with tifffile.TiffFile(tmp_path / "last.dng") as file:
            xmp = bytes(file.pages.first.tags[700].value)
        assert (b"<darktable:neural_restore>raw-denoise<" in xmp) is last
        assert f"<lowlight:denoised>{last}<".encode() in xmp


@pytest.mark.parametrize(("scale", "aspect"), [([1.0, 2.0], 0.5), ([1.5, 1.0], 1.5)])
def test_pixels_that_are_not_square_stay_so(scale: list[float], aspect: float, tmp_path: Path) -> None:
    restored(source(tags={50718: (5, scale)})).save(tmp_path / "out.dng")
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        assert raw.sizes.pixel_aspect == pytest.approx(aspect)


def test_corrections_that_were_applied_are_left_out(tmp_path: Path) -> None:
    from explorer.photo.files.dng_tags import raw_tags

    restored(source(tags=MORE)).save(tmp_path / "out.dng")
    data = raw_tags(tmp_path / "out.dng")[51022]
    count, number = struct.unpack_from(">2I", data)
    assert (count, number) == (1, 1) and data[20:] == WARP
    explorer.restore(explorer.open_photo(source(tags=MORE)), MODEL, 10, max_side=80).save(tmp_path / "small.dng")
    small = raw_tags(tmp_path / "small.dng")
    assert small[51022] == data and list(small[50719]) == [0, 0]


def test_the_preview_is_the_restored_picture(tmp_path: Path) -> None:
    made = restored(source(tags={274: (3, 6)}))
    made.save(tmp_path / "out.dng")
    with rawpy.imread(str(tmp_path / "out.dng")) as raw:
        preview = Image.open(io.BytesIO(raw.extract_thumb().data))
    shown = np.asarray(preview) / 255
    # The sensor's order: the file's orientation turns it with the rest.
    assert np.abs(shown - np.rot90(made.image)).mean() < 4 / 255


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_file_is_the_same_before_and_after_the_picture_is_looked_at(orientation: int, tmp_path: Path) -> None:
    photo = explorer.open_photo(source(tags={274: (3, orientation)}))
    looked_at, not_yet = (explorer.restore(photo, MODEL, 10) for _ in range(2))
    image = looked_at.image.copy()
    for name, made in (("a.dng", looked_at), ("b.dng", not_yet)):
        made.save(tmp_path / name)
    assert (tmp_path / "a.dng").read_bytes() == (tmp_path / "b.dng").read_bytes()
    for made in (looked_at, not_yet):
        assert np.array_equal(made.image, image) and made.image is made.image
        assert np.array_equal(explorer.restore(photo, MODEL, 10, scene=False).image, image)


def test_a_large_preview_is_averaged() -> None:
    from explorer.photo.light.reduce import means

    image = np.random.default_rng(1).random((31, 50, 3), dtype=np.float32)
    small = means(image, 20)
    assert small.shape == (10, 16, 3)
    assert small == pytest.approx(image[:30, :48].reshape(10, 3, 16, 3, 3).mean(axis=(1, 3)), abs=1e-6)


def test_what_a_file_says_survives_the_process_that_decodes_it() -> None:
    data = source(tags=MORE)
    apart, here = (explorer.photo.open_photo(data, isolated=each) for each in (True, False))
    assert isinstance(apart, RawPhoto) and isinstance(here, RawPhoto)
    assert apart.carried == here.carried and here.carried
