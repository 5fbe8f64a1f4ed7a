"""The people of the bench: a counter that orders, scans and hands over; hands at the plastifier.

They know only what people know: what lies in the tray, what the scanner reads off it, and what
the desk tells them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from PIL import Image

from issuer.acts import Actor
from issuer.desk import Desk
from issuer.domain import JobState
from issuer.trial.bench import Bench, Machine
from verifier.errors import VerificationError
from verifier.pictures import qr_texts, read_barcodes
from verifier.trust import Trust
from verifier.verify import open_sealed

log = structlog.get_logger(__name__)

LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Scanned:
    """A card in the hand: what the scanner reads off its two sides."""

    directory: Path
    qr_text: str | None
    serial: str | None


def scan(directory: Path) -> Scanned:
    """Reads a card's pictures as a scanner would. Blocking, about 0.1 s."""
    texts: list[str] = []
    bars: tuple[str, ...] = ()
    for name in ("back.png", "front.png"):
        if texts and bars:
            break
        path = directory / name
        if path.exists():
            with Image.open(path) as picture:
                grey = picture.convert("L")
            texts = texts or qr_texts(grey)
            bars = bars or read_barcodes(grey)
    return Scanned(directory, texts[0] if texts else None, bars[0] if len(bars) == 1 else None)


@dataclass(slots=True)
class Counter:
    """One person at the counter, doing everything."""

    desk: Desk
    bench: Bench
    trust: Callable[[], Trust]
    actor: Actor
    scanned: dict[str, Scanned] = field(default_factory=dict)  # by document number
    spoil_first: str | None = None  # document type of which the first card is found smeared
    told: Callable[[str], None] = field(default=lambda _what: None)

    async def serve(self, done: asyncio.Event) -> None:
        """Works until ``done``: one task a tray, one for orders, one for the plastifier."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._orders(done))
            group.create_task(feed_pouches(self.desk, self.bench, done, self.told))
            for machine in self.bench.machines:
                if machine.role == "printer":
                    group.create_task(self._tray(machine, done))

    async def _orders(self, done: asyncio.Event) -> None:
        """Orders the print of whatever is admitted; hands over whatever is settled."""
        while not done.is_set():
            for job in await self.desk.queue([JobState.ADMITTED, JobState.SETTLED]):
                if job.state is JobState.SETTLED:
                    await self._hand_over(job.id)
                elif not job.released:
                    await self.desk.order_print(job.id, self.actor)
            await _pause(done, 0.2)

    async def _hand_over(self, job_id: str) -> None:
        application = (await self.desk.job(job_id)).case.application
        earlier = "none"
        if application.kind == "replacement":
            earlier = "declared_lost" if application.lost else "surrendered"
        await self.desk.deliver(job_id, self.actor, earlier=earlier)
        self.told("delivered")

    async def _tray(self, machine: Machine, done: asyncio.Event) -> None:
        """Takes card after card from a printer's output tray."""
        seen: set[str] = set()
        cards = self.bench.cards(machine.name)
        while not done.is_set():
            for directory in sorted(cards.glob("*")) if cards.is_dir() else []:
                if directory.name in seen or not (directory / "card.json").exists():
                    continue
                seen.add(directory.name)
                card = json.loads((directory / "card.json").read_text(encoding="utf-8"))
                if card["tray"] == "output":
                    await self._card(directory, done)
            await _pause(done, LOOK_S)

    async def _card(self, directory: Path, done: asyncio.Event) -> None:
        card = await asyncio.to_thread(scan, directory)
        if card.qr_text is None:
            log.warning("counter.unreadable", card=directory.name)
            return
        try:
            opened = open_sealed(card.qr_text, self.trust(), self.desk.now())
        except VerificationError as error:
            log.warning("counter.not_ours", card=directory.name, reason=error.code)
            return
        number = opened.claims.national.document_number
        job = await self.desk.find_by_document(number)
        while job.state is not JobState.TO_INSPECT and not done.is_set():
            await _pause(done, LOOK_S)
            job = await self.desk.find_by_document(number)
        if done.is_set():
            return
        if self.spoil_first == job.document_type:
            self.spoil_first = None
            await self._smeared(job.id)
            return
        inspected = await self.desk.inspect(job.id, self.actor, card.qr_text, card.serial)
        self.scanned[number] = card
        self.told("inspected" if inspected.finding.passed else "inspection failed")

    async def _smeared(self, job_id: str) -> None:
        """A card that no one would hand over: spoiled with its cause, reprinted with a reason."""
        await self.desk.spoil(job_id, self.actor, "smeared")
        await self.desk.reprint(job_id, self.actor, "impresión corrida en el retrato")
        self.told("spoiled and ordered again")


async def feed_pouches(
    desk: Desk, bench: Bench, done: asyncio.Event, told: Callable[[str], None] = lambda _what: None
) -> None:
    """Puts a card into its pouch and the pouch into the machine when its lamp says ready."""
    feeding: set[str] = set()
    while not done.is_set():
        for device in await desk.devices():
            job = device.current_job
            if device.role != "laminator" or device.phase != "feed" or job in feeding:
                continue
            if job is not None:
                feeding.add(job)
                await bench.hand(device.name, "feed", when="now")
                told("laminated")
        await _pause(done, LOOK_S)


async def _pause(done: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        return
