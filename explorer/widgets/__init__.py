"""Widgets for notebooks, each opened with one line, built on the same views as the app.

    import explorer

    explorer.widgets.restore("night.dng")
    explorer.widgets.compare("night.dng")
    explorer.widgets.retinex("night.dng")
    explorer.widgets.features("night.dng")

A photo is a path, the name of a bundled example ("still_life"), a file's bytes, a `Photo`, an H x W x 3 array, a tensor
or a Pillow image; without one, the first example opens. Every widget accepts uploads. The classroom's parts are `ask`,
`predict`, `check`, `play`, `replay` and `hand_in`. Modules are imported when they are first used, so `import
explorer.widgets` needs no ipywidgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from explorer.models import RestorationNet
    from explorer.weights.store import LoadedModel
    from explorer.widgets.compare_explorer import CompareExplorer
    from explorer.widgets.exercise import Exercise, Verdict
    from explorer.widgets.feature_explorer import FeatureExplorer
    from explorer.widgets.opening import Source
    from explorer.widgets.player import ReplayPlayer
    from explorer.widgets.playground import Playground
    from explorer.widgets.prediction import Prediction
    from explorer.widgets.restore_explorer import RestoreExplorer
    from explorer.widgets.retinex_explorer import RetinexExplorer
    from explorer.widgets.selection import ModelChoice

_HOME = {
    "CompareExplorer": "compare_explorer",
    "Exercise": "exercise",
    "FeatureExplorer": "feature_explorer",
    "Playground": "playground",
    "Prediction": "prediction",
    "ReplayPlayer": "player",
    "RestoreExplorer": "restore_explorer",
    "RetinexExplorer": "retinex_explorer",
    "Verdict": "exercise",
}
__all__ = [
    "ask",
    "as_model",
    "check",
    "compare",
    "features",
    "hand_in",
    "pictures",
    "play",
    "predict",
    "replay",
    "restore",
    "retinex",
    *_HOME,
]

PREVIEW_SIDE = 480
"""Default longest side, in pixels, at which widgets restore a photo."""


def _module(name: str) -> Any:
    """Imports one of this package's modules.

    Raises:
        ExplorerError: anywidget is not installed.
    """
    from importlib import import_module

    from explorer.errors import ExplorerError

    try:
        return import_module(f"explorer.widgets.{name}")
    except ModuleNotFoundError as error:
        if error.name not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        raise ExplorerError(
            "The widgets need anywidget, which is not installed; run `pip install anywidget`."
        ) from error


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(_module(_HOME[name]), name)
    raise AttributeError(f"module 'explorer.widgets' has no attribute {name!r}")


def restore(
    photo: Source | None = None,
    model: ModelChoice | None = None,
    ratio: float | str = "auto",
    *,
    strength: float = 100,
    max_side: int = PREVIEW_SIDE,
) -> RestoreExplorer:
    """Shows a photo before and after a model, with sliders for amplification and strength.

    Args:
        photo: a path, an example's name, a file's bytes, a `Photo`, an H x W x 3 array, a tensor or a Pillow image; the
            first example if None.
        model: a name of `explorer.list_models()` or a loaded model; the first network if None.
        ratio: amplification in linear light, 1 to 300, or "auto" for the model's own suggestion.
        strength: how much of the restoration is used, 0 (the developed photo) to 100 (the network's picture).
        max_side: longest side of the preview, in pixels.

    Returns:
        A widget with `photo`, `model`, `ratio`, `strength`, `result` and `error`. The widget shows its errors.
    """
    return _module("restore_explorer").RestoreExplorer(photo, model, ratio, strength=strength, max_side=max_side)


def compare(
    photo: Source | None = None,
    models: Sequence[ModelChoice] | None = None,
    ratio: float | str = "auto",
    *,
    reference: Source | None = None,
    max_side: int = PREVIEW_SIDE,
) -> CompareExplorer:
    """Compares several models on one photo under one zoom, with figures, time and cost.

    Args:
        photo: as in `restore`.
        models: names or loaded models; up to four installed ones if None.
        ratio: one ratio for all, or "auto" for each model's own suggestion.
        reference: the same scene with enough light; that of a bundled example is known.
        max_side: as in `restore`.
    """
    return _module("compare_explorer").CompareExplorer(photo, models, ratio, reference=reference, max_side=max_side)


def retinex(
    photo: Source | None = None,
    model: ModelChoice | None = None,
    ratio: float | str = "auto",
    *,
    max_side: int = 320,
) -> RetinexExplorer:
    """Splits a photo into reflectance and illumination, and lights it again by hand. Arguments as in `restore`."""
    return _module("retinex_explorer").RetinexExplorer(photo, model, ratio, max_side=max_side)


def features(
    photo: Source | None = None,
    model: ModelChoice | None = None,
    ratio: float | str = "auto",
    *,
    layer: str | None = None,
    max_side: int = 320,
) -> FeatureExplorer:
    """Shows the channels of a network's layers, each of which can be switched off. Arguments as in `restore`.

    Args:
        layer: a name of `explorer.inspect.layers`; one in the middle of the network if None.
    """
    return _module("feature_explorer").FeatureExplorer(photo, model, ratio, layer=layer, max_side=max_side)


def predict(
    question: str,
    answer: Any,
    *,
    options: Sequence[str] | None = None,
    unit: str = "",
    because: str = "",
    reveal: Callable[[], Any] | None = None,
) -> Prediction:
    """Asks for a prediction, then reveals the right answer.

    Args:
        question: text; HTML and LaTeX between dollar signs are shown as such.
        answer: one of `options`, or a number where there are none; a function of no arguments is called at the reveal.
        options: the possible answers.
        unit: of a number, e.g. "dB".
        because: why, shown after the answer.
        reveal: what to show after the answer: a function that gives a widget, a figure, or an object with a display.
    """
    return _module("prediction").Prediction(
        question, answer, options=options, unit=unit, because=because, reveal=reveal
    )


def ask(question: str, *, measured: Any = None, reveal: Callable[[], Any] | None = None) -> Prediction:
    """Asks one of the lessons' own questions; its text, answer and explanation are in the package, not in the notebook.

    Args:
        question: its name, e.g. "1.green".
        measured: what the answer is computed from, if the lesson measures it; a function without arguments is called at
            the reveal, so it can use results of later cells.
        reveal: as for `predict`.

    Raises:
        ExplorerError: there is no such question; the message lists the known ones.
    """
    return _module("questions").ask(question, measured, reveal)


def speak(language: str) -> None:
    """Sets the language of this session's checks, questions and controls.

    Args:
        language: "en" or "de".

    Raises:
        ExplorerError: there is no such language; the message lists the known ones.
    """
    from explorer.classroom import language as languages

    languages.speak(language)


def hand_in(lesson: str | int, name: str, folder: str | Path = ".") -> Path:
    """Writes the results of this session's checks and predictions for the teacher; `lowlight class collect` reads them.

    Args:
        lesson: its number, or a word that the teacher chose.
        name: the learner's.
        folder: where the file goes.

    Returns:
        The file, `lesson-NAME.json`.

    Raises:
        OutputError: it cannot be written.
    """
    from pathlib import Path

    from explorer.classroom import record

    return record.hand_in(lesson, name, Path(folder))


def check(exercise: str, answer: Any) -> Verdict:
    """Checks the answer to an exercise of the notebooks and says what is wrong with it.

    Args:
        exercise: its name, e.g. "1.levels".
        answer: a value or a function; `...` means not answered yet.

    Raises:
        ExplorerError: there is no such exercise; the message lists the known ones.
    """
    return _module("exercise").check(exercise, answer)


def replay(run: str | Path | Any, *, figure: str = "psnr") -> ReplayPlayer:
    """Plays a training: the same validation picture after every epoch, with its figure.

    Args:
        run: a run's folder, the name of weights with a `training` folder, or an `explorer.inspect.runs.Run`.
        figure: which validation figure stands next to the picture.
    """
    return _module("player").ReplayPlayer(run, figure=figure)


def as_model(net: RestorationNet, architecture: str, name: str = "mine", **conventions: Any) -> LoadedModel:
    """Makes a model for the widgets and `explorer.restore` from a network that a cell has built or trained.

    Args:
        net: it is copied, so that further training does not change the model.
        architecture: its name in the registry; the model is called "architecture.name".
        conventions: `input` and `output` as in a config of weights, where they are not the usual ones.

    Raises:
        ModelNotFoundError: there is no such architecture.
    """
    return _module("selection").as_model(net, architecture, name, **conventions)


def play(draw: Callable[..., Any], title: str = "", **controls: Any) -> Playground:
    """Shows a function with a control for each argument, and draws its result again when one is moved.

    Args:
        draw: takes the controls by name; returns pictures (title -> array), a plotly figure, HTML, or a list of those.
        title: shown above.
        controls: by argument, (lowest, highest, start), the same with "log" after it, or a list of words.
    """
    return _module("playground").Playground(draw, title, controls)


def pictures(titled: Any, *, tile_width: int = 250) -> Any:
    """Shows pictures in a row under one zoom, without controls.

    Args:
        titled: title -> H x W or H x W x 3 array in [0, 1]; "title | note" puts a note below.
        tile_width: minimum width of a picture, in pixels.
    """
    return _module("gallery").pictures(titled, tile_width=tile_width)
