"""The training loop: resumable after a kill, deterministic from a seed, with validation and replay pictures."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.optim import lr_scheduler

from explorer.errors import TrainingError
from explorer.metrics import PLAIN
from explorer.models import create_model
from explorer.training import distributed
from explorer.training import state as run_state
from explorer.training.objectives import Objective
from explorer.training.recipe import Recipe
from explorer.weights.run_files import LOG, REPLAY

_SAVE_EVERY = 45.0
_WARM_UP = 200


@dataclass(frozen=True)
class Progress:
    """The state of a training, for a progress bar."""

    step: int
    total: int
    seconds_left: float
    losses: dict[str, float]
    validation: dict[str, float]
    rates: dict[str, float]
    """Learning rate of each optimiser."""


def make_schedules(
    objective: Objective, kind: str, total: int, restarts: tuple[tuple[float, float], ...] = ()
) -> dict[str, lr_scheduler.LRScheduler]:
    """Makes a learning-rate scheduler for each optimiser.

    Args:
        kind: "cosine" (linear warm-up over 200 steps, then half a cosine to 1 %), "step" (StepLR: halved at each fifth
            of the steps) or "plateau" (ReduceLROnPlateau on the validation PSNR: halved after three epochs without
            gain). Each spans its optimiser's part of the training.
        restarts: restarts of "cosine": position (a share of the part, increasing) and fraction of the rate; Loshchilov
            and Hutter, "SGDR", ICLR 2017.

    Raises:
        TrainingError: an unknown kind.
    """
    schedules: dict[str, lr_scheduler.LRScheduler] = {}
    for name, optimiser in objective.optimisers.items():
        start, end = objective.stretch(name, total)
        end = max(end, start + 1)
        if kind == "cosine":
            begins = [(0, 1.0), *((round(share * (end - start)), part) for share, part in restarts)]
            schedules[name] = lr_scheduler.LambdaLR(optimiser, partial(_cosines, begins=begins, length=end - start))
        elif kind == "step":
            schedules[name] = lr_scheduler.StepLR(optimiser, max(1, (end - start) // 5), gamma=0.5)
        elif kind == "plateau":
            schedules[name] = lr_scheduler.ReduceLROnPlateau(optimiser, mode="max", factor=0.5, patience=3)
        else:
            raise TrainingError(f"There is no schedule {kind!r}; use 'cosine', 'step' or 'plateau'.")
    return schedules


def _cosine(step: int, length: int) -> float:
    done = min(step, length)
    return min(1.0, (done + 1) / _WARM_UP) * (0.505 + 0.495 * math.cos(math.pi * done / length))


def _cosines(step: int, begins: list[tuple[int, float]], length: int) -> float:
    """Makes a cosine from each restart to the next, or to the end, times its factor."""
    k = max(k for k, (begin, _) in enumerate(begins) if begin <= step)
    begin, factor = begins[k]
    end = begins[k + 1][0] if k + 1 < len(begins) else length
    return factor * _cosine(step - begin, max(end - begin, 1))


def reduced_precision(device: torch.device) -> bool:
    """True if the hardware supports bfloat16 arithmetic: CUDA, and processors with AMX or AVX-512 BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _hardware(device: torch.device) -> str:
    world = distributed.ranks().world
    several = f"{world} processes, each on " if world > 1 else ""
    if device.type == "cuda":
        return several + torch.cuda.get_device_name(device)
    kind = ""
    if Path("/proc/cpuinfo").is_file():
        lines = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        kind = f" on {lines[0].partition(':')[2].strip()}" if lines else ""
    threads = torch.get_num_threads()
    return f"{several}{threads} thread{'s' * (threads != 1)}{kind or ' on a processor'}"


