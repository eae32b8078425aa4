"""Distributed training of one network: torchrun starts several processes, each of which takes its share of every batch.

    torchrun --nproc-per-node 2 -m explorer.training RECIPE --data DIR --run-folder DIR

Data parallelism as in Li et al., "PyTorch Distributed: Experiences on Accelerating Data Parallel Training", VLDB 2020:
every process holds the same networks, computes the gradients of its share, and steps with the average over all.
Gradients are averaged in `explorer.training.objectives.minimise`, before they are clipped, and not by wrapping the
networks in `DistributedDataParallel`: objectives call parts of a network and step its optimisers in turn, which does
not fit the wrapper's single forward and backward pass per step.

The same as with one process: the batch of every step, the order of its pictures, the gradients (up to rounding, because
they are summed in another order), clipping, schedules, validation and checkpoints. Different: batch norms see only
their own process's share (on CUDA, they are synchronised over the whole batch), and dropout draws other masks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from explorer.errors import ExplorerError, TrainingError
from explorer.machine import flush_denormals

Value = TypeVar("Value")
Batch = dict[str, torch.Tensor]
# The other processes wait while the first one reads, validates or writes a checkpoint.
_PATIENCE = timedelta(hours=2)
_WEIGHT: ContextVar[float | None] = ContextVar("weight", default=None)


@dataclass(frozen=True)
class Ranks:
    """This process's rank, and the number of processes."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """True if this process logs, validates and writes checkpoints."""
        return self.rank == 0


