"""Options that several commands share, and the meaning of their texts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from explorer.batch.photograph import Balance, Treatment
from explorer.choices import NAMED_BALANCES, Bits, BlackChoice, EngineName, RatioChoice
from explorer.errors import OutputError, RatioError, WhiteBalanceError
from explorer.formats import described
from explorer.saving import WITHOUT_BITS, Saving

if TYPE_CHECKING:
    from explorer.batch.run import Engine


RatioOption: TypeAlias = Annotated[
    str, typer.Option(help="Amplification in linear light, 1 to 300; `auto` fits the model and the photo.")
]
BlackLevelOption: TypeAlias = Annotated[
    BlackChoice,
    typer.Option(
        help="Black level of a RAW file: as the file states it, from its masked pixels, or (auto) from the masked "
        "pixels only if they clearly differ."
    ),
]
WeightsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="A folder of weights, or a file whose network its tensors reveal, to use instead of the model's own.",
    ),
]
BackendOption: TypeAlias = Annotated[
    str, typer.Option(help="auto, torch, openvino or cuda; add a precision like openvino:float32.")
]
NeededModelOption: TypeAlias = Annotated[
    str, typer.Option("--model", "-m", help="A model's name; `lowlight models` lists them.")
]
EngineOption: TypeAlias = Annotated[
    EngineName, typer.Option(help="Processes on this machine, or Ray on one or many machines.")
]
AddressOption: TypeAlias = Annotated[
    str | None, typer.Option(help="Address of a running Ray cluster, or `auto`; by default Ray starts one here.")
]
WorkersOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        min=0, help="Processes on this machine; by default as many as fit its cores and memory; 0 for only this one."
    ),
]
ModelOption: TypeAlias = Annotated[
    str | None, typer.Option("--model", "-m", help="A model's name; `lowlight models` lists them.")
]
PhotographsArgument: TypeAlias = Annotated[
    list[Path],
    typer.Argument(metavar="IN", help=f"Dark photos: {described()}; or folders of them; - for standard input."),
]
OutOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--out",
        "-o",
        help="A .png, .tif, .tiff, .jpg, .jpeg, .webp, .dng or .exr file for one photo; a folder for several, "
        "where each becomes <stem>.png (end a new one in /); - for standard output, as PNG.",
    ),
]
SettingsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="JSON",
        help="A settings file saved by the app. Model, ratio, white balance, black level and finishing come from it "
        "and replace -m and the other picture options; --backend overrides the file's.",
    ),
]
IntermediatesOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="A folder for the model's intermediates (reflectance, illumination, ...): each as a 16-bit "
        "<stem>.<name>.png and as floats in <stem>.<name>.npy.",
    ),
]
GpsOption: TypeAlias = Annotated[bool, typer.Option("--keep-gps", help="Keep the GPS position, if the photo has one.")]
OverwriteOption: TypeAlias = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing files, whether earlier runs made them or not.")
]
NoOverwriteOption: TypeAlias = Annotated[
    bool, typer.Option("--no-overwrite", help="Keep existing files, and count each as an error.")
]
ReportJsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="Report on the results as JSON.")]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help="Report only errors.")]


def check_backend_option(backend: str) -> None:
    """Refuses an unavailable backend before any photo is read; `auto` takes any.

    Raises:
        ExplorerError: see `explorer.engine.check_backend`.
    """
    if backend != "auto":
        from explorer.restorer import check_backend  # here: it imports the networks

        check_backend(backend)


def chosen_engine(
    context: typer.Context,
    name: EngineName,
    address: str | None,
    workers: int | None,
    threads: int | None = None,
) -> Engine:
    """Returns the engine that the options ask for; a usage error if they contradict each other."""
    if name == "local" and address is not None:
        context.fail("--address goes with --engine ray.")
    from explorer.batch.run import Engine  # here: --help does without

    return Engine(name, address, workers, threads)


def parse_ratio(text: str) -> RatioChoice:
    """Parses `auto`, or a number from 1 to 300.

    Raises:
        RatioError: it is neither.
    """
    if text == "auto":
        return "auto"
    from explorer.photo import check_ratio

    try:
        value = float(text)
    except ValueError:
        raise RatioError(f"The ratio {text!r} is not a number; use auto or a number from 1 to 300.") from None
    return check_ratio(value)


@dataclass(frozen=True)
class PictureOptions:
    """The options of every command that restores photos, except the model; see `explorer.cli.grouped.spread`."""

    ratio: RatioOption = "auto"
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT",
            help="From the photo as developed (0) to the network's full result (100, the default). Fine detail returns "
            "before noise does.",
        ),
    ] = None
    half_size: Annotated[
        bool, typer.Option("--half-size", help="Restore at half the width and height, for a quick look at many photos.")
    ] = False
    suffix: Annotated[
        Literal[".png", ".tif", ".jpg", ".webp", ".dng", ".exr"], typer.Option(help="File type of results in a folder.")
    ] = ".png"
    keep_exposure: Annotated[
        bool,
        typer.Option(
            "--keep-exposure",
            help="Leave the samples of a .dng as dark as the photo's, without clipping, and state the amplification "
            "in BaselineExposure.",
        ),
    ] = False
    force_linear: Annotated[
        bool,
        typer.Option("--force-linear", help="Also make a .dng from a developed picture, from its displayed colours."),
    ] = False
    linear: Annotated[
        bool,
        typer.Option("--linear", help="Write .tif files as 32-bit floats of linear light in Rec. 2020, not clipped."),
    ] = False
    bits: Annotated[Literal["8", "16"], typer.Option(help="Bits per channel; 16 needs PNG or TIFF.")] = "8"
    white_balance: Annotated[
        str | None,
        typer.Option(metavar="WB", help="as_shot, daylight, grey_world, or gains R,G,B; the file's own by default."),
    ] = None
    neutral_point: Annotated[
        str | None,
        typer.Option(metavar="X,Y", help="White balance from a pixel of the upright picture that should be grey."),
    ] = None
    black_level: BlackLevelOption = "auto"
    weights: WeightsOption = None
    backend: BackendOption = "auto"

    def treatment(self, keep_gps: bool = False) -> Treatment:
        """Combines all choices for a photo except the model.

        Raises:
            RatioError, WhiteBalanceError: as `parse_ratio` and `parse_balance`.
            SettingsError: the strength is not a number from 0 to 100.
            ExplorerError: the backend is not available.
        """
        from explorer.photo.light.strength import check_strength

        ratio, balance = parse_ratio(self.ratio), parse_balance(self.white_balance, self.neutral_point)
        percent = check_strength(100.0 if self.strength is None else self.strength)
        check_backend_option(self.backend)
        saving = Saving(keep_gps, self.keep_exposure, self.force_linear, self.linear)
        depth: Bits = 16 if self.bits == "16" else 8
        return Treatment(
            ratio, balance, depth, self.backend, self.black_level, percent, self.suffix, saving, self.half_size
        )

    def folder_treatment(self) -> Treatment:
        """`treatment` for a command that only writes into folders.

        Raises:
            OutputError: the results' format lacks an option; names the format that has it.
            ExplorerError: as `treatment`.
        """
        from explorer.encode import FORMATS

        made = self.treatment()
        made.saving.check(made.suffix)
        if made.suffix not in WITHOUT_BITS and made.bits not in FORMATS[made.suffix]:
            raise OutputError(f"{made.suffix} holds 8 bits per channel; use .png or .tif, or leave --bits 16 out.")
        return made


def parse_balance(white_balance: str | None, neutral_point: str | None) -> Balance:
    """Returns the white balance that the options ask for.

    Raises:
        WhiteBalanceError: both options are given, or one is invalid.
    """
    if white_balance is not None and neutral_point is not None:
        raise WhiteBalanceError("--white-balance and --neutral-point cannot be used together; leave one of them out.")
    if neutral_point is not None:
        point = numbers(neutral_point)
        if point is None or len(point) != 2:
            raise WhiteBalanceError(f"--neutral-point takes a pixel X,Y, for example 320,240, not {neutral_point!r}.")
        x, y = round(point[0]), round(point[1])
        return Balance(neutral=(x, y))
    if white_balance is None:
        return Balance()
    for named in NAMED_BALANCES:
        if white_balance == named:
            return Balance(named)
    gains = numbers(white_balance)
    if gains is None or len(gains) != 3:
        raise WhiteBalanceError(
            f"--white-balance takes {', '.join(NAMED_BALANCES)} or three gains R,G,B, for example 2.1,1,1.6, "
            f"not {white_balance!r}."
        )
    red, green, blue = gains
    return Balance((red, green, blue))


def numbers(text: str) -> list[float] | None:
    """Parses finite numbers separated by commas; None if the text is anything else."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return values if all(map(math.isfinite, values)) else None
