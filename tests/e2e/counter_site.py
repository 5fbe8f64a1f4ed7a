"""The counter's application over a fake desk, served on a free port, with an account."""

from __future__ import annotations

import shutil
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from argon2 import PasswordHasher
from playwright.async_api import Browser, async_playwright

from issuer.config import Config
from issuer.people import People, Role
from issuer.store.engine import Store
from issuer.web.app import listen, make_app
from tests.e2e.counter_desk import OFFICE, FakeDesk

PASSWORD = "cuatro llamas bajan"  # of accounts that live for one test
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def config(tmp_path: Path, port: int = 0) -> Config:
    """A configuration without machines: the desk brings them."""
    return Config.model_validate(
        {
            "service": {"data_dir": tmp_path, "office": OFFICE},
            "hsm": {"dir": tmp_path / "hsm"},
            "web": {"port": port},
        }
    )


@dataclass
class Site:
    """A served application; :meth:`stop` and :meth:`start` play a lost connection."""

    desk: FakeDesk
    people: People
    config: Config
    url: str = ""
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Serves; the same port again after a stop, with a new application."""
        app = make_app(self.desk, self.config, self.people, self.desk.sources())
        self.runner, self.url = await listen(app, self.config)

    async def stop(self) -> None:
        """Ends every connection."""
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def token(self, name: str = "admin", roles: Iterable[Role] = tuple(Role)) -> str:
        """A session of a new account."""
        user, code = await self.people.add(name, OFFICE, list(roles), by="test")
        signed, _ = await self.people.sign_in(OFFICE, user.name, code)
        return (await self.people.change_password(signed, code, PASSWORD))[1]


@asynccontextmanager
async def site(database: str, tmp_path: Path, desk: FakeDesk) -> AsyncIterator[Site]:
    """``database``: URL of a migrated store for the accounts."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    store = Store.open(database)
    people = People(store, session_hours=10, hasher=QUICK)
    found = Site(desk, people, config(tmp_path, port))
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
        await store.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's Chromium, without Playwright's own download."""
    path = shutil.which("chromium")
    if path is None:
        raise RuntimeError("no chromium: install the Debian package (apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
