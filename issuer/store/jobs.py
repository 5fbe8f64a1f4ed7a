"""The queue, in SQL: the lease lives on the job row, and sweeping is part of claiming.

Every change of a job is fenced by its lease number and leaves an event in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Row

from issuer.domain import (
    FINAL,
    RESUMABLE,
    Conflict,
    Fenced,
    Job,
    JobState,
    Lease,
    Reason,
)
from issuer.store import outbox
from issuer.store.schema import UNDER_WAY, Utc, applications, jobs, office_sequences


def to_job(row: Row[Any]) -> Job:
    """A row of ``jobs`` as a value."""
    lease = None
    if row.lease_owner is not None:
        lease = Lease(row.lease_owner, row.lease_number, row.lease_until)
    return Job(
        id=row.id,
        office=row.office,
        ticket=row.ticket,
        document_type=row.document_type,
        kind=row.kind,
        state=JobState(row.state),
        priority=row.priority,
        released=row.released,
        lane=row.lane,
        document_number=row.document_number,
        lease=lease,
        attempts=row.attempts,
        created_at=row.created_at,
        updated_at=row.updated_at,
        reasons=tuple(Reason(**reason) for reason in row.reasons),
        reprint_reason=row.reprint_reason,
    )


_GET = select(jobs).where(jobs.c.id == bindparam("of_id"))


_UNINSPECTED = (
    select(func.count())
    .select_from(jobs)
    .where(
        jobs.c.lane == bindparam("of_lane"),
        literal_column(UNDER_WAY),
        literal_column("state IN ('printed', 'laminating', 'to_inspect')"),
    )
)


def uninspected(conn: Connection, lane: str) -> int:
    """Cards that came out of a lane's machine and that nobody has inspected yet."""
    return int(conn.execute(_UNINSPECTED, {"of_lane": lane}).scalar_one())


def get(conn: Connection, job_id: str) -> Job:
    """One job. Raises Conflict if there is none."""
    row = conn.execute(_GET, {"of_id": job_id}).one_or_none()
    if row is None:
        raise Conflict(Reason("no_such_job", "No existe ese trámite.", "There is no such job."))
    return to_job(row)


def insert(
    conn: Connection, *, values: Mapping[str, Any], application: Mapping[str, Any], now: datetime
) -> Job:
    """A new job in state ``received`` with its application; emits ``job.received``."""
    ticket = next_ticket(conn, values["office"])
    row = {
        **values,
        "ticket": ticket,
        "state": JobState.RECEIVED.value,
        "released": False,
        "created_at": now,
        "updated_at": now,
    }
    conn.execute(jobs.insert(), row)
    conn.execute(
        applications.insert(),
        {"job_id": values["id"], "office": values["office"], **application},
    )
    outbox.emit(
        conn,
        values["office"],
        "job.received",
        values["id"],
        {"ticket": ticket, "type": values["document_type"]},
        now,
    )
    return get(conn, values["id"])


_LOCK_OFFICE = (
    select(office_sequences.c.office)
    .where(office_sequences.c.office == bindparam("of"))
    .with_for_update()
)


def lock_office(conn: Connection, office: str) -> None:
    """Holds the office's counters until the transaction ends: one intake after the other."""
    outbox.ensure_office(conn, office)
    conn.execute(_LOCK_OFFICE, {"of": office})


def next_ticket(conn: Connection, office: str) -> str:
    """The number that the citizen hears called: four digits, per office."""
    outbox.ensure_office(conn, office)
    number = conn.execute(
        update(office_sequences)
        .where(office_sequences.c.office == office)
        .values(next_ticket=office_sequences.c.next_ticket + 1)
        .returning(office_sequences.c.next_ticket - 1)
    ).scalar_one()
    return f"{number:04d}"


def known_request(conn: Connection, office: str, request_id: str) -> Job | None:
    """The job of an earlier intake of the same request: intake is idempotent by request id."""
    row = conn.execute(
        select(jobs).where(jobs.c.office == office, jobs.c.request_id == request_id)
    ).one_or_none()
    return None if row is None else to_job(row)


@lru_cache(maxsize=128)
def _advance(columns: tuple[str, ...], leased: bool) -> Update:
    """The statement for a set of columns, built once: building costs more than running it."""
    guard = (
        and_(jobs.c.lease_owner == bindparam("of_owner"), jobs.c.lease_number == bindparam("of_n"))
        if leased
        else and_(jobs.c.lease_owner.is_(None), jobs.c.state == bindparam("of_state"))
    )
    return (
        update(jobs)
        .where(jobs.c.id == bindparam("of_id"), guard)
        .values(
            {column: bindparam(f"new_{column}", type_=jobs.c[column].type) for column in columns}
        )
        .returning(jobs)
    )


