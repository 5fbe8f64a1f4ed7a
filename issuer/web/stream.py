"""The live stream: one poll of the store for every open page, handed out as server-sent events.

An event's id is ``EPOCH.NUMBER``. Who reconnects gets what it missed; who names another epoch (a
restore), a number that does not exist or one too far back gets ``reset`` and reads all again
(facts: after a restart old ids otherwise go unnoticed).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from issuer.domain import Event
from issuer.store.errors import StoreError
from issuer.web.ports import DeskPort
from issuer.web.sources import Head

log = structlog.get_logger(__name__)

POLL_S = 0.2
REPLAY = 500  # more than that is read faster as a whole
BACKLOG = 2000  # lines waiting for one slow page before it is let go


@dataclass(frozen=True, slots=True)
class Line:
    """One server-sent event; ``id`` None leaves the browser's last id as it is."""

    event: str
    data: dict[str, Any]
    id: str | None = None

    def to_bytes(self) -> bytes:
        """On the wire (WHATWG HTML, section 9.2)."""
        head = "" if self.id is None else f"id: {self.id}\n"
        return f"{head}event: {self.event}\ndata: {json.dumps(self.data)}\n\n".encode()


def parse_id(text: str | None) -> Head | None:
    """``EPOCH.NUMBER``; None for anything else."""
    epoch, dot, seq = (text or "").partition(".")
    if dot and epoch.isdecimal() and seq.isdecimal() and len(epoch) < 10 and len(seq) < 19:
        return Head(int(epoch), int(seq))
    return None


@dataclass(eq=False, slots=True)
class Listener:
    """One open page (or the one worker of all tabs). ``None`` in the queue ends it."""

    queue: asyncio.Queue[Line | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    def put(self, line: Line) -> bool:
        """False if the page does not keep up."""
        try:
            self.queue.put_nowait(line)
        except asyncio.QueueFull:
            return False
        return True


class Hub:
    """Polls while somebody listens. Made before the loop; :meth:`run` is a task of the app."""

    def __init__(
        self,
        desk: DeskPort,
        head: Callable[[], Awaitable[Head]],
        devices: Callable[[], Awaitable[dict[str, Any]]],
        poll_s: float = POLL_S,
    ) -> None:
        self._desk, self._head, self._devices, self._poll_s = desk, head, devices, poll_s
        self._listeners: set[Listener] = set()
        self._at: Head | None = None
        self._machines: dict[str, Any] | None = None
        self._poke = asyncio.Event()
        self._polling = asyncio.Lock()
        self.alive = False

    def poke(self) -> None:
        """Something was done here: look at once instead of at the next tick."""
        self._poke.set()

    async def run(self) -> None:
        """Until cancelled. A store that is busy is asked again; anything else ends the streams."""
        self.alive = True
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._poke.wait(), self._poll_s)
                self._poke.clear()
                if self._listeners:
                    await self._tick()
        finally:
            self.alive = False
            self.close()

    async def _tick(self) -> None:
        try:
            await self._poll()
            machines = await self._devices()
        except StoreError as error:
            log.warning("stream.store", error=type(error).__name__)
            return
        if machines != self._machines:
            self._machines = machines
            self._send(Line("devices", machines))

    @contextlib.asynccontextmanager
    async def listen(self, last: Head | None) -> AsyncIterator[Listener]:
        """A listener that starts right after ``last``, without a gap and without a double."""
        listener = Listener()
        for line in await self._join(listener, last):
            listener.put(line)
        if self._machines is not None:
            listener.put(Line("devices", self._machines))
        self.poke()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def close(self) -> None:
        """Ends every stream; browsers come back by themselves."""
        for listener in list(self._listeners):
            self._drop(listener)

    async def _join(self, listener: Listener, last: Head | None) -> list[Line]:
        async with self._polling:
            await self._advance()
            at = self._at
            assert at is not None
            missed: list[Event] | None = []
            if last is not None:
                missed = await self._missed(last, at)
            self._listeners.add(listener)
        if missed is None:
            return [Line("reset", {}, _id(at))]
        if last is None:
            return [Line("hello", {}, _id(at))]
        return [_line(event) for event in missed if event.seq <= at.seq]

    async def _missed(self, last: Head, at: Head) -> list[Event] | None:
        if last.epoch != at.epoch or last.seq > at.seq or at.seq - last.seq > REPLAY:
            return None
        if last.seq == at.seq:
            return []
        return await self._desk.events(last.seq, REPLAY)

    async def _poll(self) -> None:
        async with self._polling:
            await self._advance()

    async def _advance(self) -> None:
        """Moves to the stream's end and tells the listeners what lies between."""
        head = await self._head()
        if self._at is None or not self._listeners:
            self._at = head
            return
        if head.epoch != self._at.epoch or head.seq < self._at.seq:
            self._at = head
            self._send(Line("reset", {}, _id(head)))
            return
        while self._at.seq < head.seq:
            events = await self._desk.events(self._at.seq, REPLAY)
            if not events:
                return
            for event in events:
                self._send(_line(event))
            self._at = Head(head.epoch, events[-1].seq)

    def _send(self, line: Line) -> None:
        for listener in list(self._listeners):
            if not listener.put(line):
                self._drop(listener)

    def _drop(self, listener: Listener) -> None:
        """A page that does not keep up is ended; it comes back and replays."""
        self._listeners.discard(listener)
        while not listener.queue.empty():
            listener.queue.get_nowait()
        listener.queue.put_nowait(None)


def _id(head: Head) -> str:
    return f"{head.epoch}.{head.seq}"


def _line(event: Event) -> Line:
    """Identifiers only, as the stream itself."""
    data = {"kind": event.kind, "subject": event.subject, "at": event.at.isoformat()}
    return Line("event", data, f"{event.epoch}.{event.seq}")
