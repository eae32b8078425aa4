"""Restores photos with Ray Data: decoding and encoding in tasks on processors, networks in a pool of actors.

Each actor loads the model once, on a GPU if the cluster has any. Ray holds decoding back when the networks or the
writing lag behind, so that memory depends on the machines and not on the length of the list. The work of a lost machine
is repeated on another one; that does no harm, because every stage gives the same result for the same photo.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.batch.listing import Item
from explorer.batch.photograph import ModelFiles, Outcome, Plan, decode, finish, lost, make
from explorer.errors import ExplorerError
from explorer.machine import cores

if TYPE_CHECKING:
    from explorer.evaluation.pairs import Pair, PairScores

_BYTES_EACH = 4 << 30
"""Memory for one photo on its way through a pair of processors: decoded, in the network and encoded."""
_PHOTOGRAPHS_A_TASK = 4
_STARTS = 3
_PATIENCE = 15.0
"""Seconds within which a cluster must accept a connection."""


@dataclass(frozen=True)
class Sizes:
    """How a cluster's machines are divided."""

    actors: int
    """Processes with the network."""
    gpus: int
    """GPUs per actor, 0 or 1."""
    tasks: int
    """Number of decoders at once, and of encoders."""


def sizes_for(resources: dict[str, float]) -> Sizes:
    """Plans the pools for a cluster.

    One actor for each GPU; without GPUs one for every two processors, whose other one decodes and encodes. Fewer if
    memory is short.

    Args:
        resources: "CPU", "GPU" and "memory" (bytes), as Ray counts them.
    """
    pairs = max(1, int(resources.get("CPU", 1)) // 2)
    if "memory" in resources:
        pairs = max(1, min(pairs, int(resources["memory"]) // _BYTES_EACH))
    gpus = int(resources.get("GPU", 0))
    return Sizes(actors=gpus or pairs, gpus=1 if gpus else 0, tasks=pairs)


class RayCluster:
    """Connects to a cluster, or to one that is started on this machine for as long as the connection lasts.

    Args:
        address: of a running cluster ("10.0.0.1:6379", "auto" for this machine's); None starts one here.
        workers: processors that a cluster started here may use.

    Raises:
        ExplorerError: Ray is not installed, or no cluster answers.
    """

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report every use to its makers
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its messages would mix with this program's
        if address is None:
            # A cluster for this run only serves this machine only: Ray then uses the loopback address.
            os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise ExplorerError(
                "The engine ray is not installed; run `pip install lowlight-explorer[ray]`, or take --engine local."
            ) from error
        self._ray = ray
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            options |= {
                "address": "local",
                "num_cpus": workers or cores(),
                "include_dashboard": False,
            }
        else:
            options["address"] = address
        for attempt in range(1, _STARTS + 1):
            try:
                _check_answers(address)
                ray.init(**options)
                break
            except Exception as error:  # a machine with other work may miss Ray's 30 seconds, a plain Exception
                ray.shutdown()
                if attempt == _STARTS or "timed out during startup" not in str(error):
                    reason = " ".join(str(error).split())[:200]
                    raise ExplorerError(
                        f"There is no Ray cluster at {address or 'this machine'} ({reason}); check --address."
                    ) from error
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        # A photo that crashes a process costs its block and not the run; see `restore`.
        context.max_errored_blocks = -1
        for name in ("ray.data", "ray"):
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def close(self) -> None:
        """Leaves the cluster, and stops it if this connection started it."""
        self._ray.shutdown()

    def restore(self, items: Sequence[Item], plan: Plan) -> Iterator[Outcome]:
        """Yields outcomes as they arrive. Photos whose process crashed are tried once more, each by itself."""
        waiting = {item.input: item for item in items}
        for most in (_PHOTOGRAPHS_A_TASK, 1):
            for outcome in self._passed(list(waiting.values()), plan, most):
                if not outcome.stop:
                    waiting.pop(outcome.input, None)
                yield outcome
            if not waiting:
                return
        for item in waiting.values():
            yield lost(
                item,
                plan,
                ExplorerError(
                    "The processes that restored it kept crashing: the file is damaged, or memory was short; try it "
                    "alone with `lowlight restore`."
                ),
            )

    def _passed(self, items: Sequence[Item], plan: Plan, most: int) -> Iterator[Outcome]:
        ray = self._ray
        sizes = sizes_for(ray.cluster_resources())
        blocks = min(len(items), max(-(-len(items) // most), 4 * sizes.tasks))
        lean = replace(plan, model=replace(plan.model, files=()))
        packed = [{"photograph": pickle.dumps(item)} for item in items]
        stages = ray.data.from_items(packed, override_num_blocks=blocks)
        # Actors claim little, so that those of a lost machine fit on the others with the tasks they wait for.
        tasks = {"batch_size": 1, "batch_format": "pyarrow", "num_cpus": 0.5, "concurrency": sizes.tasks}
        stages = stages.map_batches(_decode, fn_args=(lean,), **tasks)
        stages = stages.map_batches(_Network, fn_constructor_args=(plan,), **_actors(sizes, len(items)))
        stages = stages.map_batches(_finish, fn_args=(lean,), **tasks)
        for row in stages.iter_rows():
            outcome: Outcome = pickle.loads(row["photograph"])
            yield outcome

    def score(
        self,
        pairs: Sequence[tuple[int, Pair]],
        models: tuple[ModelFiles, ...],
        ratio: float | str,
        threads: int,
    ) -> Iterator[tuple[int, PairScores | ExplorerError]]:
        """Yields each pair's number with its scores, or with the error that prevented them.

        Raises:
            ExplorerError: processes kept crashing.
        """
        ray = self._ray
        sizes = sizes_for(ray.cluster_resources())
        packed = [{"photograph": pickle.dumps(pair)} for pair in pairs]
        measured = ray.data.from_items(packed, override_num_blocks=len(packed)).map_batches(
            _Scorer, fn_constructor_args=(models, ratio, threads), **_actors(sizes, len(packed))
        )
        count = 0
        for row in measured.iter_rows():
            count += 1
            place, scored = pickle.loads(row["photograph"])
            yield place, scored
        if count < len(packed):
            raise ExplorerError("Processes that measured kept crashing; the cluster may be short of memory.")


def _actors(sizes: Sizes, most: int) -> dict[str, Any]:
    """Options of a pool of processes with networks."""
    each = {"num_cpus": 0.25, "num_gpus": sizes.gpus or None, "concurrency": min(sizes.actors, most)}
    return {"batch_size": 1, "batch_format": "pyarrow", **each}


def _check_answers(address: str | None) -> None:
    """Raises OSError if nothing listens at host:port; Ray itself would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _unpacked(batch: Any) -> list[Any]:
    return [pickle.loads(value.as_buffer()) for value in batch.column("photograph")]


def _packed(values: list[Any]) -> Any:
    import pyarrow as pa

    return pa.table({"photograph": pa.array([pickle.dumps(v, protocol=5) for v in values], pa.large_binary())})


def _decode(batch: Any, plan: Plan) -> Any:
    plan.prepare_process()
    return _packed([decode(item, plan) for item in _unpacked(batch)])


def _finish(batch: Any, plan: Plan) -> Any:
    return _packed([finish(made, plan) for made in _unpacked(batch)])


class _Network:
    """An actor: the network of the plan, loaded once."""

    def __init__(self, plan: Plan) -> None:
        plan.prepare_process()
        self._plan, self._model = plan, plan.loaded()

    def __call__(self, batch: Any) -> Any:
        return _packed([make(decoded, self._plan, self._model) for decoded in _unpacked(batch)])


class _Scorer:
    """An actor that measures pairs: all models, each loaded once."""

    def __init__(self, models: tuple[ModelFiles, ...], ratio: float | str, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self._models, self._ratio = [each.loaded() for each in models], ratio

    def __call__(self, batch: Any) -> Any:
        from explorer.evaluation.pairs import scored_or_error

        return _packed([(place, scored_or_error(pair, self._models, self._ratio)) for place, pair in _unpacked(batch)])
