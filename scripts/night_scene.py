"""Ray-marches a still life by candlelight in linear light: a scene with more dynamic range than a display.

Sphere tracing of signed distance fields: Hart, "Sphere tracing", The Visual Computer 12 (1996). The scene has a flame
(a warm point light with inverse-square fall-off), a faint blue sky-light and a colour chart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_FLAME = np.array([0.55, 1.28, 0.25], np.float32)
_CANDLELIGHT = np.array([1.0, 0.56, 0.24], np.float32) * 2.6
_MOON = np.array([0.55, 0.62, -0.56], np.float32)
_MOONLIGHT = np.array([0.55, 0.75, 1.0], np.float32) * 0.075
_SKY = np.array([0.5, 0.7, 1.0], np.float32) * 0.012

# Linear reflectances of a 6 x 4 chart: skin, foliage and sky tones, saturated patches, a grey ramp.
_CHART = np.array(
    [
        [0.17, 0.08, 0.05],
        [0.54, 0.30, 0.22],
        [0.12, 0.19, 0.33],
        [0.10, 0.15, 0.05],
        [0.23, 0.21, 0.43],
        [0.13, 0.50, 0.40],
        [0.68, 0.20, 0.03],
        [0.07, 0.10, 0.38],
        [0.53, 0.09, 0.12],
        [0.11, 0.05, 0.14],
        [0.34, 0.50, 0.05],
        [0.74, 0.36, 0.03],
        [0.03, 0.05, 0.28],
        [0.06, 0.29, 0.06],
        [0.43, 0.03, 0.04],
        [0.80, 0.57, 0.01],
        [0.49, 0.09, 0.29],
        [0.01, 0.23, 0.36],
        [0.88, 0.88, 0.87],
        [0.58, 0.58, 0.58],
        [0.36, 0.36, 0.36],
        [0.19, 0.19, 0.19],
        [0.09, 0.09, 0.09],
        [0.03, 0.03, 0.03],
    ],
    np.float32,
)


def _length(p: Array) -> Array:
    return np.sqrt((p * p).sum(-1))


def _sphere(p: Array, centre: tuple[float, float, float], radius: float) -> Array:
    return _length(p - np.array(centre, np.float32)) - np.float32(radius)


def _box(
    p: Array, centre: tuple[float, float, float], half: tuple[float, float, float], turn: float, edge: float
) -> Array:
    q = p - np.array(centre, np.float32)
    c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x, z = c * q[..., 0] - s * q[..., 2], s * q[..., 0] + c * q[..., 2]
    d = np.abs(np.stack([x, q[..., 1], z], -1)) - (np.array(half, np.float32) - np.float32(edge))
    return (_length(np.maximum(d, 0)) + np.minimum(d.max(-1), 0) - np.float32(edge)).astype(np.float32)


def _lathe(p: Array, x: float, z: float, heights: list[float], radii: list[float]) -> Array:
    """Distance to a body of revolution about a vertical axis; the profile's slope limits the step, hence the factor."""
    y = p[..., 1]
    around = np.hypot(p[..., 0] - np.float32(x), p[..., 2] - np.float32(z))
    side = (around - np.interp(y, heights, radii).astype(np.float32)) * np.float32(0.6)
    ends = np.abs(y - np.float32(heights[-1] / 2)) - np.float32(heights[-1] / 2)
    return np.maximum(side, ends).astype(np.float32)


