"""Runs a notebook as a reader would: every cell, then every control of every widget; reports all errors."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

CELL_TIMEOUT = 240
"""Seconds that one cell, or the answer to one control, may take: a bound on hanging, not a measurement."""
_TAG = re.compile(r"<[^>]+>")


class DrivenClient(NotebookClient):
    """Executes the cells, then moves every control as the page would, and keeps what the kernel reports as errors."""

    def __init__(self, notebook: Any, folder: Path, *, drive: bool = True) -> None:
        super().__init__(
            notebook, timeout=CELL_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
            store_widget_state=True,
        )  # fmt: skip
        self.drive = drive
        self.moved: list[str] = []
        self.raised: list[str] = []
        self.processor_seconds: float | None = None

    async def async_execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Executes one cell; after the last one the controls are moved while the kernel still lives."""
        done = await super().async_execute_cell(cell, cell_index, **options)
        if cell_index == len(self.nb.cells) - 1:
            self.processor_seconds = self._processor_time()
            self._listen("after the cells")
        if cell_index == len(self.nb.cells) - 1 and self.drive:
            # One control can change what others offer, so each movement is chosen when its turn comes.
            for model in list(self.widget_state):
                if (change := movement(self.widget_state[model])) is not None:
                    await self._send(model, change)
            for model in buttons(self.widget_state):
                await self._send(model, None)
        return done

    def _processor_time(self) -> float | None:
        """Seconds that the kernel has computed so far: what the cells cost, however busy the machine is."""
        try:
            import psutil

            times = psutil.Process(self.km.provisioner.process.pid).cpu_times()  # type: ignore[union-attr]
        except (ImportError, AttributeError):
            return None
        return float(times.user + times.system)

    async def _send(self, model: str, change: dict[str, Any] | None) -> None:
        """Sends what a page sends: a trait's new value, or a click; then waits until the kernel is idle again."""
        data = {"method": "custom", "content": {"event": "click"}}
        if change is not None:
            data = {"method": "update", "state": change, "buffer_paths": []}  # type: ignore[dict-item]
        message = self.kc.session.msg("comm_msg", {"comm_id": model, "data": data})
        self.kc.shell_channel.send(message)
        state = self.widget_state[model]
        self.moved.append(f"{state['_model_name']} {state.get('description', '')} {change or 'click'}")
        until = time.monotonic() + CELL_TIMEOUT
        while True:
            remaining = until - time.monotonic()
            if remaining <= 0:
                raise TimeoutError(f"no answer to {self.moved[-1]}")
            answer = await asyncio.wait_for(self.kc.iopub_channel.get_msg(), remaining)  # type: ignore[misc]
            kind, content = answer["msg_type"], answer["content"]
            if kind in ("comm_open", "comm_msg"):
                self.handle_comm_msg([], answer, len(self.nb.cells) - 1)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if kind == "error":
                self.raised.append(f"{self.moved[-1]}: {content['ename']}: {content['evalue']}")
            if kind == "status" and content["execution_state"] == "idle":
                self._listen(self.moved[-1])
                return

    def _listen(self, when: str) -> None:
        """Notes what widgets say is wrong: the next movement may replace or clear it."""
        for state in self.widget_state.values():
            if "lx-problem" in state.get("_dom_classes", []) and state.get("value"):
                self.raised.append(f"{when}, a widget says: {_TAG.sub('', state['value'])}")


def movement(values: dict[str, Any]) -> dict[str, Any] | None:
    """A value that a control does not have, as a change of its state; None for what is no control."""
    name, value = values.get("_model_name"), values.get("value")
    if values.get("disabled"):
        return None
    if name == "FloatLogSliderModel":
        low, high = values["base"] ** values["min"], values["base"] ** values["max"]
        middle = float((low * high) ** 0.5)
        return {"value": middle if abs(value - middle) > 0.01 * high else float(high)}
    if name in ("FloatSliderModel", "IntSliderModel") and values["max"] > values["min"]:
        return {"value": values["max"] if value != values["max"] else values["min"]}
    if name in ("DropdownModel", "RadioButtonsModel") and values.get("_options_labels"):
        count, index = len(values["_options_labels"]), values.get("index")
        if index is None or count > 1:
            return {"index": 0 if index is None else (index + 1) % count}
    if name == "TextModel":
        return {"value": "12"}
    if name == "CheckboxModel":
        return {"value": not value}
    if name == "AnyModel" and "split" in values:
        return {"split": 20}
    if name == "AnyModel" and "chosen" in values:
        return {"chosen": values["first"] + values["count"] - 1}
    return None


def buttons(state: dict[str, dict[str, Any]]) -> list[str]:
    """Buttons that can be pressed, as they are after the other controls were moved."""
    return [m for m, v in state.items() if v.get("_model_name") == "ButtonModel" and not v.get("disabled")]


def problems(notebook: Any, client: DrivenClient | None = None) -> list[str]:
    """What went wrong in an executed notebook, in its cells, its callbacks and its widgets' state.

    A cell that raised has stopped nbclient already; a callback does not, and its widget may even swallow the error. So
    cells' outputs, the outputs that `Output` widgets captured, and the messages that our widgets show are all read.
    """
    found = list(client.raised) if client is not None else []
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                found.append(f"cell {index}: {output.ename}: {output.evalue}")
            elif output.output_type == "stream" and output.name == "stderr" and "Traceback" in output.text:
                found.append(f"cell {index}: {output.text.strip().splitlines()[-1]}")
    widgets = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
    for model in widgets.get("state", {}).values():
        state = model.get("state", {})
        if "lx-problem" in state.get("_dom_classes", []) and state.get("value"):
            found.append(f"a widget says: {_TAG.sub('', state['value'])}")
        for output in state.get("outputs") or []:
            if output.get("output_type") == "error":
                found.append(f"an output widget holds {output['ename']}: {output['evalue']}")
    return found


def run(path: Path, *, drive: bool = True) -> tuple[Any, DrivenClient, float]:
    """An executed notebook, its client, and the seconds that its cells took (without what drives the controls)."""
    notebook = nbformat.read(path, as_version=4)
    client = DrivenClient(notebook, path.parent, drive=drive)
    client.execute()
    first, last = (_time(notebook, which) for which in ("start", "end"))
    client.set_widgets_metadata()
    return notebook, client, last - first


def _time(notebook: Any, which: str) -> float:
    from datetime import datetime

    stamps = [cell.metadata.execution for cell in notebook.cells if cell.metadata.get("execution")]
    names = ("iopub.execute_input", "shell.execute_reply")
    times = [
        datetime.fromisoformat(each[n].replace("Z", "+00:00")).timestamp()
        for each in stamps
        for n in names
        if n in each
    ]
    return min(times) if which == "start" else max(times)
