"""FourLLIE."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

FOURLLIE = Architecture(
    "fourllie",
    network="fourllie:FourLLIE",
    title="FourLLIE",
    domain="rgb",
    summary="Brightens the amplitudes of the Fourier transform, then restores detail where noise outweighs signal.",
    paper=(
        "Wang, Wu and Jin, FourLLIE: Boosting Low-Light Image Enhancement by Fourier Frequency Information, ACM "
        "Multimedia 2023"
    ),
    # The mirrored border of the blur needs three samples.
    size=SizeRequirements(minimum=8, multiple_of=8),
    intermediates=(
        Intermediate("amplitude", "What amplitudes are divided by", german="Wodurch die Amplituden geteilt werden"),
        Intermediate("first_stage", "With brightened amplitudes", colours="rgb", german="Mit hellen Amplituden"),
        Intermediate("snr_mask", "Signal over noise", german="Signal über Rauschen"),
    ),
    german="Hellt die Amplituden der Fourier-Transformation auf und stellt dann her, was im Rauschen untergeht.",
)
