"""Measured noise of cameras: the table that the darkroom and the training use.

The model is that of Wei et al., "A Physics-based Noise Formation Model for Extreme Low-light Raw Denoising" (ELD), CVPR
2020, section 3: K * Poisson(light / K) + read noise (Tukey lambda) + row noise + bias of the colour planes, rounded to
counts. The figures are its published calibrations, and those of Feng et al., "Learnability Enhancement for Low-light
Raw Denoising" (PMN), TPAMI 2023, and of Yue et al., "Supervised Raw Video Denoising with a Benchmark Dataset on Dynamic
Scenes" (CRVD), CVPR 2020.

Units: counts (DN) of the camera's converter; K is the system gain in counts per electron.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.darkroom.noise import SensorNoise, read_noise
from explorer.errors import DataError

Line = tuple[float, float, float]
"""Slope, offset and sigma of ln s = slope * ln K + offset + N(0, sigma)."""


@dataclass(frozen=True)
class MeasuredSensor:
    """Calibration of one sensor over a range of gains."""

    name: str
    gain: tuple[float, float]
    """Lowest and highest K that was measured."""
    read: Line
    """Tukey-lambda scale of the read noise."""
    row: Line
    """Standard deviation of the row noise."""
    shape: tuple[float, float]
    """Lowest and highest Tukey lambda over the gains; 0.14 is close to Gaussian, below 0 the tails are long."""
    bits: int = 14
    shapes: tuple[float, ...] = ()
    """Tukey lambda at equal steps of ln K from the lowest to the highest gain; empty for the middle of `shape`."""

    def shape_at(self, gain: float) -> float:
        """Returns the Tukey lambda at a gain, interpolated linearly in ln K."""
        shapes = self.shapes or (sum(self.shape) / 2,)
        low, high = (math.log(each) for each in self.gain)
        place = (min(max(math.log(gain), low), high) - low) / (high - low) * (len(shapes) - 1)
        first = min(int(place), max(len(shapes) - 2, 0))
        last = min(first + 1, len(shapes) - 1)
        return shapes[first] + (place - first) * (shapes[last] - shapes[first])


_EOS_5D4 = MeasuredSensor(
    "Canon EOS 5D Mark IV", (0.218, 13.96), (0.656, 1.093, 0.286), (0.471, -0.808, 0.244), (0.01, 0.16),
    shapes=(0.16, 0.01, 0.11),
)  # fmt: skip
_EOS_700D = MeasuredSensor(
    "Canon EOS 700D", (0.448, 28.65), (0.598, 1.537, 0.389), (0.622, -0.776, 0.248), (-0.16, 0.13),
    shapes=(0.13, -0.16, 0.01),
)  # fmt: skip
_EOS_70D = MeasuredSensor(
    "Canon EOS 70D", (0.407, 26.08), (0.487, 1.464, 0.382), (0.729, -0.937, 0.250), (-0.17, 0.14),
    shapes=(0.14, -0.17, -0.03),
)  # fmt: skip
_D850 = MeasuredSensor(
    "Nikon D850", (0.415, 26.56), (0.477, -0.090, 0.239), (0.448, -1.798, 0.232), (-0.24, -0.10),
    shapes=(-0.11, -0.24, -0.10),
)  # fmt: skip
_A7S2 = MeasuredSensor(
    "Sony A7S II", (0.094, 6.01), (0.462, 0.566, 0.263), (0.528, -0.592, 0.294), (-0.14, 0.11), shapes=(0.11, -0.14)
)
_A7S2_LOW = MeasuredSensor(
    "Sony A7S II, low gain", (0.188, 1.53), (0.740, 0.862, 0.007), (0.788, -0.342, 0.028), (-0.05, 0.0),
    shapes=(0.022, -0.044),
)  # fmt: skip
_A7S2_HIGH = MeasuredSensor(
    "Sony A7S II, high gain", (1.91, 12.4), (0.749, -0.123, 0.006), (0.629, -1.510, 0.026), (-0.09, 0.0),
    shapes=(-0.013, -0.075, -0.083),
)  # fmt: skip
_IMX686 = MeasuredSensor(
    "Sony IMX686", (0.83, 8.74), (0.852, 0.080, 0.029), (0.876, -2.115, 0.033), (0.05, 0.15), bits=10
)
_CRVD = MeasuredSensor(
    "CRVD surveillance", (3.72, 52.2), (0.955, 0.016, 0.008), (0.934, -2.197, 0.025), (0.0, 0.1), bits=12,
    shapes=(0.02,),
)  # fmt: skip

SENSORS = (_EOS_5D4, _EOS_700D, _EOS_70D, _D850, _A7S2, _A7S2_LOW, _A7S2_HIGH, _IMX686, _CRVD)
"""ELD, tables 1 and 2 of its supplement; PMN and CRVD, their published camera parameters."""

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]


@dataclass(frozen=True)
class Camera:
    """A camera whose RAW files the darkroom writes."""

    key: str
    """The key for `--camera`."""
    name: str
    sensors: tuple[MeasuredSensor, ...]
    """By rising gain; the last one whose `begins` is reached applies."""
    begins: tuple[float, ...]
    """ISO from which each sensor's figures apply; 0 for the lowest."""
    iso: tuple[tuple[float, float], tuple[float, float]] | None
    """Two points (ISO, K); between and beyond them, K lies on a line in logarithms. None if the calibration does not
    state the ISO of its gains."""
    black: int
    white: int
    bias: tuple[float, float, float, float]
    """Error of the black level in R, G1, B and G2, counts, measured at base ISO."""
    xyz_to_camera: Matrix | None
    """CIE XYZ (D65) to camera RGB, as Adobe publishes it for the camera; None for the nominal camera's."""
    source: str
    names: tuple[str, ...] = ()
    """Other names in its files than `name`, maker and model."""

    def gain_at(self, iso: float) -> float:
        """Returns K at an ISO.

        Raises:
            DataError: the calibration does not state it, or the ISO is more than two stops outside the measured range.
        """
        if self.iso is None:
            low, high = self.gain_range
            raise DataError(
                f"The calibration of {self.name} does not say which ISO its gains belong to; give a gain from "
                f"{low:.3g} to {high:.3g} counts per electron instead."
            )
        (iso_1, gain_1), (iso_2, gain_2) = self.iso
        low, high = self.iso_range
        if not low <= iso <= high:
            bounds = {"camera": self.name, "low": f"{low:g}", "high": f"{high:g}"}
            raise DataError(code="error.far_iso", iso=f"{iso:g}", **bounds)
        slope = math.log(gain_2 / gain_1) / math.log(iso_2 / iso_1)
        return gain_1 * (iso / iso_1) ** slope

    @property
    def iso_range(self) -> tuple[float, float]:
        """The lowest and the highest ISO that `gain_at` accepts."""
        assert self.iso is not None
        return self.iso[0][0] / 2, self.iso[1][0] * 4

    @property
    def gain_range(self) -> tuple[float, float]:
        """The lowest and the highest gain that `at` accepts, in counts per electron."""
        if self.iso is None:
            return self.sensors[0].gain[0] / 4, self.sensors[-1].gain[1] * 4
        low, high = self.iso_range
        return self.gain_at(low), self.gain_at(high)

    def at(self, iso: float | None = None, gain: float | None = None) -> SensorNoise:
        """Returns the camera at an ISO, or at a gain in counts per electron.

        The scales lie on the published lines; their variation between exposures is ignored.

        Raises:
            DataError: neither or both are given, or one lies far outside the measured range.
        """
        if iso is None and gain is None:
            span = "" if self.iso is None else "an ISO from {:g} to {:g}, or ".format(*self.iso_range)
            raise DataError(
                f"{self.name} needs a sensitivity; give {span}a gain from {self.gain_range[0]:.3g} to "
                f"{self.gain_range[1]:.3g} counts per electron."
            )
        if iso is not None and gain is not None:
            raise DataError(f"Give the ISO of {self.name} or its gain in counts per electron, but not both.")
        value = self.gain_at(iso) if iso is not None else gain
        assert value is not None
        low, high = self.gain_range
        if not low <= value <= high:
            bounds = {"camera": self.name, "low": f"{low:.3g}", "high": f"{high:.3g}"}
            raise DataError(code="error.far_gain", gain=f"{value:g}", **bounds)
        holding = [each for each, begin in zip(self.sensors, self.begins, strict=True) if value >= self._start(begin)]
        sensor = holding[-1]
        log_gain = math.log(value)
        return SensorNoise(
            camera=self.name,
            gain=value,
            read=math.exp(sensor.read[0] * log_gain + sensor.read[1]),
            shape=sensor.shape_at(value),
            row=math.exp(sensor.row[0] * log_gain + sensor.row[1]),
            bias=self.bias,
            black=float(self.black),
            white=float(self.white),
            iso=iso,
            xyz_to_camera=self.xyz_to_camera,
            source=self.source,
        )

    def _start(self, iso: float) -> float:
        return self.gain_at(iso) if iso else 0.0


