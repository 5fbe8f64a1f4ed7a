"""Lanes: a printer with its hopper and its place in the queue. One owner, one card at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

from issuer.config import DeviceSection
from issuer.domain import Job, JobState, Reason
from printers.ports import Condition, DeviceError, Laminator, Printer, Severity, Snapshot

log = structlog.get_logger(__name__)

# States in which a job has, or is about to take, the lane's next blank.
BEFORE_PRINTED = frozenset(
    {
        JobState.ADMITTED,
        JobState.RESERVED,
        JobState.SEALING,
        JobState.SEALED,
        JobState.PRINTING,
        JobState.UNDETERMINED,
    }
)


class Turns:
    """Who has the machine. A plain lock with the event that the claiming loop waits for."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self.free = asyncio.Event()
        self.free.set()

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Waits for the machine and has it alone."""
        async with self._lock:
            self.free.clear()
            try:
                yield
            finally:
                self.free.set()

    @asynccontextmanager
    async def step_aside(self) -> AsyncIterator[None]:
        """By whoever has the machine and waits: lets others at it meanwhile."""
        self._lock.release()
        try:
            yield
        finally:
            await self._lock.acquire()

    async def after(self, task: asyncio.Task[Job]) -> None:
        """Waits until ``task`` has had its turn, or ended without taking one."""
        self.free.clear()
        task.add_done_callback(lambda _task: self.free.set())
        await self.free.wait()


@dataclass(slots=True)
class Lane:
    """A lane. ``printer`` is None where nothing is printed (certificates as files)."""

    section: DeviceSection
    printer: Printer | None
    types: tuple[str, ...]
    turns: Turns = field(default_factory=Turns)
    line: asyncio.Lock = field(default_factory=asyncio.Lock)  # a driver takes one call at a time
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: Reason | None = None  # a person stopped it, or must look before it goes on
    needs: Reason | None = None  # the machine needs something; goes on by itself
    connected: bool = False
    owned: bool = False
    ask_again: float = 0.0  # when to look for jobs that a dead daemon left (boot clock)
    latest: Snapshot | None = None
    phase: str = ""
    done: float = 0.0
    current: str | None = None  # job id

    @property
    def name(self) -> str:
        """Name of the lane and of its device."""
        return self.section.name

    @asynccontextmanager
    async def turn(self, job: Job) -> AsyncIterator[None]:
        """The machine, from Reserve to Print; nothing for a job that is past it."""
        if job.state not in BEFORE_PRINTED:
            yield
            return
        async with self.turns.take():
            self.current = job.id
            try:
                yield
            finally:
                self.current = None
                self.phase, self.done = "", 0.0

    async def look(self) -> Snapshot:
        """Reads the device and remembers what it needs. Raises DeviceError."""
        assert self.printer is not None
        try:
            async with self.line:
                if not self.connected:
                    await self.printer.connect()
                    self.connected = True
                self.latest = await self.printer.snapshot()
        except DeviceError as error:
            self.connected = False
            self.needs = unreachable(self.name, error)
            raise
        self.needs = worst(self.latest.conditions)
        return self.latest

    async def lost(self) -> None:
        """The device was lost to another owner, or the daemon ends: gives the transport back."""
        if self.printer is not None and self.connected:
            self.connected = False
            async with self.line:
                await self.printer.close()


def worst(conditions: Sequence[Condition]) -> Reason | None:
    """The condition that keeps a machine from working, as a reason for the lane to wait."""
    for severity in (Severity.FAULT, Severity.ATTENTION):
        for condition in conditions:
            if condition.severity is severity:
                return Reason(condition.code, condition.es, condition.en)
    return None


def unreachable(name: str, error: DeviceError) -> Reason:
    """Words for a device that does not answer; the detail goes to the log only."""
    log.warning("device.unreachable", device=name, error=str(error))
    return Reason(
        "unreachable",
        f"{name} no responde: revise que esté encendida y el cable conectado.",
        f"{name} does not answer: see that it is switched on and its cable is plugged in.",
    )


@dataclass(slots=True)
class LaminatorPlace:
    """A plastifier, its driver, and whose turn it is."""

    section: DeviceSection
    laminator: Laminator
    turns: Turns = field(default_factory=Turns)
    line: asyncio.Lock = field(default_factory=asyncio.Lock)
    connected: bool = False
    owned: bool = False
    latest: Snapshot | None = None
    needs: Reason | None = None
    phase: str = ""
    done: float = 0.0
    current: str | None = None

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.section.name

    async def look(self) -> Snapshot:
        """Reads the device and remembers what it needs. Raises DeviceError."""
        try:
            async with self.line:
                if not self.connected:
                    await self.laminator.connect()
                    self.connected = True
                self.latest = await self.laminator.snapshot()
        except DeviceError as error:
            self.connected = False
            self.needs = unreachable(self.name, error)
            raise
        self.needs = worst(self.latest.conditions)
        return self.latest

    async def lost(self) -> None:
        """Gives the line back."""
        if self.connected:
            self.connected = False
            async with self.line:
                await self.laminator.close()


@dataclass(frozen=True, slots=True)
class Laminators:
    """Which plastifier takes which document type."""

    places: Mapping[str, LaminatorPlace]

    def for_type(self, document_type: str) -> LaminatorPlace | None:
        """The one for a type; with several, the one with nobody at it."""
        able = [p for p in self.places.values() if document_type in p.section.documents]
        able.sort(key=lambda place: not place.turns.free.is_set())
        return able[0] if able else None
