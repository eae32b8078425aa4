"""Compares several models and ratios on one photo: results, metrics, time and cost, one row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import explorer
from explorer.inspect.cost import Cost, cost
from explorer.photo import Photo, check_ratio

if TYPE_CHECKING:
    from explorer.evaluation.metrics import Scores
    from explorer.restoration import Restoration
    from explorer.weights.store import LoadedModel


@dataclass(frozen=True)
class Compared:
    """One model at one ratio."""

    model: str
    restoration: Restoration
    scores: Scores | None
    """Metrics against the reference; None without one."""
    cost: Cost | None
    """None for classical methods."""
    parameters: int


def compare(
    photo: Photo,
    models: Sequence[str | LoadedModel],
    ratios: Iterable[float | str] = ("auto",),
    *,
    reference: NDArray[np.float32] | None = None,
    max_side: int | None = None,
) -> Iterator[Compared]:
    """Restores a photo with every model at every ratio, and yields each result as soon as it is ready.

    Args:
        models: names of `explorer.list_models()`, or loaded models.
        ratios: numbers from 1 to 300, or "auto" for the model's own suggestion.
        reference: H x W x 3 sRGB in [0, 1] of the results' size, to measure against.
        max_side: reduce the photo first.

    Raises:
        RatioError, ModelNotFoundError, WeightsError: as `explorer.restore`, when that model is reached.

    Examples:
        >>> import explorer
        >>> cat = explorer.open_photo(explorer.examples.examples()[2].path)
        >>> [(c.model, c.restoration.ratio) for c in explorer.compare(cat, ["gamma", "clahe"], [4, 8], max_side=64)]
        [('gamma', 4.0), ('gamma', 8.0), ('clahe', 4.0), ('clahe', 8.0)]
    """
    from explorer.evaluation.metrics import measure  # imported here, because it imports torch

    wanted = list(ratios)
    for model in models:
        name, loaded = (model, explorer.load_model(model)) if isinstance(model, str) else (model.name, model)
        for ratio in wanted:
            result = explorer.restore(photo, loaded, ratio, max_side=max_side)
            height, width = result.image.shape[:2]
            scores = measure(result.image, reference) if reference is not None else None
            yield Compared(
                name,
                result,
                scores,
                cost(loaded, width, height),
                loaded.config.parameters,
            )


def sweep_ratios(low: float, high: float, count: int) -> list[float]:
    """Returns `count` ratios from low to high in a geometric series, as rounded numbers.

    Raises:
        RatioError: a bound is not a number from 1 to 300.
    """
    low, high = check_ratio(low), check_ratio(high)
    return [float(f"{value:.3g}") for value in np.geomspace(low, high, max(2, count))]
