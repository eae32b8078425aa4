"""The user's search path for weights: from the environment, or from a settings file.

The file is `settings.json` in the user's configuration directory (`lowlight weights where --settings` prints its path),
or the path in EXPLORER_SETTINGS: {"order": ["local", "hub"], "repo": "org/repo@revision", "weights": "a folder"}.
Environment variables override the file: EXPLORER_WEIGHTS_ORDER, EXPLORER_HUB_REPO, EXPLORER_WEIGHTS.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import WeightsError


@dataclass(frozen=True)
class Settings:
    """The search path for weights."""

    order: tuple[str, ...] | None = None
    """Names of sources; the first match wins, sources not listed are never searched. None for the default."""
    order_from: str = ""
    """Origin of the order, for messages."""
    repo: str = ""
    """The default repository of the Hub, `org/repo` or `org/repo@revision`; empty for none."""
    folder: Path | None = None
    """A folder of folders of weights, searched first among the local ones."""


def settings_file() -> Path:
    """Returns the path of the settings file, which need not exist."""
    if named := os.environ.get("EXPLORER_SETTINGS"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("lowlight-explorer", appauthor=False) / "settings.json"


def read_settings() -> Settings:
    """Reads the current settings, again at every call, so that a change needs no restart.

    Raises:
        WeightsError: the file or a variable has another form than described above.
    """
    path = settings_file()
    data: dict[str, Any] = {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise WeightsError(f"The settings {path} cannot be read ({error}); correct or remove the file.") from error
    texts = {"repo", "weights"}
    if (
        not isinstance(data, dict)
        or not set(data) <= {"order", *texts}
        or not all(isinstance(data.get(key, ""), str) for key in texts)
        or not all(isinstance(place, str) for place in data.get("order", []))
        or not isinstance(data.get("order", []), list)
    ):
        raise WeightsError(
            f'The settings {path} may hold only "order" (a list of places), "repo" and "weights" (text); correct them.'
        )
    folder = os.environ.get("EXPLORER_WEIGHTS") or data.get("weights")
    order = data.get("order")
    source = str(path)
    if named := os.environ.get("EXPLORER_WEIGHTS_ORDER"):
        order, source = [place.strip() for place in named.split(",")], "EXPLORER_WEIGHTS_ORDER"
    return Settings(
        order=None if order is None else tuple(order),
        order_from=source,
        repo=os.environ.get("EXPLORER_HUB_REPO") or data.get("repo", ""),
        folder=Path(folder).expanduser() if folder else None,
    )
