"""Step 5. Printed at most once: the intention is stored, the device sends, evidence decides."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import Connection

from issuer.composing import Composed
from issuer.domain import DocumentState, Fenced, Job, JobState, Reason
from issuer.lanes import Lane
from issuer.services import Rest, Services
from issuer.steps import stock
from issuer.steps.composing import compose
from issuer.store import devices, documents, jobs, journal, leases
from printers.ports import DeviceError, Outcome, PrintJob, PrintResult, Side, Snapshot

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
LOOK_EVERY_S = 0.5


async def print_once(job: Job, at: Services, lane: Lane, faces: Composed | None) -> Job:
    """From SEALED to PRINTED, or to a person. Raises Rest when a person must act.

    An interrupted print (UNDETERMINED, PRINTING) is decided by the device's evidence first; what
    the evidence does not settle waits for a person and is never printed again by itself.
    """
    if job.state in (JobState.PRINTING, JobState.UNDETERMINED):
        job = await _settle_interrupted(job, at, lane)
    while job.state is JobState.SEALED:
        if lane.printer is None:  # a certificate is a file: nothing to print
            return job
        # An interrupted print that never began comes here without its faces.
        faces = faces or await compose(job, at, lane)
        assert faces is not None
        before = await _ready(at, lane)
        intention = await at.store.run(_intend, job, at, before)
        job = intention[0]
        at.durable("printing")
        result = await _send(job, at, lane, faces, before)
        job = await at.store.run(_decide, job, at, lane, intention[1], before, result)
        at.durable("printed")
        _after(job, at, lane)
    if job.state in (JobState.UNDETERMINED, JobState.ATTENTION, JobState.ADMITTED):
        raise Rest(job)
    return job


async def _ready(at: Services, lane: Lane) -> Snapshot:
    """Waits until the machine is fine; the job keeps its seal and its blank meanwhile."""
    while True:
        at.gate()  # even a look takes the machine from whoever may own it by now
        try:
            before = await lane.look()
        except DeviceError:
            await asyncio.sleep(LOOK_EVERY_S)
            continue
        if lane.needs is None and lane.stopped is None and not before.busy:
            return before
        at.progress(lane.name, "waiting", 0.0)
        async with lane.turns.step_aside():  # a person may clear the machine meanwhile
            await asyncio.sleep(LOOK_EVERY_S)


async def _send(
    job: Job, at: Services, lane: Lane, faces: Composed, before: Snapshot
) -> PrintResult:
    assert lane.printer is not None

    def progress(phase: str, done: float) -> None:
        lane.phase, lane.done = phase, done
        at.progress(lane.name, phase, done)

    order = print_job(job, faces)
    try:
        async with lane.line:
            at.gate()  # a driver may connect before it asks: that takes the machine from its owner
            return await lane.printer.print(order, before, at.gate, progress)
    except DeviceError as error:
        # The driver could not even ask; what it had sent is unknown.
        lane.connected = False
        log.warning("print.device_error", job=job.id, lane=lane.name, error=str(error))
        return PrintResult(
            Outcome.UNDETERMINED,
            None,
            "La impresora dejó de responder mientras imprimía.",
            "The printer stopped answering while it printed.",
            "unknown",
        )


def print_job(job: Job, faces: Composed) -> PrintJob:
    """What the driver wants, from what was composed."""
    assert job.document_number is not None
    if faces.pdf is not None:
        return PrintJob(job.document_number, pdf=faces.pdf, pages=faces.pages)
    sides = [Side(face.colour, face.black) for face in faces.rasters]
    return PrintJob(job.document_number, front=sides[0], back=sides[1] if len(sides) > 1 else None)


def _intend(conn: Connection, job: Job, at: Services, before: Snapshot) -> tuple[Job, int]:
    now = at.clock.now()
    number = job.document_number
    assert number is not None
    leases.must_hold(conn, job, now)
    job = jobs.advance(
        conn,
        job,
        JobState.PRINTING,
        now,
        data={"device": before.device, "document": number},
        attempts=job.attempts + 1,
    )
    return job, journal.intend(conn, job, number, "print", before, now)


def _decide(
    conn: Connection,
    job: Job,
    at: Services,
    lane: Lane,
    intention: int,
    before: Snapshot,
    result: PrintResult,
) -> Job:
    """Books what the evidence says: outcome, blank, rolls and state, in one transaction."""
    now = at.clock.now()
    assert job.document_number is not None
    leases.must_be_mine(conn, job)
    document = documents.get(conn, job.document_number)
    kind = at.profile.document(job.document_type)
    journal.decide(conn, intention, result, lane.name, now)
    if result.outcome is Outcome.PRINTED:
        stock.print_done(conn, at, job, document, kind, lane.name, before, result.after)
        documents.change(conn, document.number, state=DocumentState.PRINTED.value)
        return _out_of_the_printer(conn, job, at)
    if result.outcome is Outcome.NOT_PRINTED and result.blank_at == "hopper":
        if job.attempts >= MAX_ATTEMPTS:
            reason = Reason(
                "print_failed",
                f"No se pudo imprimir en {MAX_ATTEMPTS} intentos: {result.reason_es}",
                f"Could not be printed in {MAX_ATTEMPTS} attempts: {result.reason_en}",
            )
            return _park(conn, job, JobState.ATTENTION, reason, lane, at)
        data = {"outcome": "not_printed"}
        return jobs.advance(conn, job, JobState.SEALED, now, data=data, reasons=[])
    stock.print_unknown(
        conn, at, job, document, kind, lane.name, before, result.after, "undetermined"
    )
    reason = Reason(
        "print_undetermined",
        result.reason_es or "No se sabe si la tarjeta se imprimió; mire la máquina.",
        result.reason_en or "It is not known whether the card was printed; look at the machine.",
    )
    return _park(conn, job, JobState.UNDETERMINED, reason, lane, at)


def _park(
    conn: Connection, job: Job, state: JobState, reason: Reason, lane: Lane, at: Services
) -> Job:
    """For a person; the lane stops in the same transaction, as a crash must not let it go on: what
    follows a card in doubt might come out on the wrong blank."""
    now = at.clock.now()
    devices.set_pause(conn, lane.name, job.office, reason, stock.SERVICE, now)
    return jobs.park(conn, job, state, reason, now)


def _out_of_the_printer(conn: Connection, job: Job, at: Services) -> Job:
    kind = at.profile.document(job.document_type)
    if kind.laminated:
        return jobs.advance(conn, job, JobState.PRINTED, at.clock.now(), reasons=[])
    return to_inspect(conn, job, at)


def to_inspect(conn: Connection, job: Job, at: Services, by: str = stock.SERVICE) -> Job:
    """Hands a card to the counter: it rests without a lease until it is scanned."""
    return jobs.advance(
        conn,
        job,
        JobState.TO_INSPECT,
        at.clock.now(),
        data={"document": job.document_number, "by": by},
        reasons=[],
        lease_owner=None,
        lease_until=None,
    )


def _after(job: Job, at: Services, lane: Lane) -> None:
    """What the row says already, said to the lane's loop."""
    if job.state in (JobState.UNDETERMINED, JobState.ATTENTION):
        at.stop_lane(lane.name, job.reasons[0])


async def _settle_interrupted(job: Job, at: Services, lane: Lane) -> Job:
    """Asks the device what became of the print that a dead daemon journalled."""
    line = await at.store.read(journal.last, job.id, "print")
    assert line is not None
    if lane.printer is None or line.device != lane.name:
        raise Fenced(f"job {job.id} was printed on {line.device}")
    while True:
        at.gate()
        try:
            await lane.look()
            async with lane.line:
                result = await lane.printer.determine(line.document_number, line.before)
            break
        except DeviceError:
            await asyncio.sleep(LOOK_EVERY_S)
    log.info("print.determined", job=job.id, lane=lane.name, outcome=result.outcome.value)
    job = await at.store.run(_decide, job, at, lane, line.id, line.before, result)
    at.durable("determined")
    _after(job, at, lane)
    return job