def _smooth_profile(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    from scipy.interpolate import PchipInterpolator

    height, radius = zip(*points, strict=True)
    fine = np.linspace(height[0], height[-1], 80)
    return fine.tolist(), PchipInterpolator(height, radius)(fine).tolist()


_VASE = _smooth_profile([(0, 0.26), (0.1, 0.34), (0.45, 0.46), (0.8, 0.33), (1.05, 0.15), (1.35, 0.13), (1.5, 0.2)])
_DISH = _smooth_profile([(0, 0.2), (0.03, 0.24), (0.07, 0.36), (0.1, 0.38)])

_PARTS: tuple[Callable[[Array], Array], ...] = (
    lambda p: p[..., 1],  # 0 the table
    lambda p: np.float32(2.6) - p[..., 2],  # 1 the wall
    lambda p: _lathe(p, -0.62, 0.75, *_VASE),  # 2 the vase
    lambda p: _lathe(p, 0.55, 0.25, [0.0, 0.95, 1.0], [0.13, 0.12, 0.1]),  # 3 the candle
    lambda p: _lathe(p, 0.55, 0.25, *_DISH),  # 4 its dish
    lambda p: _sphere(p, (-0.12, 0.27, -0.12), 0.27),  # 5 an orange
    lambda p: _sphere(p, (-0.62, 0.24, -0.32), 0.24),  # 6 an apple
    lambda p: _sphere(p, (-0.28, 0.16, -0.62), 0.16),  # 7 a lime
    lambda p: _box(p, (1.32, 0.13, 0.55), (0.5, 0.13, 0.36), 0.35, 0.02),  # 8 a book
    lambda p: _box(p, (1.3, 0.35, 0.57), (0.42, 0.09, 0.3), 0.05, 0.02),  # 9 another on it
    lambda p: _box(p, (-1.5, 0.42, 0.55), (0.5, 0.36, 0.025), 0.38, 0.01),  # 10 the colour chart
    lambda p: _box(p, (-1.5, 0.03, 0.6), (0.3, 0.03, 0.12), 0.38, 0.01),  # 11 its foot
)


def _scene(p: Array) -> Array:
    nearest = _PARTS[0](p)
    for part in _PARTS[1:]:
        nearest = np.minimum(nearest, part(p))
    return nearest.astype(np.float32, copy=False)


def _normal(p: Array) -> Array:
    step = np.float32(2e-3)
    offsets = np.eye(3, dtype=np.float32) * step
    gradient = np.stack([_scene(p + e) - _scene(p - e) for e in offsets], -1)
    return (gradient / np.maximum(_length(gradient)[..., None], np.float32(1e-9))).astype(np.float32, copy=False)


def _march(origin: Array, direction: Array, far: float, steps: int) -> Array:
    """Returns the distance along each ray to the surface, `far` if there is none."""
    distance = np.full(len(direction), 0.01, np.float32)
    alive = np.arange(len(direction))
    for _ in range(steps):
        gap = _scene(origin[alive] + direction[alive] * distance[alive, None])
        distance[alive] += gap
        alive = alive[(gap > 1e-3) & (distance[alive] < far)]
        if not len(alive):
            break
    return np.minimum(distance, np.float32(far))


def _light_seen(p: Array, direction: Array, far: Array, softness: float) -> Array:
    """Returns soft shadows, by how narrowly the ray to the light misses objects (Quilez's estimate)."""
    seen = np.ones(len(p), np.float32)
    distance = np.full(len(p), 0.03, np.float32)
    alive = np.arange(len(p))
    for _ in range(56):
        # The candle's own wax is lit from within: it casts no shadow, otherwise the whole table would be dark.
        q = p[alive] + direction[alive] * distance[alive, None]
        gap = np.minimum.reduce([_PARTS[i](q) for i in (2, 5, 6, 7, 8, 9, 10)])
        seen[alive] = np.minimum(seen[alive], np.clip(softness * gap / distance[alive], 0, 1))
        distance[alive] += np.maximum(gap, np.float32(0.015))
        alive = alive[(distance[alive] < far[alive]) & (seen[alive] > 0.01)]
        if not len(alive):
            break
    return seen * seen * (3 - 2 * seen)


def _noise(x: Array, y: Array, seed: int) -> Array:
    """Returns value noise in [0, 1] on a 256 x 256 lattice, smoothly interpolated."""
    lattice = np.random.default_rng(seed).random((256, 256)).astype(np.float32)
    ix, iy = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - ix, y - iy
    fx, fy = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)
    a, b = lattice[iy % 256, ix % 256], lattice[iy % 256, (ix + 1) % 256]
    c, d = lattice[(iy + 1) % 256, ix % 256], lattice[(iy + 1) % 256, (ix + 1) % 256]
    return ((a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy).astype(np.float32)


def _mix(a: tuple[float, float, float], b: tuple[float, float, float], t: Array) -> Array:
    return np.array(a, np.float32) * (1 - t[..., None]) + np.array(b, np.float32) * t[..., None]


def _wood(x: Array, z: Array) -> Array:
    plank = np.floor(z / 0.42)
    along = x * 1.3 + plank * 7.3
    rings = _noise(along, z * 16 + plank * 3, 3) * 0.6 + _noise(along * 6, z * 70, 4) * 0.4
    groove = np.clip(np.abs(z / 0.42 - plank - 0.5) * 2, 0, 1) > 0.97
    return _mix((0.10, 0.045, 0.02), (0.38, 0.20, 0.09), rings) * np.where(groove, 0.25, 1.0)[..., None].astype(
        np.float32
    )


def _chart_patches(p: Array) -> Array:
    q = p - np.array([-1.5, 0.42, 0.55], np.float32)
    c, s = np.float32(np.cos(0.38)), np.float32(np.sin(0.38))
    u = ((c * q[:, 0] - s * q[:, 2]) / 1.0 + 0.5 - 0.02) / 0.96 * 6
    v = (0.5 - q[:, 1] / 0.72 - 0.02) / 0.96 * 4
    inside = (np.abs(u % 1 - 0.5) < 0.43) & (np.abs(v % 1 - 0.5) < 0.43) & (u > 0) & (u < 6) & (v > 0) & (v < 4)
    patch = _CHART[np.clip(v.astype(int), 0, 3) * 6 + np.clip(u.astype(int), 0, 5)]
    return np.where(inside[:, None], patch, np.float32(0.02))


def _reflectance(p: Array, part: NDArray[np.intp]) -> Array:
    x, y, z = p[:, 0], p[:, 1], p[:, 2]
    plain = {3: (0.85, 0.78, 0.62), 4: (0.45, 0.33, 0.12), 7: (0.18, 0.36, 0.05), 11: (0.1, 0.1, 0.1)}
    colour = np.zeros_like(p)
    for index, value in plain.items():
        colour[part == index] = value
    # The vase's blue bands and the apple's streaks run around their axes.
    band = np.abs(np.sin(y * 13)) < 0.35 + 0.3 * np.sin(np.arctan2(z - 0.75, x + 0.62) * 9)
    streak = np.clip(_noise(np.arctan2(z + 0.32, x + 0.62) * 5 + 40, y * 2 + 9, 7) * 1.6 - 0.6, 0, 1)
    pages = (np.abs(y - 0.13) < 0.1) & (_inside_cover(p) > 0.02)
    stripes = (np.sin(x * 9) > 0.86).astype(np.float32) * 0.25
    painters: dict[int, Array] = {
        0: _wood(x, z),
        1: _mix((0.20, 0.23, 0.22), (0.34, 0.36, 0.33), _noise(x * 5, y * 5, 5) * 0.7 + stripes),
        2: _mix((0.70, 0.74, 0.78), (0.05, 0.12, 0.42), band.astype(np.float32)),
        5: _mix((0.80, 0.26, 0.02), (0.62, 0.18, 0.01), _noise(x * 60, (y + z) * 60, 6)),
        6: _mix((0.45, 0.03, 0.03), (0.62, 0.42, 0.06), streak),
        8: _mix((0.30, 0.03, 0.04), (0.82, 0.78, 0.66), pages.astype(np.float32)),
        9: _mix((0.02, 0.16, 0.14), (0.80, 0.62, 0.2), (np.abs(x - 1.1) < 0.03).astype(np.float32)),
        10: _chart_patches(p),
    }
    for index, painted in painters.items():
        colour[part == index] = painted[part == index]
    return colour


def _inside_cover(p: Array) -> Array:
    """Returns the distance of a point inside the lower book's outline, whose pages are set back from the front edge."""
    c, s = np.float32(np.cos(0.35)), np.float32(np.sin(0.35))
    return np.float32(0.49) - (c * (p[:, 0] - 1.32) - s * (p[:, 2] - 0.55))


def _shade(p: Array, view: Array) -> Array:
    part = np.argmin(np.stack([f(p) for f in _PARTS], -1), -1)
    normal = _normal(p)
    albedo = _reflectance(p, part)
    glossy = np.isin(part, (2, 5, 6, 7, 4)).astype(np.float32) + 0.12 * (part == 0)

    to_flame = _FLAME - p
    reach = _length(to_flame)
    to_flame /= reach[:, None]
    flame = np.clip((normal * to_flame).sum(-1), 0, 1) / (0.12 + reach**2)
    flame *= _light_seen(p + normal * 0.01, to_flame, reach, 9)
    moon = np.broadcast_to(_MOON / _length(_MOON), p.shape)
    moonlit = np.clip((normal * moon).sum(-1), 0, 1) * _light_seen(
        p + normal * 0.01, moon, np.full(len(p), 6, np.float32), 14
    )
    open_sky = np.clip(0.25 + sum(_scene(p + normal * h) / h for h in (0.05, 0.15, 0.4)) / 4, 0, 1)

    light = flame[:, None] * _CANDLELIGHT + moonlit[:, None] * _MOONLIGHT + open_sky[:, None] * _SKY
    light += (open_sky * 0.035 / (0.6 + reach))[:, None] * _CANDLELIGHT  # light reflected by the table and the wall
    halfway = to_flame - view
    halfway /= np.maximum(_length(halfway)[:, None], np.float32(1e-6))
    shine = np.clip((normal * halfway).sum(-1), 0, 1) ** 60 * glossy * flame * 1.2
    colour = albedo * light + shine[:, None] * _CANDLELIGHT
    wax = (part == 3) * np.exp(-(1.0 - p[:, 1]) * 3.0)
    return (colour + wax[:, None].astype(np.float32) * np.array([1.5, 0.62, 0.2], np.float32) * 0.9).astype(np.float32)


def _flame_glow(origin: Array, direction: Array, distance: Array) -> Array:
    """Returns the light of the flame: a drop, brightest at its centre, with the faint halo of the lens."""
    along = ((_FLAME + np.array([0, -0.1, 0], np.float32) - origin) * direction).sum(-1)
    q = origin + direction * along[:, None] - (_FLAME + np.array([0, -0.1, 0], np.float32))
    across = np.hypot(q[:, 0], q[:, 2])
    up = np.clip((q[:, 1] + 0.1) / 0.34, 0, 1)
    width = 0.065 * np.sqrt(up + 0.02) * (1 - up) * 1.7 + 1e-3
    body = np.exp(-((across / width) ** 2)) * ((q[:, 1] > -0.1) & (q[:, 1] < 0.24))
    halo = 0.02 * np.exp(-_length(q) * 3.2)
    visible = (along < distance).astype(np.float32)
    glow = (body * 9 * visible)[:, None] * np.array([1.0, 0.66, 0.27]) + halo[:, None] * np.array([1.0, 0.5, 0.2])
    return glow.astype(np.float32)


def render_still_life(width: int = 768, height: int = 512, samples: int = 2) -> Array:
    """Renders the scene as height x width x 3 float32 linear sRGB; most of it is below 0.3, the flame far above 1.

    Args:
        width: columns.
        height: rows.
        samples: rays per pixel along each side.
    """
    eye = np.array([0.05, 1.25, -4.1], np.float32)
    target = np.array([-0.08, 0.62, 0.4], np.float32)
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross([0, 1, 0], forward)
    right /= np.linalg.norm(right)
    up = np.cross(forward, right)
    rows = []
    for top in range(0, height, 32):
        ys = (np.arange(min(32, height - top) * samples) + 0.5) / samples + top
        xs = (np.arange(width * samples) + 0.5) / samples
        v, u = np.meshgrid((0.5 - ys / height) * 2, (xs / width - 0.5) * 2 * width / height, indexing="ij")
        ray = forward + 0.36 * (u[..., None] * right + v[..., None] * up)
        direction = (ray / np.linalg.norm(ray, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)
        origin = np.broadcast_to(eye, direction.shape)
        distance = _march(origin, direction, 12.0, 110)
        colour = _shade(origin + direction * distance[:, None], direction)
        colour = np.where(distance[:, None] < 11.9, colour, 0) + _flame_glow(origin, direction, distance)
        block = colour.reshape(len(ys) // samples, samples, width, samples, 3).mean((1, 3))
        rows.append(block)
    return np.concatenate(rows).astype(np.float32)
