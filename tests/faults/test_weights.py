"""Untrusted folders of weights, beyond tests/weights and tests/hub: no code runs, and memory stays bounded."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from explorer.errors import WeightsError
from explorer.models import create_model
from explorer.restorer import list_models
from explorer.weights.config import WeightsConfig
from explorer.weights.store import MODEL_FILE, load_weights, sha256_of, write_weights

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A whole folder of weights, to be spoilt."""
    config = WeightsConfig(name="zero_dce.test", architecture="zero_dce", domain="rgb", options={"width": 8})
    write_weights(tmp_path / "zero_dce.test", create_model("zero_dce", width=8), config, "# test\n")
    return tmp_path / "zero_dce.test"


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder: Path, *words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        load_weights(folder)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text.strip()
    for word in words:
        assert word in text


def test_the_folder_is_whole(folder: Path) -> None:
    assert load_weights(folder).config.options == {"width": 8}


@pytest.mark.parametrize("width", [100_000, 2**31, 10**30])
def test_options_that_ask_for_all_memory(folder: Path, width: int) -> None:
    """In a process that may not take it: a gigabyte would already be too much."""
    edit(folder, options={"width": width})
    script = (
        "import sys, torch\n"
        "from pathlib import Path\n"
        "from explorer.errors import WeightsError\n"
        "from explorer.models import create_model\n"
        "from explorer.weights.store import load_weights\n"
        # Not getrusage's counter: it begins with what the parent held, and would hide as much.
        "def peak():\n"
        "    return int(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
        "create_model('zero_dce', width=8)\n"
        "before = peak()\n"
        "try:\n"
        "    load_weights(Path(sys.argv[1]))\n"
        "except WeightsError as error:\n"
        "    print(error)\n"
        "assert peak() - before < 2**19\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], cwd=PROJECT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert "config.json" in done.stdout and done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"a":' * 50_000,
        "",
        "null",
        "[]",
        '"text"',
        '{"schema": 1, "schema": 2}',
        "\0",
        "{" + " " * 10**6,
    ],
    ids=["deep list", "deep dict", "empty", "null", "list", "text", "twice", "zero", "long"],
)
def test_configs_that_are_none(folder: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.json").write_text(content)
    refused(folder, "config.json")
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(folder.parent))
    names = [model.name for model in list_models()]
    assert names and "zero_dce.test" not in names, "one bad folder does not hide the others"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("place", ["ratio_m", "clip"])
def test_numbers_that_are_none(folder: Path, number: str, place: str) -> None:
    value = number if place == "ratio_m" else f"[0.0, {number}]"
    config = json.loads((folder / "config.json").read_text())
    config["input"][place] = "HERE"
    (folder / "config.json").write_text(json.dumps(config).replace('"HERE"', value))
    refused(folder, place)


def _header(entries: dict[str, object], tail: bytes) -> bytes:
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + tail


BROKEN = {
    "negative length": struct.pack("<q", -1) + b"{}" + bytes(40),
    "overlapping": _header(
        {name: {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]} for name in ("a", "b")}, bytes(16)
    ),
    "backwards": _header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}, b""),
    "hole": _header({"a": {"dtype": "F32", "shape": [1], "data_offsets": [12, 16]}}, bytes(16)),
    "wrong size": _header({"a": {"dtype": "F32", "shape": [10**6], "data_offsets": [0, 16]}}, bytes(16)),
    "huge shape": _header({"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 16]}}, bytes(16)),
    "unknown kind": _header({"a": {"dtype": "OBJ", "shape": [4], "data_offsets": [0, 16]}}, bytes(16)),
    "no shape": _header({"a": {"dtype": "F32", "data_offsets": [0, 16]}}, bytes(16)),
    "offset of text": _header({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, "16"]}}, bytes(16)),
    "many names": _header({str(k): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(20_000)}, b""),
    "numpy": b"\x93NUMPY" + bytes(100),
    "torch": b"PK\3\4" + bytes(100),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_headers_that_lie(folder: Path, kind: str) -> None:
    (folder / MODEL_FILE).write_bytes(BROKEN[kind])
    edit(folder, sha256="", options={})
    refused(folder, MODEL_FILE)


def test_tensors_of_another_kind_are_not_taken_for_the_networks(folder: Path) -> None:
    state = {name: torch.zeros(value.shape, dtype=torch.int64)[..., :0] for name, value in _state().items()}
    (folder / MODEL_FILE).write_bytes(save(state))
    edit(folder, sha256="", options={})
    refused(folder, "shape")


def _state() -> dict[str, torch.Tensor]:
    return create_model("zero_dce").state_dict()


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("import pathlib; pathlib.Path('executed').touch()",))


@pytest.mark.parametrize("form", ["zip", "legacy", "bare", "tar", "nested"])
def test_a_published_checkpoint_with_code_is_refused_and_not_run(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.weights import import_published

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "checkpoint.pth"
    if form == "zip":
        torch.save({"a": Code()}, path)
    elif form == "legacy":
        torch.save({"a": Code()}, path, _use_new_zipfile_serialization=False)
    elif form == "bare":
        path.write_bytes(pickle.dumps(Code()))
    elif form == "tar":
        import io
        import tarfile

        with tarfile.open(path, "w") as archive:
            for name in ("sys_info", "pickle", "storages", "tensors"):
                data = pickle.dumps(Code(), protocol=2)
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    else:
        torch.save({"state_dict": {"w": torch.zeros(1)}, "optimizer": [[Code()]]}, path)
        assert zipfile.is_zipfile(path)
    with pytest.raises(WeightsError) as caught:
        import_published("zero_dce", path, allow_unknown=True)
    assert "\n" not in str(caught.value) and not (tmp_path / "executed").exists()


def test_a_checkpoint_of_a_run_with_code_is_refused_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.errors import TrainingError
    from explorer.training.state import CHECKPOINT, load_checkpoint

    monkeypatch.chdir(tmp_path)
    torch.save({"recipe": "sci.lol", "state": Code()}, tmp_path / CHECKPOINT)
    with pytest.raises(TrainingError):
        load_checkpoint(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_code_beside_the_weights_is_never_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("modeling.py", "__init__.py", "conftest.py", "hubconf.py", "zero_dce.py", "sitecustomize.py"):
        (folder / name).write_text("raise SystemExit('executed')\n")
    monkeypatch.chdir(folder)
    edit(folder, sha256=sha256_of(folder / MODEL_FILE))
    assert load_weights(folder).name == "zero_dce.test"
    edit(folder, auto_map={"AutoModel": "modeling.Model"})
    refused(folder, "auto_map")


RUNS_CODE = {"pickle.load", "pickle.loads", "joblib.load", "eval", "exec", "torch.hub.load", "marshal.loads",
             "yaml.load", "shelve.open"}  # fmt: skip
EXCEPT = {("cluster.py", "pickle.loads")}
"""What processes of one Ray cluster send each other, which pickle everything themselves."""


def test_every_unpickling_names_its_limits() -> None:
    """torch.load anywhere in the package says weights_only=True, and nothing else unpickles."""
    import ast

    found = []
    for path in sorted((PROJECT / "explorer").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            call, text = ast.unparse(node.func), ast.unparse(node)
            unsafe = (
                (call == "torch.load" and "weights_only=True" not in text)
                or (call == "np.load" and "allow_pickle=True" in text)
                or (call in RUNS_CODE and (path.name, call) not in EXCEPT)
            )
            if unsafe:
                found.append(f"{path.name}:{node.lineno}: {call}")
    assert not found
