"""Step 7. The counter scans the QR and the blank's preprinted serial; both must agree."""

from __future__ import annotations

from sqlalchemy import Connection

from issuer.domain import Job, JobState
from issuer.inspection import Finding, examine
from issuer.services import Rest, Services
from issuer.store import documents, inspections, jobs
from issuer.store.documents import Document


async def inspect(job: Job, at: Services) -> Job:
    """A card rests here until somebody scans it (:func:`issuer.acts.inspect`). A file, which has
    no blank and no counter, comes here SEALED and is verified as the public would, on the spot."""
    if job.state is JobState.TO_INSPECT:
        raise Rest(job)
    if job.state is not JobState.SEALED:
        return job
    assert job.document_number is not None
    document = await at.store.read(documents.get, job.document_number)
    assert document.qr_text is not None
    finding = examine(document, document.qr_text, None, at.trust.trust, at.clock.now())
    job = await at.store.run(_store, job, document, finding, at)
    at.durable("inspected")
    if job.state is not JobState.INSPECTED:
        raise Rest(job)
    return job


def _store(conn: Connection, job: Job, document: Document, finding: Finding, at: Services) -> Job:
    now = at.clock.now()
    inspections.add(conn, job, document, finding, None, "service", now)
    if finding.reason is not None:
        return jobs.park(conn, job, JobState.ATTENTION, finding.reason, now)
    return jobs.advance(conn, job, JobState.INSPECTED, now, data={"document": document.number})
