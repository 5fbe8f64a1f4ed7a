"""Claiming stays quick however many jobs are over: the planner takes the partial indices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql
from sqlalchemy import Connection, event, text

from issuer.domain import JobState
from issuer.store import documents
from issuer.store.engine import Store
from issuer.store.schema import jobs as table

from .test_queue import AT, OFFICE, claim

OVER = 4000


def fill(conn: Connection) -> None:
    """Thousands of jobs that are over, and a few that wait."""
    plain = {
        "office": OFFICE, "ticket": "0001", "document_type": "LIC", "kind": "new",
        "priority": 0, "reasons": [], "updated_at": AT,
    }  # fmt: skip
    rows = [
        plain
        | {
            "id": f"j{n}",
            "request_id": f"r{n}",
            "state": (JobState.ADMITTED if n < 5 else JobState.DELIVERED).value,
            "released": True,
            "created_at": AT + timedelta(seconds=n),
        }
        for n in range(OVER)
    ]
    conn.execute(table.insert(), rows)
    conn.execute(text("ANALYZE"))


@contextmanager
def statements(conn: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        found.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(conn, "before_cursor_execute", note)


def plan(conn: Connection, statement: str, parameters: Any) -> str:
    if conn.dialect.name == "sqlite":
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    else:
        rows = conn.exec_driver_sql(_generic(conn, statement, parameters))
    return "\n".join(" ".join(map(str, row)) for row in rows)


def _generic(conn: Connection, statement: str, parameters: dict[str, Any]) -> str:
    """EXPLAIN of the plan that knows no parameter's value, which is what a prepared statement
    comes to: there a state that is bound misses the index of that state (facts on offices)."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        names.append(match[1])
        return f"${len(names)}"

    prepared = re.sub(r"%\((\w+)\)s", number, statement)
    name = f"p{abs(hash(statement))}"
    conn.exec_driver_sql(f"PREPARE {name} AS {prepared}")
    conn.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    values = ", ".join(sql.Literal(parameters[name]).as_string(None) for name in names)
    return f"EXPLAIN EXECUTE {name}({values})" if names else f"EXPLAIN EXECUTE {name}"


def plans_of_a_claim(conn: Connection) -> dict[str, str]:
    """Plans of the statements of one claim, by what they do."""
    with statements(conn) as sent:
        assert claim(conn) is not None
    updates = [(s, p) for s, p in sent if s.startswith("UPDATE jobs")]
    assert len(updates) == 2, "a sweep and a claim"
    return {what: plan(conn, *one) for what, one in zip(("sweep", "claim"), updates, strict=True)}


async def test_a_claim_goes_by_the_partial_indices(store: Store) -> None:
    await store.run(fill)
    found = await store.run(plans_of_a_claim)
    assert "ix_jobs_ready" in found["claim"], found["claim"]
    # Any index of leased or working rows will do; what is over must not be read.
    assert re.search("ix_jobs_(leased|under_way)", found["sweep"]), found["sweep"]


@pytest.mark.parametrize("what", ["next_blank", "loaded", "promised"])
async def test_a_hopper_is_looked_up_by_its_partial_indices(store: Store, what: str) -> None:
    index = "uq_blanks_promised" if what == "promised" else "ix_blanks_hopper"

    def look(conn: Connection) -> str:
        rows = ", ".join(
            f"('M', 'S{n}', '{OFFICE}', 'L', 'issued', 'issued', 'lic-1', {n}, '2026-11-20')"
            for n in range(2000)
        )
        conn.execute(
            text(
                "INSERT INTO blanks (material, serial, office, lot, place, state, printer,"
                f" position, updated_at) VALUES {rows}"
            )
        )
        conn.execute(text("ANALYZE"))
        with statements(conn) as sent:
            if what == "next_blank":
                documents.next_blank(conn, "lic-1", "M")
            else:
                getattr(documents, what)(conn, "lic-1")
        return plan(conn, *sent[-1])

    assert index in await store.run(look)
