"""After a kill at any step, or on a full disk, the next run completes with the right bytes."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="forks, and bounds the size of files, as on Linux")


@needs_linux
@pytest.mark.parametrize(("operation", "least"), [("checkpoint", 3), ("weights", 6), ("result", 3), ("openvino", 2)])
def test_every_crash_point(operation: str, least: int, tmp_path: Path) -> None:
    """SIGKILL at each event in the folder in turn; then a disk that takes 2,000 bytes a file."""
    if operation == "openvino" and importlib.util.find_spec("openvino") is None:
        pytest.skip("needs openvino")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("crash_points.py")), operation, str(tmp_path / "folder")],
        capture_output=True, text=True, timeout=280, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] >= least, "too few crash points were found for the test to mean anything"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    ramp = np.linspace(2, 40, 300 * 200).reshape(200, 300)
    noise = np.random.default_rng(0).integers(0, 9, (200, 300))
    path = tmp_path / "night.png"
    Image.fromarray(np.stack([ramp + noise, ramp, ramp * 0.4], axis=2).astype(np.uint8)).save(path)
    return path


def lowlight(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "explorer", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=PROJECT, env=env)


def test_a_disk_that_is_really_full(photo: Path, tmp_path: Path) -> None:
    """A file system of 64 KiB of its own, in a name space that goes with the process."""
    full, roomy = tmp_path / "full", tmp_path / "roomy"
    full.mkdir()
    roomy.mkdir()
    unshare = shutil.which("unshare")
    mount = f"mount -t tmpfs -o size=64k none '{full}'"
    if not unshare or subprocess.run([unshare, "-m", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    arguments = f"-m explorer restore '{photo}' -m identity --ratio 4 --bits 16 -o '{full}/out.png'"
    script = f"{mount} && '{sys.executable}' {arguments}; echo \"left $? $(ls -A '{full}')\""
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", script], capture_output=True, text=True, timeout=240, cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].split() == ["left", "7"], done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1 and "could not be written" in done.stderr
    assert (
        lowlight("restore", photo, "-m", "identity", "--ratio", 4, "--bits", 16, "-o", roomy / "out.png").returncode
        == 0
    )
    assert (roomy / "out.png").stat().st_size > 64 * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="finds the decoder in /proc")
def test_a_folder_run_whose_decoder_is_killed(photo: Path, tmp_path: Path) -> None:
    """Isolated decoding on the command line: one photo fails with a sentence, the next run makes it."""
    folder, out, clean = tmp_path / "photos", tmp_path / "out", tmp_path / "clean"
    for each in (folder, out, clean):
        each.mkdir()
    for number in range(4):
        shutil.copy(photo, folder / f"{number}.png")
    script = (
        "import os, signal, sys\n"
        "os.environ['EXPLORER_ISOLATED'] = '1'\n"
        "os.environ['EXPLORER_DECODERS'] = '1'\n"
        "from explorer.sandbox import processes\n"
        "decode, count = processes._Decoder.decode, [0]\n"
        "receive = processes.receive_header\n"
        "def silence(stream):\n"
        "    processes.receive_header = receive\n"
        "def deadly(self, *given):\n"
        "    count[0] += 1\n"
        "    if count[0] == 2:\n"
        "        def kill_once(stream):\n"
        "            header = receive(stream)\n"
        "            if header and header.get('began'):\n"
        "                os.kill(self.pid, signal.SIGKILL)\n"
        "                self._process.wait()\n"
        "                processes.receive_header = silence  # it may have been done already\n"
        "                return {'began': True}\n"
        "            return header\n"
        "        processes.receive_header = kill_once\n"
        "    return decode(self, *given)\n"
        "processes._Decoder.decode = deadly\n"
        "from explorer.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["restore", str(folder), "-m", "identity", "--ratio", "4"]
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments, "-o", str(out)], capture_output=True, text=True, timeout=240,
        cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert done.returncode == 10, done.stderr
    assert "ended from outside" in done.stderr and len([p for p in out.glob("*.png")]) == 3
    assert lowlight(*arguments, "-o", out).returncode == 0
    assert lowlight(*arguments, "-o", clean).returncode == 0
    names = sorted(path.name for path in clean.glob("*.png"))
    assert len(names) == 4
    for name in names:
        assert (out / name).read_bytes() == (clean / name).read_bytes()
