"""Fits the learned rule for the amplification, `explorer/photo/light/brightness.npz`.

    python -m explorer.training.brightness DATA

DATA holds `lol/` and `sice/` (each `low/`, `high/`, `train.txt`, `val.txt`), and `clean/` and `clic/`, whose photos
count as well exposed. The target is the gain in linear light that brings a dark picture closest to its reference in
sRGB, in which PSNR is measured. Every picture is used several times: cropped, with a random gain (which shifts the
target), other white balances, paler colours like a camera's, noise, and with and without rounding to 8 bits. Random
draws depend only on the seed. Takes minutes on one core.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from explorer.atomic import replacing
from explorer.errors import ExplorerError
from explorer.photo import RgbPhoto
from explorer.photo.light import brightness
from explorer.photo.light.amplify import suggest_ratio
from explorer.photo.light.curves import display_of, linear_of
from explorer.training.data import Pair, Picture, list_pictures, read_pairs, read_picture

Array = NDArray[np.float64]

_SEED = 1
_SIDE = 192
"""Pixels along each side at which a picture is sampled."""
_VIEWS = {"lol": 12, "sice": 10, "clean": 8}
"""Number of views of each picture."""
_WEIGHT = {"lol": 0.6, "sice": 0.25, "clean": 0.15}
_UNITS = 128
_PENALTY = 10.0
"""Penalty on the squared output weights; sample weights average 1."""
_CURVE = linear_of(np.arange(256, dtype=np.float32) / 255)
_GAINS = (-5.0, 2.0)
"""Range of the random gain, in stops; limited so that no picture becomes too bright."""


@dataclass(frozen=True)
class Samples:
    """Features of light maps, and the rule's targets."""

    figures: Array
    """N x 13."""
    levels: Array
    """N: logarithmic means of the light, in stops."""
    gains: Array
    """N: the best gains, in stops."""


