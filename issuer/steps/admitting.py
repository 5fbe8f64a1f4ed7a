"""Step 1. The request against profile, registry, payment, lists and dated rules."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from issuer.admission import Admitted, Refused
from issuer.admission import admit as decide
from issuer.applications import Application
from issuer.domain import DocumentState, Job, JobState, Reason, Status
from issuer.lists import ListsUnavailable
from issuer.outside import gather_facts
from issuer.payments import PaymentsUnavailable
from issuer.registry import PriorDocument, RegistryUnavailable
from issuer.services import Rest, Services
from issuer.store import documents, files, jobs
from issuer.store.schema import jobs as jobs_table
from issuer.store.schema import payments_used

log = structlog.get_logger(__name__)

_PRIOR_STATES = {DocumentState.SUSPENDED: "suspended"}


async def admit(job: Job, at: Services) -> Job:
    """Decides a RECEIVED job: ADMITTED (it rests in the queue) or REFUSED, with every reason.

    Raises Rest either way; a job that the counter ordered already passes through. An outside
    system that does not answer refuses nobody: the job stays RECEIVED and is asked again.
    """
    if job.state is not JobState.RECEIVED:
        return job
    case = await at.store.read(files.get, job.id)
    application = case.application
    person = application.person.person_id
    own, used_by = await at.store.read(_known, job, person, application.payment)
    try:
        facts = await gather_facts(
            application,
            at.outside,
            at.profile,
            own_prior=own,
            payment_used_by=used_by,
            portrait_problem=job.reasons[0] if job.reasons else None,
        )
    except (RegistryUnavailable, PaymentsUnavailable, ListsUnavailable) as error:
        log.warning("admission.waits", job=job.id, outside=type(error).__name__)
        await at.store.run(jobs.release_lease, job, at.clock.now())
        raise Rest(job) from error
    decision = decide(application, facts, at.profile, at.clock.today())
    job = await at.store.run(_store, job, application, decision, at)
    at.durable("admitted")
    raise Rest(job)


def _known(
    conn: Connection, job: Job, person_id: str, slip: str | None
) -> tuple[list[PriorDocument], str | None]:
    """What the house itself issued to the person, and which request used the payment slip."""
    own = [
        PriorDocument(
            document.number,
            document.type,
            (document.valid_from or document.created_at).date(),
            document.valid_until.date() if document.valid_until else None,
            _PRIOR_STATES.get(document.state, "valid"),
        )
        for document in documents.earlier(conn, person_id)
    ]
    if slip is None:
        return own, None
    used_by = conn.execute(
        select(jobs_table.c.request_id)
        .join(payments_used, payments_used.c.job_id == jobs_table.c.id)
        .where(payments_used.c.slip == slip, payments_used.c.job_id != job.id)
    ).scalar_one_or_none()
    return own, used_by


def _store(
    conn: Connection,
    job: Job,
    application: Application,
    decision: Admitted | Refused,
    at: Services,
) -> Job:
    now = at.clock.now()
    if isinstance(decision, Refused):
        return _refuse(conn, job, decision.reasons, at)
    if decision.payment is not None and not _use_payment(conn, job, decision.payment, at):
        return _refuse(conn, job, (PAYMENT_USED,), at)
    files.store_admission(conn, job.id, decision)
    _suspend(conn, decision.suspend_now, at)
    kind = at.profile.document(job.document_type)
    return jobs.advance(
        conn,
        job,
        JobState.ADMITTED,
        now,
        reasons=[],
        released=kind.produces == "file",  # a file waits for no machine and nobody's hands
        lease_owner=None,
        lease_until=None,
    )


PAYMENT_USED = Reason(
    "payment_used",
    "Este comprobante de pago ya se usó en otro trámite.",
    "This payment slip was already used for another request.",
)


def _refuse(conn: Connection, job: Job, reasons: Iterable[Reason], at: Services) -> Job:
    found = list(reasons)
    return jobs.advance(
        conn,
        job,
        JobState.REFUSED,
        at.clock.now(),
        data={"reasons": [reason.code for reason in found]},
        reasons=[reason.to_json() for reason in found],
        lease_owner=None,
        lease_until=None,
    )


def _use_payment(conn: Connection, job: Job, slip: str, at: Services) -> bool:
    """Marks a slip as used by this job; False if another took it a moment ago."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    conn.execute(
        dialect.insert(payments_used)
        .values(slip=slip, office=job.office, job_id=job.id, at=at.clock.now())
        .on_conflict_do_nothing()
    )
    owner = conn.execute(
        select(payments_used.c.job_id).where(payments_used.c.slip == slip)
    ).scalar_one()
    return bool(owner == job.id)


def _suspend(conn: Connection, numbers: Iterable[str], at: Services) -> None:
    """A card declared lost is suspended now, not when its successor is printed."""
    for number in numbers:
        document = documents.find(conn, number)
        if document is None:
            continue  # issued before this system: it carries no QR of ours to suspend
        documents.set_status(conn, document, Status.SUSPENDED, "declared_lost", at.clock.now())
        documents.change(conn, number, state=DocumentState.SUSPENDED.value)
