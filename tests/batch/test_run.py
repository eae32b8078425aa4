"""Runs on this machine: results, resuming, and the state after a kill or on a full disk."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import fsspec
import pytest

pytest.importorskip("pyarrow", reason="needs pyarrow: pip install lowlight-explorer[ray]")

from archives import Gate, restore_all, tree, wait_for, write_photographs  # noqa: E402

from explorer.batch import photograph, run  # noqa: E402
from explorer.batch.listing import Item, list_source  # noqa: E402
from explorer.batch.local import restore_locally  # noqa: E402
from explorer.batch.manifest import COLUMNS, TIMES, digest, read_manifest  # noqa: E402
from explorer.batch.photograph import ROWS, Balance, ModelFiles, Outcome, Plan, Treatment  # noqa: E402
from explorer.batch.report import cost_table, costs_of  # noqa: E402
from explorer.batch.run import Engine  # noqa: E402
from explorer.cli import main  # noqa: E402
from explorer.errors import DataError, ExplorerError, OutputError  # noqa: E402
from explorer.restorer import load_model  # noqa: E402

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLES = PROJECT / "explorer" / "examples"


def lowlight(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "explorer", "batch", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_photographs(tmp_path / "in", 3)
    write_photographs(tmp_path / "in" / "sub", 2)
    return tmp_path / "in"


def test_each_result_is_what_restore_makes(source: Path, tmp_path: Path) -> None:
    """RAW and developed, 8 and 16 bits, with a white balance: the same bytes, whichever command made them."""
    for name in ("still_life.dng", "cat.png"):
        (source / name).write_bytes((EXAMPLES / name).read_bytes())
    (tmp_path / "single").mkdir()
    for bits, white_balance in (("8", "as_shot"), ("16", "grey_world")):
        more = ["-m", "gamma", "--bits", bits, "--white-balance", white_balance, "--quiet"]
        out = tmp_path / f"out{bits}"
        assert main(["batch", str(source), str(out), "--workers", "0", *more]) == 0
        for photo in (source / "still_life.dng", source / "cat.png", source / "sub" / "p0001.png"):
            single = tmp_path / "single" / "result.png"
            assert main(["restore", str(photo), "-o", str(single), *more]) == 0
            assert (out / photo.relative_to(source)).with_suffix(".png").read_bytes() == single.read_bytes()


def test_the_manifest_has_a_row_for_each(source: Path, tmp_path: Path) -> None:
    (source / "bad.dng").write_bytes(b"no photograph")
    summary = restore_all(source, tmp_path / "out")
    table = read_manifest(str(tmp_path / "out"))
    assert table.equals(summary.table) and table.column_names == [*COLUMNS, *TIMES]
    rows = table.to_pylist()
    assert [Path(row["input"]).name for row in rows] == [
        "bad.dng", "p0000.png", "p0001.png", "p0002.png", "p0000.png", "p0001.png",
    ]  # fmt: skip
    assert (summary.photographs, summary.restored, summary.failed, summary.kept) == (6, 5, 1, 0)
    bad, good = rows[0], rows[1]
    assert bad["status"] == "failed" and bad["error_code"] == 3 and "does not contain a photo" in bad["error"]
    assert bad["output"] is None and bad["sha256"]
    assert (good["width"], good["height"], good["output"], good["error"]) == (24, 16, "p0000.png", None)
    assert good["output_bytes"] == (tmp_path / "out" / "p0000.png").stat().st_size
    assert good["model"] == "gamma" and good["weights_sha256"] == "" and good["backend"] == "torch"
    assert all(good[name] > 0 for name in TIMES)
    assert not (tmp_path / "out" / ".manifest").exists()


def test_what_is_done_is_left_out_until_it_changes(source: Path, tmp_path: Path) -> None:
    (source / "bad.dng").write_bytes(b"no photograph")
    out = tmp_path / "out"
    first = restore_all(source, out)
    again = restore_all(source, out)
    assert (again.restored, again.kept, again.failed) == (0, 6, 1)
    # Seconds are those of the run that made a result, so that here even they are the same.
    assert again.table.equals(first.table)

    (out / "p0001.png").unlink()
    (out / "sub" / "p0000.png").write_bytes(b"cut short")
    write_photographs(source / "sub" / "more", 1)
    (source / "p0002.png").write_bytes((source / "p0000.png").read_bytes())
    third = restore_all(source, out)
    assert (third.restored, third.kept) == (4, 3)
    assert (out / "p0002.png").read_bytes() == (out / "p0000.png").read_bytes()

    (source / "bad.dng").write_bytes((EXAMPLES / "still_life.dng").read_bytes())
    mended = restore_all(source, out)
    assert (mended.restored, mended.failed) == (1, 0)
    other = restore_all(source, out, treatment=Treatment(balance=Balance((2.0, 1.0, 1.0))))
    assert other.restored == 7
    fresh = restore_all(source, tmp_path / "fresh", treatment=Treatment(balance=Balance((2.0, 1.0, 1.0))))
    assert fresh.digest == other.digest and tree(tmp_path / "fresh") == tree(out)


def test_a_file_that_cannot_be_decoded_is_tried_again_on_demand_one_that_was_away_always(
    source: Path, tmp_path: Path
) -> None:
    (source / "bad.dng").write_bytes(b"no photograph")
    names = tmp_path / "names.txt"
    names.write_text(f"{source}/bad.dng\n{source}/later.png\n")
    tried: list[str] = []

    def report(outcome: Outcome) -> None:
        tried.append(f"{Path(outcome.input).name} {outcome.code}")

    restore_all(names, tmp_path / "out", report=report)
    assert tried == ["bad.dng 3", f"later.png {photograph.UNREAD}"]
    tried.clear()
    restore_all(names, tmp_path / "out", report=report)
    assert tried == [f"later.png {photograph.UNREAD}"]
    tried.clear()
    restore_all(names, tmp_path / "out", report=report, retry=True)
    assert len(tried) == 2


def test_what_a_list_names_twice_is_restored_once_and_has_two_rows(source: Path, tmp_path: Path) -> None:
    names = source / "names.txt"
    names.write_text("p0001.png\np0000.png\n./p0001.png\n")
    outcomes: list[Outcome] = []
    summary = restore_all(names, tmp_path / "out", report=outcomes.append)
    assert len(outcomes) == summary.restored == 2
    rows = summary.table.to_pylist()
    assert [row["output"] for row in rows] == ["p0001.png", "p0000.png", "p0001.png"] and rows[0] == rows[2]
    # The manifest tells of the whole destination: a shorter list afterwards loses nothing.
    names.write_text("p0000.png\n")
    rows = restore_all(names, tmp_path / "out").table.to_pylist()
    assert [row["output"] for row in rows] == ["p0000.png", "p0001.png"]


def test_one_stem_with_two_suffixes(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, example in (("a.dng", "still_life.dng"), ("a.png", "cat.png")):
        (tmp_path / "in" / name).write_bytes((EXAMPLES / example).read_bytes())
    restore_all(tmp_path / "in", tmp_path / "out")
    results = tree(tmp_path / "out")
    assert list(results) == ["a.dng.png", "a.png.png"] and len(set(results.values())) == 2


def test_addresses_of_other_file_systems(source: Path, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(source), "/archive", recursive=True)
    summary = restore_all("memory://archive", "memory://results/deep")
    local = restore_all(f"file://{source}", f"file://{tmp_path}/out")
    assert summary.restored == local.restored == 5
    found = {n.removeprefix("/results/deep/"): memory.cat_file(n) for n in memory.find("/results/deep")}
    assert found.pop("manifest.parquet") and found == tree(tmp_path / "out")
    assert restore_all("memory://archive", "memory://results/deep").kept == 5
    memory.rm("/results/deep/sub/p0000.png")
    memory.pipe_file("/archive/new.png", (source / "p0000.png").read_bytes())
    more = restore_all("memory://archive", "memory://results/deep")
    assert (more.restored, more.kept) == (2, 4)
    assert read_manifest("memory://results/deep").num_rows == 6
    memory.rm("/archive", recursive=True)
    memory.rm("/results", recursive=True)


class StopError(Exception):
    pass


@pytest.mark.parametrize("wave", [2, 100])
def test_two_interrupted_runs_equal_one(
    wave: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted after results, between waves and in the middle of them."""
    whole = restore_all(source, tmp_path / "whole")
    monkeypatch.setattr(run, "WAVE", wave)
    count = 0

    def stop(outcome: Outcome) -> None:
        nonlocal count
        count += 1
        if count in (1, 4):
            raise StopError

    begun: list[tuple[int, int]] = []
    for _ in range(2):
        with pytest.raises(StopError):
            restore_all(source, tmp_path / "cut", report=stop, begin=lambda *numbers: begun.append(numbers))
    summary = restore_all(source, tmp_path / "cut", begin=lambda *numbers: begun.append(numbers))
    assert begun == [(5, 0), (4, 1), (1, 4)]
    assert summary.digest == whole.digest and tree(tmp_path / "cut") == tree(tmp_path / "whole")


