"""Step 8. Issued good: the stock is settled and the document is the citizen's."""

from __future__ import annotations

from sqlalchemy import Connection

from issuer.domain import DocumentState, Job, JobState
from issuer.services import Services
from issuer.steps import stock
from issuer.store import documents, jobs


async def settle(job: Job, at: Services) -> Job:
    """From INSPECTED to SETTLED, without a lease: it rests until somebody collects it."""
    if job.state is not JobState.INSPECTED:
        return job
    job = await at.store.run(_settle, job, at)
    at.durable("settled")
    return job


def _settle(conn: Connection, job: Job, at: Services) -> Job:
    assert job.document_number is not None
    document = documents.get(conn, job.document_number)
    stock.issue_good(conn, at, job, document)
    # Valid is the absence of an entry in the status list (facts: QR), so nothing is written;
    # the list that holds the index was published before anything was sealed.
    documents.change(conn, document.number, state=DocumentState.ISSUED.value)
    return jobs.advance(
        conn,
        job,
        JobState.SETTLED,
        at.clock.now(),
        data={"document": document.number},
        lease_owner=None,
        lease_until=None,
    )