def advance(
    conn: Connection,
    job: Job,
    state: JobState,
    now: datetime,
    *,
    data: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Job:
    """Moves a job on, fenced by its lease, with its event. Raises Fenced if the lease is gone.

    A job without a lease (a person's act) is guarded by the state it was read in instead.
    """
    columns |= {"state": state.value, "updated_at": now}
    values = {f"new_{name}": value for name, value in columns.items()} | {"of_id": job.id}
    if job.lease:
        values |= {"of_owner": job.lease.owner, "of_n": job.lease.number}
    else:
        values |= {"of_state": job.state.value}
    statement = _advance(tuple(sorted(columns)), job.lease is not None)
    row = conn.execute(statement, values).one_or_none()
    if row is None:
        raise Fenced(f"job {job.id}: the lease {job.lease} is gone; another daemon has it")
    outbox.emit(conn, job.office, f"job.{state.value}", job.id, data or {}, now)
    return to_job(row)


def park(conn: Connection, job: Job, state: JobState, reason: Reason, now: datetime) -> Job:
    """Gives a job to a person: state, the reason, and no lease, so that nothing touches it."""
    return advance(
        conn,
        job,
        state,
        now,
        data={"reason": reason.code},
        reasons=[reason.to_json()],
        lease_owner=None,
        lease_until=None,
    )


_UNDER_WAY: ColumnElement[bool] = literal_column(UNDER_WAY)
_FREE = or_(jobs.c.lease_owner.is_(None), jobs.c.lease_until < bindparam("now", type_=Utc()))
_LEASED = {
    "lease_owner": bindparam("by"),
    "lease_number": jobs.c.lease_number + 1,
    "lease_until": bindparam("until", type_=Utc()),
}
# state and released are literals: a bound parameter misses the partial index (facts on offices).
_CLAIM = (
    update(jobs)
    .where(
        jobs.c.id
        == select(jobs.c.id)
        .where(
            jobs.c.office == bindparam("of_office"),
            jobs.c.document_type.in_(bindparam("of_types", expanding=True)),
            literal_column("state = 'admitted' AND released"),
            _FREE,
            or_(jobs.c.lane.is_(None), jobs.c.lane == bindparam("of_lane")),
        )
        .order_by(jobs.c.priority.desc(), jobs.c.created_at)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(**_LEASED, lane=bindparam("of_lane"), updated_at=bindparam("now", type_=Utc()))
    .returning(jobs)
)


def claim(
    conn: Connection,
    *,
    office: str,
    lane: str,
    types: Sequence[str],
    owner: str,
    now: datetime,
    lease_s: float,
) -> Job | None:
    """The next released job for a lane, leased to ``owner``; None if the queue is empty.

    Order: priority, then age. Raises nothing; two daemons never get the same row.
    """
    sweep(conn, now)
    row = conn.execute(
        _CLAIM,
        {
            "of_office": office,
            "of_types": list(types),
            "now": now,
            "of_lane": lane,
            "by": owner,
            "until": now + timedelta(seconds=lease_s),
        },
    ).one_or_none()
    if row is None:
        return None
    outbox.emit(conn, office, "job.claimed", row.id, {"lane": lane}, now)
    return to_job(row)


_CLAIM_RECEIVED = (
    update(jobs)
    .where(
        jobs.c.id
        == select(jobs.c.id)
        .where(
            jobs.c.office == bindparam("of_office"),
            jobs.c.state == JobState.RECEIVED.value,
            _FREE,
        )
        .order_by(jobs.c.created_at)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(**_LEASED)
    .returning(jobs)
)


def claim_received(
    conn: Connection, *, office: str, owner: str, now: datetime, lease_s: float
) -> Job | None:
    """The oldest job that still waits for admission (a crash between intake and admission)."""
    until = now + timedelta(seconds=lease_s)
    values = {"of_office": office, "now": now, "by": owner, "until": until}
    row = conn.execute(_CLAIM_RECEIVED, values).one_or_none()
    return None if row is None else to_job(row)


INTERRUPTED = Reason(
    "print_interrupted",
    "El servicio se interrumpió mientras imprimía: se consulta a la impresora.",
    "The service was interrupted while printing: the printer is being asked.",
)


_SWEEP = (
    update(jobs)
    .where(
        jobs.c.lease_owner.is_not(None),
        jobs.c.lease_until < bindparam("now", type_=Utc()),
        literal_column("state = 'printing'"),
    )
    .values(
        state=JobState.UNDETERMINED.value,
        lease_owner=None,
        lease_until=None,
        lease_number=jobs.c.lease_number + 1,  # fences the one who may wake up late
        updated_at=bindparam("now", type_=Utc()),
        reasons=[INTERRUPTED.to_json()],
    )
    .returning(jobs.c.id, jobs.c.office)
)


def sweep(conn: Connection, now: datetime) -> int:
    """A lease that ran out after Print's intention: UNDETERMINED, and never another claim."""
    rows = conn.execute(_SWEEP, {"now": now}).all()
    for row in rows:
        outbox.emit(conn, row.office, "job.undetermined", row.id, {"reason": INTERRUPTED.code}, now)
    return len(rows)


_RESUMABLE = (
    update(jobs)
    .where(
        jobs.c.id
        == select(jobs.c.id)
        .where(
            jobs.c.office == bindparam("of_office"),
            jobs.c.lane.in_(bindparam("of_lanes", expanding=True)),
            _UNDER_WAY,
            _FREE,
            or_(
                jobs.c.state.in_([state.value for state in RESUMABLE]),
                and_(
                    jobs.c.state == JobState.UNDETERMINED.value,
                    jobs.c.reasons[0]["code"].as_string() == INTERRUPTED.code,
                ),
            ),
        )
        .order_by(jobs.c.updated_at)
        .limit(literal_column("1"))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(**_LEASED)
    .returning(jobs)
)


def resumable(
    conn: Connection,
    *,
    office: str,
    lanes: Iterable[str],
    owner: str,
    now: datetime,
    lease_s: float,
) -> Job | None:
    """The next job of these lanes that a dead daemon left under way, leased to ``owner``.

    UNDETERMINED ones are among them once (reason ``print_interrupted``): the owner of the
    device asks it for evidence; what stays undetermined then waits for a person.
    """
    row = conn.execute(
        _RESUMABLE,
        {
            "of_office": office,
            "of_lanes": list(lanes),
            "now": now,
            "by": owner,
            "until": now + timedelta(seconds=lease_s),
        },
    ).one_or_none()
    return None if row is None else to_job(row)


_TAKE = (
    update(jobs)
    .where(jobs.c.id == bindparam("of_id"), or_(_FREE, jobs.c.lease_owner == bindparam("by")))
    .values(**_LEASED)
    .returning(jobs)
)


def take(conn: Connection, job_id: str, owner: str, now: datetime, lease_s: float) -> Job:
    """Leases one job that nobody holds, for a person's act that the daemon carries out.

    Raises Conflict if another daemon works on it.
    """
    until = now + timedelta(seconds=lease_s)
    row = conn.execute(
        _TAKE, {"of_id": job_id, "now": now, "by": owner, "until": until}
    ).one_or_none()
    if row is None:
        get(conn, job_id)  # tells a job that is not there from one that is taken
        raise Conflict(
            Reason(
                "busy",
                "Otro servicio está trabajando con este trámite; espere un momento.",
                "Another service is working on this job; wait a moment.",
            )
        )
    return to_job(row)


def release_lease(conn: Connection, job: Job, now: datetime) -> None:
    """Gives the lease back without moving the job."""
    if job.lease is None:
        return
    conn.execute(
        update(jobs)
        .where(
            jobs.c.id == job.id,
            jobs.c.lease_owner == job.lease.owner,
            jobs.c.lease_number == job.lease.number,
        )
        .values(lease_owner=None, lease_until=None)
    )


def renew(conn: Connection, owner: str, now: datetime, lease_s: float) -> None:
    """Heartbeat: prolongs every lease of ``owner`` that has not run out yet.

    One that ran out stays so: whoever slept that long must not come back by its own word.
    """
    conn.execute(
        update(jobs)
        .where(jobs.c.lease_owner == owner, jobs.c.lease_until >= now)
        .values(lease_until=now + timedelta(seconds=lease_s))
    )


_OPEN = [state.value for state in JobState if state not in FINAL]
_COUNTS = (
    select(jobs.c.state, func.count())
    .where(jobs.c.office == bindparam("of_office"), jobs.c.state.in_(_OPEN))
    .group_by(jobs.c.state)
)


def counts(conn: Connection, office: str) -> dict[JobState, int]:
    """How many jobs of an office are in each state that is not over."""
    rows = conn.execute(_COUNTS, {"of_office": office})
    return {JobState(state): int(count) for state, count in rows}


def listing(
    conn: Connection, office: str, *, states: Sequence[JobState] | None = None, limit: int = 500
) -> list[Job]:
    """The queue as the counter sees it: what needs a person first, then by priority and age."""
    needs = case(
        (jobs.c.state.in_(["undetermined", "attention", "spoiled"]), 0),
        (jobs.c.state == "to_inspect", 1),
        else_=2,
    )
    query = select(jobs).where(jobs.c.office == office)
    if states is not None:
        query = query.where(jobs.c.state.in_([state.value for state in states]))
    query = query.order_by(needs, jobs.c.priority.desc(), jobs.c.created_at).limit(limit)
    return [to_job(row) for row in conn.execute(query)]
