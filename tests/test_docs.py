"""The documentation is right: examples run, links work, figures agree, workflows name existing targets."""

from __future__ import annotations

import doctest
import importlib.util
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import explorer

FUNCTIONS = (
    "compare", "darken", "decompose", "feature_maps", "list_models", "load_model", "open_mosaic", "open_photo",
    "restore", "suggest_ratio",
)  # fmt: skip
IMAGE_BYTES = 250_000


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_public_function_runs(name: str) -> None:
    function = getattr(explorer, name)
    # An empty namespace: what a reader pastes needs nothing else.
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    assert len(example.examples) >= 2, f"{name} has no example"
    report: list[str] = []
    runner = doctest.DocTestRunner()
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)


def pages(project: Path) -> list[Path]:
    return [
        *(project / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(project / "docs").rglob("*.md"),
    ]


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", text, flags=re.S))


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and mkdocs make them."""
    titles = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.S), flags=re.M)
    plain = (unicodedata.normalize("NFKD", title.replace("`", "").lower()) for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in plain}


def broken_links(page: Path) -> list[str]:
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            found.append(f"{page.name}: {target}")
    return found


def test_links_lead_somewhere(project: Path, tmp_path: Path) -> None:
    assert not [link for page in pages(project) for link in broken_links(page)]
    wrong = tmp_path / "wrong.md"
    wrong.write_text("# One thing\n[a](nowhere.md) [b](#one-thing) [c](#another) [d](https://example.org/x)\n")
    assert broken_links(wrong) == ["wrong.md: nowhere.md", "wrong.md: #another"]


def test_the_readme_is_short_before_its_tours_and_has_a_picture_for_each(project: Path) -> None:
    text = (project / "README.md").read_text().split("---\n", 2)[2]
    before, *tours = re.split(r"^## ", text, flags=re.M)
    assert len(before.splitlines()) <= 45, "two screens"
    assert [tour.partition(":")[0] for tour in tours[:4]] == ["Look", "Restore", "Learn", "Build"]
    for part in (before, *tours[:4]):
        assert re.search(r"!\[[^]]{20,}\]\(docs/images/", part), "a picture, with words for those who do not see it"
    prose = [
        p for p in re.sub(r"```.*?```", "", text, flags=re.S).split("\n\n") if not p.lstrip().startswith(("|", "-"))
    ]
    assert max(len(paragraph.strip().splitlines()) for paragraph in prose) <= 5
    for name in re.findall(r"docs/images/([\w-]+\.webp)", text):
        assert (project / "docs" / "images" / name).stat().st_size < IMAGE_BYTES


def test_the_files_that_contributing_names_exist(project: Path) -> None:
    table = re.findall(r"^\|.*\|$", (project / "CONTRIBUTING.md").read_text(), flags=re.M)
    named = {name for row in table for name in re.findall(r"`((?:explorer|docs|notebooks|tests)/[^`]*)`", row)}
    assert len(named) >= 15
    patterns = {name: re.sub(r"<\w+>", "*", name).rstrip("/") for name in named}
    assert not [name for name, pattern in patterns.items() if not list(project.glob(pattern))]


def test_the_reference_names_what_there_is(project: Path) -> None:
    named = [
        name
        for page in sorted((project / "docs" / "api").glob("*.md"))
        for name in re.findall(r"^::: ([\w.]+)$", page.read_text(), flags=re.M)
    ]
    for name in named:
        assert pkgutil.resolve_name(name) is not None
    assert {f"explorer.{name}" for name in explorer.__all__ if name != "Photo"} <= set(named)


def test_the_navigation_names_pages_that_exist(project: Path) -> None:
    """That none is left out is what the strict build says."""
    listed = re.findall(r"^ +- ([\w/-]+\.md)$", (project / "mkdocs.yml").read_text(), flags=re.M)
    assert len(listed) == len(set(listed)) >= 20
    assert not [name for name in listed if not (project / "docs" / name).is_file()]


def rows(text: str) -> dict[str, list[list[str]]]:
    """Cells of table rows by the first `name` in them, emphasis aside."""
    found: dict[str, list[list[str]]] = {}
    for line in text.replace("*", "").splitlines():
        if match := re.match(r"\| *`([\w.]+)`", line):
            found.setdefault(match[1], []).append([cell.strip() for cell in line.strip("| ").split("|")][1:])
    return found


def test_the_figures_of_the_readme_are_those_of_the_results(project: Path) -> None:
    text = (project / "README.md").read_text()
    shown = rows(text[text.index("\n## Results") :])
    measured = rows((project / "docs" / "results.md").read_text())
    assert len(shown) >= 5
    for name, tables in shown.items():
        for cells in tables:
            digits = [cell for cell in cells if re.search(r"\d", cell)]
            known = [set(" / ".join(row).split(" / ")) for row in measured[name]]
            assert any(set(digits) <= row for row in known), f"{name}: {digits}"


def test_citation_says_what_the_package_says(project: Path) -> None:
    citation = yaml.safe_load((project / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "type"} <= set(citation)
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert all({"name"} <= set(each) or {"family-names"} <= set(each) for each in citation["authors"])
    assert citation["version"] == explorer.__version__
    pyproject = (project / "pyproject.toml").read_text()
    assert f'license = "{citation["license"]}"' in pyproject
    assert f'Repository = "{citation["repository-code"]}"' in pyproject
    assert f"({explorer.__version__})" in (project / "CHANGELOG.md").read_text()
    assert (project / "explorer" / "py.typed").is_file(), "type hints are for users of the package too"


def test_workflows_name_targets_and_pythons_that_exist(project: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(), flags=re.M))
    commands: list[str] = []
    pythons: set[str] = set()
    for path in sorted((project / ".github" / "workflows").glob("*.yml")):
        workflow = yaml.safe_load(path.read_text())
        assert set(workflow) >= {"name", "permissions", "jobs"}, path.name
        for job in workflow["jobs"].values():
            commands += [step.get("run", "") for step in job["steps"]]
            pythons |= set(job.get("strategy", {}).get("matrix", {}).get("python", ()))
    wanted = set(re.findall(r"^ *make ([a-z-]+)", "\n".join(commands), flags=re.M))
    assert {"test", "wheel", "notebooks-test"} <= wanted <= targets
    assert pythons == {"3.10", "3.13"}, "the oldest and the newest"
    address = re.search(r"^ARG TORCH_INDEX=(https\S+)$", (project / "Dockerfile").read_text(), flags=re.M)
    assert address, "the workflows read it"


def test_pre_commit_runs_the_ruff_of_the_constraints(project: Path) -> None:
    hooks = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"]
    (ruff,) = (each for each in hooks if each["repo"].endswith("ruff-pre-commit"))
    assert f"ruff=={ruff['rev'].removeprefix('v')}\n" in (project / "constraints.txt").read_text()
    assert [hook["id"] for hook in ruff["hooks"]] == ["ruff-check", "ruff-format"]


@pytest.fixture
def address(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`scripts/address.py`."""
    monkeypatch.syspath_prepend(str(project / "scripts"))
    monkeypatch.delitem(sys.modules, "notebooks", raising=False)
    spec = importlib.util.spec_from_file_location("address_of_repository", project / "scripts" / "address.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_command_changes_the_address_everywhere(project: Path, address: ModuleType, tmp_path: Path) -> None:
    copy = tmp_path / "checkout"
    for name in (*address.NAMING, "scripts/address.py", "scripts/notebooks.py"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(project / name, copy / name)
    shutil.copytree(project / "notebooks", copy / "notebooks", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    old = address.notebooks.repository(copy)
    command = [sys.executable, "scripts/address.py"]
    refused = subprocess.run([*command, "no address"], cwd=copy, capture_output=True, text=True)
    assert refused.returncode == 1 and "owner and a name" in refused.stdout
    done = subprocess.run([*command, "night-school/dark"], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    naming = [path for path in copy.rglob("*") if path.is_file() and path.suffix in (".toml", ".cff", ".yml", ".ipynb")]
    for path in naming:
        assert old not in path.read_text(), path.name
    lesson = json.loads(next((copy / "notebooks").glob("01_*.ipynb")).read_text())
    written = json.dumps(lesson)
    assert "github/night-school/dark/blob/main/notebooks/01_" in written
    assert "git+https://github.com/night-school/dark" in written


@pytest.mark.parametrize("page", ["README.md", "docs/results.md"])
def test_figures_on_eval15_are_those_of_the_leaderboard(page: str, project: Path) -> None:
    """Two pages that name one network never give it two scores."""
    from explorer.evaluation.leaderboard import read_board

    measured = {row.name: row.figures["lol_eval15"] for row in read_board() if "lol_eval15" in row.figures}
    text = (project / page).read_text(encoding="utf-8").partition("LOL eval15")[2]
    compared = 0
    for name, psnr, ssim, matched in re.findall(
        r"^\| \**`([\w.]+)`[^|]*\| \**([\d.]+)\** \| \**(0\.\d+)\** \| \**([\d.]+)\** \|", text, re.M
    ):
        if name in measured:
            figures = [measured[name][each] for each in ("psnr", "ssim", "gt_mean_psnr")]
            assert [psnr, ssim, matched] == [f"{figures[0]:.2f}", f"{figures[1]:.3f}", f"{figures[2]:.2f}"], name
            compared += 1
    assert compared >= (4 if page == "README.md" else 15)


def test_the_readme_recommends_what_the_leaderboard_does(project: Path) -> None:
    said = (project / "README.md").read_text(encoding="utf-8")
    board = (project / "docs" / "leaderboard.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| `([\w.]+)`[^|]*?, ([\d.]+) dB \| `([\w.]+)`, ([\d.]+) dB \|$", said, re.M)
    assert len(rows) == 3
    for photo, best, score, free, free_score in rows:
        row = f"| {photo[0].upper()}{photo[1:]} | {best} ({score} dB) | {free} ({free_score} dB) |"
        assert row in board


def test_the_raw_figures_of_the_results_are_those_of_the_weights(project: Path) -> None:
    """Every PSNR / SSIM of the synthetic RAW tables, as recorded next to the weights that they belong to."""
    text = (project / "docs" / "results.md").read_text(encoding="utf-8").partition("## Synthetic RAW")[2]
    compared = 0
    for sensor, table in zip(("base", "high"), text.split("Sensors at high ISO")[:2], strict=True):
        for name, *cells in re.findall(r"^\| `([\w.]+)`" + r" \| ([\d.]+ / [\d.]+)" * 4 + r" \|$", table, re.M):
            config = project / "weights" / name / "config.json"
            measured = json.loads(config.read_text()) if config.is_file() else {"metrics": {}}
            for ratio, cell in zip((10, 30, 100, 300), cells, strict=True):
                if figures := measured["metrics"].get(f"kodak24_{sensor}_iso_raw_{ratio}"):
                    assert cell == f"{figures['psnr']:.2f} / {figures['ssim']:.3f}", (name, sensor, ratio)
                    compared += 1
    assert compared >= 50


def test_the_leaderboard_page_is_written_from_its_record(project: Path) -> None:
    from explorer.evaluation.leaderboard import read_board
    from explorer.evaluation.leaderboard_text import board_markdown

    assert (project / "docs" / "leaderboard.md").read_text(encoding="utf-8") == board_markdown(read_board())
