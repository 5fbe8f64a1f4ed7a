"""Taking a reservation back before any ink: the seal is void, the blank goes back to its place."""

from __future__ import annotations

from sqlalchemy import Connection

from issuer.domain import BlankState, Job, JobState, Reason
from issuer.services import Services
from issuer.store import documents, jobs


def unseal(
    conn: Connection,
    job: Job,
    at: Services,
    reason: Reason,
    state: JobState = JobState.ATTENTION,
    by: str = "service",
) -> Job:
    """Voids the document of a job whose blank is untouched and still first in its hopper.

    The number is never used again and its status entry says void: a signature that left the
    house can never become a document.
    """
    now = at.clock.now()
    if job.document_number is not None:
        document = documents.get(conn, job.document_number)
        documents.void(conn, document, reason.code, now)
        if document.blank_material and document.blank_serial:
            documents.set_blank(
                conn,
                document.blank_material,
                document.blank_serial,
                BlankState.LOADED,
                now,
                document_number=None,
            )
    return jobs.advance(
        conn,
        job,
        state,
        now,
        data={"reason": reason.code, "by": by},
        reasons=[reason.to_json()],
        document_number=None,
        lane=None,
        lease_owner=None,
        lease_until=None,
    )
