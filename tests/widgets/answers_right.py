"""Right answers to every exercise, as learners write them, and the functions that they are made of."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from explorer.photo import linear_to_srgb, srgb_to_linear


def as_leaf(values: Any) -> torch.Tensor:
    """A tensor that wants its gradient."""
    return torch.tensor(np.asarray(values, np.float64), requires_grad=True)


def numbers_like(right: float) -> list[Any]:
    """One number in the types that a cell may hold it in."""
    return [right, np.float32(right), np.array([right]), torch.tensor(right), as_leaf([right]), str(right),
            Fraction(right), [right]]  # fmt: skip


def ssim_from(mx: Any, my: Any, vx: Any, vy: Any, vxy: Any, c1: float = 1e-4, c2: float = 9e-4) -> Any:
    return (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))


def ssim_of_cov(x: Any, y: Any) -> Any:
    c = np.cov(x.ravel(), y.ravel())
    return ssim_from(x.mean(), y.mean(), c[0, 0], c[1, 1], c[0, 1])


def ssim_of_tensors(x: Any, y: Any) -> torch.Tensor:
    x, y = as_leaf(x), as_leaf(y)
    return ssim_from(
        x.mean(), y.mean(), x.var(unbiased=False), y.var(unbiased=False), (x * y).mean() - x.mean() * y.mean()
    )


def ssim_of_unbiased(x: Any, y: Any) -> torch.Tensor:
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    vxy = ((x - x.mean()) * (y - y.mean())).sum() / (x.numel() - 1)
    return ssim_from(x.mean(), y.mean(), x.var(), y.var(), vxy)


def curve_by_loop(x: Any, r: float, times: int = 8) -> Any:
    for _ in range(times):
        x = x + r * (x**2 - x)
    return x


def out_of_place(x: Any, r: float) -> Any:
    out = np.zeros_like(x)
    out[...] = x
    for _ in range(8):
        out[..., :] = out - r * out * (1 - out)
    return out


def passes(x: Any, target: Any, r: float) -> tuple[Any, Any]:
    one = x + r * (x**2 - x)
    two = one + r * (one**2 - one)
    one_by_r = x**2 - x
    two_by_r = one_by_r + one**2 - one + r * (2 * one * one_by_r - one_by_r)
    return ((two - target) ** 2).mean(), (2 * (two - target) * two_by_r).mean()


def by_autograd(x: Any, target: Any, r: float) -> tuple[Any, ...]:
    r = as_leaf(r)
    loss = ((curve_by_loop(torch.as_tensor(x), r, 2) - torch.as_tensor(target)) ** 2).mean()
    loss.backward()
    return loss, r.grad


def to_linear_in_place(v: Any) -> Any:
    v = np.asarray(v).copy()
    low = v <= 0.04045
    v[low] /= 12.92
    v[~low] = ((v[~low] + 0.055) / 1.055) ** 2.4
    return v


def timed(pick: Any, warm: int = 1, count: int = 7, keep: slice = slice(None)) -> Any:
    def measure(work: Any, clock: Any) -> Any:
        for _ in range(warm):
            work()
        seconds = []
        for _ in range(count):
            start = clock()
            work()
            seconds.append(clock() - start)
        return pick(seconds[keep])

    return measure


def own_clock(work: Any, clock: Any) -> float:
    import time

    work()
    seconds = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def rate(light: Any, high: float = 98, low: float = 50, pick: Any = min, most: float = 300) -> Any:
    return np.clip(pick(0.18 / np.percentile(light, low), 1 / np.percentile(light, high)), 1, most)


def tiled(plane: Any, f: int) -> Any:
    h, w = plane.shape
    return plane.reshape(h // f, f, w // f, f).transpose(1, 3, 0, 2).reshape(f * f, h // f, w // f)


def front_sorted(points: Any) -> Any:
    return [
        i for i, (s, q) in enumerate(points) if all(not (a <= s and b >= q and (a < s or b > q)) for a, b in points)
    ]


def gan(z: Any, real: bool) -> Any:
    return np.logaddexp(0, -z if real else z).mean()


def nan_of(*_: Any) -> Any:
    return float("nan")


RIGHT: dict[str, list[Any]] = {
    "1.levels": [*numbers_like(153.59), 153, 154, torch.tensor([[153.59]])],
    "1.black": [
        lambda c, b, w: (c - b) / (w - b),
        lambda c, b, w: (torch.as_tensor(c.astype(float)) - b) / (w - b),
        lambda c, b, w: as_leaf(c.astype(float) - b) / (w - b),
        lambda c, b, w: np.polyval([1 / (w - b), -b / (w - b)], c),
        lambda c, b, w: ((np.float32(c) - b) / (w - b)).tolist(),
        lambda counts, black, white: (counts.double() - black) / (white - black),  # wants a tensor
        lambda c, b, w: np.subtract(c[..., None], b, dtype=float)[..., 0] / (w - b),
    ],
    "1.to_linear": [
        to_linear_in_place,
        srgb_to_linear,
        lambda v: srgb_to_linear(np.float32(v)).tolist(),
        lambda v: np.select([v <= 0.04045], [v / 12.92], ((v + 0.055) / 1.055) ** 2.4),
        lambda v: torch.where(as_leaf(v) <= 0.04045, as_leaf(v) / 12.92, ((as_leaf(v) + 0.055) / 1.055) ** 2.4),
        lambda v: (v <= 0.04045) * v / 12.92 + (v > 0.04045) * ((v + 0.055) / 1.055) ** 2.4,
        lambda v: torch.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4),  # wants a tensor
    ],
    "2.amplify": [
        lambda v, k: linear_to_srgb(np.clip(srgb_to_linear(np.float32(v)) * k, 0, 1)),
        lambda v, k: linear_to_srgb(np.minimum(1, srgb_to_linear(np.float32(v)) * k)),
        lambda v, k: np.clip(linear_to_srgb(srgb_to_linear(np.float32(v)) * k), 0, 1),
        lambda v, k: as_leaf(linear_to_srgb(np.clip(srgb_to_linear(np.float32(v)) * k, 0, 1))),
        lambda v, k: linear_to_srgb(np.clip(to_linear_in_place(v) * k, 0, 1).astype(np.float32)).tolist(),
        lambda v, k: torch.tensor(linear_to_srgb(np.clip(srgb_to_linear(np.float32(v)) * k, None, 1))),
    ],
    "2.electrons": [*numbers_like(6000.0), 5600, 1 / 1.75e-4],
    "2.clipped": [
        lambda m, k: (m * k >= 1).mean(),
        lambda m, k: np.count_nonzero(m * k >= 1) / m.size,
        lambda m, k: np.mean(m >= 1 / k),
        lambda m, k: torch.as_tensor(m * k >= 1).float().mean(),
        lambda m, k: sum(v * k >= 1 for v in m.ravel()) / m.size,
        lambda m, k: 1 - np.sum(m * k < 1) / m.size,
        lambda m, k: [np.where(m * k >= 1, 1.0, 0.0).mean()],
    ],
    "2.percentile_ratio": [
        rate,
        lambda x: float(rate(x)),
        lambda x: min(300, max(1, min(0.18 / np.median(x), 1 / np.quantile(x, 0.98)))),
        lambda x: torch.clamp(torch.tensor(min(0.18 / np.median(x), 1 / np.percentile(x, 98))), 1, 300),
        lambda x: torch.minimum(0.18 / torch.quantile(x, 0.5), 1 / torch.quantile(x, 0.98)).clamp(1, 300),
        lambda x: as_leaf([rate(x)]),
        lambda x: sorted([1, min(0.18 / np.median(x), 1 / np.percentile(x, 98)), 300])[1],
        lambda x: np.clip(min(0.18 / np.sort(x)[len(x) // 2], 1 / np.sort(x)[int(0.98 * len(x))]), 1, 300),
        lambda x: np.clip(min(0.18 / statistics.median(x), 1 / statistics.quantiles(x, n=50)[48]), 1, 300),
    ],
    "3.gamma": [*numbers_like(math.log(0.1) / math.log(0.5)), 3.32, -math.log2(0.1)],
    "3.psnr": [
        lambda x, y: -10 * np.log10(np.mean((x - y) ** 2)),
        lambda x, y: 20 * math.log10(1 / np.sqrt(np.mean((x - y) ** 2))),
        lambda x, y: 10 * np.log10(1 / np.square(x - y).mean()),
        lambda x, y: -10 * torch.log10(functional.mse_loss(as_leaf(x), as_leaf(y))),
        lambda x, y: -10 * torch.log10(torch.nn.MSELoss()(x, y)),  # wants tensors
        lambda x, y: np.array([-20 * np.log10(np.linalg.norm(x - y) / x.size**0.5)]),
        lambda x, y: -10 * math.log(((x - y) ** 2).mean(), 10),
    ],
    "3.ssim": [
        ssim_of_cov,
        ssim_of_tensors,
        ssim_of_unbiased,
        lambda x, y: ssim_from(x.mean(), y.mean(), x.std() ** 2, y.std() ** 2, (x * y).mean() - x.mean() * y.mean()),
        lambda x, y: [ssim_of_cov(x, y)],
        lambda x, y: ssim_from(x.mean(), y.mean(), x.var(), y.var(), np.cov(x.ravel(), y.ravel(), ddof=0)[0, 1]),
        lambda x, y: as_leaf([[ssim_of_cov(x, y)]]),
    ],
    "4.split": [
        lambda s, i: np.clip(s / np.maximum(i, 1e-3), 0, 1),
        lambda s, i: np.clip(s / (i + 1e-3), 0, 1),
        lambda s, i: np.clip(s / (i + 1e-4), 0, 1),
        lambda s, i: np.minimum(1, s / np.clip(i, 1e-6, None)),
        lambda s, i: torch.clamp(as_leaf(s) / as_leaf(i).clamp(min=1e-4), 0, 1),
        lambda s, i: (s / i.clamp(min=1e-3)).clamp(0, 1),  # wants tensors
        lambda s, i: np.nan_to_num(np.clip(s / i, 0, 1)),
        lambda s, i: np.stack([np.clip(s[..., c] / (i[..., 0] + 1e-5), 0, 1) for c in range(3)], axis=-1),
    ],
    "4.smooth": [
        lambda i: np.abs(np.diff(i, axis=1)).mean() + np.abs(np.diff(i, axis=0)).mean(),
        lambda i: abs(i[:, 1:] - i[:, :-1]).mean() + abs(i[1:] - i[:-1]).mean(),
        lambda i: as_leaf(i).diff(dim=0).abs().mean() + as_leaf(i).diff(dim=1).abs().mean(),
        lambda i: i.diff(dim=0).abs().mean() + i.diff(dim=1).abs().mean(),  # wants a tensor
        lambda i: sum(np.mean(np.abs(np.diff(i, axis=a))) for a in (0, 1)),
        lambda i: functional.l1_loss(i[1:], i[:-1]) + functional.l1_loss(i[:, 1:], i[:, :-1]),
        lambda i: np.float32(np.abs(np.diff(i)).mean() + np.abs(np.diff(i.T)).mean()),
    ],
    "4.relight": [
        lambda r, i, g: np.clip(r * i**g, 0, 1),
        lambda r, i, g: np.minimum(r * np.power(i, g), 1),
        lambda r, i, g: (r * i.pow(g)).clamp(0, 1),  # wants tensors
        lambda r, i, g: torch.clamp(as_leaf(r) * as_leaf(i) ** g, 0, 1),
        lambda r, i, g: np.clip(np.exp(g * np.log(i)) * r, 0, 1).tolist(),
        lambda r, i, g: np.clip(np.einsum("yxc,yx->yxc", r, i[..., 0] ** g), 0, 1),
    ],
    "5.space_to_depth": [
        tiled,
        lambda p, f: np.stack([p[y::f, x::f] for y in range(f) for x in range(f)]),
        lambda p, f: [p[y::f, x::f] for y in range(f) for x in range(f)],
        lambda p, f: functional.pixel_unshuffle(as_leaf(p)[None], f),
        lambda p, f: torch.nn.PixelUnshuffle(f)(p[None]),  # wants a tensor
        lambda p, f: [as_leaf(p)[y::f, x::f] for y in range(f) for x in range(f)],
        lambda p, f: functional.unfold(as_leaf(p)[None, None], f, stride=f).reshape(f * f, p.shape[0] // f, -1),
    ],
    "5.convolve": [
        lambda w, k, b: (w * k).sum() + b,
        lambda w, k, b: np.einsum("cyx,cyx->", w, k) + b,
        lambda w, k, b: w.ravel() @ k.ravel() + b,
        lambda w, k, b: np.tensordot(w, k, 3) + b,
        lambda w, k, b: functional.conv2d(as_leaf(w)[None], as_leaf(k)[None], as_leaf([b])),
        lambda w, k, b: sum(a * c for a, c in zip(w.flat, k.flat, strict=True)) + b,
        lambda w, k, b: functional.conv2d(w[None], k[None])[0, 0] + b,  # wants tensors
        lambda w, k, b: b + sum(w[c, y, x] * k[c, y, x] for c in range(4) for y in range(5) for x in range(5)),
    ],
    "5.receptive_field": [*numbers_like(96.0), 96, 3 * 32],
    "6.gmac": [*numbers_like(64 * 64 * 9 * 256 * 384 / 1e9), 3.62, 3.624],
    "6.measure": [
        timed(np.median),
        timed(statistics.median),
        timed(lambda s: torch.median(torch.tensor(s))),
        timed(lambda s: torch.median(torch.tensor(s)), count=6),
        timed(lambda s: np.float32(np.median(s))),
        timed(np.median, warm=0, keep=slice(1, None)),
        timed(np.median, warm=3, count=20),
        timed(lambda s: sorted(s)[len(s) // 2], count=6),
        timed(lambda s: np.percentile(s, [50])),
        timed(lambda s: as_leaf(np.median(s))),
    ],
    "6.front": [
        front_sorted,
        lambda p: set(front_sorted(p)),
        lambda p: tuple(front_sorted(p)),
        lambda p: np.array(front_sorted(p)),
        lambda p: torch.tensor(front_sorted(p)),
        lambda p: np.nonzero([i in front_sorted(p) for i in range(len(p))]),
        lambda p: (i for i in front_sorted(p)),
        lambda p: front_sorted(p)[::-1],
        lambda p: sorted(front_sorted(p), key=lambda i: -p[i][1]),
    ],
    "7.patch": [*numbers_like(70.0), 70],
    "7.gan_loss": [
        gan,
        lambda z, real: -np.log(1 / (1 + np.exp(-z)) if real else 1 - 1 / (1 + np.exp(-z))).mean(),
        lambda z, real: functional.binary_cross_entropy_with_logits(as_leaf(z), as_leaf(0 * z + real)),
        lambda z, real: torch.nn.BCEWithLogitsLoss()(z, torch.full_like(z, float(real))),  # wants a tensor
        lambda z, real: functional.softplus(-z if real else z).mean(),  # wants a tensor
        lambda z, real: np.log1p(np.exp(np.where(real, -z, z))).mean(),
        lambda z, real: [gan(z, real)],
    ],
    "7.weight": [*numbers_like(8.0), 8],
    "8.l1": [
        lambda x, y: np.abs(x - y).mean(),
        lambda x, y: functional.l1_loss(as_leaf(x), as_leaf(y)),
        torch.nn.L1Loss(),
        functional.l1_loss,
        lambda x, y: sum(abs(a - b) for a, b in zip(x.ravel(), y.ravel(), strict=True)) / x.size,
        lambda x, y: np.linalg.norm((x - y).ravel(), 1) / x.size,
        lambda x, y: np.array([[np.mean(np.maximum(x, y) - np.minimum(x, y))]]),
    ],
    "8.curve": [
        curve_by_loop,
        out_of_place,
        lambda x, r: curve_by_loop(as_leaf(x), r),
        lambda x, r: curve_by_loop(x.clamp(0, 1), r) if isinstance(x, torch.Tensor) else curve_by_loop(x, r).tolist(),
        lambda x, r: curve_by_loop(x.clone(), r),  # wants a tensor
        lambda x, r: curve_by_loop(np.array(x)[..., None], r)[..., 0],
    ],
    "8.passes": [
        passes,
        lambda x, t, r: passes(as_leaf(x), as_leaf(t), r),
        lambda x, t, r: list(passes(x, t, r)),
        lambda x, t, r: np.array(passes(x, t, r)),
        by_autograd,
        lambda x, t, r: [each.detach() for each in by_autograd(x, t, r)],
        lambda x, t, r: (functional.mse_loss(curve_by_loop(x, r, 2), t), passes(x, t, r)[1]),  # wants tensors
    ],
    "8.step": [
        lambda w, g, r: w - r * g,
        lambda w, g, r: torch.tensor(w) - r * torch.tensor(g),
        lambda w, g, r: as_leaf(w) - r * g,
        lambda w, g, r: np.array([w]) - r * g,
        lambda w, g, r: w.sub(g, alpha=float(r)),  # wants tensors
        lambda w, g, r: w + -r * g,
        lambda w, g, r: Fraction(w) - Fraction(r) * Fraction(g),
    ],
}  # fmt: skip
