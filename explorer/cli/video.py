"""`lowlight video`: restores dark clips and folders of RAW frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from explorer.cli.options import (
    BackendOption,
    OverwriteOption,
    QuietOption,
    RatioOption,
    check_backend_option,
    parse_ratio,
)
from explorer.cli.outputs import check_new
from explorer.cli.terminal import print_json, progress, tell

if TYPE_CHECKING:
    from explorer.video import VideoProgress, VideoResult


def video(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A video that PyAV can read, or a folder of frames (CinemaDNG, RAW)."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .mp4, .mov, .m4v, .mkv or .webm file.")],
    model: Annotated[str, typer.Option("--model", "-m", help="A model's name; `lowlight models` lists them.")],
    ratio: RatioOption = "auto",
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", help="Let the automatic ratio follow the light slowly, instead of one ratio for the clip."
        ),
    ] = False,
    steady: Annotated[
        bool, typer.Option("--steady/--no-steady", help="Remove flicker where the picture is still.")
    ] = True,
    codec: Annotated[str, typer.Option(help="libx264, libx265, libsvtav1, libvpx-vp9 or ffv1.")] = "libx264",
    crf: Annotated[int | None, typer.Option(help="Quality, lower is better; by default the codec's own.")] = None,
    bits: Annotated[Literal["8", "10"] | None, typer.Option(help="Bits per sample; by default the clip's.")] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of a folder; by default the files' own, or 24.")
    ] = None,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Copy the clip's sound.")] = True,
    overwrite: OverwriteOption = False,
    backend: BackendOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Restore a dark video, keeping its timing and its sound.

    Run the same command again to resume an interrupted run. A frame that cannot
    be decoded is reported, and repeats the frame before it.
    """
    amplification = parse_ratio(ratio)
    check_backend_option(backend)
    check_new(out, overwrite)
    from explorer import restore_video

    done = 0
    with progress(_frames_of(source), quiet=quiet) as shown:

        def advance(now: VideoProgress) -> None:
            nonlocal done
            shown.advance(f"{source.name}: frame {now.done} of {now.frames}, ratio {now.ratio:.4g}", now.done - done)
            done = now.done

        result = restore_video(
            source, out, model, amplification, follow=follow, steady=steady, codec=codec, crf=crf,
            bits=int(bits) if bits else None, fps=fps, sound=sound, backend=backend, progress=advance,
        )  # fmt: skip
    if as_json:
        print_json(_plain(source, result))
    elif not quiet:
        _report(source, result)


def _frames_of(source: Path) -> int:
    """Counts frames for the progress bar, if there is one; the run itself reports errors of the source."""
    import sys

    from explorer.errors import ExplorerError

    if not sys.stderr.isatty():
        return 0
    from explorer.video.opening import open_source

    try:
        return open_source(source).facts.frames
    except ExplorerError:
        return 0


def _report(source: Path, result: VideoResult) -> None:
    rate = result.network / result.seconds if result.seconds else 0.0
    tell(
        f"{source} -> {result.path}: {result.frames} frames of {result.width} x {result.height}, {result.model}, ratio "
        f"{result.ratio:.4g} ({result.ratio_source}), {result.seconds:.1f} s, {min(rate, 1):.0%} in the network"
    )
    if result.resumed:
        tell(f"  {result.resumed} frames were already restored")
    if result.damaged:
        named = ", ".join(f"{index} at {seconds:.2f} s" for index, seconds in result.damaged[:20])
        more = f" and {len(result.damaged) - 20} more" if len(result.damaged) > 20 else ""
        tell(f"  {len(result.damaged)} damaged frames repeat the one before: {named}{more}")
    for note in result.notes:
        tell(f"  {note}")


def _plain(source: Path, result: VideoResult) -> dict[str, object]:
    return {
        "input": str(source), "output": str(result.path), "frames": result.frames, "width": result.width,
        "height": result.height, "model": result.model, "ratio": result.ratio, "ratio_source": result.ratio_source,
        "damaged": [{"frame": index, "seconds": seconds} for index, seconds in result.damaged],
        "resumed": result.resumed, "seconds": result.seconds, "network": result.network, "notes": list(result.notes),
    }  # fmt: skip
