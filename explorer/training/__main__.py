"""`python -m explorer.training RECIPE --data DIR`: trains without the rest of the explorer's packages.

With torchrun, several processes train together: `torchrun --nproc-per-node 2 -m explorer.training RECIPE --data DIR
--run-folder DIR`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from explorer.errors import ExplorerError
from explorer.training.distributed import launched, ranks
from explorer.training.loop import Progress, Trainer
from explorer.training.recipe import load_recipe


def _report(progress: Progress) -> None:
    if progress.step % 100 == 0 or progress.step == progress.total:
        sys.stderr.write(
            f"{progress.step}/{progress.total} loss {progress.losses['loss']:.4f} "
            f"val PSNR {progress.validation.get('psnr', 0):.2f} {progress.seconds_left / 60:.1f} min left\n"
        )


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m explorer.training")
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True)
    # torchrun would take `--run` for an abbreviation of one of its own options.
    parser.add_argument(
        "--run", "--run-folder", type=Path, required=True, help="folder of the run's checkpoint, log and replay"
    )
    parser.add_argument("--steps", type=int)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    first = True
    try:
        with launched(options.device):
            first = ranks().first
            trainer = Trainer(
                load_recipe(options.recipe),
                options.data,
                options.run,
                steps=options.steps,
                device=options.device,
                resume=options.resume,
            )
            trainer.run(_report)
    except ExplorerError as error:
        if first:  # the others fail with the same sentence
            sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
