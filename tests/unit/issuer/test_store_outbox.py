"""The one stream: numbered without gaps, in the transaction of the change, identifiers only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, text

from issuer.domain import Event
from issuer.store import outbox
from issuer.store.engine import Store

AT = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)


async def test_an_event_comes_back_as_it_was_emitted(store: Store) -> None:
    data = {"ticket": "0007", "attempt": 2, "held": False, "lane": None, "blanks": ["A1", "A2"]}
    event = await store.run(outbox.emit, "LPZ-01", "job.received", "job-1", data, AT)
    assert event == Event("LPZ-01", 1, 0, AT, "job.received", "job-1", data)
    assert await store.read(outbox.events_after, "LPZ-01", 0) == [event]


async def test_times_are_utc_wherever_they_came_from(store: Store) -> None:
    local = AT.astimezone(timezone(timedelta(hours=-4)))
    await store.run(outbox.emit, "LPZ-01", "k", "s", {}, local)
    (event,) = await store.read(outbox.events_after, "LPZ-01", 0)
    assert event.at == AT
    assert event.at.tzinfo is UTC


async def test_each_office_counts_for_itself(store: Store) -> None:
    for office in ("LPZ-01", "CBB-01", "LPZ-01"):
        await store.run(outbox.emit, office, "k", "s", {}, AT)
    found = await store.read(outbox.events_after, None, 0)
    assert [(e.office, e.seq) for e in found] == [("CBB-01", 1), ("LPZ-01", 1), ("LPZ-01", 2)]
    assert [e.seq for e in await store.read(outbox.events_after, "LPZ-01", 1)] == [2]
    assert len(await store.read(outbox.events_after, None, 0, 2)) == 2


async def test_a_change_that_is_undone_leaves_no_event_and_no_gap(store: Store) -> None:
    def fail(conn: Connection) -> None:
        outbox.emit(conn, "LPZ-01", "k", "s", {}, AT)
        raise RuntimeError("undone")

    calls = [
        store.run(fail) if n % 3 == 1 else store.run(outbox.emit, "LPZ-01", "k", str(n), {}, AT)
        for n in range(30)
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(item, RuntimeError) for item in outcomes) == 10
    found = await store.read(outbox.events_after, "LPZ-01", 0)
    assert [e.seq for e in found] == list(range(1, 21))


async def test_a_follower_never_misses_one(store_url: str) -> None:
    """Numbers become visible in order, though two stores write: what was skipped never comes."""
    stores = [Store.open(store_url), Store.open(store_url)]
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 60:
            last = seen[-1] if seen else 0
            seen.extend(e.seq for e in await stores[0].read(outbox.events_after, "LPZ-01", last))

    try:
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            group.create_task(follow())
            for n in range(60):
                group.create_task(stores[n % 2].run(outbox.emit, "LPZ-01", "k", str(n), {}, AT))
    finally:
        await asyncio.gather(*(item.close() for item in stores))
    assert seen == list(range(1, 61))


async def test_the_epoch_comes_from_the_database(store: Store) -> None:
    await store.run(lambda conn: conn.execute(text("INSERT INTO meta VALUES ('epoch', '3')")))
    event = await store.run(outbox.emit, "LPZ-01", "k", "s", {}, AT)
    assert event.epoch == 3


@pytest.mark.parametrize(
    "data",
    [{"name": "Juana Quispe"}, {"text": "x" * 129}, {"share": 0.5}, {"a": [{"b": "c d"}]}],
)
async def test_what_is_no_identifier_is_refused(store: Store, data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="identifier"):
        await store.run(outbox.emit, "LPZ-01", "job.received", "job-1", data, AT)
    assert await store.read(outbox.events_after, "LPZ-01", 0) == []
