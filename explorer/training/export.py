"""From a run to a folder of weights: `<name>/` with `model.safetensors`, `config.json` and the model card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from explorer.errors import TrainingError
from explorer.models import architecture, create_model
from explorer.training import state as run_state
from explorer.training.recipe import Recipe, load_recipe
from explorer.weights.config import InputConvention, OutputConvention, WeightsConfig
from explorer.weights.store import write_weights

LICENCE = "research use"
_TERMS = (
    "For research use. The LOL pairs among the training data were published for research, without a licence that "
    "permits more; the photographs of CID22 are under CC BY-SA 4.0, which asks for attribution and the same terms. "
    "Whether weights inherit the terms of their training data is not settled, so the narrower terms are kept."
)


def export_weights(
    folder: Path,
    out: Path,
    *,
    metrics: dict[str, dict[str, float]] | None = None,
    hardware: str | None = None,
) -> Path:
    """Writes the weights of a run, finished or not: the averaged network in half precision, its config, its card.

    Args:
        folder: the run's folder.
        out: the folder that receives `<name>/`; a folder of that name is replaced.
        metrics: further figures for the card and the config, by data set: {"lol_eval15": {"psnr": 18.9}}.
        hardware: what the run ran on, where its log does not say.

    Returns:
        The folder of weights.

    Raises:
        TrainingError: the folder holds no checkpoint, or one that does not fit its recipe.
        DataError: the run's recipe is no longer known.
        WeightsError: the weights cannot be written.
    """
    saved = run_state.load_checkpoint(folder)
    recipe = load_recipe(str(saved.get("recipe")))
    net = create_model(recipe.architecture, **recipe.options)
    try:
        net.load_state_dict(saved["average"])
        step, total, seconds = int(saved["step"]), int(saved["total"]), float(saved["seconds"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise TrainingError(
            f"The checkpoint in {folder} does not fit the recipe {recipe.name} as it is now ({error}); train it anew."
        ) from error
    log = run_state.read_log(folder)
    figures = {"validation": _last_validation(log)} | (metrics or {})
    training: dict[str, Any] = {
        "recipe": recipe.name,
        "steps": step,
        "steps_planned": total,
        "seed": recipe.seed,
        "phases": [asdict(phase) for phase in recipe.phases],
        "schedule": recipe.schedule,
        "average": recipe.average,
        "seconds": round(seconds),
        "hardware": hardware or next((str(e["device"]) for e in reversed(log) if "device" in e), "not recorded"),
        "data": recipe.training_data,
        "psnr_gain_last_quarter": _late_gain(log),
        **recipe.extra,
    }
    descriptor = architecture(recipe.architecture)
    config = WeightsConfig(
        name=recipe.name,
        architecture=recipe.architecture,
        options=recipe.options,
        domain=descriptor.domain,
        input=InputConvention.model_validate(recipe.input),
        output=OutputConvention.model_validate(recipe.output),
        licence=LICENCE,
        origin="trained by this project",
        paper=recipe.paper or descriptor.paper,
        summary=recipe.summary,
        training=training,
        metrics=figures,
    )
    target = out / recipe.name
    write_weights(target, net, config, model_card(recipe, config, sum(p.numel() for p in net.parameters())), half=True)
    return target


def _last_validation(log: list[dict[str, Any]]) -> dict[str, float]:
    last: dict[str, Any] = next((entry["validation"] for entry in reversed(log) if "validation" in entry), {})
    return {name: round(float(value), 4) for name, value in last.items()}


def _late_gain(log: list[dict[str, Any]]) -> float | None:
    """How many dB the validation PSNR rose over the last quarter of the steps so far; None for a short log."""
    curve = [(entry["step"], entry["validation"]["psnr"]) for entry in log if "validation" in entry]
    if not curve or curve[-1][0] == 0:
        return None
    before = [psnr for step, psnr in curve if step <= 0.75 * curve[-1][0]]
    return round(curve[-1][1] - before[-1], 2) if before else None


def model_card(recipe: Recipe, config: WeightsConfig, parameters: int) -> str:
    """The README of a folder of weights, in Markdown."""
    training = config.training
    progress = f"{training['steps']:,} steps"
    if training["steps"] < training["steps_planned"]:
        progress += f" of {training['steps_planned']:,} (the training was not finished)"
    phases = "; ".join(f"to {p.until:.0%} batches of {p.batch} crops of {p.crop} pixels" for p in recipe.phases)
    late = training["psnr_gain_last_quarter"]
    gain = ""
    if late is not None:
        gain = f"\nOver the last quarter of these steps the validation PSNR changed by {late:+.2f} dB.\n"
    tables = "\n\n".join(_table(name, values) for name, values in config.metrics.items() if values)
    return f"""# {config.name}

{config.summary}

- Architecture: `{config.architecture}`, {_options(config)}{parameters:,} parameters, stored in half precision
- Paper: {config.paper}
- Input: {_input_words(config)}

## Training

- Recipe: `explorer/training/recipes/{recipe.name.replace(".", "__")}.py`; `lowlight train {recipe.name} --data DIR`
- Data: {recipe.training_data}
- {progress}, seed {recipe.seed}, {phases}, learning rate by the schedule "{recipe.schedule}", running average of the
  parameters with a decay of {recipe.average:g}
- Hardware: {training["hardware"]}; {training["seconds"] / 3600:.1f} hours

## Figures

{tables or "None were measured."}
{gain}
The validation pictures are held out from the training data; PSNR in dB over all channels, SSIM as Wang et al. 2004.

## Known failures

{recipe.known_failures or "None are known beyond those of its architecture."}

## Licence and terms

{_TERMS}
"""


def _options(config: WeightsConfig) -> str:
    return "".join(f"{name} {value}, " for name, value in config.options.items())


def _input_words(config: WeightsConfig) -> str:
    words = {
        "bayer": "a RAW mosaic (R G / G B), amplified",
        "packed": "a packed RAW mosaic, amplified",
        "xtrans": "a packed X-Trans mosaic, amplified",
        "rgb": "a developed sRGB picture",
    }[config.domain]
    if config.domain != "rgb" and config.input.white_balance == "before":
        words += ", white balance applied before the network"
    if config.input.clip is not None:
        words += f", clipped to [{config.input.clip[0]:g}, {config.input.clip[1]:g}]"
    if bits := config.training.get("input_bits"):
        words += f"; trained on RAW developed at {bits} bits"
    return words


def _table(name: str, values: dict[str, float]) -> str:
    names = " | ".join(values)
    rule = "|".join("---" for _ in values)
    figures = " | ".join(f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}" for value in values.values())
    return f"**{name}**\n\n| {names} |\n|{rule}|\n| {figures} |"
