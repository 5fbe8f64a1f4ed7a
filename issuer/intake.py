"""Intake: a request comes in, is stored with its prepared portrait, and is decided at once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from issuer.applications import Application
from issuer.composing import ComposeFailed
from issuer.domain import Job, Reason
from issuer.services import Services
from issuer.store import files, jobs


async def take_in(application: Application, portrait: bytes | None, at: Services) -> Job:
    """Stores a request as a RECEIVED job. The same request_id again gives the same job.

    A portrait that cannot serve is no error here: admission refuses with its reason, together
    with every other one, so that the citizen hears all of them at once.
    """
    known = await at.store.read(jobs.known_request, application.office, application.request_id)
    if known is not None:
        return known
    prepared, problem = None, None
    if portrait is not None:
        try:
            prepared = await at.composer.prepare(portrait)
        except ComposeFailed as error:
            problem = Reason(error.code, error.es, error.en)
    return await at.store.run(
        _insert,
        application,
        files.to_columns(application, prepared),
        problem,
        at,
    )


def _insert(
    conn: Connection,
    application: Application,
    columns: Mapping[str, Any],
    problem: Reason | None,
    at: Services,
) -> Job:
    jobs.lock_office(conn, application.office)  # intakes of one request wait for each other
    known = jobs.known_request(conn, application.office, application.request_id)
    if known is not None:  # a second intake of the same request was quicker
        return known
    values = {
        "id": uuid.uuid4().hex,
        "office": application.office,
        "request_id": application.request_id,
        "document_type": application.document_type,
        "kind": application.kind,
        "priority": application.priority,
        "reasons": [problem.to_json()] if problem else [],
    }
    return jobs.insert(conn, values=values, application=columns, now=at.clock.now())