def ranks() -> Ranks:
    """Returns this process's rank and the number of processes; (0, 1) if there are no others."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()


@contextmanager
def launched(device: str = "auto") -> Iterator[Ranks]:
    """Joins the processes started by torchrun, and leaves them at the end; without torchrun, does nothing.

    Args:
        device: "cpu" keeps everything on CPUs (gloo); otherwise each process uses the GPU of its local rank (NCCL), if
            there are any.

    Raises:
        TrainingError: fewer GPUs than processes on this machine, or the processes cannot connect.
    """
    flush_denormals()
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield Ranks()
        return
    # This module stores the group at its import as a default argument. Optimisers import it; if that happened after
    # joining, the group and its threads would outlive `destroy_process_group`, and the interpreter would sometimes
    # abort at exit.
    import torch.distributed.nn

    backend = "gloo"
    if device != "cpu" and torch.cuda.is_available():
        local = int(os.environ.get("LOCAL_RANK", "0"))
        if local >= torch.cuda.device_count():
            raise TrainingError(
                f"This machine has {torch.cuda.device_count()} GPUs, fewer than the processes started on it; lower "
                "--nproc-per-node, or add --device cpu."
            )
        torch.cuda.set_device(local)
        backend = "cpu:gloo,cuda:nccl"
    try:
        dist.init_process_group(backend, timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"The {os.environ['WORLD_SIZE']} processes of this training cannot find each other ({error}); check "
            "torchrun's --rdzv-endpoint and --master-addr, and that the machines reach each other."
        ) from error
    try:
        yield ranks()
    finally:
        dist.destroy_process_group()


def together(make: Callable[[], Value]) -> Value:
    """Runs `make` in every process; if any fails with an `ExplorerError`, all raise the first one's.

    Otherwise the others would wait for the one that failed.
    """
    if ranks().world == 1:
        return make()
    value: Value | None = None
    failed: Exception | None = None
    try:
        value = make()
    except ExplorerError as error:
        failed = error
    outcomes: list[Any] = [None] * ranks().world
    dist.all_gather_object(outcomes, failed)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    return value  # type: ignore[return-value]


def from_first(make: Callable[[], Value]) -> Value:
    """Gives every process the first one's result, so that only one reads files and all have the same values.

    Its `ExplorerError` is raised in every process.
    """
    if ranks().world == 1:
        return make()
    outcome: list[Any] = [None, None]
    if ranks().first:
        try:
            outcome[0] = make()
        except ExplorerError as error:
            outcome[1] = error
    dist.broadcast_object_list(outcome, src=0, device=torch.device("cpu"))
    if outcome[1] is not None:
        raise outcome[1]
    value: Value = outcome[0]
    return value


def check_shares(smallest: int, recipe: str) -> None:
    """Refuses more processes than the smallest batch has pictures.

    Raises:
        TrainingError: there are more processes than pictures in a batch.
    """
    world = ranks().world
    if smallest < world:
        raise TrainingError(
            f"{recipe} has batches of {smallest}, which {world} processes cannot share; start at most {smallest}."
        )


def share_of(batch: Batch) -> tuple[Batch, float]:
    """Returns this process's pictures of a batch, and the weight of its gradients in the sum over the processes.

    Takes every world-th picture, so that consecutive pictures of one kind are distributed, too.

    Args:
        batch: tensors with the pictures along their first axis, the same in all processes.
    """
    here = ranks()
    total = next(iter(batch.values())).shape[0]
    mine = {name: values[here.rank :: here.world] for name, values in batch.items()}
    return mine, next(iter(mine.values())).shape[0] / total


@contextmanager
def shared_step(weight: float) -> Iterator[None]:
    """Context in which `average_gradients` and `average_losses` communicate with the other processes."""
    token = _WEIGHT.set(weight if ranks().world > 1 else None)
    try:
        yield
    finally:
        _WEIGHT.reset(token)


def average_gradients(optimiser: torch.optim.Optimizer) -> None:
    """Replaces the gradients of an optimiser's parameters by their means over the whole batch, in all processes.

    Parameters that no process used still have no gradient, so that Adam does not change them or their moments, as with
    one process.
    """
    weight = _WEIGHT.get()
    if weight is None:
        return
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    device = parameters[0].device
    used = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32, device=device)
    dist.all_reduce(used, op=dist.ReduceOp.MAX)
    chosen = [p for p, anywhere in zip(parameters, used.tolist(), strict=True) if anywhere]
    if not chosen:
        return
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1).float() for p in chosen])
    flat *= weight
    dist.all_reduce(flat)
    for parameter, mean in zip(chosen, flat.split([p.numel() for p in chosen]), strict=True):
        mean = mean.reshape(parameter.shape).to(parameter.dtype)
        if parameter.grad is None:
            parameter.grad = mean.clone()
        else:
            parameter.grad.copy_(mean)


def average_losses(losses: dict[str, float]) -> dict[str, float]:
    """Averages loss terms over the whole batch. If one is NaN in any process, it is NaN in all."""
    weight = _WEIGHT.get()
    if weight is None:
        return losses
    values = torch.tensor(list(losses.values()), dtype=torch.float64) * weight
    dist.all_reduce(values)
    return dict(zip(losses, values.tolist(), strict=True))


def average_statistics(networks: Iterable[nn.Module]) -> None:
    """Averages the running statistics of batch norms over the processes, so that all have the same network."""
    here = ranks()
    if here.world == 1:
        return
    buffers = [b for network in networks for b in network.buffers() if b.is_floating_point()]
    if not buffers:
        return
    flat = torch.cat([b.reshape(-1).float() for b in buffers]) / here.world
    dist.all_reduce(flat)
    for buffer, mean in zip(buffers, flat.split([b.numel() for b in buffers]), strict=True):
        buffer.copy_(mean.reshape(buffer.shape))


def alike(networks: dict[str, nn.Module], device: torch.device) -> None:
    """Copies the first process's parameters to all; on CUDA, synchronises batch norms over the whole batch.

    Names and shapes of the tensors do not change, so that checkpoints are the same as with one process.
    """
    if ranks().world == 1:
        return
    for name, network in networks.items():
        if device.type == "cuda":
            networks[name] = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        for tensor in networks[name].state_dict().values():
            packed = tensor.contiguous()  # networks in channels-last order are not contiguous
            dist.broadcast(packed, src=0)
            tensor.copy_(packed)
