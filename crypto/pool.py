"""Several HSMs as one Signer: whoever is free signs, and losing one fails no request.

Requests wait in one queue; each HSM takes micro-batches at its own pace. What a lost or silent
HSM has goes to another at once: the claims travel, not a digest, so the other key signs its own
header. ECDSA is randomised: when both answer, the first is returned and the other recorded.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from verifier import sealing
from verifier.errors import VerificationError

from .config import TEST_USAGE, ConfigError, HsmConfig, PoolTimes
from .jobs import MOST_DEATHS, Job, Queue, batch_size
from .keeper import Keeper
from .member import Member
from .signer import HsmStatus, Signed, SigningRefused, SigningUnavailable, SignRequest

log = logging.getLogger(__name__)

# Largest payload: a status list of a dense shard is about 4 MB (facts: QR).
LARGEST_PAYLOAD = 16 * 1024 * 1024
_SWEEP_S = 0.05


class HsmPool:
    """The Signer port over HSM worker processes; see docs/architecture.md.

    ``state_dir`` keeps the PIN latches and must outlive restarts. Everything is called from the
    event loop that ran :meth:`start`; no call blocks it.
    """

    def __init__(
        self,
        configs: Sequence[HsmConfig],
        *,
        state_dir: Path,
        hedge_after_s: float | None = None,
        times: PoolTimes | None = None,
    ) -> None:
        """Raises ConfigError for an empty pool or two HSMs of one name. Nothing is opened."""
        if not configs:
            raise ConfigError("no HSM is configured: run the key ceremony, then name its directory")
        if len({config.name for config in configs}) != len(configs):
            raise ConfigError("two HSMs have the same name: give each its own")
        times = times or PoolTimes()
        self._times = replace(times, hedge_after_s=hedge_after_s) if hedge_after_s else times
        self._members = tuple(Member(config, self._times, self) for config in configs)
        self._keepers = {m.name: Keeper(m, self._times, state_dir) for m in self._members}
        self._kids = {(c.name, usage): key.kid for c in configs for usage, key in c.keys.items()}
        self._usages = {usage for c in configs for usage in c.keys} - {TEST_USAGE}
        self._queue = Queue()
        self._live: set[Job] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()
        self._pump_due = False
        self._sweep: asyncio.TimerHandle | None = None
        self._open = False

    # Life.

    async def start(self) -> None:
        """Starts every HSM; returns when one has made a verified test signature.

        Raises SigningUnavailable, with the remedy for each HSM, when none could; the pool is
        closed then.
        """
        if self._tasks:
            raise RuntimeError("the pool is started already")
        self._open = True
        for name, keeper in self._keepers.items():
            keeper.member.tried = False
            task = asyncio.create_task(keeper.run(), name=name)
            task.add_done_callback(self._task_ended)
            self._tasks.append(task)
        try:
            await self._first_up()
        except BaseException:  # a cancelled start must not leave workers behind either
            await self.close()
            raise

    async def close(self) -> None:
        """Fails what waits, ends the workers, and waits for their processes."""
        self._open = False
        if self._sweep is not None:
            self._sweep.cancel()
        self._fail(list(self._live), "The signing pool was closed.")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _first_up(self) -> None:
        while not any(member.state == "up" for member in self._members):
            if all(member.tried for member in self._members):
                details = "; ".join(f"{m.name}: {m.detail}" for m in self._members)
                raise SigningUnavailable(f"Ningún HSM está en servicio. / No HSM is up. {details}")
            self._news.clear()
            await self._news.wait()

    async def __aenter__(self) -> HsmPool:
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    # The port.

    async def sign(self, request: SignRequest) -> Signed:
        """See the port. Raises SigningUnavailable at the deadline, SigningRefused at once."""
        self._check(request)
        loop = asyncio.get_running_loop()
        job = Job(request, loop.create_future(), time.monotonic() + request.deadline_s)
        self._live.add(job)
        self._queue.add(job)
        self._pump_soon()
        if self._sweep is None:
            self._sweep = loop.call_later(_SWEEP_S, self._sweep_deadlines)
        try:
            return await job.future
        finally:
            self._live.discard(job)

    def status(self) -> tuple[HsmStatus, ...]:
        """Every HSM in the pool, in configured order."""
        return tuple(member.status() for member in self._members)

    # Operators and drills.

    def kill(self, name: str) -> None:
        """A drill: SIGKILL to that HSM's worker, and no other until :meth:`revive`."""
        self._keeper(name).hold()

    def revive(self, name: str) -> None:
        """Ends :meth:`kill`: the HSM is started again and tested."""
        self._keeper(name).revive()

    async def clear_latch(self, name: str) -> bool:
        """An operator's act after PIN trouble: one new login attempt. False: was not latched."""
        return await self._keeper(name).clear_latch()

    def pids(self) -> dict[str, int]:
        """The worker's process id by HSM, for doctors and drills; 0 where none was started."""
        return {member.name: member.pid for member in self._members}

    # What members tell (member.Owner).

    def signed(self, member: Member, job: Job, cose: bytes) -> None:
        if job.future.done():
            # No word about whose: the request's id is all that a log may hold.
            log.info("HSM %s signed %s as well", member.name, job.request.request_id)
            return
        kid = self._kids[member.name, job.request.usage]
        job.future.set_result(Signed(cose, kid, member.name))

    def refused(self, member: Member, job: Job, reason: str) -> None:
        if not job.future.done():
            log.warning("HSM %s refused %s", member.name, job.request.request_id)
            job.future.set_exception(
                SigningRefused(f"La llave {job.request.usage} no firma esto. / Refused: {reason}")
            )

    def returned(self, member: Member, jobs: list[Job]) -> None:
        worn = [job for job in jobs if job.deaths >= MOST_DEATHS]
        self._fail(worn, f"{MOST_DEATHS} HSM workers failed on this request: look at their logs.")
        # One that is hedged is still with the other HSM.
        member.failovers += self._queue.put_back([job for job in jobs if not job.at])
        self._pump_soon()

    def silent(self, member: Member, silence_s: float) -> None:
        others_up = any(m.state == "up" for m in self._members if m is not member)
        if member.state == "up":
            log.warning("HSM %s is silent for %.0f ms", member.name, silence_s * 1e3)
            self._hedge(member, member.suspect())
        elif others_up and silence_s >= self._times.stall_s:
            member.kill(f"no answer for {silence_s:.1f} s")
        elif silence_s >= self._times.last_resort_s and not member.running():
            # The last one is left alone as long as it may only be starved (facts: HSM, trap 10).
            member.kill(f"no answer for {silence_s:.1f} s, and no other HSM is up")
        elif others_up:
            self._hedge(member, member.jobs())

    def changed(self, member: Member) -> None:
        self._news.set()
        if self._queue:
            self._pump_soon()

    # Inside.

    def _check(self, request: SignRequest) -> None:
        if not self._open:
            raise SigningUnavailable("La firma está detenida. / The signing pool is not started.")
        if request.usage not in self._usages:
            raise SigningRefused(
                f"No hay llave para {request.usage!r}. / No HSM has a key for {request.usage!r}: "
                "add it with the key ceremony"
            )
        if len(request.payload) > LARGEST_PAYLOAD:
            raise SigningRefused(
                f"the payload may have {LARGEST_PAYLOAD} bytes at most: split the list"
            )
        if request.protected:
            try:
                sealing.protected_header(bytes(8), request.protected)
            except VerificationError as error:
                raise SigningRefused(f"{error.es} / {error.en}") from error

    def _keeper(self, name: str) -> Keeper:
        if name not in self._keepers:
            raise ConfigError(f"no HSM is called {name!r}; there are {sorted(self._keepers)}")
        return self._keepers[name]

    def _pump_soon(self) -> None:
        """Everything that arrives in one turn of the loop is cut into batches together."""
        if not self._pump_due:
            self._pump_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_due = False
        ready = [member for member in self._members if member.slots()]
        while self._queue and ready:
            member = min(ready, key=lambda m: (m.in_flight, m.signatures))
            slots = sum(m.slots() for m in ready)
            size = batch_size(len(self._queue), len(ready), slots, member.limit())
            jobs = self._queue.take(size, member.may)
            if jobs:
                member.send(jobs)
            if not jobs or not member.slots():
                ready.remove(member)

    def _hedge(self, member: Member, jobs: Iterable[Job]) -> None:
        elsewhere = [m for m in self._members if m is not member and m.state == "up"]
        if not elsewhere:
            return
        lonely = [job for job in jobs if job.at == (member.name,)]
        member.failovers += self._queue.put_back(lonely)
        self._pump_soon()

    def _sweep_deadlines(self) -> None:
        now = time.monotonic()
        self._fail(
            [job for job in self._live if job.due <= now], "No HSM answered before the deadline."
        )
        self._sweep = (
            asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep_deadlines)
            if self._live
            else None
        )

    def _fail(self, jobs: Iterable[Job], reason: str) -> None:
        states = ", ".join(f"{m.name} {m.state}" for m in self._members)
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(
                    SigningUnavailable(f"Sin firma: intente de nuevo. / {reason} HSMs: {states}")
                )

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("the keeper of HSM %s failed", task.get_name(), exc_info=error)
            member = self._keepers[task.get_name()].member
            member.tried = True
            member.set("down", f"internal error {type(error).__name__}: restart the service")
