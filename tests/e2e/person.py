"""The person of the power-cut tests: knows what lies in trays, hoppers and machines, and the desk.

Nothing is kept in mind: whoever takes over after a power cut looks again. What is decided about an
undetermined print rests on what a person can see at the machine, never on the daemon's word.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cbor2
import structlog

from firmware_sim.control import ControlError, request
from issuer.acts import LAMINATION_REASONS, Actor
from issuer.applications import Application, read_applications
from issuer.custody.ledger import LedgerError
from issuer.daemon import Daemon
from issuer.desk import Desk
from issuer.domain import FINAL, Conflict, Job, JobState
from issuer.trial.bench import DAY, Bench
from issuer.trial.counter import scan
from issuer.trial.day import stock_up
from tests.e2e.bench import kinds
from verifier.claims import decode_claims
from verifier.errors import VerificationError
from verifier.sealing import from_qr_text

log = structlog.get_logger(__name__)

LOOK_S = 0.1
AGAIN = frozenset({"no_hsm", "print_failed", "internal_error"})  # nothing to look at: try again


async def open_shop(desk: Desk, daemon: Daemon, hall: Path) -> None:
    """Books what lies in the machines, if the books are empty."""
    if await desk.stock():
        return
    machines = kinds(hall)
    bench = Bench(hall, daemon.config.hsm.dir, machines, {}, desk.office)
    await stock_up(desk, bench, daemon)


async def take_in(desk: Desk, requests: Sequence[str]) -> None:
    """Takes requests of the sample day in, by their ids."""
    wanted = set(requests)
    for row in read_applications(DAY / "requests.jsonl"):
        if isinstance(row, Application) and row.request_id in wanted:
            portrait = (DAY / row.portrait).read_bytes() if row.portrait else None
            await desk.take_in(row, portrait)


@dataclass(frozen=True, slots=True)
class Card:
    """A card in a tray, as it looks and as the scanner reads it."""

    machine: str
    name: str
    tray: str
    serial: str
    inked: bool
    qr_text: str | None
    scanned: str | None

    @property
    def document(self) -> str | None:
        """The number of the document that the QR tells; None if there is no QR of ours."""
        return number_in(self.qr_text)


def number_in(qr_text: str | None) -> str | None:
    """The document number in a QR text, whether or not it verifies."""
    if qr_text is None:
        return None
    try:
        cose = cbor2.loads(from_qr_text(qr_text))
        return decode_claims(cose.value[2]).national.document_number
    except VerificationError:
        return None


def cards(machine: Path) -> list[Card]:
    """Every card that lies in a machine's trays, oldest first. A card is scanned once."""
    found = []
    for path in sorted(machine.glob("cards/*/card.json")):
        memo = machine / "scans" / f"{path.parent.name}.json"
        if not memo.exists():
            memo.parent.mkdir(exist_ok=True)
            new = memo.with_suffix(".new")
            new.write_text(json.dumps(asdict(_look(machine.name, path))))
            new.rename(memo)
        found.append(Card(**json.loads(memo.read_text())))
    return found


def _look(machine: str, path: Path) -> Card:
    facts = json.loads(path.read_text())
    seen = scan(path.parent)
    return Card(
        machine,
        path.parent.name,
        facts["tray"],
        facts["serial"],
        bool(facts["inked"]),
        seen.qr_text,
        seen.serial,
    )


def pouched(machine: Path) -> set[str]:
    """Documents whose card went through the plastifier."""
    return {json.loads(path.read_text())["job"] for path in machine.glob("pouches/*.json")}


