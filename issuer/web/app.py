"""The application: routes, what stands before them, and serving it on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp import web

from issuer.config import Config, ConfigError
from issuer.daemon import Daemon
from issuer.desk import Desk
from issuer.people import People
from issuer.profile import load_profile
from issuer.web import access, problems, shield, words
from issuer.web.metrics import Metrics, measuring
from issuer.web.parts import PARTS, Parts
from issuer.web.ports import DeskPort
from issuer.web.routes import events, jobs, lanes, public, scanning, sign_in
from issuer.web.sources import Sources, from_store
from issuer.web.stream import Hub
from issuer.web.throttle import Throttle
from verifier.trust import Trust

LARGEST_BODY = 64 * 1024


def make_app(
    desk: DeskPort, config: Config, people: People, sources: Sources | None = None
) -> web.Application:
    """The counter's application over a desk; nothing is opened before it starts.

    ``sources``: see issuer.web.sources; without them the store of ``people`` and the trust
    directory of ``config`` are asked. Raises ProfileError.
    """
    profile = load_profile(config.profile_dir)
    if sources is None:
        sources = from_store(
            people.store, desk.office, lambda: Trust.load(config.trust_dir, desk.now()), desk.now
        )

    hub = Hub(desk, sources.head, lambda: lanes.devices_json(at))
    at = Parts(desk, config, people, profile, sources, hub, Throttle(time.monotonic), Metrics())
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            measuring(at.metrics),
            problems.explain,
            shield.no_forgery,
            access.authorise,
        ],
    )
    app[PARTS] = at
    app.on_response_prepare.append(shield.add_headers)
    app.cleanup_ctx.append(_streaming)
    app.on_shutdown.append(_end_streams)
    _add_routes(app)
    return app


def _add_routes(app: web.Application) -> None:
    get, post = web.get, web.post
    app.add_routes(
        [
            get("/healthz", public.health),
            get("/metrics", public.metrics),
            get("/trust/{name}", public.trust),
            get("/trust/{room}/{name}", public.trust),
            get("/words/{language}.json", public.words),
            get("/language/{language}", public.language),
            get("/sign-in", sign_in.sign_in_page),
            post("/sign-in", sign_in.sign_in),
            post("/sign-out", sign_in.sign_out),
            get("/password", sign_in.password_page),
            post("/password", sign_in.change_password),
            get("/", sign_in.counter),
            get("/api/me", lanes.me),
            get("/api/queue", jobs.queue),
            get("/api/devices", lanes.devices),
            get("/api/service", lanes.service),
            get("/api/stock", lanes.stock),
            get("/api/events", events.events),
            get("/api/jobs/{job}", jobs.one),
            get("/api/jobs/{job}/faces", jobs.faces),
            get("/api/jobs/{job}/portrait", jobs.portrait),
            get("/api/jobs/{job}/file", jobs.file),
            post("/api/jobs/{job}/print", jobs.order_print),
            post("/api/jobs/{job}/cancel", jobs.cancel),
            post("/api/jobs/{job}/deliver", jobs.deliver),
            post("/api/jobs/{job}/spoil", jobs.spoil),
            post("/api/jobs/{job}/reprint", jobs.reprint),
            post("/api/jobs/{job}/resolve", jobs.resolve),
            post("/api/jobs/{job}/lamination", jobs.lamination),
            post("/api/jobs/{job}/retry", jobs.retry),
            post("/api/scan", scanning.scan),
            post("/api/inspect", scanning.inspect),
            post("/api/lanes/{lane}/stop", lanes.stop),
            post("/api/lanes/{lane}/resume", lanes.resume),
            post("/api/lanes/{lane}/clear", lanes.clear),
            post("/api/lanes/{lane}/load", lanes.load),
            post("/api/lanes/{lane}/roll", lanes.roll),
            web.static("/static", words.HERE / "static"),
        ]
    )


async def _streaming(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[PARTS].hub.run(), name="web-stream")
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _end_streams(app: web.Application) -> None:
    """Before connections are waited for: an open stream never ends by itself."""
    app[PARTS].hub.close()


@dataclass(frozen=True, slots=True)
class Served:
    """A running site. ``url`` has the real port, without a slash at its end."""

    runner: web.AppRunner
    url: str
    people: People

    async def close(self) -> None:
        """Ends streams and connections."""
        await self.runner.cleanup()


async def serve(daemon: Daemon, config: Config) -> Served:
    """Serves a daemon's desk on ``config.web`` (port 0: a free one).

    Raises ConfigError if the address is not this machine's own, OSError if the port is taken.
    """
    at = daemon.services
    people = People(at.store, config.web.session_hours)
    sources = from_store(at.store, daemon.office, lambda: at.trust.trust, at.clock.now)
    runner, url = await listen(make_app(Desk(daemon), config, people, sources), config)
    return Served(runner, url, people)


async def listen(app: web.Application, config: Config) -> tuple[web.AppRunner, str]:
    """Starts an application on ``config.web``; its runner and address."""
    host = config.web.host
    if host != "localhost" and not _loopback(host):
        raise ConfigError(
            f"[web] host = {host!r} is not this machine's own: use 127.0.0.1, "
            "and put a proxy with TLS before it for others"
        )
    # No access log: paths and agents are nobody's business; the metrics count.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, config.web.port)
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    port = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return runner, f"http://{shown}:{port}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
