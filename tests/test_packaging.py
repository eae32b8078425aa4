"""pyproject.toml, requirements.txt, environment.yml and constraints.txt say the same; the README's commands exist."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import explorer

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Ranges = dict[str, str]
"""Canonical name on PyPI -> normalised range."""

CONDA_NAMES = {"pytorch": "torch"}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
IMPORT_NAMES = {"PIL": "pillow", "skimage": "scikit-image", "huggingface_hub": "huggingface-hub", "yaml": "pyyaml"}


@pytest.fixture(scope="session")
def pyproject(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text())


def ranges(lines: list[str]) -> Ranges:
    """Requirements that hold for every Python; those with a marker belong to pip alone."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): str(each.specifier) for each in parsed if each.marker is None}


def declared(pyproject: dict[str, Any], *extras: str) -> Ranges:
    project = pyproject["project"]
    lines = [*project["dependencies"]]
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return ranges(lines)


def in_requirements(text: str) -> Ranges:
    return ranges([line for line in text.splitlines() if line.strip() and not line.startswith("#")])


def in_environment(text: str) -> Ranges:
    lines: list[str] = []
    for entry in yaml.safe_load(text)["dependencies"]:
        lines += [line for line in entry["pip"] if not line.startswith("-e")] if isinstance(entry, dict) else [entry]
    found = ranges(lines)
    for ours in ("python", "pip"):
        found.pop(ours, None)
    return {canonicalize_name(CONDA_NAMES.get(name, name)): range_ for name, range_ in found.items()}


def test_requirements_for_spaces_are_in_step(project: Path, pyproject: dict[str, Any]) -> None:
    text = (project / "requirements.txt").read_text()
    assert in_requirements(text) == declared(pyproject, "fast", "heif")
    assert in_requirements(text.replace("gradio>=6.31", "gradio>=5")) != declared(pyproject, "fast", "heif")


def test_conda_environment_is_in_step(project: Path, pyproject: dict[str, Any]) -> None:
    text = (project / "environment.yml").read_text()
    # Ray, the site's generator and spandrel come with `make batch-test`, `make docs` and `make spandrel-test`, and with
    # the extras of those names.
    extras = set(pyproject["project"]["optional-dependencies"]) - {"ray", "docs", "spandrel"}
    everything = declared(pyproject, *extras)
    assert in_environment(text) == everything
    assert in_environment(re.sub(r"  - scipy.*\n", "", text)) != everything
    assert f"python{pyproject['project']['requires-python']}" in yaml.safe_load(text)["dependencies"]


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_every_dependency_once(project: Path, pyproject: dict[str, Any], python: str) -> None:
    lines = [
        line for line in (project / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")
    ]
    pins: dict[str, str] = {}
    for pin in map(Requirement, lines):
        if pin.marker is None or pin.marker.evaluate({"python_version": python, "python_full_version": f"{python}.0"}):
            name = canonicalize_name(pin.name)
            assert name not in pins, f"{name} is pinned twice for Python {python}"
            assert re.fullmatch(r"==[^,*]+", str(pin.specifier)), f"{pin} is not a pin"
            pins[name] = str(pin.specifier)[2:]
    tables = [pyproject["project"]["dependencies"], *pyproject["project"]["optional-dependencies"].values()]
    for requirement in (Requirement(line) for table in tables for line in table):
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            name = canonicalize_name(requirement.name)
            assert name in pins, f"{name} has no pin for Python {python}"
            assert pins[name] in requirement.specifier, f"{name} {pins[name]} is outside {requirement.specifier}"


def third_party_imports(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"explorer", "__future__"}


def test_every_import_of_the_package_is_a_declared_dependency(project: Path, pyproject: dict[str, Any]) -> None:
    optional = {"spaces"}  # used where a user has them, refused or passed over otherwise
    known = set(declared(pyproject, "exr", "fast", "heif", "notebooks", "onnx", "ray", "spandrel", "video")) | {
        "starlette",
        "uvicorn",
        "httpx",
        "fastapi",
        "anyio",
        "click",
        "orjson",
        "traitlets",
    }  # gradio's and, the last one, ipywidgets' own
    for name in third_party_imports(project / "explorer") - optional:
        assert canonicalize_name(IMPORT_NAMES.get(name, name)) in known, f"{name} is imported but not declared"


def test_version_and_entry_point(pyproject: dict[str, Any]) -> None:
    assert explorer.__version__ == pyproject["project"]["version"]
    module, _, attribute = pyproject["project"]["scripts"]["lowlight"].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_a_wheel_carries_weights_and_examples(pyproject: dict[str, Any]) -> None:
    wheel = pyproject["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"weights": "explorer/_weights"}
    assert wheel["packages"] == ["explorer"]


def readme_commands(project: Path) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", (project / "README.md").read_text(), flags=re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("lowlight ")]


def test_the_commands_of_the_readme_exist(project: Path) -> None:
    commands = readme_commands(project)
    assert len(commands) >= 4
    groups = ("weights", "space")
    named = {" ".join(words[1:3] if words[1] in groups else words[1:2]) for words in commands}
    for name in sorted(named):
        shown = subprocess.run(
            [sys.executable, "-m", "explorer", *name.split(), "--help"],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        )
        assert shown.returncode == 0, shown.stderr
        for words in (words for words in commands if " ".join(words[1:]).startswith(name)):
            for option in (word.partition("=")[0] for word in words[2:] if word.startswith("-")):
                assert re.search(rf"(?<!\S){re.escape(option)}(?!\S)", shown.stdout), f"{name} has no {option}"


def test_the_make_targets_of_the_readme_exist(project: Path) -> None:
    makefile = (project / "Makefile").read_text()
    wanted = set(re.findall(r"^(?:`)?make ([a-z]+)\b|`make ([a-z]+)`", (project / "README.md").read_text(), flags=re.M))
    targets = {name for pair in wanted for name in pair if name}
    assert {"app", "test", "help"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, flags=re.M), f"there is no target {target}"
