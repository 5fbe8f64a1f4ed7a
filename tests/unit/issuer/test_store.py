"""The store's promises on both engines: one transaction per function, durable when answered."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from issuer.store import sqlite as sqlite_backend
from issuer.store.engine import CommitFailed, Store, StoreBusy, StoreClosed, StoreError

INSERT = text("INSERT INTO meta (key, value) VALUES (:key, :value)")
only_sqlite = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("engine_name", ["postgresql"], indirect=True)


def put(conn: Connection, key: str, value: str = "v") -> str:
    conn.execute(INSERT, {"key": key, "value": value})
    return key


def put_and_fail(conn: Connection, key: str) -> None:
    put(conn, key)
    raise KeyError(key)


def keys(conn: Connection) -> set[str]:
    return set(conn.execute(text("SELECT key FROM meta")).scalars())


async def test_a_result_comes_back_after_the_commit(store: Store) -> None:
    assert await store.run(put, "a", value="b") == "a"
    assert await store.read(keys) == {"a"}


async def test_a_function_that_raises_undoes_itself_alone(store: Store) -> None:
    calls = [store.run(put_and_fail if n % 3 == 0 else put, f"k{n}") for n in range(60)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    failed = {f"k{n}" for n, item in enumerate(outcomes) if isinstance(item, KeyError)}
    assert failed == {f"k{n}" for n in range(0, 60, 3)}
    assert await store.read(keys) == {f"k{n}" for n in range(60)} - failed


async def test_an_error_of_the_database_undoes_that_function_alone(store: Store) -> None:
    def twice(conn: Connection) -> None:
        put(conn, "before")
        put(conn, "same")

    await store.run(put, "same")
    outcomes = await asyncio.gather(
        store.run(put, "x"), store.run(twice), store.run(put, "y"), return_exceptions=True
    )
    assert isinstance(outcomes[1], IntegrityError)
    assert await store.read(keys) == {"same", "x", "y"}


async def test_a_nested_transaction_inside_a_function(store: Store) -> None:
    def nested(conn: Connection) -> None:
        put(conn, "outer")
        with pytest.raises(KeyError), conn.begin_nested():
            put_and_fail(conn, "inner")
        put(conn, "after")

    def left_open(conn: Connection) -> None:
        conn.begin_nested()
        put(conn, "swallowed")

    await store.run(nested)
    with pytest.raises(StoreError, match="nested transaction open"):
        await store.run(left_open)
    await store.run(put, "last")
    assert await store.read(keys) == {"outer", "after", "last"}


@pytest.mark.parametrize("end", ["commit", "rollback"])
async def test_a_function_must_not_end_its_transaction(store: Store, end: str) -> None:
    def ends(conn: Connection) -> None:
        put(conn, "half")
        getattr(conn, end)()

    for n in range(3):  # the store goes on after it, and its neighbours lose nothing
        outcomes = await asyncio.gather(
            store.run(put, f"a{n}"),
            store.run(ends),
            store.run(put, f"b{n}"),
            return_exceptions=True,
        )
        assert (outcomes[0], outcomes[2]) == (f"a{n}", f"b{n}")
        assert isinstance(outcomes[1], StoreError)
        assert "must not commit" in str(outcomes[1])
    assert await store.read(keys) == {f"{name}{n}" for name in "ab" for n in range(3)}


async def test_thirty_two_tasks_in_two_stores(store_url: str) -> None:
    """Every increment counts, whichever process's connection it went through."""
    stores = [Store.open(store_url), Store.open(store_url)]
    add = text("UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'n'")

    async def task(n: int) -> None:
        for _ in range(5):
            await stores[n % 2].run(lambda conn: conn.execute(add).close())

    try:
        await stores[0].run(put, "n", "0")
        await asyncio.gather(*(task(n) for n in range(32)))
        total = await stores[1].read(lambda c: c.execute(text("SELECT value FROM meta")).scalar())
    finally:
        await asyncio.gather(*(item.close() for item in stores))
    assert total == "160"


async def test_readers_cannot_write_and_do_not_wait(store: Store) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(conn: Connection) -> None:
        put(conn, "slow")
        started.set()
        assert go_on.wait(10)

    writing = asyncio.create_task(store.run(slow))
    assert await asyncio.to_thread(started.wait, 10)
    assert await store.read(keys) == set()  # a snapshot beside the open transaction
    with pytest.raises(DBAPIError):
        await store.read(put, "forbidden")
    go_on.set()
    await writing
    assert await store.read(keys) == {"slow"}


