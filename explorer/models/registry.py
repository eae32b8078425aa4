"""The descriptors of the architectures, known without building any: nothing here imports torch.

Every file of the package is found by itself. What it registers is read from its source first (the arguments of
`@register(...)` are constants), so that a list of models costs milliseconds; the file is imported, and torch with it,
when a network is built.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from explorer.errors import ModelNotFoundError

if TYPE_CHECKING:
    from explorer.models.base import RestorationNet

Domain = Literal["bayer", "packed", "xtrans", "rgb"]


@dataclass(frozen=True)
class SizeRequirements:
    """Sizes of input that a network takes. The Restorer pads to them once (reflect, then replicate) and crops back."""

    minimum: int = 1
    """Smallest height and width, in pixels of the network's own input tensor."""
    multiple_of: int = 1
    """Height and width must be `offset` more than a multiple of this."""
    offset: int = 0
    """1 for networks whose sizes must be 1 modulo `multiple_of`."""

    def padded(self, length: int) -> int:
        """The smallest permitted length that is at least `length`."""
        wanted = max(length, self.minimum)
        return wanted + (self.offset - wanted) % self.multiple_of


CHANNELS: dict[Domain, int] = {"bayer": 1, "packed": 4, "xtrans": 9, "rgb": 3}
"""Planes of each domain's tensor."""


@dataclass(frozen=True)
class Architecture:
    """The descriptor of an architecture."""

    name: str
    title: str
    """As a reader knows it, e.g. "Lamba & Mitra M0"."""
    domain: Domain
    summary: str
    """One line of what it is."""
    paper: str
    """Authors, title, venue, year; empty for textbook methods."""
    build: Callable[..., RestorationNet] = field(repr=False, compare=False)
    size: SizeRequirements = SizeRequirements()
    intermediates: tuple[str, ...] = ()
    """Names that `decompose` gives besides "image"."""
    needs_weights: bool = True
    """False for classical methods, which are ready to use by their architecture's name."""
    halo: int | None = None
    """See `RestorationNet.halo`."""
    global_statistics: bool = False
    """True where the result at a pixel depends on statistics of the whole picture, so that tiles would differ."""

    def create(self, **options: Any) -> RestorationNet:
        """The network, freshly initialised, in evaluation mode, knowing its sizes.

        Raises:
            TypeError: an option that the architecture does not have.
        """
        net = self.build(**options).eval()
        for name, default in (("size", self.size), ("halo", self.halo), ("input_channels", CHANNELS[self.domain])):
            if not hasattr(net, name):
                setattr(net, name, default)
        return net


_REGISTRY: dict[str, Architecture] = {}
_PACKAGE = "explorer.models"


def register(name: str, **descriptor: Any) -> Callable[[Callable[..., RestorationNet]], Callable[..., RestorationNet]]:
    """Class or function decorator that adds an architecture; its keyword arguments are `Architecture`'s fields.

    Their values are written as literals, module constants, `SizeRequirements(...)` and sums of those: what can be read
    without running the file.

    Raises:
        ValueError: the name is taken.
    """

    def add(build: Callable[..., RestorationNet]) -> Callable[..., RestorationNet]:
        # The package's own files are compared with each other where their sources are read.
        outside = not build.__module__.startswith(f"{_PACKAGE}.")
        if name in _REGISTRY or (outside and name in _described()):
            raise ValueError(f"Two architectures are called {name!r}; rename one.")
        _REGISTRY[name] = Architecture(name=name, build=build, **descriptor)
        return build

    return add


def _deferred(name: str, module: str) -> Callable[..., RestorationNet]:
    """Builds an architecture whose file is imported only then."""

    def build(**options: Any) -> RestorationNet:
        importlib.import_module(module)
        return _REGISTRY[name].build(**options)

    return build


def registrations(source: str, module: str) -> list[Architecture]:
    """What a file registers, read from its source.

    Raises:
        ValueError: a name or an argument that is no constant, so that the file must be imported to know it.
    """
    tree = ast.parse(source)
    constants: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            constants |= {target.id: statement.value for target in statement.targets if isinstance(target, ast.Name)}

    def value(node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in constants:
            return value(constants[node.id])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return value(node.left) + value(node.right)
        if isinstance(node, ast.Tuple):
            return tuple(value(each) for each in node.elts)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == SizeRequirements.__name__:
            arguments = {str(each.arg): value(each.value) for each in node.keywords}
            return SizeRequirements(*(value(each) for each in node.args), **arguments)
        return ast.literal_eval(node)

    found = []
    for statement in tree.body:
        for mark in getattr(statement, "decorator_list", ()):
            if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == register.__name__:
                name = str(value(mark.args[0]))
                fields = {str(each.arg): value(each.value) for each in mark.keywords}
                found.append(Architecture(name=name, build=_deferred(name, module), **fields))
    return found


@cache
def _described() -> dict[str, Architecture]:
    """Descriptors of the package's own files by name, from their sources where these can be read."""
    found: dict[str, Architecture] = {}
    package = find_spec(_PACKAGE)
    for each in pkgutil.iter_modules(package.submodule_search_locations if package else None):
        module = f"{_PACKAGE}.{each.name}"
        spec = find_spec(module)
        try:
            source = Path(str(spec.origin if spec else "")).read_text(encoding="utf-8")
            listed = registrations(source, module)
        except (OSError, ValueError, TypeError, IndexError, UnicodeDecodeError):
            before = set(_REGISTRY)  # compiled files alone, or arguments that only running the file tells
            importlib.import_module(module)
            listed = [_REGISTRY[name] for name in set(_REGISTRY) - before]
        for descriptor in listed:
            if descriptor.name in found:
                raise ValueError(f"Two architectures are called {descriptor.name!r}; rename one.")
            found[descriptor.name] = descriptor
    return found


def architectures() -> dict[str, Architecture]:
    """All registered architectures by name, sorted."""
    return dict(sorted({**_described(), **_REGISTRY}.items()))


def architecture(name: str) -> Architecture:
    """One descriptor.

    Raises:
        ModelNotFoundError: unknown name; the message lists the known ones.
    """
    known = architectures()
    if name not in known:
        raise ModelNotFoundError(f"There is no architecture {name!r}; the known ones are {', '.join(known)}.")
    return known[name]


def create_model(name: str, **options: Any) -> RestorationNet:
    """Builds a network with freshly initialised parameters, in evaluation mode.

    Args:
        name: an architecture's name, e.g. "lamba_m0".
        options: the architecture's own arguments, e.g. `width=32`.

    Raises:
        ModelNotFoundError: unknown name, an option that the architecture does not have, or a value that it cannot take.
    """
    descriptor = architecture(name)
    try:
        if "width" in options and index(options["width"]) < 1:  # torch builds layers without channels, and warns alone
            raise ValueError("width must be at least 1")
        return descriptor.create(**options)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
        raise ModelNotFoundError(
            f"The architecture {name!r} cannot be built with {options}: {reason}; choose other options."
        ) from error
