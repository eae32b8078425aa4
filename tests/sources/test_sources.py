"""Where weights come from: the order of the sources, and a new source as one file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from explorer.errors import WeightsError
from explorer.models import create_model
from explorer.sources import installed, order_of, resolve
from explorer.weights.config import WeightsConfig
from explorer.weights.search_path import read_settings
from explorer.weights.store import write_weights

SHELF = '''
"""A shelf of weights."""

import os
from pathlib import Path

from explorer.sources.interface import ResolvedWeights, WeightsSource


class Shelf(WeightsSource):
    name, rank = "shelf", -1

    def names(self):
        return ["sci.on_the_shelf"]

    def find(self, name):
        folder = Path(os.environ["SHELF"])
        return ResolvedWeights(name, folder, "shelf", self.name) if name in self.names() else None
'''
ASK = """
import sys
import explorer.sources
explorer.sources.__path__.append(sys.argv[1])
import explorer
from explorer.weights.search_path import read_settings
print(explorer.sources.order_of(read_settings()))
print(explorer.load_model("sci.on_the_shelf").identity.revision)
print("sci.on_the_shelf" in [model.name for model in explorer.list_models()])
print(explorer.load_model("sci.on_the_shelf", source="shelf").name)
"""


def write(folder: Path, name: str, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    config = WeightsConfig(name=name, architecture=name.split(".")[0], domain="rgb")
    write_weights(folder / name, create_model(config.architecture), config, "# test\n")
    return folder / name


def test_a_new_source_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "shelf.py").write_text(SHELF)
    shelf = write(tmp_path, "sci.on_the_shelf")
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path / "files")],
        env={**os.environ, "SHELF": str(shelf)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    order, *found = done.stdout.splitlines()
    assert order.startswith("('shelf', 'local', 'embedded', ") and found == ["shelf", "True", "sci.on_the_shelf"]


def test_the_first_source_of_the_order_gives_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, seed in (("mine", 1), ("embedded", 2), ("imported", 3)):
        write(tmp_path / place, "sci.twice", seed)
    write(tmp_path / "imported", "zero_dce", 4)
    monkeypatch.setenv("EXPLORER_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setattr("explorer.sources.folders.embedded_folders", lambda: [tmp_path / "embedded"])
    monkeypatch.setattr("explorer.weights.store.imported_folder", lambda: tmp_path / "imported")
    monkeypatch.setattr("explorer.sources.authors.imported_folder", lambda: tmp_path / "imported")
    assert order_of(read_settings())[:2] == ("local", "embedded") and "authors" not in order_of(read_settings())
    assert resolve("sci.twice").folder == tmp_path / "mine" / "sci.twice"
    monkeypatch.setenv("EXPLORER_WEIGHTS_ORDER", "embedded, local")
    assert resolve("sci.twice").folder == installed()["sci.twice"].folder == tmp_path / "embedded" / "sci.twice"
    assert resolve("sci.twice", source="local").folder == tmp_path / "mine" / "sci.twice"
    # What was imported once needs no page of its authors, nor another consent.
    assert resolve("zero_dce", source="authors").folder == tmp_path / "imported" / "zero_dce"
    with pytest.raises(WeightsError, match="MIT.*accept"):
        resolve("sci_easy", source="authors")
    for order in ("moon", "local,local"):
        monkeypatch.setenv("EXPLORER_WEIGHTS_ORDER", order)
        with pytest.raises(WeightsError, match=f"{order.split(',')[0]}.*embedded"):
            installed()
