"""The facts about a published checkpoint, known before it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from explorer.metrics import METRICS
from explorer.models import architecture
from explorer.weights.config import InputConvention, OutputConvention
from explorer.weights.keymaps import Layout

RAW_FILES = "https://raw.githubusercontent.com"
"""Where GitHub gives the files of repositories."""
NO_LICENCE = "none stated"
UNPUBLISHED = "that of the file; no checkpoint is published"
MOSAIC = InputConvention(white_balance="none", clip=None, ratio_rule="dark_bin")
"""How networks on mosaics were trained that Lamba & Mitra's amplifier feeds."""
LOL_DARKNESS = (0.0014, 0.0066, 0.0176)
"""Mean linear light of LOL's dark pictures: darkest twentieth, all, brightest twentieth. Brought to it, photos outside
came out better from MobileIE and PairLIE, on SICE's validation pictures (0.8 to 1.5 dB) and on darkened photographs of
Kodak's (0.7 to 2.3 dB); the others lost on one of the two sets or on both."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published checkpoint."""

    name: str
    """As its authors call it."""
    sha256: str | None
    """Hex digest, None if no file is published and only the layout is known."""
    layout: Layout = field(repr=False)
    role: str = "network"
    """"network", or "decom" and "relight" where the two halves of a RetinexNet come apart."""
    used: bool = True
    """False for a file whose tensors are checked and then ignored on purpose; it may be left out."""
    url: str = ""
    """Where its authors give it, the file itself; empty if none is published."""
    size: int = 0
    """Bytes; 0 if none is published, or the Hub tells it."""
    hub: str = ""
    """The repository of the Hugging Face Hub that holds it; empty if its authors give it elsewhere."""


class Baseline:
    """Measured figures of a checkpoint or a plain method on one data set: a row of comparison.

    Args:
        label: what it is.
        figures: those of the first entries of `explorer.metrics.METRICS`, as far as they were measured.
    """

    def __init__(self, label: str, *figures: float) -> None:
        self.label = label
        self.scores = {metric.name: figure for metric, figure in zip(METRICS, figures, strict=False)}


@dataclass(frozen=True)
class PublishedCheckpoint:
    """The facts about a published checkpoint, known before it is opened."""

    name: str
    files: tuple[PublishedFile, ...]
    architecture: str
    licence: str
    summary: str
    origin: str = ""
    """The page that offers the files; empty if none is published."""
    redistributable: bool = False
    """True if the licence allows redistribution for any purpose."""
    options: dict[str, str | int | float | bool] = field(default_factory=dict)
    input: InputConvention = InputConvention(clip=(0.0, 1.0), ratio_rule="none")
    output: OutputConvention = OutputConvention()
    aliases: tuple[str, ...] = ()
    """Other names that users know it by."""
    trained_on: str = ""
    """The data in a few words; empty if unknown."""
    saw_eval15: bool | None = None
    """True if scenes of LOL's eval15 stand in that data, so that figures on it are not those of unseen pictures; None
    where that is not known."""
    figures: Mapping[str, Baseline] = field(default_factory=dict)
    """By data set, as `lowlight eval` measures them."""
    reported: Mapping[str, Baseline] = field(default_factory=dict)
    """By data set, as its authors report them."""
    compared_with: tuple[str, ...] = ()
    """The project's own weights whose cards show these figures."""

    @property
    def paper(self) -> str:
        """Authors, title, venue, year."""
        return architecture(self.architecture).paper

    @property
    def downloadable(self) -> bool:
        """True if its authors publish all its files."""
        return all(file.url or file.hub for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all its files; 0 if none are published."""
        return sum(file.size for file in self.files)
