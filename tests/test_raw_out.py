"""RAW out on the command line: DNG, strength, linear light, folders, batch and watched folders."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image, ImageCms

import explorer
from explorer.batch.listing import Item
from explorer.cli import main
from explorer.photo import RawPhoto, write_dng
from explorer.restorer import load_model
from explorer.scene_linear import from_srgb

sys.path.insert(0, str(Path(__file__).parent / "photo"))
import raws

MODEL = "lynx.raw_synthetic"
GREY = 0.02


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RAW photo of a grey wall with a lamp that amplification clips."""
    light = np.full((64, 96, 3), GREY)
    light[20:40, 20:40] = 0.5
    counts = 64 + raws.sampled(raws.camera(light), raws.RGGB) * (4095 - 64)
    folder = tmp_path_factory.mktemp("photos")
    return write_dng(
        folder / "night.dng", np.round(counts).astype(np.uint16), black=64, white=4095, iso=6400,
        color_matrix=raws.XYZ_TO_CAMERA, as_shot_neutral=raws.NEUTRAL, camera="Test T1",
    )  # fmt: skip


@dataclass(frozen=True)
class Run:
    exit_code: int
    output: str
    """Standard output and standard error."""


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """A command line, its arguments turned to text."""

    def of(*arguments: object) -> Run:
        code = main([str(each) for each in arguments])
        said = capsys.readouterr()
        return Run(code, said.out + said.err)

    return of


