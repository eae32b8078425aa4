"""The arrows of docs/architecture.md, held by reading the imports; sizes and habits that keep the tree clean."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

RESULTS = (
    "loading", "restorer", "windows", "restoration", "encode", "saving", "sidecar", "negative", "scene_linear",
)  # fmt: skip
"""Modules beside the rooms that make results; `restore` in docs/architecture.md."""

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": ("messages",),
    "messages": (),
    "choices": (),
    "formats": (),
    "identity": (),
    "machine": (),
    "metrics": (),
    "atomic": (),
    "discovery": (),
    "steps": (),
    "photo": ("errors", "choices", "messages", "formats", "atomic", "machine", "sandbox"),
    "sandbox": ("errors", "photo"),
    "models": ("errors", "choices", "machine", "discovery", "steps"),
    "examples": (),
    "classroom": ("errors", "atomic"),
    "weights": ("errors", "choices", "metrics", "identity", "machine", "atomic", "discovery", "models"),
    "darkroom": ("errors", "photo", "encode", "saving"),
    "training": (
        "errors",
        "metrics",
        "formats",
        "identity",
        "atomic",
        "machine",
        "photo",
        "models",
        "weights",
        "darkroom",
        "saving",
    ),  # fmt: skip
    "hub": ("errors", "choices", "metrics", "machine", "atomic", "models", "weights"),
    "engine": ("errors", "messages", "atomic", "machine", "steps", "models"),
    "sources": ("errors", "messages", "discovery", "models", "weights", "hub"),
    "loading": ("errors", "machine", "models", "weights", "sources", "engine"),
    "restorer": (
        "loading",
        "messages", "steps", "photo", "models", "weights", "engine", "restoration",
        "darkroom",
    ),  # fmt: skip
    "windows": ("choices", "photo", "models", "restorer"),
    "restoration": ("encode", "saving", "negative", "scene_linear"),
    "negative": ("errors", "messages", "photo", "encode", "saving", "sidecar", "restoration"),
    "scene_linear": ("photo", "restoration"),
    "encode": ("errors", "atomic", "photo", "saving"),
    "saving": ("errors",),
    "sidecar": ("errors", "choices", "photo", "engine", "encode", "restoration"),
    "inspect": (
        "errors", "choices", "machine", "photo", "models", "weights", "engine", "evaluation", *RESULTS,
    ),  # fmt: skip
    "views": ("metrics", "photo", "models", "restoration"),
    "evaluation": (
        "errors",
        "metrics",
        "formats",
        "machine",
        "photo",
        "weights",
        "training",
        "darkroom",
        *RESULTS,
    ),  # fmt: skip
    "video": ("errors", "sandbox", "formats", "identity", "photo", "atomic", "weights", *RESULTS),
    "batch": (
        "errors", "choices", "atomic", "formats", "identity", "machine", "photo", "weights", "evaluation", *RESULTS,
    ),  # fmt: skip
    "logs": (),
    "gradio_internals": ("messages",),
    "server": ("errors", "photo", "messages", "gradio_internals"),
    "app": (
        "errors",
        "choices",
        "messages",
        "metrics",
        "machine",
        "discovery",
        "steps",
        "formats",
        "photo",
        "sandbox",
        "weights",
        "hub",
        "views",
        "examples",
        "inspect",
        "evaluation",
        "server",
        "gradio_internals",
        "atomic",
        "darkroom",
        "video",
        *RESULTS,
    ),
    "widgets": (
        "errors",
        "metrics",
        "formats",
        "photo",
        "models",
        "weights",
        "views",
        "examples",
        "inspect",
        "evaluation",
        "classroom",
        *RESULTS,
    ),
    "cli": (
        "errors",
        "choices",
        "messages",
        "metrics",
        "machine",
        "formats",
        "identity",
        "atomic",
        "photo",
        "weights",
        "hub",
        "sources",
        "views",
        "app",
        "training",
        "inspect",
        "evaluation",
        "batch",
        "darkroom",
        "classroom",
        "video",
        "server",
        "logs",
        *RESULTS,
    ),
    "__main__": ("cli",),
}  # fmt: skip
"""Which parts of `explorer` each part may import, itself and the bare package aside. A part that is not named here
is a new one: add it where docs/architecture.md says it belongs."""

FORBIDDEN: dict[str, tuple[str, ...]] = {
    "photo": ("torch", "gradio"),
    "sandbox": ("torch", "gradio", "rawpy"),
    "darkroom": ("torch", "gradio", "rawpy"),
    "video": ("gradio", "rawpy"),
    "models": ("rawpy", "gradio", "PIL", "tifffile", "huggingface_hub"),
    "weights": ("rawpy", "gradio"),
    "hub": ("rawpy", "gradio"),
    "sources": ("rawpy", "gradio", "torch"),
    "training": ("rawpy", "gradio"),
    "engine": ("rawpy", "gradio", "PIL"),
    "restorer": ("gradio",),
    "restoration": ("gradio",),
    "evaluation": ("gradio",),
    "inspect": ("gradio", "rawpy"),
    "sidecar": ("gradio", "rawpy", "torch"),
    "batch": ("gradio", "rawpy"),
    "server": ("rawpy", "torch"),
    "widgets": ("gradio", "rawpy"),
    "views": ("torch", "gradio", "rawpy"),
    "examples": ("torch", "gradio", "rawpy"),
    "classroom": ("torch", "gradio", "rawpy"),
}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".ipynb", ".js", ".css", ".html", ".cfg", ""}
MEBIBYTE = 2**20


def imports(source: str, module: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in the file the import stands, `TYPE_CHECKING` blocks aside."""
    typing_only: set[ast.AST] = set()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing_only |= {inner for statement in node.body for inner in ast.walk(statement)}
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import in line {node.lineno}; write the full name"
            yield node.module or ""
            # `from explorer import photo` names a part, `from explorer import open_photo` the public API.
            if node.module == "explorer":
                yield from (f"explorer.{alias.name}" for alias in node.names if alias.name in MAY_IMPORT)
            elif (node.module or "").startswith("explorer."):
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path, package: Path) -> str:
    return path.relative_to(package).with_suffix("").parts[0]


