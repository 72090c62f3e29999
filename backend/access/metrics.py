"""Numbers for Prometheus: requests and how long they took, and what L1 does to the ledger."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "causeway_http_requests_total",
            "HTTP requests",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "causeway_http_request_seconds",
            "Duration of HTTP requests",
            ("route",),
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )

        self._epoch = Gauge("causeway_epoch", "The committee's epoch", registry=self.registry)
        self._frozen = Gauge(
            "causeway_frozen", "1 once the rollup is frozen, else 0", registry=self.registry
        )
        self._challenges = Gauge(
            "causeway_open_challenges",
            "Challenges on the chain that wait for an answer",
            registry=self.registry,
        )

    def show_chain(self, epoch: int, is_frozen: bool, open_challenge_count: int) -> None:
        """Take in how the ledger stands with L1."""
        self._epoch.set(epoch)
        self._frozen.set(is_frozen)
        self._challenges.set(open_challenge_count)

    def count(self, method: str, route: str, status_code: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status_code)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self.registry)
