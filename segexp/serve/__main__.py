"""python -m segexp.serve: a run as an API and a web page."""

import importlib.util
import os
import socket
import sys
from typing import TYPE_CHECKING

from segexp.config.command_line import entry_point
from segexp.serve.settings import ServeSettings
from segexp.system import signals
from segexp.system.loading import loading
from segexp.system.memory import keep_freed_memory
from segexp.types import Values

if TYPE_CHECKING:
    import uvicorn

    from segexp.data.pairs import Pair, Source
    from segexp.inference.model import TrainedNetwork
    from segexp.inference.predictor import Predictor
    from segexp.run.folder import RunFolder
    from segexp.serve.image_store import ImageStore
    from segexp.serve.metrics import ServerMetrics
    from segexp.serve.responses import RunDescription
    from segexp.serve.service import Service

REQUIRED_PACKAGES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")
LARGEST_AT_ONCE = 16
"""Uploads of the largest size that memory is set aside for while they arrive, and again for answers on their way."""


@entry_point("serve")
def main(values: Values) -> None:
    from segexp.run.folder import RunFolder
    from segexp.system.remote import is_url

    refuse_missing_packages()
    settings = ServeSettings.of(values)
    if not is_url(settings.run):  # loading torch takes seconds, which a typo need not cost
        RunFolder.open(settings.run).checkpoint(settings.checkpoint)
    from segexp.serve.server import address, bind, is_local, listen

    # SIGTERM ends it while it loads, too; the kernel would keep that from the first process of a container
    with signals.listening(), bind(settings.host, settings.port) as listener:
        token = settings.token or os.environ.get("SEGEXP_TOKEN") or None
        description, service, metrics = _load(settings)
        server = _create_server(settings, token, listener, description, service, metrics)
        if not token and not is_local(listener):
            print(f"warning: no token, so {settings.host} is open to everyone; set SEGEXP_TOKEN", file=sys.stderr)
        images = f"{len(service.store.ids)} images of {settings.split}" if settings.split else "uploads only"
        summary = f"{description.run} ({description.model}, {description.grouping}, {images})"
        listen(listener)
        print(f"serving {summary} on {address(listener)}", flush=True)
        server.run([listener])


def refuse_missing_packages() -> None:
    missing = [name for name in REQUIRED_PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"serving needs {', '.join(missing)}: pip install 'segexp[serve]'")


def _load(settings: ServeSettings) -> "tuple[RunDescription, Service, ServerMetrics]":
    """The description of the run, the service with its network, and its metrics."""
    from segexp.run.folder import RunFolder

    with loading():
        from segexp.serve.batcher import DynamicBatcher
        from segexp.serve.limiter import Limiter
        from segexp.serve.metrics import ServerMetrics
        from segexp.serve.service import Service

    run = RunFolder.fetch(settings.run, settings.checkpoint)
    description, store, networks = _load_run(run, settings)
    requests = Limiter(settings.max_queue, "requests")
    metrics = ServerMetrics(settings.max_batch, lambda: requests.in_use)
    batcher = DynamicBatcher(networks, settings.max_batch, settings.max_pixels, settings.max_wait_seconds, metrics)
    service = Service(store, batcher, requests, settings.max_pixels, settings.cache_bytes)
    return description, service, metrics


def _load_run(run: "RunFolder", settings: ServeSettings) -> "tuple[RunDescription, ImageStore, list[Predictor]]":
    """The contents of the run folder and of the data: description, images, and a network for each device."""
    with loading():
        from segexp.inference.devices import find_devices
        from segexp.inference.model import load_model
        from segexp.inference.ready import ReadyNetwork, arithmetic_on
        from segexp.serve.image_store import ImageStore
        from segexp.serve.replicas import replicate
        from segexp.serve.responses import UploadLimits
        from segexp.serve.run_description import describe_run, evaluated_miou, own_evaluation
        from segexp.system.remote import is_url

    devices = find_devices(settings.device)
    if devices[0].type == "cpu":
        keep_freed_memory()
    arithmetic = arithmetic_on(devices[0], settings)
    trained = load_model(run, settings.checkpoint, settings.weights)
    limits = UploadLimits(bytes=settings.max_upload_bytes, pixels=settings.max_pixels)
    name = settings.run.rstrip("/").rpartition("/")[2] if is_url(settings.run) else run.path.name
    evaluation = own_evaluation(run, settings.split, trained)
    description = describe_run(name, run, trained, evaluation, settings.split, limits)
    source, pairs, bit_depth = _source_and_pairs(run, settings, trained)
    miou = evaluated_miou(run, settings.split, trained, evaluation)
    store = ImageStore(source, pairs, trained.grouping, bit_depth, miou)
    print(f"network in {arithmetic}")
    return description, store, replicate(ReadyNetwork(trained.model, arithmetic), trained.image_size, settings, devices)


def _source_and_pairs(
    run: "RunFolder", settings: ServeSettings, trained: "TrainedNetwork"
) -> "tuple[Source | None, list[Pair], int | None]":
    """The data set, its scenes of the split, and the bit depth of their images."""
    from segexp.data.bit_depth import unused_bits
    from segexp.inference.trusted_parts import source_of_run

    if settings.split is None:
        return None, [], trained.bit_depth
    try:
        source, image_format = source_of_run(run, settings.data)
        pairs = source.pairs(settings.split)
    except OSError as error:
        raise OSError(f"{error}; or serve uploads alone by data=null") from error
    if problem := unused_bits([pair.image for pair in pairs], image_format.bit_depth, "+data.bit_depth"):
        print(f"warning: {problem}", file=sys.stderr)
    return source, pairs, image_format.bit_depth


def _create_server(
    settings: ServeSettings,
    token: str | None,
    listener: socket.socket,
    description: "RunDescription",
    service: "Service",
    metrics: "ServerMetrics",
) -> "uvicorn.Server":
    from segexp.serve.app import create_app
    from segexp.serve.security import SecurityMiddleware
    from segexp.serve.server import create_server, is_local
    from segexp.serve.slow_clients import SlowClientReaper
    from segexp.serve.uploads import UploadReader

    bytes_in_transit = LARGEST_AT_ONCE * settings.max_upload_bytes
    uploads = UploadReader(settings.max_upload_bytes, bytes_in_transit, settings.client_seconds)
    reaper = SlowClientReaper(settings.max_connections, settings.client_seconds, bytes_in_transit)
    routes = create_app(description, service, uploads, metrics)
    hosts = _host_names(settings, is_local(listener))
    app = SecurityMiddleware(routes, token, hosts, reaper.make_room, metrics)
    return create_server(app, reaper, settings.shutdown_seconds)


def _host_names(settings: ServeSettings, is_local: bool) -> tuple[str, ...] | None:
    """Names the server may be called by, None for any."""
    from segexp.serve.security import LOCAL_HOSTS

    if not is_local and settings.allowed_hosts is None:
        return None
    return tuple(name.lower() for name in (*LOCAL_HOSTS, settings.host, *(settings.allowed_hosts or ())))


def without_data(arguments: list[str]) -> list[str]:
    """Put data=null in words that Hydra takes: it reads data= as a file of conf/data/ and has no choice of none."""
    return ["split=null" if argument == "data=null" else argument for argument in arguments]


if __name__ == "__main__":
    sys.argv[1:] = without_data(sys.argv[1:])
    main()
