"""What programs get from the app: typed endpoints over HTTP, and the same ones as MCP tools."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

PUBLIC = {"models", "suggest_ratio", "restore", "compare", "layers", "feature_maps", "decompose"}

pytestmark = pytest.mark.browser  # it needs the server that the browser tests start


def test_a_program_restores_a_photo(address: str, night: Path, tmp_path: Path) -> None:
    client_module = pytest.importorskip("gradio_client")
    client = client_module.Client(address, verbose=False, download_files=tmp_path)
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {f"/{name}" for name in PUBLIC}
    known = {model["name"] for model in client.predict(api_name="/models")}
    assert "clahe" in known
    photo = client_module.handle_file(str(night))
    result = client.predict(photo, "identity", "3", "png16", api_name="/restore")
    picture = Image.open(result)
    assert picture.size == (480, 320)
    rows = client.predict(photo, ["identity", "clahe"], ["2"], api_name="/compare")
    assert [(row["model"], row["ratio"]) for row in rows] == [("identity", 2.0), ("clahe", 2.0)]
    ratios = [client.predict(photo, ["clahe"], *auto, api_name="/compare")[0]["ratio"] for auto in ([], [["auto"]])]
    assert ratios[0] == ratios[1]
    settings = Path(client.predict(photo, "identity", "3", "settings", api_name="/restore")).read_text()
    assert json.loads(settings)["ratio"] == 3
    parts = np.load(client.predict(photo, "lime", "auto", api_name="/decompose"))
    assert parts["illumination"].shape[:2] == parts["image"].shape[:2]

    for arguments, words in (
        ((photo, "identity", "999", "png8"), "1 to 300"),
        ((photo, "nothing", "2", "png8"), "known ones are"),
        ((photo, "identity", "2", "bmp"), "png16"),
        ((photo, "identity", "2", "dng"), "cannot become a DNG; choose TIFF"),
    ):
        with pytest.raises(Exception, match=words):
            client.predict(*arguments, api_name="/restore")


def test_the_tools_of_the_mcp_server(address: str) -> None:
    pytest.importorskip("mcp", reason="needs the Model Context Protocol's package: pip install 'gradio[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def talk() -> tuple[list[Any], Any]:
        async with (
            streamable_http_client(f"{address}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            name = next(tool.name for tool in tools if tool.name.endswith("models"))
            return tools, await session.call_tool(name, {})

    # In a thread of its own: Playwright keeps an event loop running in this one.
    with ThreadPoolExecutor(1) as pool:
        tools, answer = pool.submit(lambda: asyncio.run(talk())).result(120)
    assert {tool.name.removeprefix("lowlight_explorer_") for tool in tools} == PUBLIC, "nothing private is offered"
    assert all(tool.description for tool in tools)
    parameters = [(tool.name, *each) for tool in tools for each in tool.inputSchema.get("properties", {}).items()]
    assert len(parameters) > 10
    assert not [(tool, name) for tool, name, schema in parameters if not schema.get("description")]
    photos = [schema for _, name, schema in parameters if name == "photo"]
    assert photos and not [each for each in photos if each["type"] != "string" or "required" in each]
    assert not answer.isError
    assert "clahe" in json.dumps([part.model_dump(mode="json") for part in answer.content])
