"""A stand-in W&B server on loopback: as much of its protocol as wandb 0.31 needs to log, sync, sweep and save views.

Answers of the real server that the client only reads a part of are cut down to that part.
"""

import base64
import gzip
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ENTITY = "tester"
Fault = Callable[[str], int | None]
"""name of an operation -> HTTP status to answer instead, or None."""


@dataclass
class StandinRun:
    """What the server was sent of one run."""

    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)  # groupName, displayName, sweep, ...
    states: list[str] = field(default_factory=list)
    exit_code: int | None = None
    num_upserts: int = 0

    def upsert(self, variables: dict[str, Any]) -> None:
        self.num_upserts += 1
        sent = json.loads(variables.get("config") or "{}")
        self.config.update({key: node["value"] if isinstance(node, dict) else node for key, node in sent.items()})
        self.facts.update({key: value for key, value in variables.items() if value is not None})

    def stream(self, sent: dict[str, Any]) -> None:
        history = sent.get("files", {}).get("wandb-history.jsonl", {})
        rows = [json.loads(row) for row in history.get("content") or []]
        begin = history.get("offset") or 0
        self.history[begin : begin + len(rows)] = rows
        if sent.get("preempting"):
            self.states.append("preempting")
        if sent.get("complete") is not None:
            self.exit_code = sent.get("exitcode")

    def encoded_config(self) -> str:
        return json.dumps({key: {"value": value} for key, value in self.config.items()})


