"""The store: documents per second for 16 statements in 5 durable commits, 2 KB each.

Reference on SQLite: the same SQL through raw sqlite3 with the same pragmas; for one task a
commit after each of the five transactions, for 32 tasks one commit for 32 of them (the best that
a group can do). On PostgreSQL: the same SQL through raw psycopg on one connection, or on eight
threads. Each pair is interleaved, and the ratio is the median over the pairs.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, bindparam, insert, literal_column, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.expression import Executable

from issuer.store import migrate
from issuer.store.engine import Store
from issuer.store.schema import (
    balances,
    blanks,
    documents,
    events,
    jobs,
    journal,
    metadata,
    movements,
    number_blocks,
    office_sequences,
)

_SQLITE: Any = sqlite.dialect
_POSTGRESQL: Any = postgresql.dialect
DOCUMENTS = 320
ALONE = 64  # documents when one task waits for every commit
PAIRS = 3
OFFICE = "LPZ-01"
AT = datetime(2026, 11, 20, tzinfo=UTC)
SEAL = b"s" * 2048
FIXED: dict[str, Any] = {
    "office": OFFICE,
    "at": AT,
    "created_at": AT,
    "intended_at": AT,
    "data": {"lane": "lic-1"},
    "before": {"counters": {"cards": 7}},
    "claims": SEAL,
    "qr_text": "Q" * 2048,
}


def _set(table: Any, key: str, parameter: str, **values: Any) -> Executable:
    return update(table).where(table.c[key] == bindparam(parameter)).values(**values)


def _insert(table: Any, **literals: Any) -> Executable:
    """All columns that cannot be null: by name from the parameters, or given here."""
    needed = [c.name for c in table.columns if not c.nullable and c.server_default is None]
    names = [name for name in needed if not (name == "id" and table is journal)]
    return insert(table).values(
        {name: literals.get(name, bindparam(name)) for name in [*names, *literals]}
    )


_EVENT = _insert(events, epoch=0, kind="job.moved", subject="s", seq=bindparam("seq"))
_NEXT = (
    update(office_sequences)
    .where(office_sequences.c.office == bindparam("of"))
    .values(next_event=office_sequences.c.next_event + literal_column("1"))
)
# Five transactions, sixteen statements: reserve, intend to seal, seal, intend to print, settle.
MIX: list[list[tuple[Executable, int]]] = [  # statement, number of its event (0: none)
    [
        (
            update(number_blocks)
            .where(number_blocks.c.office == bindparam("of"))
            .values(next_value=number_blocks.c.next_value + literal_column("1")),
            0,
        ),
        (_NEXT, 0),
        (_EVENT, 1),
        (
            _insert(
                documents,
                type="LIC",
                person_id="1234567",
                state="reserved",
                status_list="1",
                status_index=bindparam("n"),
            ),
            0,
        ),
        (_set(blanks, "serial", "number", state="reserved"), 0),
    ],
    [
        (_set(documents, "number", "of_number", claims=bindparam("claims")), 0),
        (_set(jobs, "id", "job_id", state="sealing"), 0),
    ],
    [(_set(documents, "number", "of_number", qr_text=bindparam("qr_text")), 0), (_EVENT, 2)],
    [
        (
            _insert(
                journal,
                document_number=bindparam("number"),
                act="print",
                device="lic-1",
                lease_number=1,
            ),
            0,
        ),
        (_set(jobs, "id", "job_id", state="printing"), 0),
    ],
    [
        (_set(journal, "job_id", "of_job", outcome="printed"), 0),
        (
            _insert(
                movements,
                actor="service",
                cause="issued",
                material="PVC-LIC",
                quantity=1,
                source="printed:LPZ-01",
                target="issued",
                seq=bindparam("n"),
            ),
            0,
        ),
        (
            _set(balances, "place", "of_place", quantity=balances.c.quantity + literal_column("1")),
            0,
        ),
        (_set(documents, "number", "of_number", state="issued"), 0),
        (_EVENT, 3),
    ],
]


def values(n: int, event: int) -> dict[str, Any]:
    """Parameters of document ``n``; statements take those that they name."""
    return FIXED | {
        "n": n,
        "seq": n * 3 + event,
        "number": f"L{n:08d}",
        "of_number": f"L{n:08d}",
        "job_id": f"job-{n}",
        "of_job": f"job-{n}",
        "of": OFFICE,
        "of_place": "issued",
    }


def prepare(conn: Connection) -> None:
    """Jobs and blanks to work on."""
    row = {"office": OFFICE, "state": "admitted", "created_at": AT, "updated_at": AT}
    job = row | {"document_type": "LIC", "kind": "new", "released": True, "reasons": []}
    conn.execute(
        insert(jobs),
        [
            job | {"id": f"job-{n}", "request_id": f"r-{n}", "ticket": f"{n:04d}"}
            for n in range(DOCUMENTS)
        ],
    )
    blank = {"office": OFFICE, "material": "PVC", "lot": "1", "place": "p", "updated_at": AT}
    conn.execute(
        insert(blanks),
        [blank | {"serial": f"L{n:08d}", "state": "loaded"} for n in range(DOCUMENTS)],
    )
    conn.execute(
        insert(number_blocks),
        {"office": OFFICE, "kind": "d", "next_value": 0, "end_value": 9**9, "leased_at": AT},
    )
    sequences = {"office": OFFICE, "next_event": 1, "next_movement": 1, "next_ticket": 1}
    conn.execute(insert(office_sequences), sequences)
    held = {"office": OFFICE, "place": "issued", "material": "PVC-LIC", "quantity": 0}
    conn.execute(insert(balances), held)


def through_core(conn: Connection, n: int, part: int) -> None:
    """One of the five transactions as the house writes them: SQLAlchemy Core."""
    for statement, event in MIX[part]:
        wanted = _NAMES[id(statement)]
        have = values(n, event)
        conn.execute(statement, {name: have[name] for name in wanted})


_NAMES = {
    id(statement): [
        bind.key
        for bind in statement.compile().binds.values()  # type: ignore[attr-defined]
        if bind.required
    ]
    for part in MIX
    for statement, _ in part
}


def raw_mix(dialect: Any) -> list[list[tuple[str, Callable[[int], Any]]]]:
    """The same SQL as the driver gets it, and its parameters in the driver's own form."""
    return [[_raw(dialect, *item) for item in part] for part in MIX]