def test_a_row_that_a_crash_of_the_machine_cut_short(source: Path, tmp_path: Path) -> None:
    def stop(outcome: Outcome) -> None:
        raise StopError

    with pytest.raises(StopError):
        restore_all(source, tmp_path / "out", report=stop)
    (row,) = (tmp_path / "out" / ROWS).iterdir()
    row.write_bytes(row.read_bytes()[:40])
    assert restore_all(source, tmp_path / "out").restored == 5


def test_a_killed_driver_goes_on_where_it_stopped(source: Path, tmp_path: Path, gate: Gate) -> None:
    """Killed by SIGKILL while its processes are at work; what they had finished is not made again."""
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{path}\n" for path in [*sorted(source.rglob("*.png")), gate.path]))
    with gate.open():
        whole = restore_all(names, tmp_path / "whole")
    out = tmp_path / "out"
    rows = out / ROWS
    driver = lowlight(str(names), str(out), "-m", "gamma", "--workers", "2")
    wait_for(lambda: rows.is_dir() and len(list(rows.glob("*.json"))) == 5, lambda: driver.poll() is None)
    driver.kill()
    driver.communicate()
    kept: list[int] = []
    with gate.open():
        summary = restore_all(names, out, begin=lambda waiting, known: kept.append(known))
    assert kept == [5] and summary.restored == 1
    assert summary.digest == whole.digest and tree(out) == tree(tmp_path / "whole")


