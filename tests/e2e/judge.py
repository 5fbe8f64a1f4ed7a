"""The judge: what the machines' bodies and trays say, against what the books say.

A simulator's body is the truth about ink and blanks; nothing that a daemon wrote can change it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from issuer.custody import checks
from issuer.domain import FINAL, WAITING_FOR_A_PERSON, JobState
from issuer.store import custody
from issuer.store.engine import Store
from issuer.store.schema import blanks, documents, events, jobs, journal
from issuer.trial.bench import sample_day
from tests.e2e.bench import BLANKS, Hall, Machine
from tests.e2e.person import Card, cards

# Void before any ink: the blank may serve another document (a person saw it, or nothing was sent).
UNUSED = frozenset({"not_printed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Books:
    """What the store holds at the end."""

    jobs: list[Any]
    documents: list[Any]
    blanks: list[Any]
    journal: list[Any]
    events: list[Any]


def judge(hall: Hall) -> Books:
    """Holds every promise of a power cut against the machines. Raises AssertionError."""
    books = asyncio.run(_read(hall))
    for machine in hall.machines.values():
        if machine.kind.material is not None:
            _judge_printer(machine, books)
    _judge_jobs(books)
    _judge_journal(books)
    pouches = hall.machines["pouch-1"].body()["pouches"]
    laminated = [line for line in books.journal if line.act == "laminate"]
    assert pouches <= len(laminated), "a pouch without an intention"
    return books


async def _read(hall: Hall) -> Books:
    store = Store.open(hall.store_url)
    try:
        findings = await store.read(_audit, str(sample_day()["office"]))
        assert findings == []
        return await store.read(_books)
    finally:
        await store.close()


def _books(conn: Connection) -> Books:
    tables = (jobs, documents, blanks, journal, events)
    return Books(*(list(conn.execute(select(table))) for table in tables))


def _audit(conn: Connection, office: str) -> list[checks.Finding]:
    """The auditor's own checks, and no gap in either sequence."""
    lines = custody.lines(conn, office)
    found = checks.audit(lines) + checks.books_agree(lines, custody.balances(conn, office))
    found += checks.no_gap(custody.numbers_of(conn, office))
    query = select(events.c.seq).where(events.c.office == office).order_by(events.c.seq)
    return found + checks.no_gap(conn.execute(query).scalars())


def _judge_printer(machine: Machine, books: Books) -> None:
    lying = cards(machine.directory)
    state = machine.body()
    _one_card_a_document(lying, books)
    _one_document_a_serial(machine, lying, books)
    _every_blank_accounted_for(machine, lying, state, books)
    inside = state["inside"]
    inked = sum(card.inked for card in lying) + bool(inside and inside["inked"])
    assert state["laid"] == inked, "the machine laid a card that lies nowhere"


def _one_card_a_document(lying: list[Card], books: Books) -> None:
    """By the QR that a scanner reads off the card, and by the blank that the books gave it."""
    read = Counter(card.document for card in lying if card.document is not None)
    assert [number for number, count in read.items() if count > 1] == [], "printed twice"
    serial_of = {row.number: row.blank_serial for row in books.documents}
    for card in lying:
        if card.document is not None:
            assert serial_of[card.document] == card.serial, f"{card.document} on another's blank"


def _one_document_a_serial(machine: Machine, lying: list[Card], books: Books) -> None:
    used: dict[str, list[str]] = defaultdict(list)
    for row in books.documents:
        if row.blank_material == machine.kind.material and row.void_reason not in UNUSED:
            used[row.blank_serial].append(row.number)
    assert {serial: n for serial, n in used.items() if len(n) > 1} == {}
    for card in lying:
        if card.inked:
            assert used[card.serial], f"{card.serial} has ink and no document"


def _every_blank_accounted_for(
    machine: Machine, lying: list[Card], state: dict[str, Any], books: Books
) -> None:
    """opening = issued + spoiled + quarantine + still loaded, serial by serial."""
    own = [row for row in books.blanks if row.material == machine.kind.material]
    where: dict[str, set[str]] = defaultdict(set)
    for row in own:
        where[row.place.partition(":")[0]].add(row.serial)
    assert len(own) == BLANKS
    assert where.keys() <= {"issued", "spoiled", "quarantine", "hopper"}, dict(where)
    loaded = sorted((r for r in own if r.place.startswith("hopper")), key=lambda r: r.position)
    assert [row.serial for row in loaded] == state["hopper"], "the hopper is not as the books say"
    out = {card.serial for card in lying} | (
        {state["inside"]["serial"]} if state["inside"] else set()
    )
    assert where["issued"] | where["spoiled"] | where["quarantine"] == out
    good = {card.serial for card in lying if card.tray == "output" and card.document}
    assert where["issued"] <= good, "a card was issued that is not in the tray"


def _judge_jobs(books: Books) -> None:
    """Over, or waiting for a person with a reason; and no card but the first without a person."""
    ordered = _reprints(books)
    printed = Counter(row.job_id for row in books.documents if _has_ink(row))
    for row in books.jobs:
        state = JobState(row.state)
        assert state in FINAL or (state in WAITING_FOR_A_PERSON and row.reasons), (
            f"{row.ticket} is stuck at {row.state}"
        )
        assert row.lease_owner is None, f"{row.ticket} is over and leased"
        assert printed[row.id] <= 1 + ordered[row.id], f"{row.ticket} was printed again by itself"
        if state is JobState.DELIVERED:
            good = [d for d in books.documents if d.job_id == row.id and d.state == "delivered"]
            assert len(good) == 1, f"{row.ticket} has {len(good)} good documents"


def _reprints(books: Books) -> Counter[str]:
    """How often a person sent a job back from spoiled to the queue, by job."""
    ordered: Counter[str] = Counter()
    last: dict[str, str] = {}
    for row in sorted(books.events, key=lambda row: row.seq):
        if row.kind == "job.admitted" and row.data.get("by") and last[row.subject] == "job.spoiled":
            ordered[row.subject] += 1
        last[row.subject] = row.kind
    return ordered


def _has_ink(row: Any) -> bool:
    return row.void_reason not in UNUSED and row.blank_serial is not None


def _judge_journal(books: Books) -> None:
    done = Counter((x.document_number, x.act) for x in books.journal if x.outcome == "printed")
    assert [key for key, count in done.items() if count > 1] == []
    assert [line.id for line in books.journal if line.outcome is None] == [], "never decided"
