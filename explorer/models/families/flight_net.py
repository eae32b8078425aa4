"""FLIGHT-Net."""

from __future__ import annotations

from explorer.models.registry import Architecture, Intermediate, SizeRequirements

FLIGHT_NET = Architecture(
    "flight_net",
    network="flight_net:FlightNet",
    title="FLIGHT-Net",
    domain="rgb",
    summary="25,049 parameters: a colour map, one gain a channel, channel attention and a denoiser, one after another.",
    paper=(
        "Ozcan, Ergezer and Ayazoglu, FLIGHT Mode On: A Feather-Light Network for Low-Light Image Enhancement, CVPR "
        "Workshops 2023"
    ),
    size=SizeRequirements(minimum=23),
    intermediates=(
        Intermediate("color", "Colour map", colours="rgb", german="Farbkarte"),
        Intermediate("gain", "Gain of red, green, blue", (0.0, 20.0), table=True,
                     german="Verstärkung von Rot, Grün, Blau"),
        Intermediate("tuned", "Before the denoiser", colours="rgb", german="Vor dem Entrauschen"),
    ),
    german="25.049 Parameter: Farbkarte, eine Verstärkung je Kanal, Kanal-Attention, Entrauschen.",
)  # fmt: skip
