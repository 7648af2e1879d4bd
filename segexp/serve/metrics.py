"""Metrics of a running server, which /metrics gives to Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Upper ends of histograms, in seconds."""


class ServerMetrics:
    """Metrics of one server. Their labels come from a fixed set, so that no client can make their number grow."""

    def __init__(self, max_batch: int, num_in_work: Callable[[], int]) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter("segexp_requests", "requests by route and status", ["route", "code"], registry=registry)
        self.request_seconds = Histogram(
            "segexp_request_seconds",
            "seconds until the answer was handed over",
            ["route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self.network_seconds = Histogram(
            "segexp_network_seconds", "seconds that the network took for a batch", buckets=BUCKETS, registry=registry
        )
        sizes = tuple(range(1, max_batch + 1))
        self.batch_images = Histogram("segexp_batch_images", "images in a batch", buckets=sizes, registry=registry)
        queue = Gauge(
            "segexp_queue_requests", "requests that are decoded, wait, are segmented or encoded", registry=registry
        )
        queue.set_function(num_in_work)

    def text(self) -> bytes:
        return generate_latest(self.registry)
