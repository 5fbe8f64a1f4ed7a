"""A house at work: what the daemon's lanes do and what people do, one act at a time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from issuer import acts, intake, stockroom
from issuer.acts import Actor, Inspected
from issuer.applications import Application
from issuer.domain import Job, JobState, Reason
from issuer.issuance import issue
from issuer.lanes import Laminators, Lane
from issuer.services import Services
from issuer.store import custody, documents, jobs
from issuer.store.documents import Document
from issuer.store.engine import Store
from issuer.store.schema import blanks
from verifier.trust import Trust
from verifier.verify import verify

from .machines import ScriptedLaminator, ScriptedPrinter
from .people import OFFICE, Outsiders, portrait
from .signing import Switched

COUNTER = Actor("ventanilla", OFFICE)
CUSTODIAN = Actor("custodio", OFFICE)
LEASE_S = 30.0
LIST_SIZE = 1 << 12


@dataclass(slots=True)
class HandClock:
    """The real clock and what a test adds to it."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(slots=True)
class House:
    """One office. ``stopped`` are lanes that the flow stopped; ``points`` its durable points."""

    services: Services
    lanes: dict[str, Lane]
    printers: dict[str, ScriptedPrinter]
    laminator: ScriptedLaminator
    laminators: Laminators
    people: Outsiders
    signer: Switched
    time: HandClock
    stopped: dict[str, Reason] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.services.store

    @property
    def lease_s(self) -> float:
        return self.services.lease_s

    # What the daemon's loops do.

    async def take_in(self, application: Application, picture: bytes | None = None) -> Job:
        """Intake and admission."""
        await intake.take_in(application, picture or portrait(), self.services)
        claimed = await self.store.run(
            jobs.claim_received,
            office=OFFICE,
            owner=self.services.owner,
            now=self.now(),
            lease_s=LEASE_S,
        )
        assert claimed is not None
        return await self.go_on(claimed)

    async def claim(self, lane: str) -> Job | None:
        """What a lane's loop claims next."""
        at = self.services
        return await self.store.run(
            jobs.claim,
            office=OFFICE,
            lane=lane,
            types=self.lanes[lane].types,
            owner=at.owner,
            now=self.now(),
            lease_s=at.lease_s,
        )

    async def resume(self, lane: str) -> Job | None:
        """What a lane's loop takes up of what a dead daemon left."""
        at = self.services
        return await self.store.run(
            jobs.resumable,
            office=OFFICE,
            lanes=[lane],
            owner=at.owner,
            now=self.now(),
            lease_s=at.lease_s,
        )

    async def turn(self, lane: str) -> Job:
        """One turn of a lane: claims the next job and issues it as far as it goes."""
        job = await self.claim(lane)
        assert job is not None, "the queue is empty"
        return await self.go_on(job)

    async def go_on(self, job: Job) -> Job:
        """The flow, with a leased job; the job as the store then has it."""
        lane = self.lanes[job.lane or "files"]
        await issue(job, self.services, lane, self.laminators)
        return await self.job(job.id)

    # What people do.

    async def order(self, application: Application) -> Job:
        """A request that is in order, admitted and ordered to be printed."""
        job = await self.take_in(self.people.know(application))
        assert job.state is JobState.ADMITTED, job.reasons
        return await acts.order_print(job.id, self.services, COUNTER)

    async def printed(self, application: Application, lane: str = "lic-1") -> Job:
        """Ordered and issued until the counter must scan it."""
        await self.order(application)
        return await self.turn(lane)

    async def scan(
        self, job: Job, *, serial: str | None = None, qr: str | None = None
    ) -> Inspected:
        """The counter scans what lies in the tray: the QR, and the blank's own serial."""
        document = await self.document(job)
        assert document.qr_text is not None
        lying = self.lies(document) if serial is None else serial
        inspected = await acts.inspect(
            job.id, self.services, COUNTER, qr or document.qr_text, lying
        )
        if inspected.finding.passed:
            return replace(inspected, job=await self.go_on(inspected.job))
        return inspected

    async def settled(self, application: Application, lane: str = "lic-1") -> Job:
        """Issued and inspected."""
        job = await self.printed(application, lane)
        return (await self.scan(job)).job

    async def delivered(self, application: Application, lane: str = "lic-1", **how: Any) -> Job:
        """Issued, inspected and handed over."""
        job = await self.settled(application, lane)
        return await acts.deliver(job.id, self.services, COUNTER, **how)

    async def load(self, lane: str, material: str, serials: Sequence[str]) -> None:
        """Blanks are received, scanned and put into a machine."""
        at = self.services
        await stockroom.receive_blanks(at, CUSTODIAN, material, "lot-1", serials, "AV-2/1")
        await stockroom.load_hopper(at, CUSTODIAN, lane, material, serials)
        self.printers[lane].hopper += serials

    # Looking.

    def now(self) -> datetime:
        return self.services.clock.now()

    async def job(self, job_id: str) -> Job:
        return await self.store.read(jobs.get, job_id)

    async def document(self, job: Job) -> Document:
        assert job.document_number is not None
        return await self.store.read(documents.get, job.document_number)

    async def document_of(self, number: str) -> Document:
        return await self.store.read(documents.get, number)

    async def documents(self, job: Job) -> Sequence[Document]:
        return await self.store.read(documents.of_job, job.id)

    def lies(self, document: Document) -> str | None:
        """The serial of the card in a tray that has this document's ink; None for none."""
        found = [
            laid.serial
            for printer in self.printers.values()
            for laid in printer.tray
            if laid.order.job_id == document.number
        ]
        assert len(found) < 2, f"{document.number} was printed {len(found)} times"
        return found[0] if found else None

    async def blank(self, serial: str) -> tuple[str, str, str | None]:
        """(state, place, document) of a serial by the books."""

        def look(conn: Connection) -> tuple[str, str, str | None]:
            columns = blanks.c.state, blanks.c.place, blanks.c.document_number
            row = conn.execute(select(*columns).where(blanks.c.serial == serial)).one()
            return row.state, row.place, row.document_number

        return await self.store.read(look)

    async def verdict(self, document: Document) -> str:
        """What a stranger says who has nothing but the published directory."""
        await self.services.trust.publish()
        trust = await asyncio.to_thread(Trust.load, self.services.trust.directory, self.now())
        assert document.qr_text is not None
        return verify(document.qr_text, trust, at=self.now()).state.value


async def hoppers_by_the_books(house: House) -> dict[str, list[str]]:
    """Serials that the books have in each hopper, top first."""

    def look(conn: Connection) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        rows = conn.execute(
            select(blanks.c.printer, blanks.c.serial)
            .where(blanks.c.place.like("hopper:%"))
            .order_by(blanks.c.position)
        )
        for printer, serial in rows:
            found[printer].append(serial)
        return dict(found)

    return await house.store.read(look)


async def movements(house: House) -> list[Any]:
    """Every line of the books."""
    return await house.store.read(custody.lines, OFFICE)
