"""What is said of answers that are no answers: blanks, code that raises, results that cannot be looked at."""

from __future__ import annotations

import linecache
import textwrap
from typing import Any

import numpy as np
import pytest
import torch

from explorer import widgets

pytest.importorskip("ipywidgets")


def written(source: str, name: str = "answer") -> Any:
    """A function as a cell defines it, its source known to `inspect` as a notebook's is."""
    source = textwrap.dedent(source)
    file = f"<cell {abs(hash(source))}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope: dict[str, Any] = {"np": np, "torch": torch}
    exec(compile(source, file, "exec"), scope)
    return scope[name]


@pytest.mark.parametrize(
    "source",
    [
        "def answer(x, y):\n    ...",
        "def answer(x, y): ...",
        'def answer(x, y):\n    """What it does."""\n    ...',
        "def answer(x, y):\n    return ...  # one line",
    ],
)
def test_only_a_body_of_dots_is_unwritten(source: str) -> None:
    assert widgets.check("8.l1", written(source)).right is None


@pytest.mark.parametrize(
    "source",
    [
        "def answer(x, y):\n    return np.abs(x[...] - y[..., :]).mean()",
        "from typing import Callable\ndef answer(x, y):\n    f: Callable[..., int] = np.mean\n    return f(abs(x - y))",
        "def answer(x, y):\n    out = np.empty_like(x)\n    out[...] = x - y\n    return np.abs(out).mean()",
        "def answer(x, y):\n    '''Not ... but this.'''\n    return np.abs(x - y).mean()",
    ],
)
def test_dots_in_an_answer_are_no_blank(source: str) -> None:
    assert widgets.check("8.l1", written(source)).right is True


@pytest.mark.parametrize(
    ("body", "kind", "line"),
    [
        ("a = x - y\n    b = a.nothing()\n    return b", "AttributeError", 3),
        ("return torch.ones(2, requires_grad=True).numpy()", "RuntimeError", 2),
        ("raise SystemExit('bye')", "SystemExit", 2),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", 2),
        ("raise BaseException('all of\\nit')", "BaseException", 2),
        ("def deeper(v):\n        return 1 / 0\n    return deeper(x)", "ZeroDivisionError", 3),
        ("return answer(x, y)", "RecursionError", 2),
        ("light = ...\n    return light * x", "TypeError", 3),
        ("return torch.ones(2) @ torch.ones(3)", "RuntimeError", 2),
    ],
)
def test_what_an_answer_raises_is_one_sentence_with_its_line(body: str, kind: str, line: int) -> None:
    verdict = widgets.check("8.l1", written(f"def answer(x, y):\n    {body}"))
    assert verdict.right is False
    assert f"raised {kind}" in verdict.sentence and f"line {line}, `" in verdict.sentence, verdict.sentence
    assert "\n" not in verdict.sentence


def test_a_result_that_cannot_even_be_looked_at_is_a_sentence() -> None:
    class Hostile:
        def __float__(self) -> float:
            raise OSError("no")

        def __array__(self, *args: Any, **options: Any) -> Any:
            raise MemoryError("no")

    for exercise, answer in (
        ("1.levels", Hostile()),
        ("8.l1", lambda x, y: Hostile()),
        ("6.measure", lambda w, c: [w() for _ in range(9)] and c() and Hostile()),
    ):
        verdict = widgets.check(exercise, answer)
        assert verdict.right is False and "Hostile" in verdict.sentence


def test_a_case_is_named_as_the_learner_names_its_arguments() -> None:
    verdict = widgets.check("1.black", written("def answer(counts, black, white):\n    return counts"))
    assert verdict.sentence.startswith("For counts = [1024, 8704, 16383], black = 1024, white = 16383: the value at")
    two = widgets.check("3.psnr", written("def answer(image, reference):\n    return image.mean()"))
    assert two.sentence.startswith("For image = an array of shape (4, 4, 3), reference = an array of shape (4, 4, 3):")
    assert widgets.check("8.step", lambda *every: 7.0).sentence.startswith("For 1, 2, 0.1:")


@pytest.mark.parametrize(
    "body",
    [
        "return max(0, x)",
        "if v <= 0.04:\n        return v / 12.92\n    return v**2.4",
        "import math\n    return math.sqrt(v)",
        "return float(v)",
    ],
)
def test_code_for_one_number_is_told_of_the_array(body: str) -> None:
    verdict = widgets.check("1.to_linear", written(f"def answer(v):\n    x = v\n    {body}"))
    assert verdict.right is False and "np.where, np.minimum" in verdict.sentence, verdict.sentence


def test_an_array_in_place_of_a_number_is_said_without_brackets_of_nothing() -> None:
    verdict = widgets.check("8.step", lambda w, g, r: np.array([w, g]))
    assert "should be one number, but it is an array of shape (2,)" in verdict.sentence
