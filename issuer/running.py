"""``fedatario run``: the daemon of an office until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from issuer.config import Config, load_config
from issuer.daemon import Daemon, open_daemon
from issuer.logs import log_to
from issuer.people import People
from issuer.web.app import serve

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon at work: the address of its pages, its accounts, and the task that it is."""

    url: str
    people: People
    work: asyncio.Task[None]


@asynccontextmanager
async def running(daemon: Daemon, config: Config) -> AsyncIterator[Running]:
    """The daemon at work with its pages; both end with the context."""
    work = asyncio.create_task(daemon.run(), name="daemon")
    site = await serve(daemon, config)
    try:
        yield Running(site.url, site.people, work)
    finally:
        await site.runner.cleanup()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


def run_daemon(path: Path) -> int:
    """Runs until SIGTERM or SIGINT; what makes the daemon fail is raised."""
    config = load_config(path)
    log_to(sys.stderr, getattr(logging, config.log.level.upper()), json_lines=config.log.json_lines)
    asyncio.run(_run(config))
    return 0


async def _run(config: Config) -> None:
    async with open_daemon(config) as daemon, running(daemon, config) as now:
        log.info("daemon.ready", url=now.url, office=daemon.office, owner=daemon.services.owner)
        await until_stopped(now.work)
        log.info("daemon.stopping")


async def until_stopped(work: asyncio.Task[None]) -> None:
    """Waits for SIGTERM or SIGINT. Raises what ends ``work`` before."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        stopped.cancel()