def breaches(source: str, part: str, module: str = "") -> list[str]:
    """What a file of `part` imports against the two tables."""
    found = []
    for name in imports(source, module):
        first, _, rest = name.partition(".")
        if first == "explorer" and rest:
            target = rest.split(".")[0]
            if target != part and target not in MAY_IMPORT[part]:
                found.append(f"{module}: {part} imports {name}")
        elif first in FORBIDDEN.get(part, ()):
            found.append(f"{module}: {part} imports {name}")
    return found


def test_arrows_point_down(project: Path) -> None:
    package = project / "explorer"
    found: list[str] = []
    for path in sorted(package.rglob("*.py")):
        part = part_of(path, package)
        if part == "__init__":
            continue
        assert part in MAY_IMPORT, f"{part} has no place in the table of arrows"
        found += breaches(path.read_text(), part, str(path.relative_to(project)))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("photo", "from explorer.models import create_model"),
        ("models", "from explorer import photo"),
        ("training", "import rawpy"),
        ("views", "def show():\n    import gradio as gr"),
        ("app", "from explorer.models.lamba import M0"),
        ("weights", "from explorer.restorer import restore"),
    ],
)
def test_the_arrows_notice_a_breach(part: str, line: str) -> None:
    assert breaches(line, part)


def test_no_arrow_is_allowed_for_nothing(project: Path) -> None:
    """The result makers aside, which are allowed together."""
    needed: dict[str, set[str]] = {}
    for path in (project / "explorer").rglob("*.py"):
        names = [name.split(".") for name in imports(path.read_text(), str(path))]
        part = part_of(path, project / "explorer")
        needed.setdefault(part, set()).update(name[1] for name in names if name[0] == "explorer" and name[1:])
    idle = {part: set(allowed) - needed[part] - set(RESULTS) for part, allowed in MAY_IMPORT.items()}
    assert not {part: names for part, names in idle.items() if names}


