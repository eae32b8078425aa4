"""Published checkpoints from their authors' pages: licence, download, resumption, conversion."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from server import Fault, LocalHub

from explorer.cli import main
from explorer.errors import ModelNotFoundError, WeightsError
from explorer.hub import originals
from explorer.models import create_model
from explorer.weights.catalogue import CATALOGUE, published
from explorer.weights.store import load_weights


@pytest.fixture
def page(hub: LocalHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An author's page: the catalogue's zero_dce is a file there in its published layout. Gives the file's sha256."""
    torch.manual_seed(4)
    ours = create_model("zero_dce").state_dict()
    entry = CATALOGUE["zero_dce"]
    modules = {our: theirs for theirs, our in entry.files[0].layout.modules.items()}
    state = {f"{modules[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in ours.items()}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    hub.blobs[sha256] = data
    file = replace(entry.files[0], sha256=sha256, url=f"{hub.store}/{sha256}", size=len(data))
    monkeypatch.setitem(CATALOGUE, "zero_dce", replace(entry, files=(file,)))
    monkeypatch.setattr("explorer.weights.store.imported_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr("explorer.hub.originals.imported_folder", lambda: tmp_path / "weights")
    monkeypatch.setattr("explorer.hub.originals._downloads", lambda: tmp_path / "downloads")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    yield sha256


def test_the_licence_comes_first(page: str, hub: LocalHub, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["weights", "import", "zero_dce"]) == 6
    out, err = capsys.readouterr()
    assert "CC BY-NC 4.0" in err and "--accept-licence" in err and out == ""
    with pytest.raises(WeightsError, match="CC BY-NC 4.0"):
        originals.download_original("zero_dce", accept_licence=False)
    assert hub.requests == [] and list(tmp_path.iterdir()) == []


def test_download_and_conversion(page: str, hub: LocalHub, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    hub.faults = [Fault("store:GET", status=503), Fault("store:GET", cut=100_000)]
    assert main(["weights", "import", "zero_dce", "--accept-licence"]) == 0
    out, err = capsys.readouterr()
    assert "CC BY-NC 4.0" in err and str(tmp_path / "weights" / "zero_dce") in out
    assert hub.ranges == ["bytes=100000-"]
    model = load_weights(tmp_path / "weights" / "zero_dce")
    torch.manual_seed(4)
    for name, value in create_model("zero_dce").state_dict().items():
        assert torch.equal(model.net.state_dict()[name], value)
    # A second time needs no page.
    hub.requests.clear()
    originals.download_original("zero_dce", accept_licence=True, out=tmp_path / "again")
    assert hub.requests == []


def test_an_interrupted_download_is_gone_on_from(page: str, hub: LocalHub, tmp_path: Path) -> None:
    hub.faults = [Fault("store:GET", cut=70_000), *(Fault("store:GET", status=503) for _ in range(3))]
    with pytest.raises(WeightsError, match="try again later"):
        originals.download_original("zero_dce", accept_licence=True)
    assert not (tmp_path / "weights").exists()
    steps: list[int] = []
    originals.download_original("zero_dce", accept_licence=True, progress=lambda _name, done, _all: steps.append(done))
    assert hub.ranges == ["bytes=70000-"] and steps == sorted(steps) and steps[-1] == len(hub.blobs[page])


def test_another_file_is_refused(page: str, hub: LocalHub, tmp_path: Path) -> None:
    hub.corrupt.add(page)
    with pytest.raises(WeightsError, match="sha256"):
        originals.download_original("zero_dce", accept_licence=True)
    hub.corrupt.clear()
    hub.blobs[page] += b"and more"
    with pytest.raises(WeightsError, match="more than"):
        originals.download_original("zero_dce", accept_licence=True)
    hub.faults = [Fault("store:GET", status=404)]
    with pytest.raises(WeightsError, match="404|Not Found"):
        originals.download_original("zero_dce", accept_licence=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert published("lamba_mitra").name == "lamba_m0"
    with pytest.raises(ModelNotFoundError):
        published("nothing")
    with pytest.raises(WeightsError, match="of your own"):
        originals.download_original("sid_unet", accept_licence=True)
    assert main(["weights", "list", "--published"]) == 0
    shown = capsys.readouterr().out
    assert "sid_unet" not in shown, "only what somebody has published"
    scores = [float(row.split()[-4]) for row in shown.splitlines()[1:] if row.split()[-4] != "-"]
    assert len(scores) > 25 and scores == sorted(scores, reverse=True)
    assert main(["weights", "list", "--published", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["flight_lol"]["saw_eval15"] is True and rows["flight_lol"]["redistributable"] is False
    assert rows["flol_uhdll"]["saw_eval15"] is False and rows["flol_uhdll"]["licence"] == "MIT"
    assert abs(rows["mobileie_lolv1"]["lol_eval15"]["psnr"] - 23.63) < 0.05, "what the authors' code gives"
    assert main(["weights", "import", "--list"]) == 0
    listed = capsys.readouterr().out
    for entry in CATALOGUE.values():
        assert entry.name in listed and entry.licence in listed
        if entry.downloadable:
            assert all(f.hub or (f.url.startswith("https://") and f.size > 0 and f.sha256) for f in entry.files)


def test_the_catalogue_states_the_files_sizes(shared: Path) -> None:
    sizes = {
        hashlib.sha256(path.read_bytes()).hexdigest(): path.stat().st_size
        for folder in ("checkpoints", "checkpoints_more")
        for path in (shared / folder).rglob("*")
        if path.is_file()
    }
    stated = {file.sha256: file.size for entry in CATALOGUE.values() for file in entry.files if file.sha256}
    assert stated and {sha256: sizes[sha256] for sha256 in stated} == stated


@pytest.mark.parametrize(("name", "order"), [("sid_unet", "sid"), ("sid_unet_s2d", "s2d")])
def test_sid_state_dicts_import_in_both_plane_orders(name: str, order: str, tmp_path: Path) -> None:
    modules = {our: theirs for theirs, our in CATALOGUE[name].files[0].layout.modules.items()}
    ours = create_model("sid_unet").state_dict()
    path = tmp_path / "sid.pth"
    torch.save({f"{modules[k.rpartition('.')[0]]}.{k.rpartition('.')[2]}": v for k, v in ours.items()}, path)
    assert main(["weights", "import", name, str(path), "-o", str(tmp_path / "out")]) == 0
    model = load_weights(tmp_path / "out")
    assert model.config.input.plane_order == order
    assert all(torch.equal(model.net.state_dict()[k], v) for k, v in ours.items())