async def test_a_read_is_one_snapshot(store: Store) -> None:
    looked, written = threading.Event(), threading.Event()

    def twice(conn: Connection) -> tuple[set[str], set[str]]:
        first = keys(conn)
        looked.set()
        assert written.wait(10)
        return first, keys(conn)

    reading = asyncio.create_task(store.read(twice))
    assert await asyncio.to_thread(looked.wait, 10)
    await store.run(put, "new")
    written.set()
    assert await reading == (set(), set())


async def test_the_event_loop_goes_on_while_a_function_works(store: Store) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await store.run(lambda _conn: time.sleep(0.3))
    ticking.cancel()
    assert ticks > 10


async def test_a_caller_cancelled_before_its_turn_does_nothing(store: Store) -> None:
    go_on = threading.Event()
    blocking = [asyncio.create_task(store.run(lambda _conn: go_on.wait(10))) for _ in range(8)]
    await asyncio.sleep(0.05)  # on PostgreSQL all threads are taken
    waiting = asyncio.create_task(store.run(put, "cancelled"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.05)  # the cancellation reaches the thread pool by way of the loop
    go_on.set()
    await asyncio.gather(*blocking)
    await store.run(put, "next")
    assert await store.read(keys) == {"next"}


async def test_closing_finishes_what_waits_and_refuses_the_rest(store: Store) -> None:
    waiting = [asyncio.create_task(store.run(put, f"k{n}")) for n in range(20)]
    await asyncio.sleep(0)
    await store.close()
    assert len(await asyncio.gather(*waiting)) == 20
    for call in (store.run, store.read):
        with pytest.raises(StoreClosed, match="open it again"):
            await call(keys)
    await store.close()  # twice does no harm


@only_sqlite
async def test_those_who_wait_are_committed_together(store: Store, tmp_path: Path) -> None:
    go_on = threading.Event()
    other = sqlite3.connect(tmp_path / "store.db", check_same_thread=False)

    def first(conn: Connection) -> None:
        put(conn, "k0")
        assert go_on.wait(10)

    def visible(_conn: Connection) -> int:
        return int(other.execute("SELECT count(*) FROM meta").fetchone()[0])

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(store.run(first))]
    await asyncio.sleep(0.05)
    tasks += [asyncio.create_task(store.run(put, f"k{n}")) for n in range(1, 6)]
    tasks.append(asyncio.create_task(store.run(put_and_fail, "k6")))
    last = asyncio.create_task(store.run(visible))
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in tasks)
    go_on.set()
    assert await last == 0  # nothing of the group was committed when its last function ran
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await store.read(keys) == {f"k{n}" for n in range(6)}
    other.close()


