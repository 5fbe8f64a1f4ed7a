"""The daemon: leases, lanes, admission and publishing, around the one coroutine of the flow."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, func, select

from crypto.ceremony import load_pool_configs
from crypto.pool import HsmPool
from crypto.signer import Signer
from issuer.clock import Clock
from issuer.composing import Composer
from issuer.config import Config, ConfigError, DeviceSection
from issuer.domain import Job, JobState, Reason
from issuer.issuance import issue
from issuer.lanes import LaminatorPlace, Laminators, Lane
from issuer.outside import Outside, load_outside
from issuer.profile import Profile, load_profile
from issuer.services import Heartbeat, Services, boot_seconds
from issuer.steps.reserving import hopper_empty, hopper_promised
from issuer.store import devices, documents, jobs, leases, numbers
from issuer.store.engine import Store
from issuer.store.migrate import upgrade
from issuer.store.schema import status_lists
from issuer.trust import TrustKeeper
from printers import open_laminator, open_printer
from printers.ports import DeviceError

log = structlog.get_logger(__name__)

FILES = "files"  # the lane of documents that no machine prints
ADMISSIONS = 8  # requests decided at a time: they share the commits of one writer
IDLE_S = 1.0  # how long a lane sleeps when there is nothing to do and nobody wakes it


class Daemon:
    """Everything that runs for one office. Made by :meth:`open`, run by :meth:`run`."""

    def __init__(
        self, config: Config, services: Services, lanes: Mapping[str, Lane], laminators: Laminators
    ) -> None:
        self.config = config
        self.services = services
        self.lanes = lanes
        self.laminators = laminators
        self.office = config.service.office
        self.status_changed = asyncio.Event()
        self._received = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._dropped: list[Job] = []  # fenced here: the lease is not to be renewed
        self._failed: list[Job] = []  # ended by an error that no step expects

    # Life.

    async def run(self) -> None:
        """Works until cancelled. What fails here ends the daemon: its supervisor restarts it."""
        await self._beat()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heartbeats(), name="heartbeat")
            group.create_task(self.services.trust.run(self.status_changed), name="publisher")
            for number in range(ADMISSIONS):
                group.create_task(self._admissions(), name=f"admission-{number}")
            for lane in self.lanes.values():
                group.create_task(self._lane(lane), name=f"lane-{lane.name}")
            for place in self.laminators.places.values():
                group.create_task(self._laminator(place), name=f"laminator-{place.name}")

    async def close(self) -> None:
        """Gives devices back; jobs under way keep their lease until it runs out."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for device in self.devices():
            await device.lost()
        with contextlib.suppress(asyncio.CancelledError):
            await self.services.store.run(devices.release, self.services.owner)

    def devices(self) -> list[Lane | LaminatorPlace]:
        """Everything that this daemon may own."""
        return [*self.lanes.values(), *self.laminators.places.values()]

    # Leases.

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.services.lease_s / 3)
            await self._beat()

    async def _beat(self) -> None:
        """Renews what this daemon holds; takes devices whose owner is gone."""
        at = self.services
        asked = boot_seconds()
        failed, self._failed = self._failed, []
        dropped, self._dropped = self._dropped, []
        held = await at.store.run(self._renew, failed, dropped)
        at.heartbeat.renewed(asked)
        for device in self.devices():
            was, device.owned = device.owned, device.name in held or device.name == FILES
            if isinstance(device, Lane) and device.owned and not was:
                device.ask_again = 0.0
            if was and not device.owned:
                log.warning("device.lost", device=device.name)
                # It waits for the driver's call under way, which may take as long as a card.
                self._background(device.lost())
        await self._read_pauses()

    async def _read_pauses(self) -> None:
        was = {name: lane.stopped for name, lane in self.lanes.items()}
        stops = await self.services.store.read(devices.pauses, self.office)
        for name, lane in self.lanes.items():
            if lane.stopped is was[name]:  # else somebody knew better while the store was read
                lane.stopped = stops.get(name)

    def _renew(self, conn: Connection, failed: Sequence[Job], dropped: Sequence[Job]) -> set[str]:
        at, now = self.services, self.services.clock.now()
        for job in failed:
            leases.fail(conn, job, now)
        for job in dropped:
            leases.give_up(conn, job, now)
        jobs.renew(conn, at.owner, now, at.lease_s)
        jobs.sweep(conn, now)
        names = [*self.lanes, *self.laminators.places]
        return devices.acquire(conn, names, at.owner, now, at.lease_s)

    # Admission.

    async def _admissions(self) -> None:
        at = self.services
        while True:
            job = await at.store.run(
                jobs.claim_received,
                office=self.office,
                owner=at.owner,
                now=at.clock.now(),
                lease_s=at.lease_s,
            )
            if job is None:
                await _wait(self._received, IDLE_S)
                continue
            deciding = self._start(job, self.lanes[FILES])
            await asyncio.wait({deciding})
            if deciding.cancelled() or deciding.exception() is not None:
                continue
            job = deciding.result()
            if job.state is JobState.RECEIVED:  # an outside system does not answer
                await asyncio.sleep(IDLE_S)
            self._wake_for(job)

    # Lanes.

    async def _lane(self, lane: Lane) -> None:
        """Claims, issues, waits until the machine is free again; one card after the other."""
        while True:
            # Even a look would take the machine from whoever owns it by now.
            if not lane.owned or self.services.heartbeat.lapsed:
                await asyncio.sleep(self.services.lease_s / 6)
                continue
            job = await self._abandoned(lane)
            if job is None and await self._may_print(lane):
                job = await self._claim(lane)
            if job is None:
                await _wait(lane.wake, IDLE_S)
                continue
            await lane.turns.after(self._start(job, lane))

    async def _abandoned(self, lane: Lane) -> Job | None:
        """What a dead daemon left under way; asked for at the start and now and then."""
        at = self.services
        if boot_seconds() < lane.ask_again:
            return None
        job = await at.store.run(
            jobs.resumable,
            office=self.office,
            lanes=[lane.name],
            owner=at.owner,
            now=at.clock.now(),
            lease_s=at.lease_s,
        )
        if job is None:
            lane.ask_again = boot_seconds() + at.lease_s / 3
        return job

    async def _claim(self, lane: Lane) -> Job | None:
        at = self.services
        return await at.store.run(
            jobs.claim,
            office=self.office,
            lane=lane.name,
            types=lane.types,
            owner=at.owner,
            now=at.clock.now(),
            lease_s=at.lease_s,
        )

    async def _may_print(self, lane: Lane) -> bool:
        """Whether the lane may take another card: machine fine, nobody stopped it, not too many
        cards that nobody has inspected (a misfeed spoils each of them)."""
        if lane.printer is None:
            return True
        if lane.stopped is not None:
            return False
        with contextlib.suppress(DeviceError):
            await lane.look()
        if not lane.connected or lane.needs is not None:
            return False
        waiting, loaded, promised = await self.services.store.read(_hopper, lane.name)
        if waiting >= lane.section.max_uninspected:
            lane.needs = Reason(
                "inspect_first",
                f"{lane.name}: inspeccione las {waiting} tarjetas que ya salieron.",
                f"{lane.name}: inspect the {waiting} cards that came out first.",
            )
        elif promised is not None:
            lane.needs = hopper_promised(lane.name, promised)
        elif not loaded:
            return self._blankless(lane)
        return lane.needs is None

    def _blankless(self, lane: Lane) -> bool:
        """An empty hopper keeps a lane waiting, unless what it prints has no blank."""
        kinds = [self.services.profile.document(code) for code in lane.types]
        if all(kind.blank_material is None for kind in kinds):
            return True
        lane.needs = hopper_empty(lane.name)
        return False

    def _start(self, job: Job, lane: Lane) -> asyncio.Task[Job]:
        task = asyncio.create_task(
            issue(job, self.services, lane, self.laminators), name=f"job-{job.id}"
        )
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, job))
        return task

    def _ended(self, job: Job | None, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self.status_changed.set()  # a seal may have been made void on the way
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("task.failed", task=task.get_name(), exc_info=error)
            if job is not None:
                self._failed.append(job)  # told to a person at the next heartbeat

    def dropped(self, job: Job) -> None:
        """A job that was fenced: its lease is given up at the next heartbeat."""
        self._dropped.append(job)

    def goes_on(self, job: Job) -> None:
        """After a person's act: starts what holds this daemon's lease, wakes whoever may claim."""
        if job.lease is not None and job.lease.owner == self.services.owner:
            lane = self.lanes.get(job.lane or FILES, self.lanes[FILES])
            self._start(job, lane)
        self._wake_for(job)

    def _wake_for(self, job: Job) -> None:
        """Wakes the lanes that a change of one job concerns, and the publisher."""
        for lane in self.lanes.values():
            if job.document_type in lane.types:
                lane.wake.set()
        self.status_changed.set()

    def arrived(self) -> None:
        """A request came in: admission looks at once."""
        self._received.set()

    def wake(self) -> None:
        """Something changed for everybody: lanes and admission look again at once."""
        self._received.set()
        for lane in self.lanes.values():
            lane.wake.set()

    def stop_lane(self, name: str, reason: Reason) -> None:
        """Stops a lane until a person lets it go on; the step that found the cause stored it."""
        lane = self.lanes.get(name)
        if lane is not None:
            lane.stopped = reason

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task: asyncio.Task[Any] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, None))

    # Plastifiers.

    async def _laminator(self, place: LaminatorPlace) -> None:
        """Looks at an idle plastifier now and then, so that the pages show its temperature."""
        while True:
            mine = place.owned and not self.services.heartbeat.lapsed
            if mine and place.current is None:
                async with place.turns.take():
                    with contextlib.suppress(DeviceError):
                        await place.look()
            await asyncio.sleep(IDLE_S)