def best_gain(light: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """Returns the gain in stops that brings light closest to a reference, by least squares in sRGB.

    Args:
        light: N x 3 linear.
        reference: N x 3 sRGB in [0, 1].
    """

    def error(stops: float) -> float:
        return float(np.square(display_of(np.clip(light * np.float32(2**stops), 0, 1)) - reference).mean())

    places = np.arange(-2.0, 9.0, 0.5)
    nearest = int(np.argmin([error(each) for each in places]))
    low, high = places[max(nearest - 1, 0)], places[min(nearest + 1, len(places) - 1)]
    for _ in range(9):  # golden section
        a, b = low + 0.382 * (high - low), low + 0.618 * (high - low)
        low, high = (low, b) if error(a) < error(b) else (a, high)
    return float(low + high) / 2


def _sampled(picture: Picture) -> Picture:
    rows, columns = (np.linspace(0, n - 1, min(n, _SIDE)).astype(int) for n in picture.shape[:2])
    return picture[rows][:, columns]


def views(low: Picture, high: Picture | None, count: int, rng: np.random.Generator) -> Iterator[tuple[Array, float]]:
    """Yields a picture unchanged, and changed at random: its light, H x W x 3, and the best gain in stops.

    Args:
        low: at most 192 pixels along each side.
        high: its reference; None for a well-exposed picture.
    """

    def target(rows: slice, columns: slice) -> float:
        if high is None:
            return 0.0
        light, reference = (each[rows, columns][::2, ::2].reshape(-1, 3) for each in (low, high))
        return best_gain(_CURVE[light], (reference / 255).astype(np.float32))

    whole = target(slice(None), slice(None))
    yield _CURVE[low].astype(np.float64), whole
    for _ in range(count - 1):
        # A part of a well-exposed picture is well exposed too, even a plain wall.
        share = rng.uniform(0.15 if high is None else 0.6, 1)
        parts = []
        for length in low.shape[:2]:
            size = max(1, int(length * share))
            first = int(rng.integers(0, length - size + 1))
            parts.append(slice(first, first + size))
        best = target(parts[0], parts[1])
        stops = rng.uniform(_GAINS[0], min(_GAINS[1], best)) if high is None or rng.random() < 0.7 else 0.0
        light = _CURVE[low[parts[0], parts[1]]].astype(np.float64) * 2**stops * 2 ** rng.normal(0, 0.1, 3)
        if rng.random() < 0.4:
            pale = rng.uniform(0, 0.5)
            light = light * (1 - pale) + light.mean(axis=2, keepdims=True) * pale
        yield _stored(light, rng), best - stops


def _stored(light: Array, rng: np.random.Generator) -> Array:
    """Simulates a camera or a file: with or without noise, with or without rounding to 8 bits under the sRGB curve."""
    if rng.random() < 0.7:
        shot, read = 10 ** rng.uniform(-5, -3.3), 10 ** rng.uniform(-4, -2.8)
        light = light + np.sqrt(shot * light + read**2) * rng.standard_normal(light.shape)
    if rng.random() < 0.3:
        return np.minimum(light, 1)
    return _CURVE[np.rint(display_of(np.clip(light, 0, 1)) * 255).astype(int)].astype(np.float64)


def samples(pairs: list[tuple[Picture, Picture | None]], count: int, rng: np.random.Generator) -> Samples:
    """Makes the samples of pictures and their references to which the rule is fitted."""
    figures, levels, gains = [], [], []
    for low, high in pairs:
        for light, gain in views(_sampled(low), None if high is None else _sampled(high), count, rng):
            level, found = brightness.light_figures(brightness.cell_means(light.astype(np.float32)))
            figures.append(found)
            levels.append(level)
            gains.append(gain)
    return Samples(np.array(figures), np.array(levels), np.array(gains))


def fit(sets: dict[str, Samples], seed: int = _SEED) -> dict[str, Array]:
    """Fits the rule's parameters by least absolute errors (iteratively reweighted least squares)."""
    figures = np.concatenate([each.figures for each in sets.values()])
    wanted = np.concatenate([each.gains + each.levels for each in sets.values()])
    share = np.concatenate([np.full(len(each.gains), _WEIGHT[name] / len(each.gains)) for name, each in sets.items()])
    share /= share.mean()
    rng = np.random.default_rng(seed)
    inputs = figures.shape[1]
    rule = {
        "mean": figures.mean(axis=0),
        "deviation": figures.std(axis=0) + 1e-3,
        "weights": rng.standard_normal((inputs, _UNITS)) / np.sqrt(inputs),
        "biases": rng.uniform(-1, 1, _UNITS),
    }
    seen = brightness.hidden(figures, rule)
    penalty = _PENALTY * np.diag(np.r_[0, np.ones(seen.shape[1] - 1)])
    trust = np.ones(len(wanted))
    for _ in range(8):
        weighted = seen * (share * trust)[:, None]
        output = np.linalg.solve(weighted.T @ seen + penalty, weighted.T @ wanted)
        trust = 1 / np.maximum(np.abs(seen @ output - wanted), 0.15)
        trust /= trust.mean()
    return rule | {"output": output}


def write_rule(rule: dict[str, Array], path: Path) -> None:
    """Writes the parameters in single precision, atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, **{name: values.astype(np.float32) for name, values in rule.items()})  # type: ignore[arg-type]
    with replacing(path) as work:
        work.write_bytes(buffer.getvalue())


def errors(pairs: list[Pair]) -> dict[str, float]:
    """Returns median absolute errors, in stops, of the suggested ratios, by rule."""
    found: dict[str, list[float]] = {"learned": [], "percentile": []}
    for pair in pairs:
        photo = RgbPhoto((pair.low / 255).astype(np.float32), 8)
        low, high = (each.reshape(-1, 3)[::3] for each in (pair.low, pair.high))
        best = best_gain(_CURVE[low], (high / 255).astype(np.float32))
        for rule, each in found.items():
            each.append(np.log2(suggest_ratio(photo, rule).ratio) - best)  # type: ignore[arg-type]
    return {rule: float(np.median(np.abs(each))) for rule, each in found.items()}


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m explorer.training.brightness")
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path(brightness.__file__).with_name(brightness.PARAMETERS))
    options = parser.parse_args()
    rng = np.random.default_rng(_SEED)
    try:
        sets = {}
        for name in ("lol", "sice"):
            pairs = [(each.low, each.high) for each in read_pairs(options.data / name, "train.txt")]
            sets[name] = samples(list(pairs), _VIEWS[name], rng)
        files = [path for name in ("clean", "clic") for path in list_pictures(options.data / name).values()]
        sets["clean"] = samples([(read_picture(path), None) for path in files], _VIEWS["clean"], rng)
        write_rule(fit(sets), options.out)
        brightness._shipped.cache_clear()
        for name in ("lol", "sice"):
            found = errors(read_pairs(options.data / name, "val.txt"))
            words = ", ".join(f"{rule} {value:.2f}" for rule, value in found.items())
            sys.stdout.write(f"{name}: median error {words} stops\n")
    except ExplorerError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
