"""What several rooms choose among, named once: kinds of network input, white balances, black levels, engines.

It imports nothing heavy, because the command line reads it before anything else.
"""

from __future__ import annotations

from typing import Literal, get_args

Domain = Literal["bayer", "packed", "xtrans", "rgb"]
"""What a network takes: a mosaic, a packed or an X-Trans mosaic, or a developed picture."""
DOMAINS: tuple[Domain, ...] = get_args(Domain)
PLANE_STEP: dict[Domain, int] = {"bayer": 1, "packed": 2, "xtrans": 3, "rgb": 1}
"""Pixels of the picture per sample of a network's input plane, along one side."""

NamedBalance = Literal["as_shot", "daylight", "grey_world"]
NAMED_BALANCES: tuple[NamedBalance, ...] = get_args(NamedBalance)

BlackChoice = Literal["auto", "file", "masked"]
"""Black level of a RAW file: as stated, from its masked pixels, or ("auto") from those only if they clearly differ."""
BLACK_CHOICES: tuple[BlackChoice, ...] = get_args(BlackChoice)

EngineName = Literal["local", "ray"]
"""What restores archives: processes of this machine, or Ray."""