@only_sqlite
async def test_a_failed_commit_is_told_to_the_whole_group(store: Store) -> None:
    go_on = threading.Event()

    def breaks_the_commit(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        conn.exec_driver_sql(
            "INSERT INTO payments_used VALUES ('s', 'LPZ-01', 'no such job', '2026-11-20')"
        )

    blocking = asyncio.create_task(store.run(lambda _conn: go_on.wait(10)))
    await asyncio.sleep(0.05)
    group = [
        asyncio.create_task(store.run(put, "innocent")),
        asyncio.create_task(store.run(put_and_fail, "own error")),
        asyncio.create_task(store.run(breaks_the_commit)),
    ]
    await asyncio.sleep(0.05)
    go_on.set()
    outcomes = await asyncio.gather(blocking, *group, return_exceptions=True)
    kinds = [type(item) for item in outcomes]
    assert kinds == [CommitFailed, CommitFailed, KeyError, CommitFailed]
    await store.run(put, "next")  # the store goes on
    assert await store.read(keys) == {"next"}


@only_sqlite
async def test_a_full_disk_loses_nothing_that_was_answered(store: Store) -> None:
    def full(conn: Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}")

    def roomy(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA max_page_count = 1000000")

    await store.run(full)
    sizes = [10, 200_000, 10, 10, 200_000, 10]
    outcomes = await asyncio.gather(
        *(store.run(put, f"k{n}", "x" * size) for n, size in enumerate(sizes)),
        return_exceptions=True,
    )
    answered = {item for item in outcomes if isinstance(item, str)}
    assert any(isinstance(item, Exception) for item in outcomes)
    assert await store.read(keys) == answered
    await store.run(roomy)
    await store.run(put, "again")


@only_sqlite
async def test_a_neighbour_that_holds_the_file_too_long(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_backend, "BUSY_S", 0.2)
    store = Store.open(store_url)
    neighbour = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    neighbour.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="nothing was stored"):
        await store.run(put, "a")
    neighbour.execute("COMMIT")
    neighbour.close()
    await store.run(put, "b")
    assert await store.read(keys) == {"b"}
    await store.close()


@only_sqlite
async def test_durable_settings(store: Store) -> None:
    def pragma(conn: Connection, name: str) -> object:
        return conn.exec_driver_sql(f"PRAGMA {name}").scalar()

    assert await store.run(pragma, "journal_mode") == "wal"
    assert await store.run(pragma, "synchronous") == 2  # FULL
    assert await store.run(pragma, "foreign_keys") == 1
    assert await store.read(pragma, "query_only") == 1


def fail_with(conn: Connection, state: str) -> None:
    conn.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = '{state}'; END $$")


@only_postgresql
@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_what_the_server_asks_to_repeat_is_repeated(store: Store, state: str) -> None:
    attempts = 0

    def third_time_lucky(conn: Connection) -> int:
        nonlocal attempts
        attempts += 1
        put(conn, f"k{attempts}")
        if attempts < 3:
            fail_with(conn, state)
        return attempts

    assert await store.run(third_time_lucky) == 3
    assert await store.read(keys) == {"k3"}


@only_postgresql
@pytest.mark.parametrize(("state", "expected"), [("40001", 6), ("23505", 1), ("57014", 1)])
async def test_repeats_are_bounded_and_only_for_those(
    store: Store, state: str, expected: int
) -> None:
    attempts = 0

    def never(conn: Connection) -> None:
        nonlocal attempts
        attempts += 1
        fail_with(conn, state)

    with pytest.raises(DBAPIError, match="made up"):
        await store.run(never)
    assert attempts == expected


@only_postgresql
async def test_two_who_lock_each_other_out_both_finish(store: Store) -> None:
    meeting = threading.Barrier(2)
    met: set[str] = set()
    lock = text("UPDATE meta SET value = value || 'x' WHERE key = :key")

    def both(conn: Connection, one: str, two: str) -> None:
        conn.execute(lock, {"key": one})
        if one not in met:
            met.add(one)
            meeting.wait(10)
        conn.execute(lock, {"key": two})

    await store.run(put, "a", "")
    await store.run(put, "b", "")
    await asyncio.gather(store.run(both, "a", "b"), store.run(both, "b", "a"))
    values = text("SELECT value FROM meta")
    assert await store.read(lambda c: list(c.execute(values).scalars())) == ["xx", "xx"]


@only_postgresql
async def test_a_connection_lost_in_the_commit_is_an_unknown_outcome(store: Store) -> None:
    def cut(conn: Connection) -> None:
        put(conn, "unknown")
        raw = conn.connection.driver_connection
        assert raw is not None
        raw.pgconn.finish()

    with pytest.raises(CommitFailed, match="read the state"):
        await store.run(cut)
    await store.run(put, "next")
    assert await store.read(keys) == {"next"}


@only_postgresql
async def test_a_server_that_dropped_its_connections_costs_no_error(store: Store) -> None:
    await asyncio.gather(*(store.run(put, f"k{n}") for n in range(16)))
    drop = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await store.run(lambda conn: conn.execute(drop).close())
    await asyncio.sleep(0.1)
    await asyncio.gather(*(store.run(put, f"l{n}") for n in range(16)))
    assert len(await store.read(keys)) == 32


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "no database URL"),
        ("mysql://u@h/d", "not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:////nonexistent/store.db", "check that the directory exists"),
        ("postgresql://u@/d?host=/nonexistent", "check that it runs"),
    ],
)
def test_a_wrong_url_says_what_to_do(url: str, says: str) -> None:
    with pytest.raises(StoreError, match=says):
        Store.open(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("Estimado señor: " * 100)
    with pytest.raises(StoreError, match="the file is a database"):
        Store.open(f"sqlite:///{tmp_path}/x.db")