def test_one_photo_to_a_dng(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    before = night.read_bytes()
    made = run("restore", night, "-m", MODEL, "--ratio", 10, "--strength", 40, "-o", tmp_path / "out.dng")
    assert made.exit_code == 0, made.output
    photo = explorer.open_photo(tmp_path / "out.dng")
    assert isinstance(photo, RawPhoto) and photo.exposure.iso == 6400 and photo.camera == "Test T1"
    direct = explorer.restore(explorer.open_photo(night), MODEL, 10, strength=40)
    direct.save(tmp_path / "direct.dng")
    assert (tmp_path / "direct.dng").read_bytes() == (tmp_path / "out.dng").read_bytes()
    assert night.read_bytes() == before


def test_a_folder_of_dngs(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    made = run("restore", night.parent, "-m", MODEL, "--suffix", ".dng", "--keep-exposure", "-o", tmp_path)
    assert made.exit_code == 0, made.output
    with rawpy.imread(str(tmp_path / "night.dng")) as raw:
        lamp = raw.raw_image[25:35, 25:35, 1].mean() / 65535
    assert lamp == pytest.approx(0.5 * raws.NEUTRAL[1], rel=0.03)
    again = run("restore", night.parent, "-m", MODEL, "--suffix", ".dng", "--keep-exposure", "-o", tmp_path)
    assert "already restored" in again.output
    other = run("restore", night.parent, "-m", MODEL, "--suffix", ".dng", "-o", tmp_path)
    assert "already restored" not in other.output


def test_batch_writes_dngs(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    made = run("batch", night.parent, tmp_path, "-m", MODEL, "--suffix", ".dng", "--strength", 70, "--workers", 0)
    assert made.exit_code == 0, made.output
    direct = explorer.restore(explorer.open_photo(night), MODEL, strength=70)
    direct.save(tmp_path / "direct.dng")
    assert (tmp_path / "direct.dng").read_bytes() == (tmp_path / "night.dng").read_bytes()


def test_linear_light(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    made = run("restore", night, "-m", MODEL, "--ratio", 10, "--linear", "-o", tmp_path / "out.tif")
    assert made.exit_code == 0, made.output
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        light = file.asarray()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(file.pages.first.tags[34675].value))
    assert light.dtype == np.float32 and light.shape == (64, 96, 3)
    # Above white, the photo's own light goes on; grey stays grey in other primaries.
    assert light[25:35, 25:35] == pytest.approx(np.full((10, 10, 3), 5.0 * raws.NEUTRAL[1]), rel=0.05)
    picture = explorer.restore(explorer.open_photo(night), MODEL, 10)
    wall = explorer.photo.srgb_to_linear(picture.image)[50:60, 60:80]
    assert light[50:60, 60:80].mean() == pytest.approx(wall.mean(), rel=0.01)
    # LittleCMS knows where the primaries of Rec. 2020 lie: pure sRGB red as the profile describes it.
    red = from_srgb() @ np.array([1.0, 0.0, 0.0], np.float32)
    assert red == pytest.approx([0.6274, 0.0691, 0.0164], abs=1e-3)  # ITU-R BT.2087, table of its annex
    srgb = ImageCms.createProfile("sRGB")
    encoded = Image.fromarray(np.uint8(np.round(red * 255))[None, None])
    back = ImageCms.profileToProfile(encoded, profile, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC)
    assert isinstance(back, Image.Image)
    assert np.asarray(back)[0, 0].astype(int) == pytest.approx([255, 0, 0], abs=12)


@pytest.mark.parametrize("strength", [0, 100])
def test_a_lamp_that_saturates_the_sensor_is_not_magenta(
    run: Callable[..., Run], tmp_path: Path, strength: int
) -> None:
    """In linear light, where nothing is clipped: all three channels at the sensor's white, whose gains differ."""
    light = np.full((64, 96, 3), GREY)
    light[8:24, 8:24] = 20.0  # beyond every channel's white
    light[8:24, 40:56] = 1.04 / raws.NEUTRAL[1]  # beyond green's alone
    light[40:56, 8:24] = (0.9, 0.05, 0.03)  # red, and within
    camera = raws.sampled(raws.camera(light), raws.RGGB).clip(0, 1)
    write_dng(tmp_path / "lamp.dng", np.round(64 + camera * 4031).astype(np.uint16), black=64, white=4095,
              color_matrix=raws.XYZ_TO_CAMERA, as_shot_neutral=raws.NEUTRAL)  # fmt: skip
    options = ("-m", MODEL, "--ratio", 10, "--strength", strength)
    assert run("restore", tmp_path / "lamp.dng", *options, "--linear", "-o", tmp_path / "out.tif").exit_code == 0
    found = tifffile.imread(tmp_path / "out.tif")
    whole, green, red = found[12:20, 12:20], found[12:20, 44:52], found[44:52, 12:20]
    brightest = 10 / raws.NEUTRAL.min()
    assert whole == pytest.approx(np.full((8, 8, 3), brightest), rel=0.01), "neutral, and as bright as it was at least"
    assert green == pytest.approx(np.full((8, 8, 3), 10.4 / raws.NEUTRAL[1]), rel=0.02)
    assert red.mean((0, 1)) == pytest.approx(from_srgb() @ np.array([9.0, 0.5, 0.3]), rel=0.05)


def test_openexr(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    openexr = pytest.importorskip("OpenEXR", reason="needs OpenEXR")
    made = run("restore", night, "-m", MODEL, "--ratio", 10, "-o", tmp_path / "out.exr")
    assert made.exit_code == 0, made.output
    run("restore", night, "-m", MODEL, "--ratio", 10, "--linear", "-o", tmp_path / "out.tif")
    with openexr.File(str(tmp_path / "out.exr")) as file:
        header, light = file.header(), file.channels()["RGB"].pixels
        assert light.dtype == np.float32 and np.array_equal(light, tifffile.imread(tmp_path / "out.tif"))
        assert light.max() > 2, "light above white goes on"
        bt2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)
        assert header["chromaticities"] == pytest.approx(bt2020)
        assert header["isoSpeed"] == 6400 and header["cameraModel"]
    batch = run("batch", night.parent, tmp_path / "many", "-m", "gamma", "--suffix", ".exr", "--workers", 0)
    assert batch.exit_code == 0 and openexr.isOpenExrFile(str(tmp_path / "many" / "night.exr"))


def test_without_its_library_openexr_is_one_sentence(
    run: Callable[..., Run], night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.saving.find_spec", lambda name: None)
    made = run("restore", night, "-m", MODEL, "-o", tmp_path / "out.exr")
    assert made.exit_code == 7 and "lowlight-explorer[exr]" in made.output and not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["restore", "batch"])
def test_half_size(run: Callable[..., Run], night: Path, tmp_path: Path, command: str) -> None:
    common = ["-m", MODEL, "--half-size", "--suffix", ".dng"]
    where = ["restore", night.parent, "-o", tmp_path] if command == "restore" else ["batch", night.parent, tmp_path]
    made = run(*where, *common, *(["--workers", 0] if command == "batch" else []))
    assert made.exit_code == 0, made.output
    half = explorer.open_photo(tmp_path / "night.dng")
    assert half.size == (48, 32)
    direct = explorer.restore(explorer.open_photo(night), MODEL, max_side=48)
    direct.save(tmp_path / "direct.dng")
    assert (tmp_path / "direct.dng").read_bytes() == (tmp_path / "night.dng").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-o", "out.png", "--keep-exposure"], "Only a .dng file"),
        (["-o", "out.jpg", "--linear"], "cannot hold linear light"),
        (["-o", "out.dng", "--strength", "150"], "from 0 to 100"),
        (["-o", "out.raw"], "cannot be written as .raw"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    run: Callable[..., Run], night: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    arguments = [str(tmp_path / each) if each.startswith("out") else each for each in arguments]
    made = run("restore", night, "-m", MODEL, *arguments)
    assert made.exit_code in (4, 7) and words in made.output and "Traceback" not in made.output
    assert not list(tmp_path.iterdir())


def test_a_developed_picture_makes_no_dng_unless_forced(run: Callable[..., Run], tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (90, 80, 70)).save(tmp_path / "party.jpg")
    made = run("restore", tmp_path / "party.jpg", "-m", "clahe", "-o", tmp_path / "party.dng")
    assert made.exit_code == 7 and "developed picture" in made.output
    assert [path.name for path in tmp_path.iterdir()] == ["party.jpg"]
    made = run("restore", tmp_path / "party.jpg", "-m", "clahe", "--force-linear", "-o", tmp_path / "party.dng")
    assert made.exit_code == 0 and (tmp_path / "party.dng").is_file()


def test_a_model_that_gives_srgb_says_so(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    assert "The model gives sRGB" in run("restore", night, "-m", "clahe", "-o", tmp_path / "a.dng").output
    assert "The model gives sRGB" not in run("restore", night, "-m", MODEL, "-o", tmp_path / "b.dng").output


def test_a_result_never_replaces_its_photo(run: Callable[..., Run], night: Path) -> None:
    before = night.read_bytes()
    made = run("restore", night, "-m", MODEL, "--suffix", ".dng", "-o", night.parent)
    assert made.exit_code == 7 and "would replace" in made.output
    assert night.read_bytes() == before


class TestWatch:
    def test_files_that_grow_are_waited_for(self) -> None:
        from explorer.batch.addresses import Found
        from explorer.batch.watching import Settled

        now = [0.0]
        settled = Settled(2.0, clock=lambda: now[0])
        small, large = (Item("/a.dng", "a.png", Found(size, "stamp")) for size in (10, 20))
        answers = []
        for moment, item in ((0, small), (1, small), (1.9, large), (3, large), (3.9, large), (5, large)):
            now[0] = moment
            answers.append(settled(item))
        assert answers == [False, False, False, False, True, True]
        assert not Settled(0)(Item("/b.dng", "b.png", Found(0, "stamp")))

    def test_what_appears_is_restored(self, run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
        from explorer.batch.manifest import read_manifest
        from explorer.batch.photograph import Outcome, Treatment
        from explorer.batch.watching import watch

        source, out = tmp_path / "in", tmp_path / "out"
        source.mkdir()
        stop, found = threading.Event(), []

        def report(outcome: Outcome) -> None:
            found.append(outcome)
            if len(found) == 1:  # a second one comes while the folder is watched, whole, and a third one that is none
                (source / "two.dng").write_bytes(night.read_bytes())
                (source / "broken.dng").write_bytes(night.read_bytes()[:900])
            if len(found) == 3:
                stop.set()

        (source / "one.dng").write_bytes(night.read_bytes())
        limit = threading.Timer(60, stop.set)
        limit.start()
        watch(
            str(source), str(out), load_model("clahe"), Treatment(ratio=4.0, suffix=".dng"), stop=stop, every=0.02,
            settle=0, report=report,
        )  # fmt: skip
        limit.cancel()
        assert sorted(path.name for path in out.glob("*.dng")) == ["one.dng", "two.dng"]
        rows = {Path(row["input"]).name: row["status"] for row in read_manifest(str(out)).to_pylist()}
        assert rows == {"one.dng": "restored", "two.dng": "restored", "broken.dng": "failed"}

    def test_no_folder_is_one_sentence(self, run: Callable[..., Run], tmp_path: Path) -> None:
        made = run("watch", tmp_path / "nowhere", "-o", tmp_path / "out", "-m", "clahe")
        assert made.exit_code == 3 and "not a folder" in made.output


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of a process")
@pytest.mark.parametrize("name", ["out.dng", "out.tif"])
def test_a_full_disk_is_one_sentence_with_the_results_name(night: Path, tmp_path: Path, name: str) -> None:
    import resource

    done = subprocess.run(
        [sys.executable, "-m", "explorer", "restore", str(night), "-m", "gamma", "-o", str(tmp_path / name)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 7 and not list(tmp_path.iterdir())
    assert f"{tmp_path / name} could not be written" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["restore", "batch"])
def test_jpegs_next_to_raw_files_are_left_out(
    run: Callable[..., Run], night: Path, tmp_path: Path, command: str
) -> None:
    """A camera that writes both: the DNG has the photo's name, and nothing fails."""
    shoot, out = tmp_path / "shoot", tmp_path / "out"
    shoot.mkdir()
    (shoot / "IMG_1.dng").write_bytes(night.read_bytes())
    for name in ("IMG_1.JPG", "alone.png"):
        Image.new("RGB", (32, 24), (9, 8, 7)).save(shoot / name)
    order = ("--out", f"{out}/") if command == "restore" else (out,)
    made = run(command, shoot, *order, "-m", "gamma", "--suffix", ".dng")
    assert made.exit_code == 0, made.output
    assert [path.name for path in out.iterdir() if path.suffix == ".dng"] == ["IMG_1.dng"]
    assert "2 developed pictures, which are no RAW files" in made.output and "IMG_1.JPG" in made.output
    forced = run(command, shoot, *order, "-m", "gamma", "--suffix", ".dng", "--force-linear", "--overwrite")
    assert forced.exit_code == 0 and (out / "IMG_1.JPG.dng").exists() and (out / "alone.dng").exists(), forced.output
    named = run("restore", shoot / "alone.png", "-o", tmp_path / "one.dng", "-m", "gamma")
    assert named.exit_code == 7 and "developed picture" in named.output


def test_what_cannot_become_a_dng_is_not_tried_again(run: Callable[..., Run], night: Path, tmp_path: Path) -> None:
    shoot, out = tmp_path / "shoot", tmp_path / "out"
    shoot.mkdir()
    (shoot / "a.dng").write_bytes(night.read_bytes())
    Image.new("RGB", (32, 24), (9, 8, 7)).save(shoot / "scan.tif")  # by its name, it might be RAW
    command = ("batch", shoot, out, "-m", "gamma", "--suffix", ".dng", "--workers", 0)
    assert "scan.tif is a developed picture" in run(*command).output
    again = run(*command)
    assert "scan.tif is" not in again.output and "1 of 2 failed" in again.output
    assert "scan.tif is" in run(*command, "--retry").output
