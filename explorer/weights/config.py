"""`config.json`, the description of a folder of weights. Validated on every read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from explorer.choices import BalancePlace, Domain, Highlights, PlaneOrder
from explorer.errors import WeightsError

SCHEMA: Literal[1] = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class InputConvention(_Frozen):
    """The input that the network was trained on."""

    white_balance: BalancePlace = "before"
    """"before": the mosaic is multiplied by the white-balance gains; "none": unchanged camera values."""
    clip: tuple[float, float] | None = None
    """Bounds that the amplified input is clipped to, None for no clipping."""
    ratio_rule: Literal["learned", "percentile", "dark_bin", "fixed", "none"] = "none"
    """The rule of `ratio="auto"`; "none" is 1, "fixed" is `ratio`."""
    ratio: float = Field(default=1.0, ge=1, le=300)
    """The authors' own ratio, for the rule "fixed" (networks that get the ratio as an input)."""
    ratio_m: float = 1.0
    """The m of the dark-bin amplifier."""
    darkness: tuple[float, float, float] | None = None
    """For networks trained on a single darkness: mean linear light of the darkest twentieth of their training pictures,
    of all, and of the brightest twentieth. A photo outside this range is scaled to the mean of all before
    amplification. None does not scale."""
    margin: int = Field(default=0, ge=0, le=1024)
    """Samples by which the picture is extended by reflection at its borders before the network, and cropped after it,
    because convolutions with zero padding leave a frame. 0 for published weights, whose authors do not do this."""
    bits: int | None = Field(default=None, ge=1, le=16)
    """Bit depth to which a developed photo is rounded before amplification, for weights that were trained on dark 8-bit
    pictures; None for full depth. Only for domain "rgb"."""
    highlights: Highlights = "clip"
    """"keep": amplified pictures keep light above white, under the same curve, for networks that recover it. Only for
    domain "rgb"."""
    plane_order: PlaneOrder = "sid"
    """Order of packed planes: "sid" R, G(r), B, G(b); "s2d" R, G(r), G(b), B."""


class OutputConvention(_Frozen):
    """The network's output."""

    color: Literal["srgb", "camera"] = "srgb"
    """"camera": white-balanced camera RGB under the sRGB curve, which the file's own matrix converts to sRGB."""


def default_conventions(domain: str, *, brightens: bool = False) -> tuple[InputConvention, OutputConvention]:
    """The conventions of a network whose weights state none: untrained, imported without a config, or a method.

    Args:
        brightens: it is known to brighten by itself; others need the amplification.
    """
    given = InputConvention(ratio_rule="none" if brightens else "learned", clip=(0.0, 1.0))
    # A network on mosaics has not learned any camera's colours.
    return given, OutputConvention(color="srgb" if domain == "rgb" else "camera")


class WeightsConfig(_Frozen):
    """The whole of `config.json`."""

    schema_: Literal[1] = Field(default=SCHEMA, alias="schema")
    release: str = Field(default="0.1.0", pattern=r"^[0-9]+(\.[0-9a-z]+){0,4}$", max_length=30)
    """The first release of lowlight-explorer that reads this schema, for the error message of older ones."""
    name: str = Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)?$", max_length=100)
    architecture: str = Field(pattern=r"^[a-z0-9_]+$", max_length=100)
    options: dict[str, str | int | float | bool] = {}
    domain: Domain
    input: InputConvention = InputConvention()
    output: OutputConvention = OutputConvention()
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Checksum of `model.safetensors`."""
    parameters: int = 0
    licence: str = ""
    origin: str = ""
    paper: str = ""
    summary: str = ""
    training: dict[str, Any] = {}
    metrics: dict[str, Any] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)

    @field_validator("input", mode="after")
    @classmethod
    def _ordered(cls, value: InputConvention) -> InputConvention:
        if value.darkness is not None and not 0 < value.darkness[0] < value.darkness[1] < value.darkness[2] < 1:
            raise ValueError("input.darkness must be [low, mean, high] with 0 < low < mean < high < 1")
        if value.clip is not None and not value.clip[0] < value.clip[1]:
            raise ValueError("input.clip must be [low, high] with low below high")
        return value

    @model_validator(mode="after")
    def _developed(self) -> WeightsConfig:
        if self.input.bits is not None and self.domain != "rgb":
            raise ValueError(f"input.bits rounds developed pictures, but the domain is {self.domain}; leave it out")
        return self

    def to_json(self) -> str:
        """The text of `config.json`."""
        return json.dumps(self.model_dump(by_alias=True, mode="json"), indent=2) + "\n"


def data_title(name: str) -> str:
    """Describes a data set of `WeightsConfig.metrics`: "kodak24_raw_100" is synthetic RAW from kodak24 at ratio 100."""
    if found := re.fullmatch(r"(.+)_raw_([0-9.]+)", name):
        return f"{data_title(found[1])}, synthetic RAW at ratio {found[2]}"
    return {"lol_eval15": "LOL eval15", "validation": "held-out validation pictures"}.get(name, name)


def read_config(folder: Path) -> WeightsConfig:
    """Reads the config of a folder of weights.

    Raises:
        WeightsError: the file is missing, is not JSON, has another schema or does not fit it.
    """
    path = Path(folder) / "config.json"
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError:
        raise WeightsError(
            f"{folder} holds no config.json; give a folder with model.safetensors and config.json."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); get the folder of weights again.") from error
    if isinstance(data, dict) and data.get("schema") != SCHEMA:
        release = data.get("release")
        named = isinstance(release, str) and re.fullmatch(r"[0-9]+(\.[0-9a-z]+){0,4}", release)
        raise WeightsError(
            f"{path} has schema {str(data.get('schema'))[:40]} but this release reads schema {SCHEMA}; "
            + (f"use lowlight-explorer {release} or later." if named else "use a newer release of lowlight-explorer.")
        )
    try:
        return WeightsConfig.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise WeightsError(f"{path} is not a valid config: {where}: {first['msg']}.") from error
