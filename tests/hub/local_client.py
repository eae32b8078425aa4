"""The process that uses the local Hub, and small weights."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from server import LocalHub

REPO = "class/night"


def client_environment(hub: LocalHub, home: Path) -> dict[str, str]:
    """The environment of a process that knows this Hub alone."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("EXPLORER_WEIGHTS", "EXPLORER_HUB"))}
    env.pop("HF_HUB_OFFLINE", None)
    return env | {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_TOKEN": "hf_secret",
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }


@dataclass
class Client:
    """The process that talks to the Hub, with a cache and settings of this test's own."""

    process: Any
    cache: Path
    env: dict[str, str]

    def _ask(self, offline: bool, env: dict[str, str], **request: Any) -> SimpleNamespace:
        request |= {"cache": str(self.cache), "offline": offline, "env": {**self.env, **env}}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer.get("kind") != "unexpected", answer
        return SimpleNamespace(**{"error": "", "kind": "", "result": None, "code": None, **answer})

    def cli(self, *args: str | Path, offline: bool = False, **env: str) -> SimpleNamespace:
        return self._ask(offline, env, call="cli", args=[str(arg) for arg in args])

    def python(self, code: str, offline: bool = False, **env: str) -> SimpleNamespace:
        return self._ask(offline, env, call="python", code=code)

    def fails(self, code: int, *args: str | Path, offline: bool = False, **env: str) -> str:
        """Runs `lowlight`, which must fail with one sentence; gives it."""
        answer = self.cli(*args, offline=offline, **env)
        assert (answer.code, answer.out) == (code, ""), answer
        lines = answer.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("error: ") and "Unexpected" not in lines[0], answer.err
        return lines[0]

    def load(self, name: str, offline: bool = False, **env: str) -> SimpleNamespace:
        """`load_model`: its result is [name, revision, sha256]."""
        return self.python(
            "import explorer\n"
            f"m = explorer.load_model({name!r}" + ")\n"
            "result = [m.name, m.identity.revision, m.identity.sha256]",
            offline=offline,
            **env,
        )


def write_small(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A folder of weights of Zero-DCE (79k parameters) with random tensors; its name is the weights' name."""
    from explorer.models import create_model
    from explorer.weights.config import WeightsConfig
    from explorer.weights.store import write_weights

    torch.manual_seed(seed)
    fields: dict[str, Any] = {
        "name": folder.name,
        "architecture": "zero_dce",
        "domain": "rgb",
        "input": {"clip": (0.0, 1.0)},
        "licence": "CC BY-NC 4.0",
        "summary": "Random | for tests.",
        "training": {"data": "none at all"},
        "metrics": {"lol_eval15": {"psnr": 12.5, "ssim": 0.5}, "validation": {"loss": 1.0}},
    }
    config = WeightsConfig(**{**fields, **changes})
    write_weights(folder, create_model("zero_dce"), config, f"# {folder.name}\n")
    return folder


def contents(*folders: Path) -> dict[str, bytes]:
    """Folders of weights as files of a repository."""
    return {f"{folder.name}/{path.name}": path.read_bytes() for folder in folders for path in folder.iterdir()}
