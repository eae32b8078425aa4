"""What several rooms choose among, named once: a network's input, ratio, white balance, black level, engines.

It imports nothing heavy, because the command line reads it before anything else.
"""

from __future__ import annotations

from typing import Literal, get_args

Domain = Literal["bayer", "packed", "xtrans", "rgb"]
"""What a network takes: a mosaic, a packed or an X-Trans mosaic, or a developed picture."""
DOMAINS: tuple[Domain, ...] = get_args(Domain)
PLANE_STEP: dict[Domain, int] = {"bayer": 1, "packed": 2, "xtrans": 3, "rgb": 1}
"""Pixels of the picture per sample of a network's input plane, along one side."""

PlaneOrder = Literal["sid", "s2d"]
"""Order of a packed mosaic's planes: as in Learning to See in the Dark, or by rows of the cell."""
BalancePlace = Literal["before", "none"]
"""Whether the mosaic is white-balanced before the network."""
Highlights = Literal["clip", "keep"]

RatioChoice = float | Literal["auto"]
"""1 to 300, or what fits the model and the photo."""
Bits = Literal[8, 16]
"""Bits per channel of a written picture."""
Turn = Literal[0, 90, 180, 270]
"""Counter-clockwise degrees."""

NamedBalance = Literal["as_shot", "daylight", "grey_world"]
NAMED_BALANCES: tuple[NamedBalance, ...] = get_args(NamedBalance)

BlackChoice = Literal["auto", "file", "masked"]
"""Black level of a RAW file: as stated, from its masked pixels, or ("auto") from those only if they clearly differ."""
BLACK_CHOICES: tuple[BlackChoice, ...] = get_args(BlackChoice)

EngineName = Literal["local", "ray"]
"""What restores archives: processes of this machine, or Ray."""

Hardware = Literal["cpu", "zero"]
"""Of a Space on the Hub: two cores, or ZeroGPU."""