def test_a_photograph_that_brings_its_process_down_is_a_row(source: Path, tmp_path: Path, gate: Gate) -> None:
    """As a crash of a decoder or the system's out-of-memory killer does it."""
    out = tmp_path / "out"
    (out / ROWS).mkdir(parents=True)
    (out / ".manifest" / "unfinished").mkdir()
    items = [Item(str(gate.path), "gate.png", list_source(str(gate.path), str(out)).items[0].found)]
    items += list_source(str(source), str(out)).items
    plan = Plan(str(out), Treatment(), ModelFiles("gamma", "built in", ""))
    outcomes: list[Outcome] = []
    restoring = Thread(target=lambda: outcomes.extend(restore_locally(items, plan, 2)))
    restoring.start()
    wait_for(lambda: len(list((out / ROWS).iterdir())) == 5, restoring.is_alive)
    # All others are done, so the process that is still at work waits at the gate.
    wait_for(lambda: len(multiprocessing.active_children()) == 1, restoring.is_alive)
    (victim,) = multiprocessing.active_children()
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    restoring.join(60)
    failed = [outcome for outcome in outcomes if outcome.error]
    assert len(outcomes) == 6 and [outcome.input for outcome in failed] == [str(gate.path)]
    assert "killed by signal 9" in failed[0].error
    row = json.loads((out / ROWS / photograph.row_name(str(gate.path))).read_text())
    assert row["status"] == "failed" and row["error"] == failed[0].error


