"""Importing all published weights that may be redistributed, and the report on those that fail."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from server import Fault, LocalHub

from explorer.app import importing, model_picker
from explorer.models import create_model
from explorer.weights.catalogue import CATALOGUE
from explorer.weights.store import load_weights

FREE = ("sci_easy", "cpga", "sci_difficult")


@pytest.fixture
def pages(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Authors' pages that have three free checkpoints and one that is not; gives each one's sha256."""
    everything, addresses = dict(CATALOGUE), {}
    CATALOGUE.clear()
    for seed, name in enumerate((*FREE, "zero_dce")):
        entry = everything[name]
        torch.manual_seed(seed)
        net = create_model(entry.architecture, **entry.options)
        buffer = io.BytesIO()
        torch.save(theirs(entry.files[0].layout, net.state_dict()), buffer)
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        hub.blobs[sha256] = buffer.getvalue()
        file = replace(entry.files[0], sha256=sha256, url=f"{hub.store}/{sha256}", size=len(buffer.getvalue()), hub="")
        CATALOGUE[name] = replace(entry, files=(file,))
        addresses[name] = sha256
    for where in ("explorer.weights.store", "explorer.hub.originals"):
        monkeypatch.setattr(f"{where}.imported_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr("explorer.hub.originals._downloads", lambda: tmp_path / "downloads")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    model_picker.refresh()
    yield addresses
    CATALOGUE.clear()
    CATALOGUE.update(everything)
    model_picker.refresh()


def theirs(layout, ours):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """A state dict under the names that a published file has."""
    back = {our: their for their, our in layout.modules.items()}
    return {f"{back[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in ours.items()}


def test_all_that_are_free_come_and_no_other(pages: dict[str, str], hub: LocalHub, tmp_path: Path) -> None:
    words = importing.free_button()["value"]
    assert "3" in words and "MIT" in words and "NC" not in words
    steps: list[tuple[int, int, str]] = []
    assert importing.fetch_free(lambda *step: steps.append(step)) == []
    for name in FREE:
        assert load_weights(tmp_path / "weights" / name).name == name
    assert not (tmp_path / "weights" / "zero_dce").exists()
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)
    assert {count for _, count, _ in steps} == {3} and any("100 %" in what for _, _, what in steps)
    assert importing.free() == [] and importing.free_button()["visible"] is False


def test_those_that_fail_are_named_one_by_one_and_the_others_come(
    pages: dict[str, str], hub: LocalHub, tmp_path: Path
) -> None:
    hub.faults = [Fault(f"store:GET.*{pages['sci_easy']}", status=404)]
    hub.blobs[pages["sci_difficult"]] = hub.blobs[pages["cpga"]][:1000]  # shorter than what was published
    failed = dict(importing.fetch_free(lambda *step: None))
    assert sorted(failed) == ["sci_difficult", "sci_easy"]
    assert all(len(reason) > 20 for reason in failed.values())
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == ["cpga"]
    assert sorted(entry.name for entry in importing.free()) == ["sci_difficult", "sci_easy"]
