"""Step 2. The hopper's next blank, a document number and a status index, in one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from issuer.domain import Job, JobState, Reason
from issuer.lanes import Lane
from issuer.profile import DocumentType
from issuer.services import Rest, Services
from issuer.store import documents, files, jobs
from issuer.store.files import CaseFile


class _HopperWaits(Exception):  # noqa: N818
    """No blank can be taken; raised to roll the reservation back."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


async def reserve(job: Job, at: Services, lane: Lane) -> Job:
    """Reserves for an ADMITTED job; a later state passes through.

    An empty hopper gives the job back to the queue and makes the lane wait for blanks. Raises
    Rest then.
    """
    if job.state is not JobState.ADMITTED:
        return job
    kind = at.profile.document(job.document_type)
    try:
        job = await at.store.run(_reserve, job, at, lane, kind)
    except _HopperWaits as waits:
        lane.needs = waits.reason
        raise Rest(await at.store.run(give_back, job, at)) from None
    at.durable("reserved")
    return job


def _reserve(conn: Connection, job: Job, at: Services, lane: Lane, kind: DocumentType) -> Job:
    now = at.clock.now()
    case: CaseFile = files.get(conn, job.id)
    blank = None
    if kind.blank_material is not None:
        promised = documents.promised(conn, lane.name)
        if promised is not None:
            raise _HopperWaits(hopper_promised(lane.name, promised))
        blank = documents.next_blank(conn, lane.name, kind.blank_material)
        if blank is None:
            raise _HopperWaits(hopper_empty(lane.name))
    document = documents.reserve(
        conn,
        job,
        prefix=kind.prefix,
        person_id=case.application.person.person_id,
        blank=blank,
        printer=lane.name if blank else None,
        valid_from=case.valid_from,
        valid_until=case.valid_until,
        now=now,
    )
    return jobs.advance(
        conn,
        job,
        JobState.RESERVED,
        now,
        data={"document": document.number, "serial": blank.serial if blank else None},
        document_number=document.number,
    )


def give_back(conn: Connection, job: Job, at: Services) -> Job:
    """Puts a job back into the queue without a lane: any printer may take it."""
    return jobs.advance(
        conn,
        job,
        JobState.ADMITTED,
        at.clock.now(),
        lane=None,
        lease_owner=None,
        lease_until=None,
    )


def hopper_empty(lane: str) -> Reason:
    """What the counter is told when the books say that a hopper has no blank."""
    return Reason(
        "hopper_empty",
        f"{lane}: la tolva no tiene material según los libros; cargue y escanee los seriales.",
        f"{lane}: the hopper is empty by the books; load blanks and scan their serials.",
    )


def hopper_promised(lane: str, serial: str) -> Reason:
    """The machine's next blank belongs to a job that waits for a person."""
    return Reason(
        "hopper_promised",
        f"{lane}: el material {serial}, el próximo en salir, espera una decisión sobre su trámite.",
        f"{lane}: blank {serial}, the next to come out, waits for a decision on its job.",
    )
