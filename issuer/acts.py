"""What people do to a job: order the print, inspect, hand over, spoil, reprint, resolve, cancel.

An act takes the job's lease (fencing whoever had it in this daemon), writes in one transaction,
and leaves the job resting or ready to go on. Each raises Conflict, with words for the person,
when it does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete

from issuer.domain import (
    Conflict,
    DocumentState,
    Job,
    JobState,
    Reason,
    Status,
)
from issuer.inspection import Finding, examine
from issuer.services import Services
from issuer.steps import stock
from issuer.steps.printing import to_inspect
from issuer.steps.undoing import unseal
from issuer.store import devices, documents, files, inspections, jobs, journal
from issuer.store.documents import Document
from issuer.store.leases import FAILED
from issuer.store.schema import deliveries, payments_used
from printers.ports import Outcome, PrintResult


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the account's name and its office."""

    name: str
    office: str


async def order_print(job_id: str, at: Services, actor: Actor, lane: str | None = None) -> Job:
    """The counter orders the print of an admitted job; ``lane`` picks a printer."""

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, {JobState.ADMITTED})
        return jobs.advance(
            conn,
            job,
            JobState.ADMITTED,
            at.clock.now(),
            data={"released": True, "by": actor.name},
            released=True,
            lane=lane,
            lease_owner=None,
            lease_until=None,
        )

    return await at.store.run(act)


async def cancel(job_id: str, at: Services, actor: Actor, reason: str) -> Job:
    """Ends a job before any ink; what was reserved is given back and its seal is void."""

    def act(conn: Connection) -> Job:
        allowed = {JobState.RECEIVED, JobState.ADMITTED, JobState.ATTENTION, JobState.SPOILED}
        job = _take(conn, job_id, at, actor, allowed)
        words = Reason("cancelled", f"Anulado: {reason}", f"Cancelled: {reason}")
        if job.state is JobState.ATTENTION and job.document_number is not None:
            document = documents.get(conn, job.document_number)
            _untouched(document)
            _free_payment(conn, job)
            return unseal(conn, job, at, words, JobState.CANCELLED, actor.name)
        _free_payment(conn, job)
        return _rest(conn, job, JobState.CANCELLED, at, actor, words)

    return await at.store.run(act)


def _free_payment(conn: Connection, job: Job) -> None:
    """Nothing was handed over for it: the citizen may use the slip for another request."""
    conn.execute(delete(payments_used).where(payments_used.c.job_id == job.id))


@dataclass(frozen=True, slots=True)
class Inspected:
    """What the counter is told, and the job as it then stands."""

    job: Job
    finding: Finding


async def inspect(
    job_id: str, at: Services, actor: Actor, qr_text: str, serial: str | None
) -> Inspected:
    """The counter's scan of both the QR and the blank's preprinted serial.

    Passed: the job is INSPECTED and leased to this daemon, which settles it. Serials that
    disagree stop the lane: every card after a misfeed bears another's serial.
    """
    job = await at.store.read(jobs.get, job_id)
    number = _document_number(job)
    document = await at.store.read(documents.get, number)
    finding = examine(document, qr_text, serial, at.trust.trust, at.clock.now())

    def act(conn: Connection) -> Job:
        now = at.clock.now()
        held = _take(conn, job_id, at, actor, {JobState.TO_INSPECT})
        if held.document_number != number:
            raise _moved_on()
        inspections.add(conn, held, document, finding, serial, actor.name, now)
        if finding.passed:
            data = {"document": number, "by": actor.name}
            return jobs.advance(conn, held, JobState.INSPECTED, now, data=data, reasons=[])
        if finding.stops_lane and finding.reason is not None:
            if document.printer is not None:
                devices.set_pause(
                    conn, document.printer, held.office, finding.reason, actor.name, now
                )
            return jobs.park(conn, held, JobState.ATTENTION, finding.reason, now)
        # A smudged scan is no verdict on the card: it stays where it is, to be scanned again.
        return to_inspect(conn, held, at, actor.name)

    job = await at.store.run(act)
    if finding.passed:
        at.durable("inspected")
    if finding.stops_lane and finding.reason is not None and document.printer is not None:
        at.stop_lane(document.printer, finding.reason)
    return Inspected(job, finding)


