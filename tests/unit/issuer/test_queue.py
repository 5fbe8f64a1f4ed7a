"""The queue: order, leases, fencing, sweeping, and that two never get one row; on both engines."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from issuer.domain import RESUMABLE, Conflict, Fenced, Job, JobState, Lease, Reason
from issuer.store import jobs, outbox
from issuer.store.engine import Store
from issuer.store.schema import events
from issuer.store.schema import jobs as table

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
OFFICE = "CH-01"
LEASE_S = 15.0


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def add(
    conn: Connection,
    number: int,
    state: JobState = JobState.ADMITTED,
    *,
    age: float = 0.0,
    office: str = OFFICE,
    document_type: str = "LIC",
    **columns: Any,
) -> str:
    """A job in any state; ``age`` seconds older than AT."""
    values = {
        "id": f"job-{office}-{number}",
        "office": office,
        "request_id": f"R-{number}",
        "document_type": document_type,
        "kind": "new",
        "priority": 0,
        "reasons": [],
    }
    job = jobs.insert(conn, values=values, application={"data": {}}, now=at(-age))
    changes = {"state": state.value, "released": True, **columns}
    conn.execute(update(table).where(table.c.id == job.id).values(changes))
    return job.id


def claim(conn: Connection, owner: str = "one", now: datetime = AT, **other: Any) -> Job | None:
    asked = {"office": OFFICE, "lane": "lic-1", "types": ["LIC"], "lease_s": LEASE_S, **other}
    return jobs.claim(conn, owner=owner, now=now, **asked)


def resume(conn: Connection, owner: str = "two", now: datetime = AT, **other: Any) -> Job | None:
    asked = {"office": OFFICE, "lanes": ["lic-1"], "lease_s": LEASE_S, **other}
    return jobs.resumable(conn, owner=owner, now=now, **asked)


def leased(seconds: float, owner: str = "one", number: int = 3) -> dict[str, Any]:
    return {"lease_owner": owner, "lease_number": number, "lease_until": at(seconds)}


async def kinds_of(store: Store, job_id: str) -> list[str]:
    found = await store.read(outbox.events_after, None, 0)
    return [event.kind for event in found if event.subject == job_id]


async def test_priority_first_then_age(store: Store) -> None:
    await store.run(add, 1, age=10)
    await store.run(add, 2, age=30)
    await store.run(add, 3, age=20, priority=5)
    await store.run(add, 4, age=99, priority=4)
    found = [await store.run(claim) for _ in range(5)]
    assert [job.id if job else None for job in found] == [
        "job-CH-01-3", "job-CH-01-4", "job-CH-01-2", "job-CH-01-1", None,
    ]  # fmt: skip


async def test_a_claim_leases_the_row_and_tells_it(store: Store) -> None:
    await store.run(add, 1)
    job = await store.run(claim)
    assert job is not None
    assert (job.lane, job.lease) == ("lic-1", Lease("one", 1, at(LEASE_S)))
    assert await kinds_of(store, job.id) == ["job.received", "job.claimed"]


async def test_what_no_claim_takes(store: Store) -> None:
    others = [state for state in JobState if state is not JobState.ADMITTED]
    for number, state in enumerate(others):
        await store.run(add, number, state)
    await store.run(add, 91, released=False)  # not ordered by the counter
    await store.run(add, 92, lane="lic-2")
    await store.run(add, 93, document_type="CI")
    await store.run(add, 94, office="LP-01")
    await store.run(add, 95, **leased(5, "other"))
    assert await store.run(claim) is None
    await store.run(add, 96, lane="lic-1")  # the counter chose this one
    assert await store.run(claim) is not None


async def test_a_lease_that_ran_out_before_reserving_may_be_claimed_again(store: Store) -> None:
    await store.run(add, 1, **leased(-1))
    job = await store.run(claim, owner="two")
    assert job is not None
    assert job.lease == Lease("two", 4, at(LEASE_S))


async def test_a_stale_lease_number_changes_nothing(store: Store) -> None:
    await store.run(add, 1)
    first = await store.run(claim)
    assert first is not None
    second = await store.run(claim, owner="two", now=at(LEASE_S + 1))
    assert second is not None
    before = await kinds_of(store, first.id)
    reason = Reason("x", "x", "x")
    for stale in (
        first,
        replace(second, lease=Lease("one", 2, at(99))),
        replace(second, lease=Lease("two", 1, at(99))),
    ):
        with pytest.raises(Fenced):
            await store.run(jobs.advance, stale, JobState.RESERVED, at(20))
        with pytest.raises(Fenced):
            await store.run(jobs.park, stale, JobState.ATTENTION, reason, at(20))
        await store.run(jobs.release_lease, stale, at(20))
    assert await store.read(jobs.get, first.id) == second
    assert await kinds_of(store, first.id) == before
    moved = await store.run(jobs.advance, second, JobState.RESERVED, at(20))
    assert (moved.state, moved.lease) == (JobState.RESERVED, second.lease)


async def test_an_unleased_job_is_guarded_by_the_state_it_was_read_in(store: Store) -> None:
    job_id = await store.run(add, 1, JobState.SETTLED)
    read = await store.read(jobs.get, job_id)
    await store.run(jobs.advance, read, JobState.DELIVERED, AT)
    with pytest.raises(Fenced):
        await store.run(jobs.advance, read, JobState.SPOILED, AT)
    assert (await store.read(jobs.get, job_id)).state is JobState.DELIVERED


async def test_sweeping_makes_interrupted_prints_undetermined_and_nothing_else(
    store: Store,
) -> None:
    for number, state in enumerate(JobState):
        await store.run(add, number, state, **leased(-1))
    await store.run(add, 98, JobState.PRINTING, **leased(1))
    await store.run(add, 99, JobState.PRINTING)  # of nobody: no lease can run out
    before = {job.id: job for job in await store.read(all_jobs)}
    assert await store.run(jobs.sweep, AT) == 1
    changed = [job for job in await store.read(all_jobs) if job != before[job.id]]
    assert len(changed) == 1
    job = changed[0]
    assert before[job.id].state is JobState.PRINTING
    assert (job.state, job.lease) == (JobState.UNDETERMINED, None)
    assert job.reasons == (jobs.INTERRUPTED,)
    assert (await kinds_of(store, job.id))[-1] == "job.undetermined"
    assert await store.run(jobs.sweep, AT) == 0


async def test_sweeping_fences_whoever_wakes_up_late(store: Store) -> None:
    job_id = await store.run(add, 1, JobState.PRINTING, **leased(-1))
    late = await store.read(jobs.get, job_id)
    await store.run(jobs.sweep, AT)
    with pytest.raises(Fenced):
        await store.run(jobs.advance, late, JobState.PRINTED, AT)
    # Not even if the row were given to the same owner again.
    again = await store.run(jobs.take, job_id, "one", AT, LEASE_S)
    assert again.lease is not None
    assert again.lease.number > 3
    with pytest.raises(Fenced):
        await store.run(jobs.advance, late, JobState.PRINTED, AT)


async def test_claiming_sweeps(store: Store) -> None:
    job_id = await store.run(add, 1, JobState.PRINTING, **leased(-1))
    assert await store.run(claim, owner="two") is None
    assert (await store.read(jobs.get, job_id)).state is JobState.UNDETERMINED


def all_jobs(conn: Connection) -> list[Job]:
    return [jobs.to_job(row) for row in conn.execute(select(table).order_by(table.c.id))]


async def test_resumable_is_only_what_a_dead_daemon_left_under_way(store: Store) -> None:
    for number, state in enumerate(JobState):
        await store.run(add, number, state, lane="lic-1", **leased(-1))
    found = set()
    while (job := await store.run(resume)) is not None:
        assert job.lease == Lease("two", 4, at(LEASE_S))
        found.add(job.state)
    assert found == RESUMABLE


async def test_an_interrupted_print_is_resumed_to_ask_the_device_and_never_claimed(
    store: Store,
) -> None:
    asked = [jobs.INTERRUPTED.to_json()]
    settled = [Reason("print_undetermined", "x", "x").to_json()]
    interrupted = await store.run(add, 1, JobState.UNDETERMINED, lane="lic-1", reasons=asked)
    await store.run(add, 2, JobState.UNDETERMINED, lane="lic-1", reasons=settled)
    assert await store.run(claim) is None
    job = await store.run(resume)
    assert job is not None
    assert job.id == interrupted
    assert await store.run(resume) is None


async def test_what_is_not_resumed(store: Store) -> None:
    sealed = JobState.SEALED
    await store.run(add, 1, sealed, lane="lic-2")
    await store.run(add, 2, sealed)  # no lane
    await store.run(add, 3, sealed, lane="lic-1", **leased(1))  # of a living daemon
    await store.run(add, 4, sealed, lane="lic-1", office="LP-01")
    assert await store.run(resume) is None
    await store.run(add, 5, sealed, lane="lic-1")
    assert await store.run(resume) is not None


async def test_a_lease_that_ran_out_is_not_renewed(store: Store) -> None:
    alive = await store.run(add, 1, JobState.SEALED, **leased(1))
    dead = await store.run(add, 2, JobState.SEALED, **leased(-1))
    other = await store.run(add, 3, JobState.SEALED, **leased(1, "two"))
    await store.run(jobs.renew, "one", AT, LEASE_S)
    until = {job.id: job.lease.until for job in await store.read(all_jobs) if job.lease}
    assert until == {alive: at(LEASE_S), dead: at(-1), other: at(1)}


async def test_an_act_does_not_take_what_another_daemon_works_on(store: Store) -> None:
    job_id = await store.run(add, 1, JobState.SEALED, **leased(5))
    with pytest.raises(Conflict) as caught:
        await store.run(jobs.take, job_id, "two", AT, LEASE_S)
    assert caught.value.reason.code == "busy"
    assert (await store.run(jobs.take, job_id, "one", AT, LEASE_S)).lease is not None
    assert (await store.run(jobs.take, job_id, "two", at(60), LEASE_S)).lease is not None


async def test_admission_takes_the_oldest_received_one(store: Store) -> None:
    asked = {"office": OFFICE, "owner": "one", "now": AT, "lease_s": LEASE_S}
    young = await store.run(add, 1, JobState.RECEIVED, age=1)
    old = await store.run(add, 2, JobState.RECEIVED, age=9)
    await store.run(add, 3, JobState.ADMITTED, age=99)
    found = [await store.run(partial(jobs.claim_received, **asked)) for _ in range(3)]
    assert [job.id if job else None for job in found] == [old, young, None]


async def test_two_claimers_never_get_one_row(store: Store) -> None:
    """Four threads, each with a store of its own as another daemon would have."""
    count, start = 60, threading.Barrier(4)
    await store.run(lambda conn: [add(conn, number) for number in range(count)])

    def daemon(name: str) -> list[str]:
        async def work() -> list[str]:
            mine = Store.open(store.url)
            found = []
            start.wait(20)
            while (job := await mine.run(claim, owner=name)) is not None:
                found.append(job.id)
            await mine.close()
            return found

        return asyncio.run(work())

    taken = await asyncio.gather(*(asyncio.to_thread(daemon, f"d{n}") for n in range(4)))
    ids = [job_id for found in taken for job_id in found]
    assert len(ids) == len(set(ids)) == count
    owned = await store.read(
        lambda conn: conn.execute(select(func.count()).where(table.c.lease_number == 1)).scalar()
    )
    assert owned == count
    claimed = select(func.count()).where(events.c.kind == "job.claimed")
    assert await store.read(lambda conn: conn.execute(claimed).scalar()) == count


async def test_the_counter_sees_first_what_needs_a_person(store: Store) -> None:
    await store.run(add, 1, JobState.ADMITTED, age=50)
    await store.run(add, 2, JobState.PRINTING, age=40, priority=3)
    await store.run(add, 3, JobState.TO_INSPECT, age=30)
    await store.run(add, 4, JobState.UNDETERMINED, age=1)
    await store.run(add, 5, JobState.SPOILED, age=2, priority=1)
    await store.run(add, 6, JobState.ATTENTION, age=5)
    await store.run(add, 7, JobState.ATTENTION, age=99, office="LP-01")
    found = await store.read(jobs.listing, OFFICE)
    assert [int(job.id.rpartition("-")[2]) for job in found] == [5, 6, 4, 3, 2, 1]
    few = await store.read(partial(jobs.listing, states=[JobState.ATTENTION]), OFFICE)
    assert [job.state for job in few] == [JobState.ATTENTION]


async def test_tickets_count_up_in_each_office(store: Store) -> None:
    for number, office in [(1, OFFICE), (2, OFFICE), (3, "LP-01")]:
        await store.run(add, number, office=office)
    tickets = {job.id: job.ticket for job in await store.read(all_jobs)}
    assert tickets == {"job-CH-01-1": "0001", "job-CH-01-2": "0002", "job-LP-01-3": "0001"}
