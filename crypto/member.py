"""One HSM of the pool as the daemon sees it: batches in flight, health, silence.

States: starting → up ⇄ suspect → down → starting …; latched waits for an operator, drained for
the end of a drill. The worker's lives are the keeper's; this is what happens within one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any, Protocol

from .config import TEST_USAGE, HsmConfig, PoolTimes
from .health import HealthCheck
from .jobs import DEPTH, LARGE, Job
from .link import WorkerLink
from .signer import HsmStatus
from .worker import BROKEN, NOT_TRIED, REFUSED, SIGNED

log = logging.getLogger(__name__)


class Owner(Protocol):
    """What a member tells its pool. Called in the event loop, never re-entered."""

    def signed(self, member: Member, job: Job, cose: bytes) -> None: ...
    def refused(self, member: Member, job: Job, reason: str) -> None: ...
    def returned(self, member: Member, jobs: list[Job]) -> None: ...
    def silent(self, member: Member, silence_s: float) -> None: ...
    def changed(self, member: Member) -> None: ...


@dataclass(slots=True)
class _Batch:
    jobs: list[Job]
    check: HealthCheck | None = None


class StartError(Exception):
    """A worker did not come into service; ``code`` as in session.OpenError."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Member:
    """One HSM. Used from one event loop."""

    def __init__(self, config: HsmConfig, times: PoolTimes, owner: Owner) -> None:
        self.name = config.name
        self.config = config
        self.state = "starting"
        self.detail = ""
        self.tried = False  # the first attempt to start has an outcome
        self.signatures = 0
        self.failovers = 0
        self.pid = 0
        self._times = times
        self._owner = owner
        self.link: WorkerLink | None = None
        self.ready: asyncio.Future[None] | None = None
        self._batches: dict[int, _Batch] = {}
        self._number = 0
        self._heard = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._pace_s = 0.0

    # What the pool asks.

    @property
    def in_flight(self) -> int:
        """Requests that the worker has."""
        return sum(len(batch.jobs) for batch in self._batches.values())

    def slots(self) -> int:
        """Batches that may be sent now."""
        return max(0, DEPTH - len(self._batches)) if self.state == "up" else 0

    def limit(self) -> int:
        """Largest batch: one must be done well before its silence would look like a stall."""
        if self._pace_s <= 0.0:
            return LARGE
        return max(1, min(LARGE, int(self._times.hedge_after_s / 4 / self._pace_s)))

    def may(self, job: Job) -> bool:
        """Whether this HSM has the key and does not have the job already."""
        return job.request.usage in self.config.keys and self.name not in job.at

    def status(self) -> HsmStatus:
        """A snapshot for operators."""
        return HsmStatus(
            self.name, self.state, self.signatures, self.in_flight, self.failovers, self.detail
        )

    def running(self) -> bool:
        """Whether the worker is on a processor or waits for one (starved is not hung)."""
        return self.link is not None and self.link.running()

    # What the pool does.

    def send(self, jobs: list[Job]) -> None:
        """Gives the worker a batch."""
        for job in jobs:
            job.at += (self.name,)
        self._send(_Batch(jobs), [job.item for job in jobs])

    def suspect(self) -> list[Job]:
        """Stops sending; a test signature queued behind the rest will bring it back."""
        self.set("suspect", "no answer")
        self._send_check()
        return self.jobs()

    def jobs(self) -> list[Job]:
        """What the worker has, oldest first."""
        return [job for batch in self._batches.values() for job in batch.jobs]

    def kill(self, reason: str) -> None:
        """Ends the worker's life; what it had comes back through ``returned``."""
        if self.link is not None:
            log.warning("killing worker of HSM %s: %s", self.name, reason)
            self.link.kill()

    # What the keeper does.

    def new_link(self) -> WorkerLink:
        """A link for the next life of the worker; :attr:`ready` tells how its start went."""
        self.ready = asyncio.get_running_loop().create_future()
        self.link = WorkerLink(self._on_message, self._on_lost)
        return self.link

    def check_if_idle(self) -> None:
        """A test signature, unless the worker has something to answer anyway."""
        if not self._batches:
            self._send_check()

    def set(self, state: str, detail: str) -> None:
        """Changes the state and tells the pool."""
        self.state, self.detail = state, detail
        self._owner.changed(self)

    # What the worker says.

    def _send(self, batch: _Batch, items: list[list[Any]]) -> None:
        assert self.link is not None
        if not self._batches:
            self._heard = time.monotonic()
        self._number += 1
        self._batches[self._number] = batch
        self.link.send(["sign", self._number, items])
        if self._watch is None:
            self._arm(self._times.hedge_after_s)

    def _send_check(self) -> None:
        check = HealthCheck(self.config.keys[TEST_USAGE])
        self._send(_Batch([], check), [[TEST_USAGE, check.payload, None]])

    def _on_message(self, message: list[Any]) -> None:
        kind = message[0]
        if kind == "ready":
            self._send_check()
        elif kind == "failed" and self.ready is not None and not self.ready.done():
            self.ready.set_exception(StartError(message[1], message[2]))
        elif kind == "signed" and message[1] in self._batches:
            self._on_signed(self._batches.pop(message[1]), message[2])
        else:
            self.kill(f"unexpected frame {kind!r}")

    def _on_signed(self, batch: _Batch, answers: list[list[Any]]) -> None:
        now = time.monotonic()
        pace = (now - self._heard) / max(1, len(answers))
        if self.state != "suspect":  # a pause is not a pace
            self._pace_s = pace if self._pace_s <= 0.0 else 0.8 * self._pace_s + 0.2 * pace
        self._heard = now
        if batch.check is not None:
            self._judge(batch.check, answers)
        elif len(answers) != len(batch.jobs):
            self._batches[0] = batch  # so that it is returned with the rest
            self.kill("answers do not match the requests")
        else:
            for job, answer in zip(batch.jobs, answers, strict=True):
                self._deliver(job, answer)
        self._owner.changed(self)

    def _judge(self, check: HealthCheck, answers: list[list[Any]]) -> None:
        code, content = answers[0]
        if code != SIGNED or not check.accepts(content):
            reason = "test signature wrong" if code == SIGNED else f"test signature: {content}"
            if self.ready is not None and not self.ready.done():
                self.ready.set_exception(StartError("health", f"{self.name}: {reason}"))
            self.set("down", reason)
            self.kill(reason)
            return
        if self.state in ("starting", "suspect"):
            log.info("HSM %s is up (was %s)", self.name, self.state)
            self.set("up", "")
        if self.ready is not None and not self.ready.done():
            self.ready.set_result(None)

    def _deliver(self, job: Job, answer: list[Any]) -> None:
        code, content = answer
        job.leaves(self.name)
        if code == SIGNED:
            self.signatures += 1
            self._owner.signed(self, job, content)
        elif code == REFUSED:
            self._owner.refused(self, job, content)
        else:
            job.deaths += code != NOT_TRIED
            if code == BROKEN:
                # The worker ends by itself; if the module keeps it, it is made to.
                self.set("down", f"the module answers {content}")
                self.kill(self.detail)
            self._owner.returned(self, [job])

    def _on_lost(self, reason: str) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        jobs = self.jobs()
        self._batches.clear()
        for job in jobs:
            job.leaves(self.name)
            job.deaths += 1
        if self.ready is not None and not self.ready.done():
            self.ready.set_exception(StartError("lost", f"{self.name}: {reason} while starting"))
        if self.state in ("up", "suspect"):
            log.warning("HSM %s lost with %d requests: %s", self.name, len(jobs), reason)
        self.set("down", reason if self.state != "down" else self.detail)
        self._owner.returned(self, jobs)

    # Silence.

    def _arm(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._watch = None
        if not self._batches:
            return
        patience = max(self._times.hedge_after_s, 4 * self._pace_s)
        silence = time.monotonic() - self._heard
        if silence < patience:
            self._arm(patience - silence)
            return
        if self.state in ("up", "suspect"):
            self._owner.silent(self, silence)
        self._arm(patience)
