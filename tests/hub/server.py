"""A small Hub on the loopback interface, complete enough for the real client to publish and pull.

Large files are redirected to a second server, as the Hub redirects them to a store of blobs on another host. The test
sets faults: what fails, for which requests, how often.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Fault:
    """Something that goes wrong."""

    match: str
    """Regular expression on "METHOD path"."""
    status: int = 0
    """Answer with this status."""
    cut: int = -1
    """Send this many bytes of the body, then close the connection."""
    delay: float = 0.0
    """Seconds to wait before the answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of the answer; they replace the ordinary ones."""
    trickle: float = 0.0
    """Seconds between blocks of the body."""
    times: int = 1


@dataclass
class Repo:
    """One repository: its commits, the newest last."""

    commits: dict[str, Files] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    gated: bool = False
    private: bool = False
    licence: str = ""
    variables: dict[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is what some tests are about; nothing to print."""


class LocalHub:
    """The Hub and its store of blobs; `requests` are all that were made, as "METHOD path"."""

    def __init__(self, large: int = 4096) -> None:
        self.large = large
        self.repos: dict[str, Repo] = {}
        self.blobs: Files = {}
        self.corrupt: set[str] = set()
        """sha256 of blobs that arrive with one wrong byte."""
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.tokens_at_store: list[str] = []
        self.lock = threading.Lock()
        self._servers = [_Server(("127.0.0.1", 0), self._handler(kind)) for kind in ("hub", "store")]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url, self.store = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def reset(self) -> None:
        """Forgets everything but its addresses."""
        with self.lock:
            for kept in (self.repos, self.blobs, self.corrupt, self.faults, self.requests, self.ranges):
                kept.clear()
            self.tokens_at_store.clear()

    def commit(self, repo: str, files: Files, message: str = "", branch: str = "main", kind: str = "models") -> str:
        """Puts files (all of the new commit) into a repository."""
        entry = self.repos.setdefault(f"{kind}/{repo}", Repo())
        state = hashlib.sha256()
        for path in sorted(files):
            state.update(path.encode() + b"\0" + files[path] + b"\0")
            self.blobs[hashlib.sha256(files[path]).hexdigest()] = files[path]
        commit = hashlib.sha1(f"{repo}{len(entry.commits)}{state.hexdigest()}".encode()).hexdigest()
        entry.commits[commit] = dict(files)
        entry.branches[branch] = commit
        entry.messages.append(message)
        return commit

    def files(self, repo: str, kind: str = "models") -> Files:
        """What a repository's main branch holds."""
        entry = self.repos[f"{kind}/{repo}"]
        return entry.commits[entry.branches["main"]]

    def _take_fault(self, line: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.match, line):
                    fault.times -= 1
                    return fault
        return None

    def _handler(hub: LocalHub, kind: str) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            fault: Fault | None = None

            def log_message(self, *_: object) -> None:
                pass

            def handle_any(self) -> None:
                path = unquote(urlsplit(self.path).path)
                line = f"{self.command} {path}"
                with hub.lock:
                    hub.requests.append(line)
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if length else b""
                self.fault = hub._take_fault(f"{kind}:{line}")
                if self.fault and self.fault.delay:
                    time.sleep(self.fault.delay)
                try:
                    if self.fault and self.fault.status:
                        self.answer(self.fault.status, b"{}", self.fault.headers)
                    elif kind == "store":
                        self.blob(path, body)
                    else:
                        self.route(path, body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

            def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
                headers = {"Content-Length": str(len(body)), **(headers or {})}
                if self.fault and not self.fault.status:
                    headers |= self.fault.headers
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if self.fault and self.fault.cut >= 0:
                    self.wfile.write(body[: self.fault.cut])
                    self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(2)
                elif self.fault and self.fault.trickle:
                    for start in range(0, len(body), 16384):
                        self.wfile.write(body[start : start + 16384])
                        self.wfile.flush()
                        time.sleep(self.fault.trickle)
                else:
                    self.wfile.write(body)

            def answer_json(self, value: Any, status: int = 200) -> None:
                self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

            def refuse(self, status: int, code: str) -> None:
                self.answer(status, b'{"error": "refused"}', {"X-Error-Code": code, "X-Error-Message": code})

            def repo(self, kind_: str, name: str, revision: str) -> tuple[Repo, str] | None:
                """The repository and the commit, or an answer that there is none."""
                entry = hub.repos.get(f"{kind_}/{name}")
                if entry is None:
                    self.refuse(404, "RepoNotFound")
                elif entry.gated:
                    self.refuse(401, "GatedRepo")
                else:
                    commit = entry.branches.get(revision, revision)
                    if commit in entry.commits:
                        return entry, commit
                    self.refuse(404, "RevisionNotFound")
                return None

            def route(self, path: str, body: bytes) -> None:
                name = r"([^/]+/[^/]+)"
                if match := re.fullmatch(rf"/api/(models|spaces)/{name}(?:/revision/(.+))?", path):
                    self.info(match[1], match[2], match[3] or "main")
                elif match := re.fullmatch(rf"/api/(models|spaces)/{name}/tree/main", path):
                    listed = hub.files(match[2], match[1]).items()
                    self.answer_json([{"type": "file", "path": n, "oid": "0", "size": len(d)} for n, d in listed])
                elif match := re.fullmatch(rf"/(?:(spaces)/)?{name}/resolve/([^/]+)/(.+)", path):
                    self.resolve(match[1] or "models", match[2], match[3], match[4])
                elif path == "/api/repos/create":
                    self.create(json.loads(body))
                elif match := re.fullmatch(rf"/api/(models|spaces)/{name}/preupload/(.+)", path):
                    files = json.loads(body)["files"]
                    modes = [
                        {
                            "path": f["path"],
                            "uploadMode": "lfs" if f["size"] > hub.large else "regular",
                            "shouldIgnore": False,
                            "oid": None,
                        }
                        for f in files
                    ]
                    self.answer_json({"files": modes})
                elif path.endswith(".git/info/lfs/objects/batch"):
                    objects = [
                        {**o, "actions": {"upload": {"href": f"{hub.store}/{o['oid']}", "header": {}}}}
                        for o in json.loads(body)["objects"]
                    ]
                    self.answer_json({"transfer": "basic", "objects": objects})
                elif match := re.fullmatch(rf"/api/(models|spaces)/{name}/commit/(.+)", path):
                    self.new_commit(match[1], match[2], match[3], body)
                elif match := re.fullmatch(rf"/api/spaces/{name}/variables", path):
                    sent = json.loads(body)
                    hub.repos[f"spaces/{match[1]}"].variables[sent["key"]] = sent["value"]
                    self.answer_json({sent["key"]: {"value": sent["value"]}})
                elif path == "/api/validate-yaml":
                    self.answer_json({"errors": [], "warnings": []})
                else:
                    self.refuse(404, "NoSuchRoute")

            def info(self, kind_: str, name: str, revision: str) -> None:
                if found := self.repo(kind_, name, revision):
                    entry, commit = found
                    siblings = [{"rfilename": path} for path in entry.commits[commit]]
                    told = {"id": name, "sha": commit, "private": entry.private, "siblings": siblings}
                    card = {"cardData": {"license": entry.licence}} if entry.licence else {}
                    self.answer_json(told | card)

            def resolve(self, kind_: str, name: str, revision: str, path: str) -> None:
                found = self.repo(kind_, name, revision)
                if not found:
                    return
                entry, commit = found
                headers = {"X-Repo-Commit": commit}
                if path not in entry.commits[commit]:
                    self.answer(404, b"", {**headers, "X-Error-Code": "EntryNotFound"})
                    return
                data = entry.commits[commit][path]
                sha256 = hashlib.sha256(data).hexdigest()
                if len(data) > hub.large:
                    linked = {"X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
                    location = {"Location": f"{hub.store}/{sha256}", "ETag": '"of-the-redirect"'}
                    self.answer(302, b"", {**headers, **linked, **location})
                else:
                    git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
                    self.answer(200, data, {**headers, "ETag": f'"{git}"'})

            def blob(self, path: str, body: bytes) -> None:
                oid = path.strip("/")
                if self.command == "PUT":
                    assert hashlib.sha256(body).hexdigest() == oid, "an upload with other bytes than announced"
                    hub.blobs[oid] = body
                    self.answer(200)
                    return
                if token := self.headers.get("Authorization"):
                    hub.tokens_at_store.append(token)
                data = hub.blobs[oid]
                if oid in hub.corrupt:
                    data = data[:-1] + bytes([data[-1] ^ 1])
                headers = {"ETag": f'"{oid}"', "Accept-Ranges": "bytes"}
                if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
                    start = int(match[1])
                    hub.ranges.append(match[0])
                    headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                    self.answer(206, data[start:], headers)
                else:
                    self.answer(200, data, headers)

            def create(self, sent: dict[str, Any]) -> None:
                repo = f"{sent['organization']}/{sent['name']}"
                key = f"{'spaces' if sent.get('type') == 'space' else 'models'}/{repo}"
                if key in hub.repos:
                    self.answer_json({"error": "exists", "url": f"{hub.url}/{repo}"}, 409)
                    return
                hub.commit(repo, {".gitattributes": b"*.safetensors filter=lfs\n"}, kind=key.split("/")[0])
                entry = hub.repos[key]
                entry.private = sent.get("visibility") == "private" or bool(sent.get("private"))
                entry.variables = {each["key"]: each["value"] for each in sent.get("variables", [])}
                self.answer_json({"url": f"{hub.url}/{'spaces/' if key.startswith('spaces') else ''}{repo}"})

            def new_commit(self, kind_: str, name: str, branch: str, body: bytes) -> None:
                files = dict(hub.files(name, kind_))
                message = ""
                for line in body.splitlines():
                    item = json.loads(line)
                    value = item["value"]
                    if item["key"] == "header":
                        message = value["summary"]
                    elif item["key"] == "file":
                        files[value["path"]] = base64.b64decode(value["content"])
                    elif item["key"] == "lfsFile":
                        files[value["path"]] = hub.blobs[value["oid"]]
                    elif item["key"] == "deletedFile":
                        del files[value["path"]]
                oid = hub.commit(name, files, message, branch, kind_)
                self.answer_json(
                    {"commitUrl": f"{hub.url}/{name}/commit/{oid}", "commitOid": oid, "pullRequestUrl": None}
                )

        return Handler
