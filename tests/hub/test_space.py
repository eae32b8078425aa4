"""A Space: exactly the files that it needs, a README that the Hub reads, one commit; and the app runs from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from local_client import REPO, Client, client_environment, contents
from packaging.requirements import Requirement
from server import LocalHub

from explorer.hub.publishing import Upload
from explorer.hub.space import front_matter as written_front_matter
from explorer.hub.space import requirements, space_files

SPACE = "class/explorer"


def front_matter(text: str) -> dict[str, Any]:
    assert text.startswith("---\n")
    return dict(yaml.safe_load(text.split("---\n")[1]))


def written(files: list[Upload], folder: Path) -> Path:
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content if isinstance(file.content, bytes) else file.content.read_bytes())
    return folder


def test_the_files_and_the_readme(hub: LocalHub, client: Client, project: Path) -> None:
    answer = client.cli("space", "deploy", SPACE)
    assert answer.code == 0, answer.err
    files = hub.files(SPACE, "spaces")
    planned = {file.path for file in space_files()}
    assert set(files) == planned | {"README.md", ".gitattributes"}
    assert hub.repos[f"spaces/{SPACE}"].messages == ["", "The Lowlight Explorer"], "one commit"
    assert {"spaces_app.py", "requirements.txt", "LICENSE", "explorer/restorer.py", "explorer/app/page.py"} <= planned
    unwanted = ("tests", "docs", "notebooks", "scripts", "benchmarks", "Makefile", ".ci", "explorer/training/recipes")
    assert not [path for path in planned if path.startswith((*unwanted, "explorer/cli")) or "__pycache__" in path]
    for path in planned - {"requirements.txt"}:
        assert files[path] == (project / path).read_bytes()

    card = front_matter(files["README.md"].decode())
    assert card["sdk"] == "gradio" and card["app_file"] == "spaces_app.py"
    assert card["sdk_version"] == version("gradio") and card["python_version"] == "3.12"
    assert "preload_from_hub" not in card
    assert len(card["short_description"]) <= 60, "the Hub refuses longer ones"


def test_weights_from_the_hub_are_preloaded_at_a_commit(hub: LocalHub, client: Client, small: Path) -> None:
    commit = hub.commit(REPO, contents(small))
    for _ in range(2):  # a new Space, and one that is there
        assert client.cli("space", "deploy", SPACE, "--weights-from", REPO, "--hardware", "zero").code == 0
        assert hub.repos[f"spaces/{SPACE}"].variables == {"EXPLORER_HUB_REPO": f"{REPO}@{commit}"}
    files = hub.files(SPACE, "spaces")
    assert not [path for path in files if path.endswith(".safetensors")]
    card = front_matter(files["README.md"].decode())
    assert card["models"] == [REPO] and card["suggested_hardware"] == "zero-a10g"
    (entry,) = card["preload_from_hub"]
    assert entry == f"{REPO} zero_dce.small/config.json,zero_dce.small/model.safetensors {commit}"
    # Preloading leaves no record of ours in the cache, and the pinned name finds the files all the same.
    client.python(
        "from huggingface_hub import hf_hub_download as get\n"
        f"for name in ('config.json', 'model.safetensors'):\n"
        f"    get({REPO!r}, 'zero_dce.small/' + name, revision={commit!r})\n"
    )
    code = "import explorer\nresult = [m.name for m in explorer.list_models()]"
    assert "zero_dce.small" in client.python(code, offline=True, EXPLORER_HUB_REPO=f"{REPO}@{commit}").result


def test_a_second_deployment_removes_what_is_gone(hub: LocalHub, client: Client) -> None:
    hub.commit(SPACE, {"old.py": b"gone", ".gitattributes": b""}, kind="spaces")
    answer = client.cli("space", "deploy", SPACE)
    assert answer.code == 0 and "1 old ones removed" in answer.out
    assert "old.py" not in hub.files(SPACE, "spaces") and ".gitattributes" in hub.files(SPACE, "spaces")


def test_a_dry_run_asks_nobody(hub: LocalHub, client: Client) -> None:
    answer = client.cli("space", "deploy", SPACE, "--dry-run")
    assert answer.code == 0 and hub.requests == []
    assert "spaces_app.py" in answer.out and "sdk: gradio" in answer.out


def test_requirements_fit_the_hardware(project: Path) -> None:
    text = (project / "requirements.txt").read_text()
    for hardware in ("cpu", "zero"):
        lines = [line for line in requirements(text, hardware).splitlines() if not line.startswith("--")]
        names = [Requirement(line).name for line in lines]
        assert len(set(names)) == len(names) and "torch" in names and "rawpy" in names and "gradio" not in names
    assert requirements(text, "cpu").startswith("--extra-index-url https://download.pytorch.org/whl/cpu\n")
    assert "torch>=2.8,<2.12" in requirements(text, "zero")


def test_the_readme_of_the_repository_is_the_one_of_a_space(project: Path) -> None:
    text = (project / "README.md").read_text()
    pinned = [line for line in (project / "constraints.txt").read_text().splitlines() if line.startswith("gradio==")]
    (sdk,) = {line.partition("==")[2] for line in pinned}
    assert front_matter(text) == {**front_matter(written_front_matter()), "sdk_version": sdk}
    ranges = {(each := Requirement(line)).name: each.specifier for line in requirement_lines(project)}
    assert sdk in ranges["gradio"], "the Space installs requirements.txt on top of its SDK"


def requirement_lines(project: Path) -> list[str]:
    lines = (project / "requirements.txt").read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


FROM_THE_REPOSITORY = """
import explorer, spaces_app
assert spaces_app.demo.blocks
names = [each.name for each in explorer.list_models() if each.weights is not None]
print(len(names), explorer.load_model("sci.lol").config.parameters)
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_repository_is_pushed_as_a_space_and_runs(hub: LocalHub, project: Path, tmp_path: Path) -> None:
    if shutil.which("git") is None or not (project / ".git").exists():
        pytest.skip("needs git and a clone")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=project, capture_output=True, text=True, check=True
    ).stdout.split()
    hub.commit(SPACE, {"old.py": b"gone", ".gitattributes": b"*.safetensors filter=lfs\n"}, kind="spaces")
    # The stamp of the installation counts as new, so that nothing is installed here.
    done = subprocess.run(
        ["make", "--old-file", ".venv/.installed", "space", f"SPACE={SPACE}", f"BIN={Path(sys.executable).parent}"],
        cwd=project,
        env=client_environment(hub, tmp_path / "home"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    files = hub.files(SPACE, "spaces")
    assert set(files) == {*tracked, ".gitattributes"}
    folder = written([Upload(path, content) for path, content in files.items()], tmp_path / "space")
    ran = subprocess.run(
        [sys.executable, "-c", FROM_THE_REPOSITORY],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    shipped = len(list((project / "weights").glob("*/model.safetensors")))
    assert ran.stdout.split() == [str(shipped), "258"], ran.stderr[-2000:]


FAKE_SPACES = """
import pickle

calls = []
def GPU(duration):
    def lend(function):
        def call(*args):
            calls.append(pickle.loads(pickle.dumps(args))[0])  # as ZeroGPU sends them to its process
            return pickle.loads(pickle.dumps(function(*args)))
        return call
    return lend
"""

ON_ZERO_GPU = """
import io, numpy as np, spaces, spaces_app, explorer
from PIL import Image
buffer = io.BytesIO()
Image.fromarray(np.random.default_rng(5).integers(0, 60, (64, 80, 3)).astype(np.uint8)).save(buffer, "PNG")
photo = explorer.open_photo(buffer.getvalue())
assert spaces_app.demo.blocks and not spaces.calls
before = explorer.restore(photo, "zero_dce.small", backend="torch")
assert "zero_dce.small" in spaces_app.share_gpu(spaces.GPU, "cpu")
after = explorer.restore(photo, "zero_dce.small")
assert spaces.calls == [after.weights.sha256], spaces.calls
assert np.array_equal(before.image, after.image) and after.seconds > 0
explorer.restore(photo, "clahe")
assert len(spaces.calls) == 1
print("restored")
"""


@pytest.mark.slow
def test_the_app_runs_from_the_files_of_the_space(tmp_path: Path, small: Path) -> None:
    folder = written(space_files(), tmp_path / "space")
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "spaces.py").write_text(FAKE_SPACES)
    done = subprocess.run(
        [sys.executable, "-c", ON_ZERO_GPU],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{tmp_path / 'fake'}", "EXPLORER_WEIGHTS": str(small.parent)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0 and done.stdout.strip().endswith("restored"), done.stderr[-2000:]