def test_a_full_destination_is_one_sentence_and_goes_on_later(source: Path, tmp_path: Path) -> None:
    whole = restore_all(source, tmp_path / "whole")
    most = 100  # bytes of a file, fewer than a result has
    done = lowlight(
        str(source), str(tmp_path / "out"), "-m", "gamma", "--workers", "0",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )  # fmt: skip
    _, errors = done.communicate(timeout=240)
    assert done.returncode == 7
    sentence = errors.strip().splitlines()[-1]
    assert sentence.startswith(f"error: {tmp_path}/out accepts no more results (File too large); free some space there")
    assert not list((tmp_path / "out").glob("*.png"))
    summary = restore_all(source, tmp_path / "out")
    assert summary.digest == whole.digest and tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_destination_that_fills_up_stops_the_run_and_keeps_what_is_there(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = restore_all(source, tmp_path / "whole")
    write = photograph.addresses.write
    results: list[str] = []

    def filling(folder: str, name: str, data: bytes) -> None:
        if name.endswith(".png"):
            results.append(name)
            if len(results) > 3:
                raise OSError(28, "No space left on device")
        write(folder, name, data)

    with monkeypatch.context() as patch:
        patch.setattr(photograph.addresses, "write", filling)
        with pytest.raises(OutputError, match="accepts no more results .No space left on device.; free some space"):
            restore_all(source, tmp_path / "out")
    assert len(results) == 4  # no further photograph was tried, and none twice
    summary = restore_all(source, tmp_path / "out")
    assert (summary.kept, summary.restored) == (3, 2)
    assert summary.digest == whole.digest and tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_one_run_at_a_time(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / ".manifest").mkdir(parents=True)
    with (tmp_path / "out" / ".manifest" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OutputError, match="Another run is restoring into"):
            restore_all(source, tmp_path / "out")
    assert restore_all(source, tmp_path / "out").restored == 5


def test_a_manifest_that_is_none(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.parquet").write_bytes(b"rubbish")
    with pytest.raises(OutputError, match="manifest.parquet cannot be read .*; remove it"):
        restore_all(source, tmp_path / "out")


def test_a_name_that_is_too_long_for_a_result_is_the_photographs_fault(source: Path, tmp_path: Path) -> None:
    for name in ("n" * 250 + ".png", "n" * 250 + ".bmp"):  # which share a stem, so that results get longer names
        (source / name).write_bytes((source / "p0000.png").read_bytes())
    summary = restore_all(source, tmp_path / "out")
    assert (summary.restored, summary.failed) == (5, 2)
    assert "name of its result is too long" in summary.table.to_pylist()[0]["error"]


@pytest.mark.parametrize("end", ["source", "destination"])
def test_a_store_that_does_not_answer(
    end: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clients of object stores raise errors of their own, which are no OSError."""
    from fsspec.implementations.memory import MemoryFileSystem

    class NoCredentialsError(Exception):
        pass

    def refuse(*_: object, **__: object) -> None:
        raise NoCredentialsError("Unable to locate credentials")

    for name in ("isdir", "ls", "find", "info", "cat_file", "pipe_file"):
        monkeypatch.setattr(MemoryFileSystem, name, refuse)
    monkeypatch.setattr("explorer.batch.photograph._ATTEMPTS", 1)
    line = {"source": ["memory://night", str(tmp_path / "out")], "destination": [str(source), "memory://night"]}[end]
    assert main(["batch", *line, "-m", "identity", "--workers", "0"]) == {"source": 3, "destination": 7}[end]
    error = capsys.readouterr().err
    assert "memory:///night" in error and "cannot be reached (Unable to locate credentials); check" in error
    assert "Unexpected" not in error


def test_weights_travel_with_the_plan(tmp_path: Path) -> None:
    folder = PROJECT / "weights" / "retinexnet.joint_decom_only"
    if not folder.is_dir():
        pytest.skip("this checkout holds no weights")
    model = load_model("retinexnet.joint_decom_only")
    sent = ModelFiles.of(model)
    assert sent.loaded().identity == model.identity
    changed = [
        (name, content[:-4] + b"\0\0\0\0" if name.endswith("tensors") else content) for name, content in sent.files
    ]
    with pytest.raises(ExplorerError):
        ModelFiles(sent.name, sent.revision, sent.sha256, tuple(changed)).loaded()


def test_costs_come_from_the_manifest(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (source / "bad.dng").write_bytes(b"no photograph")
    summary = restore_all(source, tmp_path / "out")
    costs = costs_of(summary.table)
    rows = [row for row in summary.table.to_pylist() if row["status"] == "restored"]
    assert costs.photographs == 5 and costs.megapixels == pytest.approx(24 * 16 / 1e6)
    assert costs.bytes_in == pytest.approx(sum(row["bytes"] for row in rows) / 5)
    assert costs.cpu == pytest.approx(
        sum(sum(row[f"{s}_cpu_seconds"] for s in ("decode", "network", "encode")) for row in rows) / 5
    )
    plan = costs.as_plain(3_600_000)["planned"]
    assert plan["core_hours"] == pytest.approx(1000 * costs.cpu) and plan["gpu_hours"] is None
    assert plan["terabytes_in"] == pytest.approx(3.6e6 * costs.bytes_in / 1e12)
    assert any("core h" in cell for row in cost_table(costs, 10)[1] for cell in row)
    with pytest.raises(DataError, match="no costs to report"):
        costs_of(summary.table.slice(0, 1))
    assert main(["batch", str(source), str(tmp_path / "out"), "-m", "gamma", "--report", "--json"]) == 10
    printed = json.loads(capsys.readouterr().out)
    assert printed["digest"] == summary.digest == digest(summary.table)
    assert printed["costs"]["measured"]["photographs"] == 5 and printed["kept"] == 6


def test_sentences_of_the_command_line(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    assert main(["batch", str(source), out, "-m", "gamma", "--address", "auto"]) == 2
    assert "--address goes with --engine ray" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["batch", str(source), str(tmp_path / "file"), "-m", "gamma"]) == 7
    assert "is a file, not a folder" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        assert main(["batch", str(source), out, "-m", "gamma", "--engine", "ray"]) == 1
        assert "pip install lowlight-explorer[ray]" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        assert main(["batch", str(source), out, "-m", "gamma"]) == 1
        assert "pip install lowlight-explorer[ray]" in capsys.readouterr().err
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "bad.dng").write_bytes(b"no photograph")
    assert main(["batch", str(tmp_path / "bad"), out, "-m", "gamma", "--workers", "0"]) == 3
    assert "bad.dng does not contain a photo" in capsys.readouterr().err
    assert Engine().name == "local"
