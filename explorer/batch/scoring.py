"""Measures benchmark sets with the engines of `lowlight batch`: one pair at a time in each process, on one machine or
many."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from typing import TYPE_CHECKING

from explorer.batch.photograph import ModelFiles
from explorer.batch.run import Engine, shares
from explorer.errors import ExplorerError

if TYPE_CHECKING:
    from explorer.evaluation.pairs import Pair, PairResult, PairScores
    from explorer.weights.store import LoadedModel


def score_set(
    pairs: Sequence[Pair],
    models: Sequence[LoadedModel],
    engine: Engine | None = None,
    ratio: float | str = "auto",
    advance: Callable[[str], None] = lambda what: None,
) -> list[PairResult]:
    """Measures models on a benchmark set.

    Args:
        pairs: from `explorer.evaluation.sets.list_set`.
        models: from `explorer.load_model`.
        engine: does the work; by default processes of this machine.
        ratio: amplification of pairs that do not state one.
        advance: called with a pair's name after each.

    Returns:
        Means over the pairs, always summed in the pairs' order, so that every engine gives the same table.

    Raises:
        DataError: the two of a pair cannot be opened or compared.
        ExplorerError: the engine is not available.
    """
    from explorer.evaluation.pairs import mean_results

    engine = engine or Engine()
    sent = tuple(ModelFiles.of(model) for model in models)
    found: dict[int, PairScores] = {}
    for place, scored in _scores(pairs, models, sent, engine, ratio):
        if isinstance(scored, ExplorerError):
            raise scored
        found[place] = scored
        advance(scored.name)
    return mean_results([found[k] for k in range(len(pairs))], models)


def _scores(
    pairs: Sequence[Pair],
    models: Sequence[LoadedModel],
    sent: tuple[ModelFiles, ...],
    engine: Engine,
    ratio: float | str,
) -> Iterator[tuple[int, PairScores | ExplorerError]]:
    threads, workers = shares(engine, len(pairs))
    if engine.name == "ray":
        from explorer.batch.cluster import RayCluster

        with closing(RayCluster(engine.address, engine.workers)) as cluster:
            yield from cluster.score(list(enumerate(pairs)), sent, ratio, threads)
        return
    if workers == 0:
        from explorer.evaluation.pairs import scored_or_error

        for place, pair in enumerate(pairs):
            yield place, scored_or_error(pair, models, ratio)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _prepare, (sent, threads)) as pool:
        waiting = {pool.submit(_score_here, pair, ratio): place for place, pair in enumerate(pairs)}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        except BrokenProcessPool as error:
            raise ExplorerError(
                "A measuring process was killed, or could not start, and memory may be short; start fewer with "
                "--workers."
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_MODELS: list[LoadedModel] = []
"""Returns this process's models if it belongs to a pool."""


def _prepare(sent: tuple[ModelFiles, ...], threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
    _MODELS[:] = [each.loaded() for each in sent]


def _score_here(pair: Pair, ratio: float | str) -> PairScores | ExplorerError:
    from explorer.evaluation.pairs import scored_or_error

    return scored_or_error(pair, _MODELS, ratio)
