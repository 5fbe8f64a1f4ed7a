"""Figures for the operator, by route pattern and state only: never a name or an identifier."""

from __future__ import annotations

import time
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from issuer.domain import FINAL, JobState


class Metrics:
    """One registry per application, so that two in one process do not collide."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter(
            "fedatario_http_requests", "Answered requests.", labels, registry=self.registry
        )
        self.seconds = Histogram(
            "fedatario_http_seconds",
            "Seconds to the answer's end; streams are not counted.",
            ("route",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
            registry=self.registry,
        )
        self.denied = Counter(
            "fedatario_http_denied", "Refused by access rules.", ("why",), registry=self.registry
        )
        self.streams = Gauge("fedatario_streams", "Open event streams.", registry=self.registry)
        self.jobs = Gauge(
            "fedatario_jobs", "Jobs that are not over.", ("state",), registry=self.registry
        )

    def text(self, tally: Mapping[JobState, int]) -> bytes:
        """The exposition format, with the queue as it stands."""
        for state in JobState:
            if state not in FINAL:
                self.jobs.labels(state.value).set(tally.get(state, 0))
        return generate_latest(self.registry)


def measuring(metrics: Metrics) -> Middleware:
    """The middleware that counts. Outside every other, so that refusals count too."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        route = route_of(request)
        try:
            response = await handler(request)
        except web.HTTPException as answer:  # a redirect
            metrics.requests.labels(request.method, route, str(answer.status)).inc()
            raise
        metrics.requests.labels(request.method, route, str(response.status)).inc()
        if response.content_type != "text/event-stream":
            metrics.seconds.labels(route).observe(time.perf_counter() - started)
        return response

    return measure


def route_of(request: web.Request) -> str:
    """The pattern of a request's route; a path that is none is not repeated (it may be data)."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
