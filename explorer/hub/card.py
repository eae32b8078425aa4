"""Model cards: the README of a repository of weights, with the front matter that the Hub reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from explorer.metrics import METRICS
from explorer.models import architectures
from explorer.weights.config import WeightsConfig, data_title

LIBRARY = "lowlight-explorer"

_LICENCES = (
    # Text of a config -> the Hub's identifier; the first match wins.
    ("cc by-nc-sa 4.0", "cc-by-nc-sa-4.0"),
    ("cc by-nc 4.0", "cc-by-nc-4.0"),
    ("cc by-sa 4.0", "cc-by-sa-4.0"),
    ("cc by 4.0", "cc-by-4.0"),
    ("apache", "apache-2.0"),
    ("mit", "mit"),
    ("bsd-3", "bsd-3-clause"),
)
_METRICS = {metric.name: f"{metric.title} ({metric.unit})" if metric.unit else metric.title for metric in METRICS}


def licence_identifier(licence: str) -> str:
    """Returns the Hub's identifier of a licence, "other" for unknown ones."""
    words = licence.lower().replace("-", " ")
    for text, identifier in _LICENCES:
        if re.search(rf"\b{re.escape(text.replace('-', ' '))}\b", words):
            return identifier
    return "other"


def repository_card(repo: str, configs: Sequence[WeightsConfig]) -> str:
    """Writes the README of a repository of weights.

    Args:
        repo: `org/repo`.
        configs: of every folder of weights that the repository will contain.

    Returns:
        Markdown under YAML front matter: `pipeline_tag`, `library_name`, `license`, `datasets` (those on the Hub),
        `tags`, and `model-index` with the measured metrics.
    """
    from huggingface_hub import EvalResult, ModelCardData

    licences = sorted({config.licence or "not stated" for config in configs})
    identifiers = {licence_identifier(licence) for licence in licences}
    licence: dict[str, Any] = {"license": identifiers.pop() if len(identifiers) == 1 else "other"}
    if licence["license"] == "other":
        licence |= {"license_name": "see-each-config", "license_link": f"https://huggingface.co/{repo}#licences"}
    results = [
        EvalResult(
            task_type="image-to-image",
            task_name="Low-light image restoration",
            dataset_type=re.sub(r"[^a-z0-9_-]+", "_", data.lower()),
            dataset_name=f"{data_title(data)} ({config.name})" if len(configs) > 1 else data_title(data),
            metric_type=metric,
            metric_name=_METRICS[metric],
            metric_value=value,
        )
        for config in configs
        for data, metric, value in figures(config)
    ]
    data = ModelCardData(
        library_name=LIBRARY,
        pipeline_tag="image-to-image",
        tags=["low-light", "image-restoration", *sorted({config.architecture for config in configs})],
        datasets=_datasets(configs) or None,
        model_name=repo.split("/")[1] if results else None,
        eval_results=results or None,
        **licence,
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_body(repo, configs)}"


def figures(config: WeightsConfig) -> list[tuple[str, str, float]]:
    """Returns measured metrics of a config that a model index can contain: (data, metric, value)."""
    found = []
    for data, values in config.metrics.items():
        for metric, value in values.items() if isinstance(values, Mapping) else ():
            if metric in _METRICS and isinstance(value, int | float) and math.isfinite(value):
                found.append((data, metric, float(value)))
    return found


def _datasets(configs: Sequence[WeightsConfig]) -> list[str]:
    """Returns identifiers of datasets on the Hub, which configs may list in `training.datasets`."""
    named: set[str] = set()
    for config in configs:
        listed = config.training.get("datasets", [])
        named |= {each for each in listed if isinstance(each, str) and re.fullmatch(r"[\w.-]+(/[\w.-]+)?", each)}
    return sorted(named)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _body(repo: str, configs: Sequence[WeightsConfig]) -> str:
    known = architectures(from_tensors=True)
    rows = "\n".join(
        f"| [`{c.name}`](./{c.name}/README.md) | {_cell(c.summary)} | {c.domain} | {c.parameters:,} "
        f"| {_cell(c.licence or 'not stated')} | `{c.sha256[:12]}` |"
        for c in configs
    )
    numbers = [
        f"| `{c.name}` | {_cell(data_title(data))} | {_METRICS[m]} | {value:.4g} |"
        for c in configs
        for data, m, value in figures(c)
    ]
    table = "\n".join(
        ["| weights | data | metric | value |", "|---|---|---|---|", *numbers] if numbers else ["Not measured."]
    )
    data = "\n".join(f"- `{c.name}`: {_cell(str(c.training.get('data') or c.origin or 'not stated'))}" for c in configs)
    papers = "\n".join(
        f"- {paper}" for paper in dict.fromkeys(c.paper or known[c.architecture].paper for c in configs) if paper
    )
    example = configs[0].name
    return f"""# Weights for the Lowlight Explorer

Networks that restore extremely dark photographs. Every folder holds `model.safetensors`, `config.json` and a model card
of its own.

| weights | what they are | domain | parameters | licence | sha256 |
|---|---|---|---|---|---|
{rows}

## Use

```python
import explorer

model = explorer.load_model("hf:{repo}/{example}")
explorer.restore(explorer.open_photo("night.dng"), model).save("night.png")
```

Or `lowlight weights pull hf:{repo}/{example}`. Write `@` and a commit's 40 hex digits behind the name to pin it.

## Training data

{data}

## Figures

{table}

## Papers

{papers or "None."}

## Licences

{chr(10).join(f"- `{c.name}`: {_cell(c.licence or 'not stated')}" for c in configs)}
"""