def circles(arrows: dict[str, set[str]]) -> set[str]:
    """What is part of a circle or leads to one."""
    rest = {start: set(ends) for start, ends in arrows.items()}
    while leaves := {start for start, ends in rest.items() if not ends & rest.keys()}:
        rest = {start: ends for start, ends in rest.items() if start not in leaves}
    return set(rest)


def test_a_circle_is_noticed() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) >= {"b", "c"}


@cache
def files_and_arrows(project: Path) -> tuple[dict[str, Path], dict[str, set[str]]]:
    """The package's modules, and which of them each imports wherever the import stands; what only type checkers read
    aside."""
    files = {
        ".".join(path.relative_to(project).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (project / "explorer").rglob("*.py")
    }
    arrows = {}
    for module, path in files.items():
        # `from explorer.batch import addresses` names a file of the package, `from explorer.batch.run import X` a file.
        named = set(imports(path.read_text(), module))
        arrows[module] = {name for name in named if name in files and files[name].name != "__init__.py"} - {module}
    return files, arrows


def test_no_circle_between_files(project: Path) -> None:
    assert not circles(files_and_arrows(project)[1])


ROW = re.compile(r"^\| (\d+) \| `([\w/.]+)` \| `(\w+)` \| (page|\d+) \|", re.MULTILINE)


def test_the_path_of_a_photograph_is_the_codes(project: Path) -> None:
    """The table of docs/architecture.md: at most 18 hops, each made by one before it, and none that leads back up."""
    rows = ROW.findall((project / "docs" / "architecture.md").read_text())
    assert [int(number) for number, *_ in rows] == list(range(1, len(rows) + 1)) and 10 < len(rows) <= 18
    files, arrows = files_and_arrows(project)
    modules = [f"explorer.{file.removesuffix('.py').replace('/', '.')}" for _, file, _, _ in rows]
    for (number, file, function, caller), module in zip(rows, modules, strict=True):
        tree = ast.parse(files[module].read_text())
        assert function in {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}, f"{file}: {function}"
        if caller != "page":
            before = modules[int(caller) - 1]
            assert int(caller) < int(number), file
            assert re.search(rf"\b{function}\(", files[before].read_text()), f"{before} does not call {function}"
            below, waiting = set(), [module]
            while waiting:
                new = arrows[waiting.pop()] - below
                below |= new
                waiting += new
            assert before not in below, f"{module} leads back to {before}"


def test_only_the_command_line_reaches_for_the_app(project: Path) -> None:
    assert [part for part, allowed in MAY_IMPORT.items() if "app" in allowed] == ["cli"]
    assert [part for part, allowed in MAY_IMPORT.items() if "cli" in allowed] == ["__main__"]


def closure(project: Path, start: str) -> set[str]:
    """Everything that importing a module runs: imports at the top level of it and of what it imports in `explorer`."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        path = project.joinpath(*name.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if name.split(".")[0] != "explorer" or not file.is_file():
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {name.split(".")[0] for name in seen}


def test_training_needs_neither_rawpy_nor_gradio_to_be_installed(project: Path) -> None:
    for path in sorted((project / "explorer" / "training").rglob("*.py")):
        name = ".".join(path.relative_to(project).with_suffix("").parts).removesuffix(".__init__")
        assert not closure(project, name) & {"rawpy", "gradio"}, name


def test_the_public_package_imports_nothing_heavy(project: Path) -> None:
    assert not closure(project, "explorer") & {"torch", "numpy", "gradio", "rawpy", "PIL", "scipy"}


def tracked(project: Path) -> list[Path]:
    """Files under version control or about to be; without git, everything that is not a cache or an environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0 and listed.stdout:
        files = [project / name for name in listed.stdout.split("\0") if name]
    else:
        ignored = {"build", "dist", "out", "runs", "__pycache__"}
        files = [
            path
            for path in project.rglob("*")
            if not any(p.startswith(".") or p in ignored for p in path.relative_to(project).parts)
        ]
    return [path for path in files if path.is_file()]


def test_no_absolute_path_of_a_machine(project: Path) -> None:
    pattern = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/[\w.-]+")
    found = []
    for path in tracked(project):
        if path.suffix in TEXT_SUFFIXES:
            for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1):
                if match := pattern.search(line):
                    found.append(f"{path.relative_to(project)}:{number}: {match[0]}")
    assert not found, "\n".join(found)