_ELD = "ELD (Wei et al., CVPR 2020)"
_PMN = "PMN (Feng et al., TPAMI 2023)"
_SONY: Matrix = ((0.5838, -0.1430, -0.0246), (-0.3497, 1.1477, 0.2297), (-0.0748, 0.1885, 0.5778))


def _full_frame(
    key: str, sensor: MeasuredSensor, black: int, bias: tuple[float, float, float, float], matrix: Matrix,
    names: tuple[str, ...] = (),
) -> Camera:  # fmt: skip
    # ELD states the range of gains; it spans a factor of 64 in each camera, which is ISO 100 to 6400.
    iso = (100.0, sensor.gain[0]), (6400.0, sensor.gain[1])
    return Camera(key, sensor.name, (sensor,), (0.0,), iso, black, 16383, bias, matrix, _ELD, names)


CAMERAS: dict[str, Camera] = {
    each.key: each
    for each in (
        _full_frame(
            "canon_5d4", _EOS_5D4, 512, (0.03, 0.75, -0.03, 0.72),
            ((0.6446, -0.0366, -0.0864), (-0.4436, 1.2204, 0.2513), (-0.0952, 0.2496, 0.6348)),
        ),
        _full_frame(
            "canon_700d", _EOS_700D, 2048, (0.72, 0.54, 0.77, 0.59),
            ((0.6602, -0.0841, -0.0939), (-0.4472, 1.2458, 0.2247), (-0.0975, 0.2039, 0.6148)),
            ("Canon EOS REBEL T5i", "Canon EOS Kiss X7i"),
        ),
        _full_frame(
            "canon_70d", _EOS_70D, 2048, (0.71, 0.58, 0.42, 0.32),
            ((0.7034, -0.0804, -0.1014), (-0.4420, 1.2564, 0.2058), (-0.0851, 0.1994, 0.5758)),
        ),
        _full_frame(
            "nikon_d850", _D850, 400, (-0.17, -0.19, -0.18, -0.16),
            ((1.0405, -0.3755, -0.1270), (-0.5461, 1.3787, 0.1793), (-0.1040, 0.2015, 0.6785)),
        ),
        _full_frame("sony_a7s2_eld", _A7S2, 512, (1.48, 1.47, 1.47, 1.48), _SONY),
        Camera(
            "sony_a7s2", "Sony A7S II", (_A7S2_LOW, _A7S2_HIGH), (0.0, 2000.0), ((100.0, 0.0956), (6400.0, 6.12)),
            512, 16383, (1.48, 1.47, 1.47, 1.48), _SONY, f"{_PMN}; bias: {_ELD}", ("SONY ILCE-7SM2",),
        ),
        Camera(
            "imx686", "Sony IMX686 (phone)", (_IMX686,), (0.0,), None, 64, 1023, (0.0, 0.0, 0.0, 0.0), None, _PMN,
        ),
        Camera(
            "crvd", "CRVD surveillance camera", (_CRVD,), (0.0,), ((1600.0, 3.72), (25600.0, 52.2)), 240, 4095,
            (0.0, 0.0, 0.0, 0.0), None, "CRVD (Yue et al., CVPR 2020)",
        ),
    )
}  # fmt: skip
"""Cameras by their key for `--camera`."""


