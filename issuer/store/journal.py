"""The journal of irreversible acts: the intention before, the decision after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, literal_column, select, update

from issuer.domain import Job
from issuer.store.schema import journal
from printers.ports import PrintResult, Snapshot


@dataclass(frozen=True, slots=True)
class Intention:
    """A stored intention; ``outcome`` is None until somebody or something decided."""

    id: int
    job_id: str
    document_number: str
    act: str
    device: str
    before: Snapshot
    outcome: str | None
    intended_at: datetime


_INTEND = journal.insert().returning(journal.c.id)
_LAST = (
    select(journal)
    .where(journal.c.job_id == bindparam("of_job"), journal.c.act == bindparam("of_act"))
    .order_by(journal.c.id.desc())
    .limit(literal_column("1"))
)
_DECIDE = (
    update(journal)
    .where(
        journal.c.id == bindparam("of_id"),
        journal.c.outcome.is_(None) | (journal.c.outcome == "undetermined"),
    )
    .values(
        {
            name: bindparam(f"new_{name}", type_=journal.c[name].type)
            for name in ("outcome", "after", "reason_es", "reason_en", "decided_at", "decided_by")
        }
    )
)


def intend(
    conn: Connection, job: Job, document_number: str, act: str, before: Snapshot, now: datetime
) -> int:
    """Stores what the device said before the act; returns the line's id."""
    assert job.lease is not None, "an irreversible act needs a lease"
    row = {
        "office": job.office,
        "job_id": job.id,
        "document_number": document_number,
        "act": act,
        "device": before.device,
        "lease_number": job.lease.number,
        "before": before.to_json(),
        "intended_at": now,
    }
    return int(conn.execute(_INTEND, row).scalar_one())


def last(conn: Connection, job_id: str, act: str) -> Intention | None:
    """The latest intention of a job."""
    row = conn.execute(_LAST, {"of_job": job_id, "of_act": act}).one_or_none()
    if row is None:
        return None
    return Intention(
        row.id,
        row.job_id,
        row.document_number,
        row.act,
        row.device,
        Snapshot.from_json(row.before),
        row.outcome,
        row.intended_at,
    )


def decide(
    conn: Connection, intention_id: int, result: PrintResult, by: str, now: datetime
) -> None:
    """Stores the outcome. A decided line is decided again only while it says undetermined."""
    values: dict[str, Any] = {
        "new_outcome": result.outcome.value,
        "new_after": result.after.to_json() if result.after else None,
        "new_reason_es": result.reason_es,
        "new_reason_en": result.reason_en,
        "new_decided_at": now,
        "new_decided_by": by,
    }
    changed = conn.execute(_DECIDE, values | {"of_id": intention_id})
    if changed.rowcount != 1:
        raise RuntimeError(f"journal line {intention_id} was already decided")
