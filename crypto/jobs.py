"""What waits to be signed, and how much of it one HSM takes at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from .signer import Signed, SignRequest

# Batches this large make the frames disappear in the signing time (facts: HSM, rates); a larger
# one only adds latency and more to sign again when an HSM is lost.
SMALL, LARGE = 8, 32
# Two batches per worker: one being signed, one waiting in its socket.
DEPTH = 2
# A batch of status lists must stay far below the largest frame.
_BATCH_BYTES = 4 * 1024 * 1024
# How far into the queue we look for what a given HSM may take.
_LOOK = 512
# A request that was in the hands of this many dying workers may be what kills them.
SUSPECT_DEATHS, MOST_DEATHS = 2, 4


class Job:
    """One request on its way. ``at`` names the HSMs that have it now (two while hedged)."""

    __slots__ = ("at", "deaths", "due", "future", "item", "queued", "request")

    def __init__(self, request: SignRequest, future: asyncio.Future[Signed], due: float) -> None:
        self.request = request
        self.future = future
        self.due = due
        extra = dict(request.protected) if request.protected else None
        self.item: list[Any] = [request.usage, request.payload, extra]
        self.at: tuple[str, ...] = ()
        self.deaths = 0
        self.queued = False

    def leaves(self, hsm: str) -> None:
        """That HSM does not have it any more."""
        self.at = () if self.at == (hsm,) else tuple(name for name in self.at if name != hsm)


class Queue:
    """Requests that no HSM has, oldest first; what comes back from a lost HSM goes in front."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        """At the end."""
        job.queued = True
        self._jobs.append(job)

    def put_back(self, jobs: list[Job]) -> int:
        """In front, in their order; done or already waiting ones are left out. How many went."""
        again = [job for job in jobs if not job.queued and not job.future.done()]
        for job in again:
            job.queued = True
        self._jobs.extendleft(reversed(again))
        return len(again)

    def take(self, most: int, may: Callable[[Job], bool]) -> list[Job]:
        """Up to ``most`` jobs that ``may`` allows; one that may kill workers goes alone."""
        taken: list[Job] = []
        passed: list[Job] = []
        size = 0
        while self._jobs and len(taken) < most and len(passed) < _LOOK and size < _BATCH_BYTES:
            job = self._jobs.popleft()
            if job.future.done():
                continue
            alone = job.deaths >= SUSPECT_DEATHS
            if not may(job) or (alone and taken):
                passed.append(job)
                continue
            job.queued = False
            taken.append(job)
            size += len(job.request.payload)
            if alone:
                break
        self._jobs.extendleft(reversed(passed))
        return taken


def batch_size(waiting: int, ready: int, slots: int, limit: int) -> int:
    """How many jobs the next batch takes.

    ``ready`` workers have ``slots`` free places together. Little work is spread over all workers,
    much is cut so that every place gets a share, at most ``limit`` (from the HSM's own pace).
    """
    spread = -(-waiting // ready)
    share = -(-waiting // slots)
    return max(1, min(limit, max(share, min(SMALL, spread))))
