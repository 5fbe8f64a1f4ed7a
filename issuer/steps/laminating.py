"""Step 6. One pouch through the plastifier, where the document wants it."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from issuer.domain import Job, JobState, Reason
from issuer.lanes import LaminatorPlace, Laminators
from issuer.services import Rest, Services
from issuer.steps import stock
from issuer.steps.printing import LOOK_EVERY_S, to_inspect
from issuer.store import jobs, journal, leases
from printers.ports import DeviceError, Outcome, PrintResult, Snapshot


async def laminate(job: Job, at: Services, laminators: Laminators) -> Job:
    """From PRINTED (or LAMINATING after a crash) to TO_INSPECT. Raises Rest for a person."""
    if job.state not in (JobState.PRINTED, JobState.LAMINATING):
        return job
    place = laminators.for_type(job.document_type)
    if place is None:
        raise Rest(await at.store.run(_park, job, at, no_laminator(job.document_type)))
    async with place.turns.take():
        place.current = job.id
        try:
            if job.state is JobState.LAMINATING:
                job = await _settle_interrupted(job, at, place)
            while job.state is JobState.PRINTED:
                job = await _one_pass(job, at, place)
        finally:
            place.current, place.phase, place.done = None, "", 0.0
    if job.state is JobState.ATTENTION:
        raise Rest(job)
    return job


async def _one_pass(job: Job, at: Services, place: LaminatorPlace) -> Job:
    before = await _look(at, place)
    job, intention = await at.store.run(_intend, job, at, before)
    at.durable("laminating")

    def progress(phase: str, done: float) -> None:
        place.phase, place.done = phase, done
        at.progress(place.name, phase, done)

    assert job.document_number is not None
    try:
        async with place.line:
            result = await place.laminator.laminate(job.document_number, before, at.gate, progress)
    except DeviceError as error:
        place.connected = False
        result = PrintResult(Outcome.UNDETERMINED, None, *_silent(place.name, error))
    job = await at.store.run(_decide, job, at, place, intention, result)
    at.durable("laminated")
    return job


async def _look(at: Services, place: LaminatorPlace) -> Snapshot:
    while True:
        at.gate()
        try:
            return await place.look()
        except DeviceError:
            await asyncio.sleep(LOOK_EVERY_S)


async def _settle_interrupted(job: Job, at: Services, place: LaminatorPlace) -> Job:
    line = await at.store.read(journal.last, job.id, "laminate")
    assert line is not None
    while True:
        await _look(at, place)
        try:
            async with place.line:
                result = await place.laminator.determine(line.document_number, line.before)
            break
        except DeviceError:
            place.connected = False
    job = await at.store.run(_decide, job, at, place, line.id, result)
    at.durable("determined")
    return job


def _intend(conn: Connection, job: Job, at: Services, before: Snapshot) -> tuple[Job, int]:
    now = at.clock.now()
    number = job.document_number
    assert number is not None
    leases.must_hold(conn, job, now)
    job = jobs.advance(conn, job, JobState.LAMINATING, now, data={"device": before.device})
    return job, journal.intend(conn, job, number, "laminate", before, now)


def _decide(
    conn: Connection,
    job: Job,
    at: Services,
    place: LaminatorPlace,
    intention: int,
    result: PrintResult,
) -> Job:
    now = at.clock.now()
    leases.must_be_mine(conn, job)
    journal.decide(conn, intention, result, place.name, now)
    if result.outcome is Outcome.PRINTED:
        stock.pouch_done(conn, at, job)
        return to_inspect(conn, job, at)
    if result.outcome is Outcome.NOT_PRINTED:
        # Nothing was used and nothing is spoiled: the card is simply put through again, when a
        # person says so (a cold or broken plastifier would loop here otherwise).
        reason = Reason("not_laminated", result.reason_es, result.reason_en)
        return jobs.park(conn, job, JobState.ATTENTION, reason, now)
    reason = Reason(
        "lamination_undetermined",
        result.reason_es or "No se sabe si la lámina pasó; mire la plastificadora.",
        result.reason_en or "It is not known whether the pouch passed; look at the laminator.",
    )
    return jobs.park(conn, job, JobState.ATTENTION, reason, now)


def _park(conn: Connection, job: Job, at: Services, reason: Reason) -> Job:
    return jobs.park(conn, job, JobState.ATTENTION, reason, at.clock.now())


def no_laminator(document_type: str) -> Reason:
    """No plastifier of this office takes the type."""
    return Reason(
        "no_laminator",
        f"Ninguna plastificadora está configurada para {document_type}.",
        f"No laminator is configured for {document_type}.",
    )


def _silent(name: str, error: DeviceError) -> tuple[str, str]:
    return (
        f"{name} dejó de responder mientras plastificaba.",
        f"{name} stopped answering while laminating ({error}).",
    )