def choose_device(name: str) -> torch.device:
    """Chooses a device; "auto" uses CUDA if there is one.

    Raises:
        TrainingError: the named device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(f"The device {name!r} is not available here; use 'auto' or 'cpu'.") from error
    return device


class Trainer:
    """A run of a recipe in a folder, in one process or several (`explorer.training.distributed`).

    Of several processes, only the first reads and writes the folder.

    Args:
        recipe: what to train.
        data: folder that contains `clean/` and `lol/`.
        folder: the run's folder; created if missing.
        steps: overrides the recipe's steps, or those of a resumed run.
        resume: continue from the folder's checkpoint.

    Raises:
        DataError: the data cannot be used.
        TrainingError: the checkpoint cannot be resumed, or there is one and `resume` is false.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Path,
        folder: Path,
        *,
        steps: int | None = None,
        device: str = "auto",
        resume: bool = False,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.folder = recipe, folder
        self.ranks = distributed.ranks()
        distributed.check_shares(min(phase.batch for phase in recipe.phases), recipe.name)
        self.device = distributed.together(lambda: choose_device(device))
        saved = distributed.from_first(lambda: self._saved(resume))
        self.total = steps or (saved or {}).get("total", recipe.steps)
        self.source = distributed.together(lambda: recipe.source(data, recipe.seed, recipe.phases))
        net = create_model(recipe.architecture, **recipe.options).to(self.device)
        if self.device.type == "cuda" or reduced_precision(self.device):
            # In float32 on a CPU, channels-last order would make the backward pass up to 1.4 times as long.
            net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = recipe.objective(net)
        for group in (each for optimiser in self.objective.optimisers.values() for each in optimiser.param_groups):
            group["lr"] *= recipe.pace
        if saved is None:
            self._begin_with(net)
        for network in self.objective.networks.values():
            network.to(self.device)
        distributed.alike(self.objective.networks, self.device)
        self.average = create_model(recipe.architecture, **recipe.options).to(self.device)
        self.average.load_state_dict(net.state_dict())
        self.schedules = make_schedules(self.objective, recipe.schedule, self.total, recipe.cosine_restarts)
        self.step, self.seconds = 0, 0.0
        self.validated: dict[str, float] = {}
        if saved is not None:
            try:
                self._restore(saved)
            except (KeyError, RuntimeError, ValueError, TypeError, AttributeError) as error:
                raise TrainingError(
                    f"The checkpoint in {folder} does not fit the current recipe {recipe.name} ({error}); "
                    "choose another run folder."
                ) from error
        distributed.from_first(lambda: self._prepare_folder(fresh=saved is None))

    def _saved(self, resume: bool) -> dict[str, Any] | None:
        if resume:
            return run_state.load_checkpoint(self.folder, self.recipe.name)
        if (self.folder / run_state.CHECKPOINT).is_file():
            raise TrainingError(
                f"{self.folder} already contains a run; add --resume to continue it, or choose another run folder."
            )
        return None

    def _prepare_folder(self, *, fresh: bool) -> None:
        try:
            (self.folder / REPLAY).mkdir(parents=True, exist_ok=True)
            if fresh:
                (self.folder / LOG).unlink(missing_ok=True)
        except OSError as error:
            raise TrainingError(
                f"{self.folder} cannot be written ({error.strerror}); choose another run folder."
            ) from error
        if not fresh:
            run_state.truncate_log(self.folder, self.step)

    @property
    def skipped(self) -> list[str]:
        """Training and validation pictures that could not be read and were skipped."""
        return list(self.source.skipped.names)

    def _begin_with(self, net: nn.Module) -> None:
        """Initialises the network from the other weights that the recipe starts from."""
        if (warm := self.recipe.warm_start) is not None:
            beside = self.folder.parent / warm.source
            warm.grow(net, distributed.from_first(partial(run_state.load_part, beside, warm.source, "")))
        for part, source in self.recipe.init_from.items():
            beside = self.folder.parent / source
            tensors = distributed.from_first(partial(run_state.load_part, beside, source, part))
            try:
                net.get_submodule(part).load_state_dict(tensors)
            except (AttributeError, RuntimeError) as error:
                raise TrainingError(
                    f"The part {part!r} of {source} does not fit {self.recipe.architecture} as {self.recipe.name} "
                    f"builds it ({error}); train {source} again, or correct the recipe's `init_from`."
                ) from error

    def _restore(self, saved: dict[str, Any]) -> None:
        for name, network in self.objective.networks.items():
            network.load_state_dict(saved["networks"][name])
        for name, optimiser in self.objective.optimisers.items():
            optimiser.load_state_dict(saved["optimisers"][name])
        for name, schedule in self.schedules.items():
            schedule.load_state_dict(saved["schedules"][name])
        self.average.load_state_dict(saved["average"])
        self.step, self.seconds = saved["step"], saved["seconds"]
        self.validated = saved["validated"]

    def save(self) -> None:
        """Writes the checkpoint.

        Raises:
            TrainingError: the disk is full, or the parameters are not finite; the previous checkpoint is kept.
        """
        if not all(bool(p.isfinite().all()) for p in self.objective.net.parameters()):
            raise self._diverged()
        run_state.save_checkpoint(
            self.folder,
            {
                "recipe": self.recipe.name,
                "own": asdict(self.recipe.own) if self.recipe.own else None,
                "step": self.step,
                "total": self.total,
                "seconds": self.seconds,
                "validated": self.validated,
                "networks": {k: v.state_dict() for k, v in self.objective.networks.items()},
                "optimisers": {k: v.state_dict() for k, v in self.objective.optimisers.items()},
                "schedules": {k: v.state_dict() for k, v in self.schedules.items()},
                "average": self.average.state_dict(),
            },
        )

    def _diverged(self) -> TrainingError:
        return TrainingError(
            f"The loss is not a number at step {self.step}; lower the recipe's learning rate and resume from the last "
            f"good checkpoint, in {self.folder}."
        )

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.recipe.ema_decay, (1 + self.step) / (10 + self.step))
        values = self.objective.net.state_dict()
        for name, mean in self.average.state_dict().items():
            value = values[name]
            if mean.is_floating_point():  # also the statistics of batch norms, which belong to the parameters
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Computes the averaged network's plain metrics on the held-out batches; saves replay pictures."""
        scores: dict[str, float] = {}
        further: dict[str, list[float]] = {}
        found: dict[str, list[torch.Tensor]] = {metric.name: [] for metric in PLAIN}
        drawn = []
        net = self.average.eval()
        for held_out in self.source.validation():
            batch = {k: v.to(self.device) for k, v in held_out.items()}
            restored, reference = self.objective.restored(net, batch)
            for metric in PLAIN:
                found[metric.name].append(metric.compute(restored, reference))
            if "ratio" in batch:
                scores[f"psnr_{batch['ratio'][0].item():g}"] = found["psnr"][-1].mean().item()
            for name, value in self.objective.diagnostics(net, batch).items():
                further.setdefault(name, []).append(value)
            drawn.append(restored[0])
        self._draw(drawn[:4])
        return (
            {name: torch.cat(values).mean().item() for name, values in found.items()}
            | scores
            | {name: sum(values) / len(values) for name, values in further.items()}
        )

    def _draw(self, pictures: list[torch.Tensor]) -> None:
        strip = torch.cat([p.clamp(0, 1) for p in pictures], 2).permute(1, 2, 0).mul(255).round().byte().cpu()
        buffer = io.BytesIO()
        Image.fromarray(np.asarray(strip)).save(buffer, format="PNG")
        path = self.folder / REPLAY / f"{self.step:07d}.png"
        run_state.write_atomically(path, buffer.getvalue())

    def _log(self, entry: dict[str, Any]) -> None:
        if not self.ranks.first:
            return
        run_state.append_log(self.folder, {"step": self.step, "seconds": round(self.seconds, 1), **entry})

    def _advance(self, autocast: torch.autocast) -> dict[str, float]:
        """Takes one step with the next batch; returns its losses.

        Raises:
            TrainingError: one of them is not finite.
        """
        share, weight = distributed.share_of(self.source.batch(self.step, self.total))
        batch = {k: v.to(self.device) for k, v in share.items()}
        # Dropout draws from the global generator; a seed for each step makes a resumed run draw the same.
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step + self.ranks.rank * 1_000_000_007)
        for network in self.objective.networks.values():
            network.train()
        with distributed.shared_step(weight):
            with autocast:
                losses = self.objective.step(batch, self.step, self.total)
            losses = distributed.average_losses(losses)
        distributed.average_statistics(self.objective.networks.values())
        if not all(math.isfinite(v) for v in losses.values()):
            raise self._diverged()
        for name, schedule in self.schedules.items():
            start, end = self.objective.stretch(name, self.total)
            if start <= self.step < end and not isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
                schedule.step()
        self.step += 1
        self._update_average()
        return losses

    def run(self, report: Callable[[Progress], None] = lambda progress: None) -> nn.Module:
        """Trains to the last step and returns the averaged network. Only the first process reports progress.

        Raises:
            TrainingError: the loss is not finite (the checkpoint keeps the last good state), or the disk is full.
        """
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=reduced_precision(self.device))
        self._log({"device": _hardware(self.device), "torch": torch.__version__, "skipped": self.skipped})
        if self.step == 0:
            self.validated = distributed.from_first(self.validate)
            self._log({"validation": self.validated})
            if self.ranks.first:
                self.save()
        saved = started = time.monotonic()
        first, before = self.step, self.seconds
        sums: dict[str, float] = {}
        summed = 0
        while self.step < self.total:
            losses = self._advance(autocast)
            now = time.monotonic()
            self.seconds = before + now - started
            for key, value in losses.items():
                sums[key] = sums.get(key, 0.0) + value
            summed += 1
            rates = {k: o.param_groups[0]["lr"] for k, o in self.objective.optimisers.items()}
            if self.step % 50 == 0:
                # A resumed run has taken fewer than 50 steps at its first entry.
                self._log({"losses": {k: round(v / summed, 6) for k, v in sums.items()}, "rate": rates})
                sums, summed = {}, 0
            if self.step % self.recipe.epoch == 0 or self.step == self.total:
                self.validated = distributed.from_first(self.validate)
                self._log({"validation": self.validated})
                for name, schedule in self.schedules.items():
                    start, end = self.objective.stretch(name, self.total)
                    if isinstance(schedule, lr_scheduler.ReduceLROnPlateau) and start < self.step <= end:
                        schedule.step(self.validated["psnr"])
            if self.ranks.first and (now - saved > _SAVE_EVERY or self.step == self.total):
                self.save()
                saved = now
            left = (now - started) / (self.step - first) * (self.total - self.step)
            if self.ranks.first:
                report(Progress(self.step, self.total, left, losses, self.validated, rates))
        return self.average.eval()
