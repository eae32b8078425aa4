"""A process with the real Hub client, which reads its address on import: one JSON request per line.

`{"call": "cli", "args": [...]}` runs `lowlight`; `{"call": "python", "code": "..."}` runs code and returns its
`result`.
Both accept `env` (set for this request), `cache` (HF_HUB_CACHE) and `offline`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from typing import Any


def serve() -> None:
    from huggingface_hub import constants

    from explorer.cli import main
    from explorer.errors import ExplorerError
    from explorer.hub import pulling

    out = sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        constants.HF_HUB_CACHE = request["cache"]
        constants.HF_HUB_OFFLINE = request["offline"]
        pulling._RESOLVED.clear()
        saved = dict(os.environ)
        os.environ.update(request["env"])
        stdout, stderr = io.StringIO(), io.StringIO()
        answer: dict[str, Any] = {}
        started = time.perf_counter()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            try:
                if request["call"] == "cli":
                    answer["code"] = main(request["args"])
                else:
                    space: dict[str, Any] = {}
                    exec(request["code"], space)
                    answer["result"] = space.get("result")
            except ExplorerError as error:
                answer |= {"error": str(error), "kind": type(error).__name__}
            except BaseException as error:
                answer |= {"error": repr(error), "kind": "unexpected"}
        os.environ.clear()
        os.environ.update(saved)
        answer |= {"out": stdout.getvalue(), "err": stderr.getvalue(), "seconds": time.perf_counter() - started}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    serve()
