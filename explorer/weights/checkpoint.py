"""The facts about a published checkpoint, known before it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.metrics import METRICS
from explorer.models import architecture
from explorer.weights.config import InputConvention, OutputConvention
from explorer.weights.keymaps import Layout

RAW_FILES = "https://raw.githubusercontent.com"
"""Address of files in GitHub repositories."""
NO_LICENCE = "none stated"
UNPUBLISHED = "that of the file; no checkpoint is published"
MOSAIC = InputConvention(white_balance="none", clip=None, ratio_rule="dark_bin")
"""Input convention of networks on mosaics that use Lamba & Mitra's amplifier."""
LOL_DARKNESS = (0.0014, 0.0066, 0.0176)
"""Mean linear light of LOL's dark pictures: darkest twentieth, all, brightest twentieth. Scaling photos outside this
range to it improved MobileIE and PairLIE on SICE's validation pictures (0.8 to 1.5 dB) and on darkened Kodak photos
(0.7 to 2.3 dB); the other networks got worse on one or both sets."""


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published checkpoint."""

    name: str
    """The authors' name for it."""
    sha256: str | None
    """Hex digest, None if no file is published and only the layout is known."""
    layout: Layout = field(repr=False)
    role: str = "network"
    """"network", or "decom" and "relight" for the two halves of a RetinexNet in separate files."""
    used: bool = True
    """False for a file whose tensors are checked and then intentionally ignored; it may be omitted."""
    url: str = ""
    """Download address of the file at its authors'; empty if none is published."""
    size: int = 0
    """Bytes; 0 if none is published, or if the Hub states it."""
    hub: str = ""
    """The repository on the Hugging Face Hub; empty if it is published elsewhere."""


@dataclass(frozen=True)
class GitHubFolder:
    """A folder of a GitHub repository, at a commit, in which authors publish weights."""

    repository: str
    commit: str
    path: str

    @property
    def page(self) -> str:
        """Address of its page, the `origin` of a checkpoint."""
        return f"https://github.com/{self.repository}/tree/{self.commit}/{self.path}"

    def file(
        self, name: str, sha256: str, layout: Layout, size: int, role: str = "network", used: bool = True
    ) -> PublishedFile:
        """A file of the folder; arguments as of `PublishedFile`."""
        url = f"{RAW_FILES}/{self.repository}/{self.commit}/{self.path}/{name}"
        return PublishedFile(name, sha256, layout, role, used, url, size)

    def trained(
        self, name: str, file: str, sha256: str, data: str, seen: bool | None, figures: Baseline | None = None,
        *, layout: Layout, size: int, what: str, **facts: Any,
    ) -> PublishedCheckpoint:  # fmt: skip
        """One of a family's checkpoints: a file of the folder, trained on some data.

        Args:
            data, seen: `trained_on` and `saw_eval15` of the checkpoint.
            figures: measured on LOL's eval15.
            what: begins the summary.
            facts: other fields of `PublishedCheckpoint`.
        """
        return PublishedCheckpoint(
            name, (self.file(file, sha256, layout, size),), summary=f"{what}, trained on {data}.", origin=self.page,
            trained_on=data, saw_eval15=seen, figures={} if figures is None else {"lol_eval15": figures}, **facts,
        )  # fmt: skip


class Baseline:
    """Measured metrics of a checkpoint or a plain method on one data set: a row for comparison.

    Args:
        label: name of the row.
        figures: values for the first entries of `explorer.metrics.METRICS`, as far as measured.
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
    """Other common names."""
    trained_on: str = ""
    """The data in a few words; empty if unknown."""
    saw_eval15: bool | None = None
    """True if that data contains scenes of LOL's eval15, which are then not unseen pictures; None if unknown."""
    figures: Mapping[str, Baseline] = field(default_factory=dict)
    """By data set, as measured by `lowlight eval`."""
    reported: Mapping[str, Baseline] = field(default_factory=dict)
    """By data set, as reported by the authors."""
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
    def shareable(self) -> bool:
        """True if the licence itself allows redistribution, be it for non-commercial purposes alone."""
        return self.redistributable or self.licence.startswith("CC BY-NC")

    @property
    def size(self) -> int:
        """Bytes of all its files; 0 if none are published."""
        return sum(file.size for file in self.files)