def _raw(dialect: Any, statement: Any, event: int) -> tuple[str, Callable[[int], Any]]:
    compiled = statement.compile(dialect=dialect)
    processors = compiled._bind_processors

    def parameters(n: int) -> Any:
        known = compiled.construct_params(values(n, event), _check=False)
        ready = {
            name: processors[name](value) if name in processors else value
            for name, value in known.items()
        }
        return [ready[name] for name in compiled.positiontup] if compiled.positional else ready

    return str(compiled), parameters


def count(tasks: int) -> int:
    """Documents of one run."""
    return DOCUMENTS if tasks > 1 else ALONE


async def with_store(url: str, tasks: int) -> float:
    """Documents per second through ``Store.run``."""
    store = Store.open(url)
    await store.run(prepare)

    async def task(first: int) -> None:
        for n in range(first, count(tasks), tasks):
            for part in range(len(MIX)):
                await store.run(through_core, n, part)

    started = time.perf_counter()
    await asyncio.gather(*(task(first) for first in range(tasks)))
    seconds = time.perf_counter() - started
    await store.close()
    return count(tasks) / seconds


def with_sqlite3(url: str, tasks: int) -> float:
    """The same through raw sqlite3; parameters are prepared before the clock starts."""
    seed(url)
    conn = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("PRAGMA foreign_keys = ON")
    mix = raw_mix(_SQLITE(paramstyle="qmark"))
    ready = [
        [[(sql, parameters(n)) for sql, parameters in part] for part in mix]
        for n in range(DOCUMENTS)
    ]
    started = time.perf_counter()
    for first in range(0, count(tasks), tasks):
        for part in range(len(mix)):
            conn.execute("BEGIN IMMEDIATE")
            for document in ready[first : first + tasks]:
                for sql, parameters in document[part]:
                    conn.execute(sql, parameters)
            conn.execute("COMMIT")
    seconds = time.perf_counter() - started
    conn.close()
    return count(tasks) / seconds


