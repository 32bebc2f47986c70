"""Counters and timings for Prometheus; several worker processes are added up through files when they share a folder."""

import os
from collections import Counter as TallyCounter
from collections.abc import Mapping
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

REQUESTS = Counter("idp_requests", "HTTP requests by route, method and status class", ("route", "method", "status"))
SECONDS = Histogram("idp_request_seconds", "Time to answer, by route", ("route",), buckets=BUCKETS)
SIGN_INS = Counter("idp_sign_ins", "Sign-ins by outcome", ("outcome",))
MESSAGES = Counter("idp_messages", "Mail and SMS by channel and what became of them", ("channel", "outcome"))
WEBHOOKS = Counter("idp_webhook_tries", "Tries to deliver events by form and what became of them", ("form", "outcome"))
LOGOUTS = Counter("idp_logout_tries", "Tries to tell clients that a session ended, by outcome", ("outcome",))
SHED = Counter("idp_hash_pool_refused", "Sign-ins answered 503 because the password pool was full")


#: What the dashboard tells of answers: how many took how long at most, in seconds, and how many were our own fault.
PACES = (("answers_fast", 0.05), ("answers_middle", 0.25), ("answers_slow", 1.0), ("answers_late", float("inf")))
FAILED = "answers_failed"
_OF_THE_MACHINERY = ("/health", "/metrics", "/static")
_answers: TallyCounter[str] = TallyCounter()


@cache
def _request_counter(route: str, method: str, status_class: int) -> Counter:
    return REQUESTS.labels(route, method, f"{status_class}xx")


@cache
def _route_timer(route: str) -> Histogram:
    return SECONDS.labels(route)


def count(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request; routes and methods are few, so their counters are kept at hand."""
    _request_counter(route, method, status // 100).inc()
    _route_timer(route).observe(seconds)
    if not route.startswith(_OF_THE_MACHINERY):
        _answers[next(name for name, longest in PACES if seconds <= longest)] += 1
        if status >= 500:
            _answers[FAILED] += 1


def take_answers() -> Mapping[str, int]:
    """Return how fast this process answered since they were last taken, for whoever adds all processes up."""
    taken = dict(_answers)
    _answers.clear()
    return taken


def give_back_answers(taken: Mapping[str, int]) -> None:
    """Take back what could not be added up, so that the next who takes them has it."""
    _answers.update(taken)


def exposition() -> bytes:
    """Return all figures in Prometheus' text format, of all workers when they share a folder."""
    if MULTIPROCESS_VARIABLE not in os.environ:
        return generate_latest()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
