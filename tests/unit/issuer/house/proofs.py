"""What must hold in a house whatever happened in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, select

from issuer.custody import checks
from issuer.domain import BlankState, DocumentState
from issuer.store import custody
from issuer.store.schema import blanks, metadata
from issuer.store.schema import documents as documents_table

from .building import House, hoppers_by_the_books
from .people import OFFICE

# Tables that hold personal data by design (issuer/store/schema.py says so); all others never do.
PERSONAL = {"applications", "documents", "deliveries"}
WITH_INK = [BlankState.PRINTED.value, BlankState.ISSUED.value]


async def balanced(house: House, *, machines: bool = True) -> None:
    """The books agree with themselves, with the documents and (``machines``) with the hoppers.

    Lines, running balances, places of serials and the summary agree; one document, one blank
    (invariant 1); what the machines still hold is what the books say, in the same order.
    """
    moves = await house.store.read(custody.lines, OFFICE)
    books = await house.store.read(custody.balances, OFFICE)
    assert checks.audit(moves) == []
    assert checks.books_agree(moves, books) == []
    assert checks.no_gap(await house.store.read(custody.numbers_of, OFFICE)) == []
    lines = await house.store.read(custody.ledger_summary, OFFICE)
    assert [line for line in lines if not line.balanced] == []
    await house.store.read(_one_document_one_blank)
    if machines:
        held = {name: p.hopper for name, p in house.printers.items() if p.hopper}
        assert await hoppers_by_the_books(house) == held


def _one_document_one_blank(conn: Connection) -> None:
    live = conn.execute(
        select(
            documents_table.c.number,
            documents_table.c.blank_material,
            documents_table.c.blank_serial,
        ).where(
            documents_table.c.blank_serial.is_not(None),
            documents_table.c.state != DocumentState.VOID.value,
        )
    ).all()
    serials = Counter((row.blank_material, row.blank_serial) for row in live)
    assert [serial for serial, count in serials.items() if count > 1] == []
    for row in conn.execute(select(blanks).where(blanks.c.state.in_(WITH_INK))):
        owners = [d.number for d in live if d.blank_serial == row.serial]
        assert owners == [row.document_number], f"{row.serial} is {row.state} for {owners}"


async def nobody_is_named(house: House, words: Iterable[str]) -> None:
    """No word of a person stands in any table that is not meant for personal data."""

    def look(conn: Connection) -> list[str]:
        return [
            f"{table.name}: {word}"
            for table in metadata.sorted_tables
            if table.name not in PERSONAL
            for row in conn.execute(select(table))
            for word in words
            if word in repr(tuple(row))
        ]

    assert await house.store.read(look) == []