def camera_named(key: str) -> Camera:
    """Returns a camera of the table.

    Raises:
        DataError: no such camera; the message lists them.
    """
    if key not in CAMERAS:
        raise DataError(
            f"There is no camera {key!r}; choose one of {', '.join(CAMERAS)}, or a file written by `lowlight noise`."
        )
    return CAMERAS[key]


def noise_named(camera: str, iso: float | None = None, gain: float | None = None) -> SensorNoise:
    """Returns a camera of the table at a sensitivity, or the one in a file of `lowlight noise`, which has only one.

    Args:
        camera: a key of `CAMERAS`, or the path of a .json file.

    Raises:
        DataError: an unknown camera, a file that is none, or as `Camera.at`.
    """
    if camera in CAMERAS or not camera.lower().endswith(".json"):
        return camera_named(camera).at(iso, gain)
    if iso is not None or gain is not None:
        raise DataError(f"{camera} has only one sensitivity; leave the ISO and the gain out.")
    return read_noise(camera)


SIMULATED = "Simulated "
"""Prefix of the camera's name in files that the darkroom wrote."""


def noise_of_file(camera: str | None, iso: float | None) -> SensorNoise | None:
    """Returns the noise of a file from its metadata; None if its camera was not measured near its ISO.

    Args:
        camera: maker and model, as `RawPhoto.camera` has them.
        iso: as the file states it.
    """
    if camera is None or iso is None or not math.isfinite(iso) or iso <= 0:
        return None
    wanted = _plain(camera.removeprefix(SIMULATED))
    # Of two calibrations of one camera, the later one in the table applies, which is by ISO.
    found = [c for c in CAMERAS.values() if c.iso and wanted in {_plain(name) for name in (c.name, *c.names)}]
    try:
        return found[-1].at(iso=iso) if found else None
    except DataError:
        return None


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