def _hopper(conn: Connection, lane: str) -> tuple[int, bool, str | None]:
    """(cards that nobody inspected, whether a blank is loaded, serial that is promised)."""
    return (
        jobs.uninspected(conn, lane),
        documents.is_loaded(conn, lane),
        documents.promised(conn, lane),
    )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: on Python 3.11 it loses a cancellation that meets its result.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    event.clear()


def owner_name() -> str:
    """Unique for every start: a restarted daemon is another owner."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}"


def check_lanes(config: Config, profile: Profile) -> None:
    """Cross-checks devices against the profile. Raises ConfigError with every problem."""
    problems = []
    if config.service.office not in profile.offices:
        problems.append(f"office {config.service.office!r} is not in the profile")
    for section in config.printer:
        known = [code for code in section.documents if code in profile.documents]
        problems += [
            f"printer {section.name}: the profile has no document {code!r}"
            for code in section.documents
            if code not in profile.documents
        ]
        kinds = [profile.document(code) for code in known]
        if len({kind.blank_material for kind in kinds}) > 1:
            problems.append(
                f"printer {section.name}: {', '.join(known)} want different blanks, "
                "but a hopper holds one kind: give each a printer"
            )
        problems += [
            f"printer {section.name}: {kind.code} is not printed on a {section.model} "
            f"(profile: {', '.join(kind.printer_models)})"
            for kind in kinds
            if section.model not in kind.printer_models
        ]
    for section in config.laminator:
        try:
            open_laminator(section.device())
        except ValueError as error:
            problems.append(str(error))
        problems += [
            f"laminator {section.name}: the profile has no document {code!r}"
            for code in section.documents
            if code not in profile.documents
        ]
    if problems:
        raise ConfigError("\n".join(problems))


def make_lanes(config: Config, profile: Profile) -> dict[str, Lane]:
    """A lane per printer of this office, and the one for files."""
    lanes = {
        section.name: Lane(section, open_printer(section.device()), section.documents)
        for section in config.printer
    }
    files = tuple(kind.code for kind in profile.documents.values() if kind.produces == "file")
    section = DeviceSection(name=FILES, model=FILES, url="", documents=files)
    lanes[FILES] = Lane(section, None, files)
    return lanes


@asynccontextmanager
async def open_daemon(
    config: Config,
    *,
    outside: Outside | None = None,
    signer: Signer | None = None,
    durable: Callable[[str], None] | None = None,
) -> AsyncIterator[Daemon]:
    """Opens everything that a daemon needs and closes it afterwards.

    Raises ConfigError, ProfileError, SigningUnavailable, StoreError: each names the remedy.
    """
    profile = load_profile(config.profile_dir)
    check_lanes(config, profile)
    # The store holds personal data: nobody else on the machine may look into its directory.
    config.service.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    await asyncio.to_thread(upgrade, config.store_url)
    clock = Clock(profile.timezone, config.service.business_date)
    async with contextlib.AsyncExitStack() as stack:
        store = Store.open(config.store_url)
        stack.push_async_callback(store.close)
        if signer is None:
            pool = HsmPool(
                load_pool_configs(config.hsm.dir),
                state_dir=config.hsm.dir / "state",
                hedge_after_s=config.hsm.hedge_after_ms / 1000,
            )
            signer = await stack.enter_async_context(pool)
        composer = Composer(config.service.composers)
        stack.callback(composer.close)
        trust = TrustKeeper.load(config.trust_dir, profile, store, signer, clock)
        if outside is None:
            if config.service.samples is None:
                raise ConfigError("[service] samples: name the directory of registry and payments")
            outside = load_outside(config.service.samples, profile)
        lanes = make_lanes(config, profile)
        laminators = Laminators(
            {s.name: LaminatorPlace(s, open_laminator(s.device())) for s in config.laminator}
        )
        daemon_box: list[Daemon] = []
        services = Services(
            store=store,
            profile=profile,
            signer=signer,
            trust=trust,
            composer=composer,
            clock=clock,
            outside=outside,
            owner=owner_name(),
            heartbeat=Heartbeat(config.service.lease_s),
            durable=durable or (lambda _point: None),
            dropped=lambda job: daemon_box[0].dropped(job),
            stop_lane=lambda name, reason: daemon_box[0].stop_lane(name, reason),
        )
        daemon = Daemon(config, services, lanes, laminators)
        daemon_box.append(daemon)
        stack.push_async_callback(daemon.close)
        await store.run(_prepare, config, lanes, laminators)
        await trust.publish(everything=True)
        yield daemon


def _prepare(
    conn: Connection, config: Config, lanes: Mapping[str, Lane], laminators: Laminators
) -> None:
    """Rows of the configured devices, and a first status list to hand out indices from."""
    office = config.service.office
    for role, found in (("printer", lanes.values()), ("laminator", laminators.places.values())):
        for device in found:
            devices.ensure(
                conn, name=device.name, office=office, role=role, model=device.section.model
            )
    if conn.execute(select(func.count()).select_from(status_lists)).scalar_one() == 0:
        numbers.open_status_list(conn, office)
