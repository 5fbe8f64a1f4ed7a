"""The HSM pool of a test process: real SoftHSM stores, shared by tests with loops of their own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from pathlib import Path

from crypto.keyfile import load_pool_configs
from crypto.pool import HsmPool
from crypto.signer import HsmStatus, Signed, SigningUnavailable, SignRequest


class SharedPool:
    """A pool belongs to the loop that started it; this one has a loop in a thread of its own."""

    def __init__(self, bench: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hsm-pool")
        self._thread.start()
        self._pool = HsmPool(load_pool_configs(bench), state_dir=bench / "state")
        asyncio.run_coroutine_threadsafe(self._pool.start(), self._loop).result(30)

    async def sign(self, request: SignRequest) -> Signed:
        future = asyncio.run_coroutine_threadsafe(self._pool.sign(request), self._loop)
        return await asyncio.wrap_future(future)

    def status(self) -> tuple[HsmStatus, ...]:
        return self._pool.status()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._pool.close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(slots=True)
class Switched:
    """The pool behind a switch: ``up`` False is a centre without any HSM. ``asked`` tells which
    documents were sent to be signed."""

    pool: SharedPool
    up: bool = True
    instead: Signed | None = None  # answered to whatever is asked: a confused HSM
    asked: list[str] = field(default_factory=list)

    async def sign(self, request: SignRequest) -> Signed:
        if request.usage != "STATUS":
            self.asked.append(request.request_id)
        if not self.up:
            raise SigningUnavailable("Ningún HSM respondió. / No HSM answered.")
        return self.instead or await self.pool.sign(request)

    def status(self) -> tuple[HsmStatus, ...]:
        return self.pool.status()