class Standin:
    """`with Standin() as server`: runs, uploaded files, views and asked operations are there to be looked at.

    delay_seconds: before every answer. fault: makes operations fail. commands: what sweep agents are told to do.
    """

    def __init__(self, delay_seconds: float = 0, fault: Fault = lambda name: None) -> None:
        self.delay_seconds = delay_seconds
        self.fault = fault
        self.runs: dict[str, StandinRun] = {}
        self.files: dict[str, bytes] = {}
        self.operations: list[str] = []
        self.unknown: list[str] = []
        self.sweeps: dict[str, str] = {}
        self.commands: list[dict[str, Any]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"standin": self}))
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> "Standin":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def run(self, name: str) -> StandinRun:
        return self.runs.setdefault(name, StandinRun())

    def refusal(self, name: str) -> int | None:
        time.sleep(self.delay_seconds)
        with self.lock:
            self.operations.append(name)
        return self.fault(name)

    def answer(self, name: str, variables: dict[str, Any]) -> dict[str, Any]:
        """To a GraphQL operation. Errors are answered, as a crash here would look like a fault of the network."""
        answers = {"GetDefaultEntity": self._viewer} | {
            each.removeprefix("answer_"): getattr(self, each) for each in dir(self) if each.startswith("answer_")
        }
        with self.lock:
            if name not in answers:
                self.unknown.append(name)
                return {"data": None, "errors": [{"message": f"stand-in: unknown operation {name}"}]}
            try:
                return {"data": answers[name](variables)}
            except Exception as error:
                self.unknown.append(f"{name}: {error!r}")
                return {"data": None, "errors": [{"message": f"stand-in: {error!r}"}]}

    def _viewer(self, variables: dict[str, Any]) -> dict[str, Any]:
        teams: dict[str, list] = {"edges": []}
        return {"viewer": {"id": "u1", "entity": ENTITY, "username": ENTITY, "flags": "{}", "teams": teams}}

    answer_Viewer = _viewer  # noqa: N815, a name of the protocol

    def answer_UpsertBucket(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = variables.get("name") or base64.b64decode(variables["id"]).decode().split(":")[2]
        run = self.run(name)
        run.upsert(variables)
        project = run.facts.get("project") or "uncategorized"
        bucket = {
            "id": base64.b64encode(f"Run:v1:{name}:{project}:{ENTITY}".encode()).decode(),
            "name": name,
            "displayName": run.facts.get("displayName") or name,
            "config": run.encoded_config(),
            "sweepName": run.facts.get("sweep"),
            "project": {"id": "p1", "name": project, "entity": {"id": "e1", "name": ENTITY}},
            "historyLineCount": len(run.history),
        }
        return {"upsertBucket": {"bucket": bucket, "inserted": run.num_upserts == 1}}

    def answer_RunResumeStatus(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = variables["name"]
        run = self.runs.get(name)
        bucket = run and {
            "id": name,
            "name": name,
            "displayName": run.facts.get("displayName"),
            "summaryMetrics": "{}",
            "config": run.encoded_config(),
            "historyLineCount": len(run.history),
            "logLineCount": 0,
            "eventsLineCount": 0,
            "historyTail": json.dumps([json.dumps(row) for row in run.history[-1:]]),
            "eventsTail": "[]",
            "tags": [],
            "wandbConfig": json.dumps({"t": 1}),
        }
        project = {"id": "p1", "name": variables["project"], "entity": {"id": "e1", "name": ENTITY}}
        return {"model": {**project, "bucket": bucket}}

    def answer_CreateRunFiles(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = variables["run"]
        files = [{"name": file, "uploadUrl": f"{self.url}/upload/{name}/{file}"} for file in variables["files"]]
        return {"createRunFiles": {"runID": name, "uploadHeaders": [], "files": files}}

    def answer_RunStoppedStatus(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"project": {"run": {"stopped": False}}}

    def answer_ServerFeaturesQuery(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"serverInfo": {"features": []}}

    def answer_OrganizationCoreWeaveOrganizationID(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"entity": {"organization": {"coreWeaveOrganizationId": None}}}

    def answer_UpsertSweep(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = f"sweep{len(self.sweeps) + 1}"
        self.sweeps[name] = variables["config"]
        project = {"id": "p1", "name": variables["projectName"], "entity": {"id": "e1", "name": ENTITY}}
        return {"upsertSweep": {"sweep": {"name": name, "project": project}, "configValidationWarnings": []}}

    def answer_SweepWithRuns(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        name = variables["sweep"]
        sweep = {"id": "s1", "name": name, "method": "grid", "state": "RUNNING", "config": self.sweeps.get(name)}
        return {"project": {"sweep": {**sweep, "runs": {"edges": []}}}}

    def answer_CreateAgent(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"createAgent": {"agent": {"id": "agent1"}}}

    def answer_Heartbeat(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        is_busy = bool(json.loads(variables["runState"] or "{}"))
        commands = [] if is_busy else [self.commands.pop(0) if self.commands else {"type": "exit"}]
        return {"agentHeartbeat": {"agent": {"id": "agent1"}, "commands": json.dumps(commands)}}

    def answer_ProjectInternalId(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"project": {"id": "p1", "internalId": "UHJvamVjdDox"}}

    def answer_GetProjects(self, variables: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        names = sorted({run.facts["project"] for run in self.runs.values()})
        page = {"__typename": "PageInfo", "endCursor": None, "hasNextPage": False}
        return {"models": {"pageInfo": page, "edges": [{"node": _project(name)} for name in names]}}

    def _views(self, variables: dict[str, Any]) -> dict[str, Any]:
        wanted = {"type": variables.get("viewType", "runs"), "name": variables.get("viewName")}
        asked = {key: value for key, value in wanted.items() if value is not None}
        found = [{**view, "id": id} for id, view in self.views.items() if asked.items() <= view.items()]
        page = {"endCursor": None, "hasNextPage": False}
        return {"project": {"allViews": {"pageInfo": page, "edges": [{"node": view, "cursor": ""} for view in found]}}}

    answer_View = answer_ProjectViews = _views  # noqa: N815

    def _upsert_view(self, variables: dict[str, Any]) -> dict[str, Any]:
        """One without an id is a new one, even if another has its name."""
        id = variables.get("id") or base64.b64encode(f"View:{len(self.views) + 1}".encode()).decode()
        is_new = id not in self.views
        self.views[id] = variables
        project = {"id": "p1", "name": variables["projectName"], "entityName": variables["entityName"]}
        view = {**variables, "id": id, "project": project, "updatedAt": "2026-01-01T00:00:00"}
        return {"upsertView": {"inserted": is_new, "view": view}}

    answer_UpsertView2 = answer_upsertView = _upsert_view  # noqa: N815


def _project(name: str) -> dict[str, Any]:
    created = "2026-01-01T00:00:00"
    facts = {"id": "p1", "name": name, "entityName": ENTITY, "createdAt": created, "isBenchmark": False, "user": None}
    return {"__typename": "Project", **facts}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing on the terminal: clients that are killed, or lose patience, close their connections."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    standin: Standin

    def log_message(self, *values: object) -> None:
        """Nothing on the terminal."""

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/graphql":
            asked = json.loads(body)
            found = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])
            name = found[1] if found else "nameless"
            self._reply(name, lambda: self.standin.answer(name, asked.get("variables") or {}))
        elif found := re.match(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
            self._reply("file_stream", lambda: self._stream(found[1], json.loads(body)))
        else:
            self._reply(f"POST {self.path}", lambda: {})

    def do_PUT(self) -> None:
        self.standin.files[self.path] = self._body()
        self._reply("PUT", lambda: {})

    def do_GET(self) -> None:
        self._reply(f"GET {self.path}", lambda: {})

    def _stream(self, name: str, sent: dict[str, Any]) -> dict[str, Any]:
        with self.standin.lock:
            self.standin.run(name).stream(sent)
        return {"limits": {}}

    def _reply(self, name: str, answer: Callable[[], dict[str, Any]]) -> None:
        refusal = self.standin.refusal(name)
        sent = {"errors": [{"message": f"stand-in says {refusal}"}]} if refusal else answer()
        content = json.dumps(sent).encode()
        self.send_response(refusal or 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
