"""A steady load on a pool, and what it saw."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crypto.pool import HsmPool
from crypto.signer import Signed, SigningError, SignRequest
from verifier import sealing
from verifier.trust import TrustList

from .stores import document_claims


@dataclass
class Seen:
    """Every answer, every failure, the longest wait (seconds)."""

    signed: list[tuple[bytes, Signed]] = field(default_factory=list)
    failed: list[SigningError] = field(default_factory=list)
    worst_s: float = 0.0

    def hsms(self, since: int = 0) -> set[str]:
        return {signed.hsm for _, signed in self.signed[since:]}

    def check(self, trust_list: TrustList) -> None:
        """Every answer verifies, is for its own request, and no request has two."""
        for payload, signed in self.signed:
            sealed = sealing.split(signed.cose)
            assert sealed.payload == payload
            assert sealed.kid == signed.kid
            assert trust_list.check(sealed).usage == "LIC"


@asynccontextmanager
async def load(pool: HsmPool, *, clients: int = 8, deadline_s: float = 10.0) -> AsyncIterator[Seen]:
    """``clients`` callers sign one document after another until the block ends."""
    seen, ended, numbers = Seen(), asyncio.Event(), itertools.count()

    async def client() -> None:
        while not ended.is_set():
            number = next(numbers)
            payload = document_claims("LIC", number)
            began = time.monotonic()
            try:
                request = SignRequest(f"load-{number}", "LIC", payload, deadline_s=deadline_s)
                seen.signed.append((payload, await pool.sign(request)))
            except SigningError as error:
                seen.failed.append(error)
            seen.worst_s = max(seen.worst_s, time.monotonic() - began)
            await asyncio.sleep(0.008)  # other engineers, or other tests, want the cores as well

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    try:
        yield seen
    finally:
        ended.set()
        await asyncio.gather(*tasks)


async def until(true: Callable[[], bool], within_s: float = 30.0) -> None:
    """Waits until ``true()``; fails the test after ``within_s``."""
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "did not happen in time"
        await asyncio.sleep(0.01)


def state(pool: HsmPool, name: str) -> str:
    return next(status.state for status in pool.status() if status.name == name)


async def all_up(pool: HsmPool) -> None:
    """A pool starts with its first HSM; waits for the others."""
    await until(lambda: {status.state for status in pool.status()} == {"up"})