async def deliver(
    job_id: str,
    at: Services,
    actor: Actor,
    *,
    receiver_kind: str = "holder",
    receiver: str | None = None,
    earlier: str = "none",
) -> Job:
    """Hands a settled document over. ``receiver_kind`` holder or collector (then named);
    ``earlier``: what became of the earlier card: surrendered, declared_lost, none. Every earlier
    document of the holder and type becomes *replaced* in the status list."""
    if receiver_kind not in ("holder", "collector") or (receiver_kind == "collector") != bool(
        receiver
    ):
        raise Conflict(
            Reason(
                "receiver",
                "Diga quién recibe: el titular, o un tercero con su nombre y número.",
                "Say who receives: the holder, or a collector with name and number.",
            )
        )

    def act(conn: Connection) -> Job:
        now = at.clock.now()
        job = _take(conn, job_id, at, actor, {JobState.SETTLED})
        number = _document_number(job)
        document = documents.get(conn, number)
        conn.execute(
            deliveries.insert(),
            {
                "job_id": job.id,
                "office": job.office,
                "document_number": number,
                "at": now,
                "actor": actor.name,
                "receiver_kind": receiver_kind,
                "receiver": receiver,
                "earlier": earlier,
            },
        )
        _replace_earlier(conn, document, at)
        documents.change(conn, number, state=DocumentState.DELIVERED.value)
        return _rest(conn, job, JobState.DELIVERED, at, actor)

    return await at.store.run(act)


def _replace_earlier(conn: Connection, document: Document, at: Services) -> None:
    if not at.profile.document(document.type).unique:
        return
    now = at.clock.now()
    for old in documents.earlier(conn, document.person_id, but=document.number):
        if old.type == document.type and old.created_at <= document.created_at:
            documents.set_status(conn, old, Status.REPLACED, "replaced", now)
            documents.change(conn, old.number, state=DocumentState.REPLACED.value)


SPOILABLE = frozenset({JobState.TO_INSPECT, JobState.UNDETERMINED, JobState.ATTENTION})


async def spoil(job_id: str, at: Services, actor: Actor, cause: str) -> Job:
    """A card that is no good: its blank waits for destruction, its seal is void; the job waits
    for a reprint to be ordered or for its cancelling. ``cause`` is a code ("smeared", …)."""

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, SPOILABLE)
        document = documents.get(conn, _document_number(job))
        _close_journal(conn, job, at, actor)
        stock.spoil(conn, at, job, document, cause, actor.name)
        _spoil_misfed(conn, job, document, at, actor)
        documents.void(conn, document, cause, at.clock.now())
        words = Reason("spoiled", f"Material inutilizado: {cause}", f"Blank spoiled: {cause}")
        return _rest(conn, job, JobState.SPOILED, at, actor, words, document_number=None, lane=None)

    return await at.store.run(act)


def _spoil_misfed(
    conn: Connection, job: Job, document: Document, at: Services, actor: Actor
) -> None:
    """After a misfeed two blanks are lost: the expected one, which slipped, and the one that took
    its ink, which the books still have in the hopper. Without it the hopper's order is right."""
    serial = inspections.misfed_serial(conn, job.id, document.number)
    if serial is None or document.blank_material is None or document.printer is None:
        return
    found = documents.blank_in_hopper(conn, document.printer, document.blank_material, serial)
    if found is not None:
        stock.spoil_in_hopper(conn, at, job, document.printer, found, "misfeed", actor.name)


async def reprint(job_id: str, at: Services, actor: Actor, reason: str) -> Job:
    """A new blank and a new signature for a spoiled job; ``reason`` is kept with the job."""
    if not reason.strip():
        raise Conflict(
            Reason("reason", "Escriba el motivo de la reimpresión.", "Give a reason to reprint.")
        )

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, {JobState.SPOILED})
        return _rest(
            conn,
            job,
            JobState.ADMITTED,
            at,
            actor,
            released=True,
            reprint_reason=reason.strip(),
            attempts=0,
        )

    return await at.store.run(act)


async def resolve(job_id: str, at: Services, actor: Actor, found: str) -> Job:
    """A person looked at the machine after an undetermined print.

    ``found``: "card" (printed, in hand: it goes on to lamination or inspection, which settles it
    by scanning), "in_hopper" (the blank lies untouched on top of the hopper: the job goes back
    to the queue), or "spoiled" (as :func:`spoil`).
    """
    if found == "spoiled":
        return await spoil(job_id, at, actor, "print_undetermined")
    if found not in ("card", "in_hopper"):
        raise Conflict(
            Reason(
                "found",
                "Diga qué encontró: la tarjeta, el material en la tolva, o inutilizado.",
                "Say what was found: the card, the blank in the hopper, or a spoiled one.",
            )
        )

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, {JobState.UNDETERMINED})
        document = documents.get(conn, _document_number(job))
        _close_journal(conn, job, at, actor)
        stock.under_inquiry(conn, at, job, document, actor.name)
        if found == "in_hopper":
            assert document.printer is not None
            stock.found_in_hopper(conn, at, job, document, document.printer, actor.name)
            documents.void(conn, document, "not_printed", at.clock.now())
            return _rest(
                conn,
                job,
                JobState.ADMITTED,
                at,
                actor,
                document_number=None,
                lane=None,
                attempts=0,
            )
        stock.found_printed(conn, at, job, document, actor.name)
        documents.change(conn, document.number, state=DocumentState.PRINTED.value)
        if at.profile.document(job.document_type).laminated:
            return _advance(conn, job, JobState.PRINTED, at, actor)
        return to_inspect(conn, job, at, actor.name)

    return await at.store.run(act)


