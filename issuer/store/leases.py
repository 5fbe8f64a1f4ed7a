"""Leases that end before their time: given up by a daemon that works on the job no more.

A heartbeat renews every lease of its daemon. Without this, a job whose coroutine failed or was
fenced would stay leased as long as the daemon lives, and nobody would ever be told.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from issuer.domain import Fenced, Job, JobState, Reason
from issuer.store import jobs
from issuer.store.schema import jobs as jobs_table

FAILED = Reason(
    "internal_error",
    "Falló un paso del servicio: avise a operaciones y reintente. Nada se repite por sí solo.",
    "A step of the service failed: tell operations and retry. Nothing is repeated by itself.",
)
UNASKED = Reason(
    "print_undetermined",
    "No se pudo preguntar a la impresora: mire la máquina y la bandeja.",
    "The printer could not be asked: look at the machine and its tray.",
)


def must_hold(conn: Connection, job: Job, now: datetime) -> None:
    """Before an intention. Raises Fenced if the lease has run out, though nobody took the job yet:
    whoever sweeps would call the act interrupted while it is under way."""
    must_be_mine(conn, job)
    until = conn.execute(select(jobs_table.c.lease_until).where(jobs_table.c.id == job.id)).scalar()
    if until is None or until < now:
        raise Fenced(f"job {job.id}: its lease ran out before the intention")


def must_be_mine(conn: Connection, job: Job) -> None:
    """Before booking an outcome, whose first line is the journal's. Raises Fenced if the job was
    taken, swept or decided meanwhile; a lease that ran out unnoticed will do."""
    current = jobs.get(conn, job.id)
    if _token(current) is None or _token(current) != _token(job):
        raise Fenced(f"job {job.id}: the lease {job.lease} is gone; somebody else decides")


def give_up(conn: Connection, job: Job, now: datetime) -> None:
    """The lease runs out now, if it is still the one that ``job`` has: the row is then swept,
    resumed or claimed as a dead daemon's."""
    if job.lease is None:
        return
    conn.execute(
        update(jobs_table)
        .where(
            jobs_table.c.id == job.id,
            jobs_table.c.lease_owner == job.lease.owner,
            jobs_table.c.lease_number == job.lease.number,
        )
        .values(lease_until=now - timedelta(seconds=1))
    )


def fail(conn: Connection, job: Job, now: datetime) -> None:
    """After an error that no step expects: a person is told. A print under way is left to the
    machine's evidence; when that itself failed, to a person."""
    current = jobs.get(conn, job.id)
    if _token(current) is None or _token(current) != _token(job):
        return
    if current.state is JobState.PRINTING:
        give_up(conn, job, now)
    elif current.state is JobState.UNDETERMINED:
        jobs.park(conn, current, JobState.UNDETERMINED, UNASKED, now)
    else:
        jobs.park(conn, current, JobState.ATTENTION, FAILED, now)


def _token(job: Job) -> tuple[str, int] | None:
    return None if job.lease is None else (job.lease.owner, job.lease.number)
