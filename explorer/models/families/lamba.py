"""Lamba & Mitra's network and its modifications."""

from __future__ import annotations

from explorer.models.registry import Architecture, SizeRequirements

_PAPER = "Lamba and Mitra, Restoring Extremely Dark Images in Real Time, CVPR 2021"
_SIZE = SizeRequirements(minimum=32, multiple_of=32)

LAMBA_M0 = Architecture(
    "lamba_m0",
    network="lamba:LambaM0",
    title="Lamba & Mitra M0",
    domain="bayer",
    summary="Real-time RAW restoration: most of the work at 1/32 of the resolution.",
    paper=_PAPER,
    halo=576,
    size=_SIZE,
    german="RAW-Wiederherstellung in Echtzeit: die meiste Arbeit bei 1/32 der Auflösung.",
)
LAMBA_M1 = Architecture(
    "lamba_m1",
    network="lamba:LambaM1",
    title="Lamba & Mitra M1",
    domain="bayer",
    summary="M0 with dense blocks at 1/8 and 1/16 of the resolution as well.",
    paper=_PAPER + "; modified",
    halo=480,
    size=_SIZE,
    german="M0 mit dichten Blöcken auch bei 1/8 und 1/16 der Auflösung.",
)
LAMBA_M2 = Architecture(
    "lamba_m2",
    network="lamba:LambaM2",
    title="Lamba & Mitra M2",
    domain="bayer",
    summary="M1 with one more dense block a scale and two fusions side by side.",
    paper=_PAPER + "; modified",
    halo=512,
    size=_SIZE,
    german="M1 mit je einem weiteren dichten Block und zwei Zusammenführungen nebeneinander.",
)