async def resolve_lamination(job_id: str, at: Services, actor: Actor, passed: bool) -> Job:
    """A person says whether the pouch went through, or asks for another pass."""

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, {JobState.ATTENTION})
        if not job.reasons or job.reasons[0].code not in LAMINATION_REASONS:
            raise _does_not_fit(job)
        if passed:
            stock.pouch_done(conn, at, job, actor.name)
            return to_inspect(conn, job, at, actor.name)
        return _advance(conn, job, JobState.PRINTED, at, actor)

    return await at.store.run(act)


LAMINATION_REASONS = frozenset({"lamination_undetermined", "not_laminated", "no_laminator"})


async def retry(job_id: str, at: Services, actor: Actor) -> Job:
    """Goes on with a job that stopped before any ink (no HSM answered, the print failed), or
    anywhere by an error of the service itself."""

    def act(conn: Connection) -> Job:
        job = _take(conn, job_id, at, actor, {JobState.ATTENTION})
        if job.document_number is None:
            if files.get(conn, job.id).admitted is None:
                return _rest(conn, job, JobState.RECEIVED, at, actor)
            return _rest(conn, job, JobState.ADMITTED, at, actor, released=True, attempts=0)
        document = documents.get(conn, job.document_number)
        if document.state is DocumentState.PRINTED and job.reasons[0].code == FAILED.code:
            return _go_on_with_ink(conn, job, document, at, actor)
        _untouched(document)
        state = JobState.SEALED if document.qr_text else JobState.SEALING
        state = state if document.claims else JobState.RESERVED
        return _advance(conn, job, state, at, actor, attempts=0)

    return await at.store.run(act)


def _go_on_with_ink(
    conn: Connection, job: Job, document: Document, at: Services, actor: Actor
) -> Job:
    """A printed card goes on from what its journal says of the plastifier; else to be scanned."""
    line = journal.last(conn, job.id, "laminate")
    if line is not None and line.document_number != document.number:
        line = None
    done = line is not None and line.outcome == Outcome.PRINTED
    if done or not at.profile.document(job.document_type).laminated:
        return to_inspect(conn, job, at, actor.name)
    asked = line is not None and line.outcome is None
    state = JobState.LAMINATING if asked else JobState.PRINTED
    return _advance(conn, job, state, at, actor)


def _close_journal(conn: Connection, job: Job, at: Services, actor: Actor) -> None:
    """A person decides before the machine could be asked: the journal names who did."""
    line = journal.last(conn, job.id, "print")
    if line is not None and line.outcome is None:
        words = ("Decidió una persona.", "A person decided.")
        result = PrintResult(Outcome.UNDETERMINED, None, *words, "unknown")
        journal.decide(conn, line.id, result, actor.name, at.clock.now())


def _take(
    conn: Connection, job_id: str, at: Services, actor: Actor, allowed: Iterable[JobState]
) -> Job:
    """The job, leased to this daemon for one act. Raises Conflict if the act does not fit."""
    held = jobs.take(conn, job_id, at.owner, at.clock.now(), at.lease_s)
    if held.office != actor.office or held.state not in allowed:
        raise _does_not_fit(held)  # rolls the lease back
    return held


def _advance(
    conn: Connection, job: Job, state: JobState, at: Services, actor: Actor, **columns: object
) -> Job:
    """Moves a job on for a person; it keeps the lease, so that the daemon goes on with it."""
    now = at.clock.now()
    return jobs.advance(conn, job, state, now, data={"by": actor.name}, reasons=[], **columns)


def _rest(
    conn: Connection,
    job: Job,
    state: JobState,
    at: Services,
    actor: Actor,
    reason: Reason | None = None,
    **columns: object,
) -> Job:
    return jobs.advance(
        conn,
        job,
        state,
        at.clock.now(),
        data={"by": actor.name},
        reasons=[reason.to_json()] if reason else [],
        lease_owner=None,
        lease_until=None,
        **columns,
    )


def _document_number(job: Job) -> str:
    if job.document_number is None:
        raise _does_not_fit(job)
    return job.document_number


def _untouched(document: Document) -> None:
    """Only a blank that no ink can have reached may be used again."""
    if document.state not in (DocumentState.RESERVED, DocumentState.SEALED):
        raise Conflict(
            Reason(
                "has_ink",
                "La tarjeta ya se imprimió: inspecciónela o declárela inutilizada.",
                "The card was printed already: inspect it or declare it spoiled.",
            )
        )


def _does_not_fit(job: Job) -> Conflict:
    return Conflict(
        Reason(
            "state",
            f"El trámite {job.ticket} está en «{job.state.value}»: ese paso no corresponde ahora.",
            f"Job {job.ticket} is at “{job.state.value}”: that step does not fit now.",
        )
    )


def _moved_on() -> Conflict:
    return Conflict(
        Reason(
            "moved_on",
            "El trámite cambió mientras escaneaba; vuelva a mirarlo.",
            "The job changed while you scanned; look at it again.",
        )
    )
