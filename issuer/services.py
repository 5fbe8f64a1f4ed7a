"""What the flow works with: one value handed to every step; nothing global, all injected."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from crypto.signer import Signer
from issuer.clock import Clock
from issuer.composing import Composer
from issuer.domain import Fenced, Job, Reason
from issuer.outside import Outside
from issuer.profile import Profile
from issuer.store.engine import Store
from issuer.trust import TrustKeeper


class Rest(Exception):  # noqa: N818 - the job rests until somebody acts; nothing is wrong
    """The coroutine ends here; the row says where it goes on."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.id} rests at {job.state}")
        self.job = job


def boot_seconds() -> float:
    """Seconds that go on while the machine is suspended, unlike ``time.monotonic``."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Heartbeat:
    """Until when this daemon's leases surely hold, on a clock that nobody can set.

    Renewed by the daemon: the deadline counts from *before* the store was asked, so that a
    daemon that was stopped in between errs on the safe side.
    """

    lease_s: float
    good_until: float = 0.0
    generation: int = 0  # rises when a renewal came too late: what was begun before is lost

    def renewed(self, asked_at: float) -> None:
        """The store confirmed a renewal that was asked for at ``asked_at``."""
        if self.lapsed and self.good_until:
            self.generation += 1
        self.good_until = asked_at + self.lease_s

    @property
    def lapsed(self) -> bool:
        """Whether another daemon may hold by now what this one held."""
        return boot_seconds() >= self.good_until

    def ticket(self) -> Callable[[], None]:
        """A gate for one piece of work, called before each irreversible write. It raises Fenced
        for ever once the lease may have run out, even if this daemon has leases again since."""
        began = self.generation

        def gate() -> None:
            if self.lapsed or self.generation != began:
                raise Fenced("the lease of this work may have run out; nothing more is sent")

        return gate


def _closed() -> None:
    raise Fenced("no work without a ticket: issue() gives one to each job")


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the house that a step may use."""

    store: Store
    profile: Profile
    signer: Signer
    trust: TrustKeeper
    composer: Composer
    clock: Clock
    outside: Outside
    owner: str
    heartbeat: Heartbeat
    # The gate of the job at hand; issue() puts a fresh ticket here for each.
    gate: Callable[[], None] = _closed
    # Called after each durable point with its name: progress for the log, and where the power
    # cut tests pull the plug.
    durable: Callable[[str], None] = field(default=lambda _point: None)
    # Told of device phases for the live page: (device, phase, 0..1).
    progress: Callable[[str, str, float], None] = field(default=lambda _d, _p, _f: None)
    # Told of a job that this daemon works on no more, though the row may still bear its lease.
    dropped: Callable[[Job], None] = field(default=lambda _job: None)
    # Tells a lane's loop that the lane is stopped until a person has looked: (lane, reason). The
    # step that found the cause has stored it.
    stop_lane: Callable[[str, Reason], None] = field(default=lambda _l, _r: None)

    @property
    def lease_s(self) -> float:
        """Seconds that a lease holds without renewal."""
        return self.heartbeat.lease_s
