"""Model cards: the README of a folder of weights, written only from its config and measured metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from explorer.metrics import METRICS, PLAIN, digits_of, figures_line, markdown_table
from explorer.training.baselines import baselines
from explorer.weights.config import WeightsConfig, data_title

TERMS = (
    "For research use. The LOL pairs in the training data were published for research, without a licence that permits "
    "more. The photos of CID22 are under CC BY-SA 4.0, which requires attribution and the same terms. Whether weights "
    "inherit the terms of their training data is unsettled, so the narrower terms apply."
)
OWN_TERMS = (
    "Trained on the pictures of whoever made these weights, who must state here what others may do with them. Also "
    "consider who took the pictures, and who is in them."
)
VALIDATION = "validation"
_HEADING = "## Figures"
_STILL, _FLAT = 0.3, 0.05
"""Gain in dB over the last quarter of a training: above the first value it was still rising, below the second it had
levelled off."""
_FURTHER = {
    "reconstruction": "mean absolute error of reflectance times illumination, compared with the picture",
    "reflectance_difference": "mean absolute difference between the reflectances of a dark picture and its bright twin",
    "enhanced_mean": "mean enhanced illumination",
}
FLAT = "flat_"
"""Prefix of data sets that measure the residual pattern on flat surfaces."""
_RAW = re.compile(r"(?P<set>.+_iso)_raw_(?P<ratio>[0-9.]+)")


def model_card(config: WeightsConfig) -> str:
    """Writes the README of a folder of weights that a recipe made, in Markdown.

    Args:
        config: as written next to the weights, with the number of parameters and the measured metrics.
    """
    training = config.training
    recipe = training["recipe"]
    progress = f"{training['steps']:,} steps"
    if training["steps"] < training["steps_planned"]:
        progress += f" of {training['steps_planned']:,} (training was not finished)"
    phases = "; then ".join(_phase(phase) for phase in training["phases"])
    started = "".join(
        f"\n- Starts from the part `{part}` of `{source}`" for part, source in training.get("start", {}).items()
    )
    restarted = "".join(
        f"restarted after {share:.0%} at {part:g} of the rate, " for share, part in training.get("restarts", [])
    )
    if "grown_from" in training:
        started += f"\n- Grown from `{training['grown_from']}`, with the same output at the first step"
    averaged = f"parameters averaged with decay {training['average']:g}"
    command = f"{recipe} --data DIR{_own_options(training.get('own'))}"
    paper = f"- Paper: {config.paper}\n" if config.paper else ""
    return f"""# {config.name}

{config.summary}

- Architecture: `{config.architecture}`, {_options(config)}{config.parameters:,} parameters, stored in half precision
{paper}- Input: {_input_words(config)}

## Training

- Recipe: `explorer/training/recipes/{recipe.replace(".", "__")}.py`; `lowlight train {command}`
- Data: {training["data"]}
- {progress}, seed {training["seed"]}, {training["schedule"]} learning-rate schedule, {restarted}{averaged}
- Batches: {phases}{started}
- Hardware: {training["hardware"]}; {training["seconds"] / 3600:.1f} hours
- {late_gain_words(training.get("psnr_gain_last_quarter"))}

{figures_section(config)}
## Known failures

{training.get("known_failures") or "None known beyond those of the architecture."}

## Licence and terms

{_terms(training.get("own"))}
"""


def _own_options(own: Mapping[str, Any] | None) -> str:
    if own is None:
        return ""
    begun = f" --start-from {own['start_from']}" if own["start_from"] else ""
    return f" --name {own['name']}{begun}" + (f" --rate {own['rate']:g}" if own["rate"] != 1 else "")


def _terms(own: Mapping[str, Any] | None) -> str:
    if own is None:
        return TERMS
    begun = f" They started from `{own['start_from']}`, whose terms apply as well." if own["start_from"] else ""
    return OWN_TERMS + begun


def late_gain_words(gain: float | None) -> str:
    """Describes the end of a training's validation curve.

    Args:
        gain: rise of the validation PSNR over the last quarter of the steps, in dB; None if unknown.
    """
    if gain is None:
        return "The curve is too short to show whether more steps would help"
    way = "rose" if gain >= 0 else "fell"
    rose = f"Over the last quarter of the steps, the validation PSNR {way} by {abs(gain):.2f} dB"
    if gain > _STILL:
        return f"{rose}: it was still climbing when the training ended, and more steps would help"
    if gain >= _FLAT:
        return f"{rose}: it was rising slowly, and many more steps would help a little"
    if gain > -_FLAT:
        return f"{rose}: it had levelled off, and more steps would not help"
    return f"{rose}: the last steps did not help on the held-out pictures"


def figures_section(config: WeightsConfig) -> str:
    """Writes a card's section with the measured metrics, compared with published weights; ends in a newline."""
    parts = []
    metrics = {name: values for name, values in config.metrics.items() if isinstance(values, Mapping) and values}
    if VALIDATION in metrics:
        parts.append(_validation(metrics[VALIDATION]))
    flat = {name: values for name, values in metrics.items() if name.startswith(FLAT)}
    raw = {name: match for name in metrics if (match := _RAW.fullmatch(name))}
    for name, values in metrics.items():
        if name != VALIDATION and name not in raw and name not in flat:
            parts.append(_table(config.name, name, values))
    for data in dict.fromkeys(match["set"] for match in raw.values()):
        ratios = sorted((float(m["ratio"]), name) for name, m in raw.items() if m["set"] == data)
        parts.append(_raw_table(config.name, data, [(ratio, name, metrics[name]) for ratio, name in ratios]))
    if flat:
        parts.append(_flat_table(flat))
    if not parts:
        return f"{_HEADING}\n\nNot measured.\n"
    note = "PSNR in dB over all channels, SSIM as Wang et al. 2004."
    if VALIDATION in metrics:
        note += " The validation pictures are held out from the training data."
    if len(metrics) > (VALIDATION in metrics):
        note += " All other figures were measured on these weights with `lowlight eval --record`."
    parts.append(note)
    return f"{_HEADING}\n\n" + "\n\n".join(parts) + "\n"


