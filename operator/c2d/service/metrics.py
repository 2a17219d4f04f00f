"""What the service tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """One registry per application, so that several may live in one process."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.requests = Counter("c2d_service_requests", "Requests by route and status.", _ROUTE, registry=registry)
        self.seconds = Histogram(
            "c2d_service_request_seconds",
            "Time until a request was answered, streams to their end.",
            ("method", "route"),
            buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600),
            registry=registry,
        )
        self.streamed = Counter("c2d_service_result_bytes", "Bytes of results sent.", registry=registry)
        self.streams = Gauge("c2d_service_result_streams", "Results on their way.", registry=registry)
        self.jobs = Gauge("c2d_service_jobs", "Jobs that are known from the cluster.", registry=registry)
        self.lost = Gauge(
            "c2d_service_watch_lost_seconds", "For how long a watch has heard nothing.", ("kind",), registry=registry
        )
        self.archive = Gauge("c2d_service_archive_up", "Whether the archive answered last.", registry=registry)
        self.waiting = Gauge("c2d_service_archive_waiting", "Jobs that are not archived yet.", registry=registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request more."""
        key = method, route, status
        children = self._children.get(key)
        if children is None:
            # To find them by their labels costs more than to count.
            children = self._children[key] = (self.requests.labels(*key), self.seconds.labels(method, route))
        children[0].inc()
        children[1].observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)


_ROUTE = ("method", "route", "status")