class Person:
    """One person who does everything, until every job is over.

    ``only_orders``: orders prints for ever, and leaves all else to another person's desk.
    """

    def __init__(self, desk: Desk, hall: Path, *, only_orders: bool = False) -> None:
        self._desk = desk
        self._only_orders = only_orders
        self._machines = hall / "machines"
        self._actor = Actor("ventanilla", desk.office)
        self._scanned: set[str] = set()

    async def work(self) -> None:
        """Looks and acts until every job is over."""
        while True:
            jobs = await self._desk.queue()
            if all(job.state in FINAL for job in jobs) and not self._only_orders:
                return
            for job in jobs:
                await self._safely(self._serve(job))
            if not self._only_orders:
                await self._safely(self._machines_round())
            await asyncio.sleep(LOOK_S)

    async def _safely(self, act: Any) -> None:
        """The desk may have moved on meanwhile: a person looks again."""
        try:
            await act
        except (Conflict, ControlError, LedgerError) as error:
            log.info("person.again", error=str(error))

    async def _serve(self, job: Job) -> None:
        desk, actor = self._desk, self._actor
        if self._only_orders and job.state is not JobState.ADMITTED:
            return
        match job.state:
            case JobState.ADMITTED if not job.released:
                await desk.order_print(job.id, actor)
            case JobState.TO_INSPECT:
                await self._inspect(job)
            case JobState.SETTLED:
                await desk.deliver(job.id, actor)
            case JobState.SPOILED:
                await desk.reprint(job.id, actor, "material inutilizado")
            case JobState.UNDETERMINED if job.reasons[0].code == "print_undetermined":
                await self._resolve(job)
            case JobState.ATTENTION:
                await self._attend(job)

    async def _inspect(self, job: Job) -> None:
        """Takes the card of this job out of a tray and scans it; spoils one that is damaged."""
        card = await self._card_of(job)
        if card is None or card.tray != "output" or card.qr_text is None:
            await self._desk.spoil(job.id, self._actor, "damaged")
        elif job.id not in self._scanned:
            self._scanned.add(job.id)
            await self._desk.inspect(job.id, self._actor, card.qr_text, card.scanned)

    async def _attend(self, job: Job) -> None:
        code = job.reasons[0].code
        if code in LAMINATION_REASONS:
            fed = await asyncio.to_thread(pouched, self._machines / "pouch-1")
            passed = job.document_number in fed
            await self._desk.resolve_lamination(job.id, self._actor, passed)
        elif code in AGAIN:
            await self._desk.retry(job.id, self._actor)

    # --- a print that nobody knows of ---

    async def _resolve(self, job: Job) -> None:
        document = (await self._desk.job(job.id)).documents[-1]
        assert document.printer is not None
        machine = self._machines / document.printer
        state = (await asyncio.to_thread(request, machine, {"do": "state"}))["state"]
        if state["inside"] is not None:
            await self._take_out(document.printer)
            return
        card = await self._card_of(job)
        if document.blank_serial in state["hopper"]:
            assert state["hopper"][0] == document.blank_serial, "it was to come out next"
            await self._desk.resolve(job.id, self._actor, "in_hopper")
        elif card and card.tray == "output" and card.document == document.number:
            await self._desk.resolve(job.id, self._actor, "card")
        else:
            assert card is not None, f"{document.blank_serial} is nowhere"
            await self._desk.resolve(job.id, self._actor, "spoiled")

    async def _take_out(self, name: str) -> None:
        """A card stuck inside comes out: by the printer's own reject, or by hand."""
        if name == "lic-1":
            await self._desk.clear_device(name, self._actor)
        else:
            await asyncio.to_thread(request, self._machines / name, {"do": "clear"})

    async def _card_of(self, job: Job) -> Card | None:
        document = (await self._desk.job(job.id)).documents[-1]
        assert document.printer is not None
        lying = await asyncio.to_thread(cards, self._machines / document.printer)
        return next((card for card in lying if card.serial == document.blank_serial), None)

    # --- at the machines ---

    async def _machines_round(self) -> None:
        for device in await self._desk.devices():
            if device.state == "stopped":
                await self._safely(self._go_on(device.name))
            elif device.phase == "feed" and device.current_job is not None:
                await self._feed(device.name, device.current_job)
            elif device.state == "needs" and device.role == "printer":
                await self._safely(self._mend(device.name))

    async def _go_on(self, name: str) -> None:
        state = (await asyncio.to_thread(request, self._machines / name, {"do": "state"}))["state"]
        if state["inside"] is not None:
            await self._take_out(name)
        await self._desk.resume_lane(name, self._actor)

    async def _feed(self, name: str, job_id: str) -> None:
        number = (await self._desk.job(job_id)).job.document_number
        machine = self._machines / name
        if number is not None and number not in await asyncio.to_thread(pouched, machine):
            message = {"do": "feed", "when": "now", "job": number}
            await asyncio.to_thread(request, machine, message)

    async def _mend(self, name: str) -> None:
        await asyncio.to_thread(request, self._machines / name, {"do": "clear"})