def with_figures(card: str, config: WeightsConfig) -> str:
    """Replaces a card's metrics section by that of the config, or appends it to a card without one."""
    section = figures_section(config)
    found = re.search(rf"^{_HEADING}\n.*?(?=^## |\Z)", card, re.MULTILINE | re.DOTALL)
    if found is None:
        return f"{card.rstrip()}\n\n{section}"
    after = card[found.end() :]
    return card[: found.start()] + section + (f"\n{after}" if after else "")


def _phase(phase: Mapping[str, Any]) -> str:
    shrink = phase.get("shrink", 1)
    reduced = f", each reduced from up to {shrink} times that width" if shrink > 1 else ""
    share = f"until {phase['until']:.0%} of the steps, " if phase["until"] < 1 else ""
    return f"{share}{phase['batch']} crops of {phase['crop']} pixels{reduced}"


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
    if config.input.bits is not None:
        words += f", rounded to {config.input.bits} bits before amplification"
    elif config.domain == "rgb" and config.training.get("input_bits"):
        words += ", amplified in linear light before development"
    if config.input.clip is not None:
        words += f", clipped to [{config.input.clip[0]:g}, {config.input.clip[1]:g}]"
    return words


def _number(name: str, value: float) -> str:
    return f"{value:.{digits_of(name)}f}"


def _validation(values: Mapping[str, float]) -> str:
    lines = [f"**Held-out validation pictures**: {figures_line(values, PLAIN)}"]
    ratios = sorted((float(name.removeprefix("psnr_")), value) for name, value in values.items() if "psnr_" in name)
    if ratios:
        lines[0] += "; by ratio " + ", ".join(f"×{ratio:g} {value:.2f} dB" for ratio, value in ratios)
    lines += [f"- {words}: {values[name]:.3f}" for name, words in _FURTHER.items() if name in values]
    return "\n".join(lines[:1] + ([""] if len(lines) > 1 else []) + lines[1:])


def _table(weights: str, data: str, values: Mapping[str, float]) -> str:
    shown = [metric for metric in METRICS if metric.name in values]
    known = {"pictures", *(metric.name for metric in shown)}
    others = {name: value for name, value in values.items() if name not in known}
    lines = [("these weights", values), *((row.label, row.scores) for row in baselines(weights, data))]
    rows = [[label, *(metric.format(scores.get(metric.name)) for metric in shown)] for label, scores in lines]
    pictures = f", {values['pictures']:g} pictures" if "pictures" in values else ""
    text = f"**{data_title(data)}**{pictures}\n\n{markdown_table(['', *(metric.title for metric in shown)], rows)}"
    if others:
        text += "\n\n" + ", ".join(f"{name} {_number(name, value)}" for name, value in others.items())
    return text


def _raw_table(weights: str, data: str, columns: list[tuple[float, str, Mapping[str, float]]]) -> str:
    def cell(scores: Mapping[str, float]) -> str:
        return " / ".join(metric.format(scores.get(metric.name)) for metric in PLAIN)

    rows = [["these weights", *(cell(values) for _, _, values in columns)]]
    found = [{row.label: row for row in baselines(weights, name)} for _, name, _ in columns]
    for label in dict.fromkeys(label for rows_of in found for label in rows_of):
        rows.append([label, *(cell(rows_of[label].scores) if label in rows_of else "-" for rows_of in found)])
    name, _, sensor = data.removesuffix("_iso").rpartition("_")
    metrics = " / ".join(metric.title for metric in PLAIN)
    title = f"**Synthetic RAW from {name}, sensors at {sensor} ISO**, {metrics} by amplification ratio"
    return f"{title}\n\n{markdown_table(['', *(f'×{ratio:g}' for ratio, _, _ in columns)], rows)}"


def _flat_table(surfaces: Mapping[str, Mapping[str, float]]) -> str:
    periods = sorted({int(each.removeprefix("weave_")) for v in surfaces.values() for each in v if "weave_" in each})
    rows = []
    for name, values in surfaces.items():
        surface, _, ratio = name.removeprefix(FLAT).rpartition("_")
        title = f"grey, synthetic RAW at ×{ratio}" if surface == "grey" else name.removeprefix(FLAT).replace("_", " ")
        rows.append([title, *(f"{values[f'weave_{p}']:.2f}" if f"weave_{p}" in values else "-" for p in periods)])
    title = "**Pattern on flat surfaces**, power relative to neighbouring frequencies; values up to 1.5 mean no pattern"
    return f"{title}\n\n{markdown_table(['', *(f'period {period}' for period in periods)], rows)}"
