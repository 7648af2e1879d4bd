"""python -m segexp.serve: a run as an API and a web page."""

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from segexp.config.command_line import entry
from segexp.system import signals
from segexp.types import Values

if TYPE_CHECKING:
    from segexp.data.pairs import Pair
    from segexp.inference.segmentation import Segmentation
    from segexp.run.folder import RunFolder
    from segexp.serve.figures import Figures
    from segexp.serve.gallery import Gallery
    from segexp.serve.schema import Classes
    from segexp.serve.service import Service

NEEDED = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
KINDS = {"run": str, "checkpoint": str, "host": str, "port": int}
LEAST = {
    "max_batch": 1,
    "max_queue": 1,
    "max_upload_bytes": 1024,
    "max_pixels": 1024,
    "cache_bytes": 0,
    "max_connections": 8,
    "shutdown_seconds": 0,
}
LARGEST_AT_ONCE = 16
"""Uploads of the largest size that memory is set aside for while they arrive, and again for answers on their way."""


@entry("serve")
def main(values: Values) -> None:
    from segexp.run.folder import RunFolder
    from segexp.system import remote

    check(values)
    if not remote.is_url(values["run"]):  # loading torch takes seconds, which a typo need not cost
        RunFolder.open(values["run"]).checkpoint(values["checkpoint"])
    from segexp.serve import app, gate, server
    from segexp.serve.doorkeeper import Doorkeeper
    from segexp.serve.uploads import Uploads

    in_transit = LARGEST_AT_ONCE * values["max_upload_bytes"]
    # SIGTERM ends it while it loads, too; the kernel would keep that from the first process of a container
    with signals.listening(), server.bound(values["host"], values["port"]) as listening:
        is_local = server.is_local(listening)
        token = values["token"] or os.environ.get("SEGEXP_TOKEN") or None
        classes, service, figures = _loaded(values)
        uploads = Uploads(values["max_upload_bytes"], in_transit, values["client_seconds"])
        doorkeeper = Doorkeeper(values["max_connections"], values["client_seconds"], in_transit)
        routes = app.create(classes, service, uploads, figures)
        whole = gate.Gate(routes, token, _hosts(values, is_local), doorkeeper.make_room, figures)
        if not token and not is_local:
            print(f"warning: whoever reaches {values['host']} may use this server; set SEGEXP_TOKEN", file=sys.stderr)
        images = f"{len(service.gallery.ids)} images of {values['split']}" if values["split"] else "uploads only"
        served = f"{classes.run} ({classes.model}, {classes.grouping}, {images})"
        server.listen(listening)
        print(f"serving {served} on {server.address(listening)}", flush=True)
        server.made(whole, doorkeeper, values["shutdown_seconds"]).run([listening])


def _loaded(values: dict[str, Any]) -> "tuple[Classes, Service, Figures]":
    """What the run answers of itself, the network at work, and what is counted of it."""
    from segexp.run.folder import RunFolder
    from segexp.serve.batches import Batches
    from segexp.serve.budget import Budget
    from segexp.serve.figures import Figures
    from segexp.serve.service import Service

    run = RunFolder.fetched(values["run"], values["checkpoint"])
    classes, gallery, networks = _opened(run, values)
    in_work = Budget(values["max_queue"], "requests")
    figures = Figures(values["max_batch"], lambda: in_work.taken)
    batches = Batches(networks, values["max_batch"], values["max_pixels"], values["max_wait_seconds"], figures)
    service = Service(gallery, batches, in_work, values["max_pixels"], values["cache_bytes"])
    return classes, service, figures


def _opened(run: "RunFolder", values: dict[str, Any]) -> "tuple[Classes, Gallery, list[Segmentation]]":
    """What the run folder and the data hold."""
    from segexp.inference.devices import find_devices
    from segexp.inference.model import load_model
    from segexp.inference.settings import Inference
    from segexp.serve.described import described
    from segexp.serve.gallery import Gallery
    from segexp.serve.network import on_devices
    from segexp.serve.schema import Limits
    from segexp.system import remote

    inference, devices = (
        Inference.of({key: values[key] for key in Inference.model_fields}),
        find_devices(values["device"]),
    )
    found = load_model(run, values["checkpoint"])
    limits = Limits(bytes=values["max_upload_bytes"], pixels=values["max_pixels"])
    name = values["run"].rstrip("/").rpartition("/")[2] if remote.is_url(values["run"]) else run.path.name
    classes = described(name, run, found, values["split"], limits)
    gallery = Gallery(_pairs(run, values), found.grouping, found.table)
    return classes, gallery, on_devices(found.model, found.image_size, inference, devices)


def _pairs(run: "RunFolder", values: dict[str, Any]) -> "list[Pair]":
    from segexp.inference.trusted_run import source_of_run

    if values["split"] is None:
        return []
    settings = {key: value for key, value in values["data"].items() if value is not None}
    try:
        source, _ = source_of_run(run, settings)
        return source.pairs(values["split"])
    except OSError as error:
        raise OSError(f"{error}; or serve uploads alone by data=null") from error


def _hosts(values: dict[str, Any], is_local: bool) -> tuple[str, ...] | None:
    """Names the server may be called by, None for any."""
    from segexp.serve.gate import LOCAL

    named = values["allowed_hosts"]
    return (
        tuple(each.lower() for each in (*LOCAL, values["host"], *(named or ())))
        if is_local or named is not None
        else None
    )


def check(values: dict[str, Any]) -> None:
    """Raise ValueError for what is not installed, and for settings that none can be."""
    from segexp.inference.settings import Inference

    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"serving needs {', '.join(missing)}: pip install 'segexp[serve]'")
    for key, kind in {**KINDS, **dict.fromkeys(LEAST, int)}.items():
        if type(values[key]) is not kind:
            raise ValueError(f"{key} is {values[key]!r}; needed is a {kind.__name__}")
    for key, least in LEAST.items():
        if values[key] < least:
            raise ValueError(f"{key} is {values[key]}; needed is at least {least}")
    for key in ("max_wait_seconds", "client_seconds"):
        if type(values[key]) not in (int, float) or not 0 <= values[key] <= 3600:
            raise ValueError(f"{key} is {values[key]!r}; needed are 0 to 3600 seconds")
    if not 0 <= values["port"] < 65536:
        raise ValueError(f"port is {values['port']}; needed is 0, for any that is free, to 65535")
    for key in ("split", "token"):
        if values[key] is not None and (type(values[key]) is not str or not values[key]):
            raise ValueError(f"{key} is {values[key]!r}; needed is null or a text; quote what looks like a number")
    hosts = values["allowed_hosts"]
    if hosts is not None and (not isinstance(hosts, list) or not all(isinstance(each, str) for each in hosts)):
        raise ValueError(f"allowed_hosts is {hosts!r}; needed are names, e.g. [segexp.example.org], or null")
    Inference.of({key: values[key] for key in Inference.model_fields})


def without_data(arguments: list[str]) -> list[str]:
    """Arguments of segexp.serve for Hydra, which takes data= for a file of conf/data/ and has no choice of none."""
    return ["split=null" if argument == "data=null" else argument for argument in arguments]


if __name__ == "__main__":
    sys.argv[1:] = without_data(sys.argv[1:])
    main()
