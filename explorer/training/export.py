"""Exports a run as a folder of weights: `<name>/` with `model.safetensors`, `config.json` and the model card."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save

from explorer.errors import TrainingError, WeightsError
from explorer.models import architecture, create_model
from explorer.training import state as run_state
from explorer.training.card import VALIDATION, model_card
from explorer.training.recipe import Own, Recipe, load_recipe, own_recipe
from explorer.training.replay import small_replay
from explorer.weights.config import InputConvention, OutputConvention, WeightsConfig, read_config
from explorer.weights.run_files import ANIMATION, BESIDE, LOG
from explorer.weights.store import stored_tensors, write_weights

LICENCE = "research use"
UNSTATED = "not stated"
"""Licence text of weights trained only on their maker's own pictures."""
LARGEST_EXTRAS = 300_000
"""Largest size, in bytes, of the log and the replay next to the weights."""
_LARGEST_LOG = 60_000


def export_weights(folder: Path, out: Path, *, hardware: str | None = None) -> Path:
    """Writes the weights of a run, finished or not: the averaged network in half precision, its config and card.

    Also writes `training/log.jsonl` and `training/replay.webp`, so that the training can be inspected without the run;
    see `explorer.inspect.runs`. Metrics already measured on the same weights (`lowlight eval --record`) are kept when
    they are exported again.

    Args:
        folder: the run's folder.
        out: the parent folder of `<name>/`; an existing folder of that name is replaced.
        hardware: the hardware of the run, if its log does not say.

    Returns:
        The folder of weights.

    Raises:
        TrainingError: the folder contains no checkpoint, or one that does not fit its recipe.
        DataError: the run's recipe does not exist any more.
        WeightsError: the weights cannot be written.
    """
    saved = run_state.load_checkpoint(folder)
    recipe = own_recipe(Own(**saved["own"])) if saved.get("own") else load_recipe(str(saved.get("recipe")))
    net = create_model(recipe.architecture, **recipe.options)
    try:
        net.load_state_dict(saved["average"])
        step, total, seconds = int(saved["step"]), int(saved["total"]), float(saved["seconds"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise TrainingError(
            f"The checkpoint in {folder} does not fit the current recipe {recipe.name} ({error}); train it again."
        ) from error
    log = run_state.read_log(folder)
    target = out / recipe.name
    facts = {
        "steps": step, "steps_planned": total, "seconds": round(seconds), "psnr_gain_last_quarter": _late_gain(log),
        "hardware": hardware or next((str(e["device"]) for e in reversed(log) if "device" in e), "not recorded"),
    }  # fmt: skip
    descriptor = architecture(recipe.architecture)
    config = WeightsConfig(
        name=recipe.name,
        architecture=recipe.architecture,
        options=recipe.options,
        domain=descriptor.domain,
        input=InputConvention.model_validate(recipe.input),
        output=OutputConvention.model_validate(recipe.output),
        sha256=hashlib.sha256(save(stored_tensors(net, half=True))).hexdigest(),
        parameters=sum(p.numel() for p in net.parameters()),
        licence=UNSTATED if recipe.own and not recipe.own.start_from else LICENCE,
        origin="trained on the maker's own pictures" if recipe.own else "trained by this project",
        paper=recipe.paper or descriptor.paper,
        summary=recipe.summary,
        training=_facts(recipe, facts),
    )
    figures = {VALIDATION: _last_validation(log)} | _measured_before(target, config.sha256)
    config = config.model_copy(update={"metrics": {name: values for name, values in figures.items() if values}})
    write_weights(target, net, config, model_card(config), half=True, further=_extras(folder, log))
    return target


def _facts(recipe: Recipe, run: dict[str, Any]) -> dict[str, Any]:
    """Collects the facts about a training for a config, from recipe and run, in the order of the card."""
    return {
        "recipe": recipe.own.base if recipe.own else recipe.name,
        **({"own": asdict(recipe.own)} if recipe.own else {}),
        "steps": run["steps"],
        "steps_planned": run["steps_planned"],
        "seed": recipe.seed,
        "phases": [asdict(phase) for phase in recipe.phases],
        "start": recipe.init_from,
        **({"grown_from": recipe.warm_start.source} if recipe.warm_start else {}),
        "schedule": recipe.schedule,
        "restarts": recipe.cosine_restarts,
        "average": recipe.ema_decay,
        "seconds": run["seconds"],
        "hardware": run["hardware"],
        "data": recipe.training_data,
        "psnr_gain_last_quarter": run["psnr_gain_last_quarter"],
        "known_failures": recipe.known_failures,
        **recipe.extra,
    }


def _measured_before(target: Path, sha256: str) -> dict[str, Any]:
    """Reads the metrics of an older export of the same tensors."""
    try:
        old = read_config(target)
    except WeightsError:
        return {}
    return {name: values for name, values in old.metrics.items() if name != VALIDATION} if old.sha256 == sha256 else {}


def _extras(folder: Path, log: list[dict[str, Any]]) -> dict[str, bytes]:
    """Returns the log and the replay for a folder of weights, together at most `LARGEST_EXTRAS` bytes.

    Validations with a frame in the replay have its number as "frame".
    """
    if not log:
        return {}
    entries = [
        # The paths of skipped pictures belong to the machine that trained.
        entry | {"skipped": len(entry["skipped"])} if isinstance(entry.get("skipped"), list) else dict(entry)
        for entry in log
    ]
    while sum(len(json.dumps(entry)) + 1 for entry in entries) > _LARGEST_LOG:
        position = itertools.count()  # keeps every other entry of losses, and all other entries
        thinned = [entry for entry in entries if "losses" not in entry or next(position) % 2]
        if len(thinned) == len(entries):
            break
        entries = thinned
    size = sum(len(json.dumps(entry)) + 1 for entry in entries)
    replay, steps = small_replay(folder, LARGEST_EXTRAS - size - 20 * len(entries))
    frames = {step: index for index, step in enumerate(steps)}
    for entry in entries:
        if "validation" in entry and entry["step"] in frames:
            entry["frame"] = frames[entry["step"]]
    files = {f"{BESIDE}/{LOG}": "".join(json.dumps(entry) + "\n" for entry in entries).encode()}
    return files | ({f"{BESIDE}/{ANIMATION}": replay} if replay else {})


def _last_validation(log: list[dict[str, Any]]) -> dict[str, float]:
    last: dict[str, Any] = next((entry["validation"] for entry in reversed(log) if "validation" in entry), {})
    return {name: round(float(value), 4) for name, value in last.items()}


def _late_gain(log: list[dict[str, Any]]) -> float | None:
    """Returns the rise of the validation PSNR over the last quarter of the steps, in dB; None for a short log."""
    curve = [(entry["step"], entry["validation"]["psnr"]) for entry in log if "validation" in entry]
    if not curve or curve[-1][0] == 0:
        return None
    before = [psnr for step, psnr in curve if step <= 0.75 * curve[-1][0]]
    return round(curve[-1][1] - before[-1], 2) if before else None
