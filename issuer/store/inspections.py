"""Inspections as they were made, the failed ones too."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from issuer.domain import Job
from issuer.inspection import Finding
from issuer.store import outbox
from issuer.store.documents import Document
from issuer.store.schema import inspections

_INSERT = inspections.insert()


def add(
    conn: Connection,
    job: Job,
    document: Document,
    finding: Finding,
    scanned_serial: str | None,
    actor: str,
    now: datetime,
) -> None:
    """Stores one inspection with its event."""
    conn.execute(
        _INSERT,
        {
            "office": job.office,
            "job_id": job.id,
            "document_number": document.number,
            "at": now,
            "actor": actor,
            "verdict": finding.verdict,
            "expected_serial": document.blank_serial,
            "scanned_serial": scanned_serial,
            "passed": finding.passed,
            "reason": finding.reason.to_json() if finding.reason else None,
        },
    )
    outbox.emit(
        conn,
        job.office,
        "inspection.passed" if finding.passed else "inspection.failed",
        job.id,
        {"document": document.number, "verdict": finding.verdict},
        now,
    )


def misfed_serial(conn: Connection, job_id: str, document_number: str) -> str | None:
    """The serial that a person read off the card when it was not the expected one."""
    return conn.execute(
        select(inspections.c.scanned_serial)
        .where(
            inspections.c.job_id == job_id,
            inspections.c.document_number == document_number,
            inspections.c.scanned_serial != inspections.c.expected_serial,
        )
        .order_by(inspections.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
