"""The lives of one HSM's worker: start, test, serve, bury, pause, start again.

One task per HSM is the only place that starts its worker: one at a time, with a growing pause,
so that an HSM that cannot start never starves a healthy one (facts: HSM, trap 10).
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from .config import PoolTimes
from .latch import LatchBook
from .member import Member, StartError

log = logging.getLogger(__name__)


class Keeper:
    """Keeps the worker of one member alive. Used from one event loop."""

    def __init__(self, member: Member, times: PoolTimes, state_dir: Path) -> None:
        self.member = member
        self._times = times
        self._state_dir = state_dir
        self._latches = LatchBook(state_dir)
        self._held = False
        self._wake = asyncio.Event()

    def hold(self) -> None:
        """A drill: kills the worker; out of service until :meth:`revive`."""
        self._held = True
        self.member.kill("drill")
        self._wake.set()

    def revive(self) -> None:
        """Ends a hold or a pause."""
        self._held = False
        self._wake.set()

    async def clear_latch(self) -> bool:
        """Forgets the latch and tries once more. False: there was none."""
        cleared = await asyncio.to_thread(self._latches.clear, self.member.name)
        if cleared:
            self._wake.set()
        return cleared

    async def run(self) -> None:
        """Until cancelled."""
        first, most = self._times.backoff_s
        pause = first
        try:
            while True:
                self._wake.clear()  # before looking, so that no order given meanwhile is lost
                if await self._barred():
                    await self._wake.wait()
                    pause = first
                    continue
                lived = await self._live()
                pause = first if lived >= self._times.settled_s else pause
                await self._pause(pause)
                pause = min(pause * 2, most)
        finally:
            # One that is up has nothing to do and leaves by itself; another may be hung.
            patience_s = 1.0 if self.member.state == "up" else 0.0
            self.member.set("down", "closed")
            await self._bury("closed", patience_s)

    async def _barred(self) -> bool:
        if self._held:
            self.member.set("drained", "held out of service")
            return True
        if latch := await asyncio.to_thread(self._latches.read, self.member.name):
            self.member.tried = True
            self.member.set("latched", latch.remedy)
            return True
        return False

    async def _live(self) -> float:
        """One life: how long it was in service, in seconds."""
        self.member.set("starting", self.member.detail)
        try:
            async with asyncio.timeout(self._times.start_s):
                await self._start()
        except (StartError, OSError, TimeoutError) as error:
            await self._failed(error)
            return 0.0
        began = time.monotonic()
        await self._serve()
        await self._bury(self.member.detail, patience_s=0.05)
        return time.monotonic() - began

    async def _start(self) -> None:
        member, times = self.member, self._times
        link = member.new_link()
        await link.spawn(member.config.env)
        member.pid = link.pid
        wait_s = times.token_wait_s if member.tried else times.first_token_wait_s
        link.send(["start", self._start_config(wait_s)])
        assert member.ready is not None
        await member.ready
        member.tried = True

    def _start_config(self, token_wait_s: float) -> dict[str, Any]:
        config = self.member.config
        return {
            "name": config.name,
            "module": config.module,
            "token_label": config.token_label,
            "pin_source": config.pin_source,
            "state_dir": str(self._state_dir),
            "token_wait_s": token_wait_s,
            "keys": {u: [k.label, k.kid, k.point] for u, k in config.keys.items()},
        }

    async def _serve(self) -> None:
        link = self.member.link
        assert link is not None
        while not link.lost.is_set():
            try:
                # Not wait_for: in Python 3.11 it swallows a cancellation that meets its result.
                async with asyncio.timeout(self._times.health_s):
                    await link.lost.wait()
            except TimeoutError:
                self.member.check_if_idle()

    async def _failed(self, error: Exception) -> None:
        text = str(error) or f"no verified test signature within {self._times.start_s} s"
        name = self.member.name
        if isinstance(error, StartError) and error.code == "pin":
            # The worker has latched before it told us; if its disk write was lost, this one holds.
            await asyncio.to_thread(self._latches.set, name, "PIN refused")
        log.error("HSM %s did not start: %s", name, text)
        self.member.set("down", text)
        await self._bury(text)
        self.member.tried = True
        self.member.set("down", text)  # the news that a waiting start() looks for

    async def _bury(self, detail: str, patience_s: float = 0.0) -> None:
        link = self.member.link
        if link is None:
            return
        link.close()
        self.member.link = None
        how = await link.reap(patience_s)
        log.info("worker of HSM %s ended: %s (%s)", self.member.name, how, detail)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