def long_functions(source: str) -> set[str]:
    """Names of the functions of more than 60 lines, with their signatures and docstrings."""
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {n.name for n in functions if n.end_lineno is not None and n.end_lineno - n.lineno >= 60}


def test_the_length_of_a_function_is_counted() -> None:
    body = "\n".join("    x = 1" for _ in range(59))
    assert long_functions(f"def f():\n{body}\n") == set()
    assert long_functions(f"class A:\n  def f(self):\n{body}\n    x = 1\n") == {"f"}


def test_functions_are_short(project: Path) -> None:
    """Networks aside, whose forward passes read best in one piece."""
    package = project / "explorer"
    found = {path.relative_to(package).as_posix(): long_functions(path.read_text()) for path in package.rglob("*.py")}
    assert not {name: names for name, names in found.items() if names and not name.startswith("models/")}


def test_python_files_are_short(project: Path) -> None:
    """400 lines in the package, 500 elsewhere: a test's table of cases may be long."""
    lengths = {path: len(path.read_text().splitlines()) for path in tracked(project) if path.suffix == ".py"}
    assert len(lengths) > 20
    most = {path: 400 if path.is_relative_to(project / "explorer") else 500 for path in lengths}
    assert not {str(path): length for path, length in lengths.items() if length > most[path]}


def keys_by_address(source: str) -> list[int]:
    """Lines that use `id`, which another object may have later, or search a list with `is` in its place."""
    found = []
    for node in ast.walk(ast.parse(source)):
        searched = isinstance(node, ast.GeneratorExp) and isinstance(node.elt, ast.Compare) and node.elt
        compared = searched and isinstance(searched.ops[0], ast.Is | ast.IsNot) and searched.comparators[0]
        if isinstance(node, ast.Name) and node.id == "id" or compared and not isinstance(compared, ast.Constant):
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("line", ["d[id(x)] = 1", "sorted(a, key=id)", "if any(x is y for y in seen):\n    pass"])
def test_a_key_by_address_is_noticed(line: str) -> None:
    assert keys_by_address(line) == [1] and not keys_by_address("any(x is None for x in a) or a.id(x)")


def test_no_id_as_a_key(project: Path) -> None:
    found = {str(path): keys_by_address(path.read_text()) for path in (project / "explorer").rglob("*.py")}
    assert not {path: lines for path, lines in found.items() if lines}


def test_the_package_prints_only_on_the_command_line(project: Path) -> None:
    found = []
    for path in sorted((project / "explorer").rglob("*.py")):
        if part_of(path, project / "explorer") == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                found.append(f"{path.relative_to(project)}:{node.lineno}")
    assert not found, "\n".join(found)


def test_bundled_files_stay_small(project: Path) -> None:
    sizes = {path: path.stat().st_size for path in (project / "weights").rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 96 * MEBIBYTE
    assert not [path for path, size in sizes.items() if size > 32 * MEBIBYTE]
    examples = [path.stat().st_size for path in (project / "explorer" / "examples").iterdir() if path.is_file()]
    assert sum(examples) < 3 * MEBIBYTE