def with_psycopg(url: str, tasks: int) -> float:
    """The same through raw psycopg: one connection, or eight threads with one each."""
    seed(url)
    mix = raw_mix(_POSTGRESQL(paramstyle="pyformat"))
    threads = 1 if tasks == 1 else 8

    def work(first: int) -> None:
        with psycopg.connect(url, autocommit=True) as conn:
            for n in range(first, count(tasks), threads):
                for part in mix:
                    with conn.transaction():
                        for sql, parameters in part:
                            conn.execute(sql.encode(), parameters(n))

    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return count(tasks) / (time.perf_counter() - started)


def seed(url: str) -> None:
    """What the raw runs work on, put there by the store."""

    async def fill() -> None:
        store = Store.open(url)
        await store.run(prepare)
        await store.close()

    asyncio.run(fill())


@contextmanager
def sqlite_urls() -> Iterator[Callable[[], str]]:
    """Migrated, empty files, one for each call."""
    with tempfile.TemporaryDirectory() as scratch:
        template = Path(scratch, "template.db")
        migrate.upgrade(f"sqlite:///{template}")
        made = 0

        def fresh() -> str:
            nonlocal made
            made += 1
            shutil.copy(template, f"{scratch}/{made}.db")
            return f"sqlite:///{scratch}/{made}.db"

        yield fresh


@contextmanager
def postgresql_urls() -> Iterator[Callable[[], str]]:
    """A throw-away server with one migrated database, emptied for each call."""
    from tests import postgres

    postgres.prepare()
    try:
        url = postgres.url(postgres.server(), "postgres")
        migrate.upgrade(url)

        def fresh() -> str:
            names = ", ".join(table.name for table in metadata.sorted_tables)
            with psycopg.connect(url) as conn:
                conn.execute(f"TRUNCATE {names} RESTART IDENTITY".encode())
            return url

        yield fresh
    finally:
        postgres.finish()


def _pairs(
    name: str, fresh: Callable[[], str], raw: Callable[[str, int], float], tasks: int, target: float
) -> dict[str, Any]:
    measured = [
        (asyncio.run(with_store(fresh(), tasks)), raw(fresh(), tasks)) for _ in range(PAIRS)
    ]
    ratio = statistics.median(ours / theirs for ours, theirs in measured)
    return {
        "bench": "store",
        "name": f"{name}, {tasks} task{'s' * (tasks > 1)}",
        "value": round(statistics.median(ours for ours, _ in measured), 1),
        "unit": "documents/s",
        "reference": f"raw {'sqlite3' if raw is with_sqlite3 else 'psycopg'}, the same SQL",
        "reference_value": round(statistics.median(theirs for _, theirs in measured), 1),
        "ratio": round(ratio, 3),
        "target": target,
        "holds": ratio >= target,
    }


def run() -> list[dict[str, Any]]:
    """Rows for bench.json. Targets are ratios: what Core, the queue and the loop may cost."""
    rows = []
    with sqlite_urls() as fresh:
        rows += [_pairs("SQLite", fresh, with_sqlite3, 1, 0.4)]
        rows += [_pairs("SQLite", fresh, with_sqlite3, 32, 0.2)]
    with postgresql_urls() as fresh:
        rows += [_pairs("PostgreSQL", fresh, with_psycopg, 1, 0.4)]
        rows += [_pairs("PostgreSQL", fresh, with_psycopg, 32, 0.4)]
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
