"""The books in SQL: what is posted, what is refused, and that all three records agree."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, select, text

from issuer.custody import checks, entries
from issuer.custody.entries import Act, Piece
from issuer.custody.ledger import LedgerError, Movement, Place, balance, hopper, transit
from issuer.custody.ledger import store as store_of
from issuer.custody.serials import SerialRange
from issuer.domain import BlankState
from issuer.store import custody
from issuer.store.engine import Store
from issuer.store.schema import blanks

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ACT = Act("LPZ-01", "custodian", AT)
CARDS = entries.serialised("PVC-LIC", "lot-1", SerialRange("A000001", "A000010"))
RIBBON = Piece("RIBBON", quantity=100, lot="R-1")


def job(number: int) -> Act:
    return Act("LPZ-01", "service", AT, f"job-{number}", f"L{number:08d}")


async def loaded(store_: Store) -> None:
    moves = entries.receive(ACT, [*CARDS, RIBBON]) + entries.load(ACT, "lic-1", [*CARDS, RIBBON])
    await store_.run(custody.post, moves)


def blank(conn: Connection, serial: str) -> tuple[object, ...]:
    columns = blanks.c.place, blanks.c.state, blanks.c.printer, blanks.c.document_number
    return tuple(conn.execute(select(*columns).where(blanks.c.serial == serial)).one())


async def all_agree(store_: Store, office: str = "LPZ-01") -> list[Movement]:
    """The proof of every test here: lines, running balances, serials and summary agree."""
    moves = await store_.read(custody.lines, office)
    books = await store_.read(custody.balances, office)
    assert checks.audit(moves) == []
    assert checks.books_agree(moves, books) == []
    assert checks.no_gap(await store_.read(custody.numbers_of, office)) == []
    assert all(line.balanced for line in await store_.read(custody.ledger_summary, office))
    last = {m.serial: str(m.target) for m in moves if m.serial}
    rows = await store_.read(lambda conn: conn.execute(select(blanks)).all())
    assert {row.serial: row.place for row in rows if row.office == office} == last
    return moves


async def test_a_job_from_the_hopper_to_its_holder(store: Store) -> None:
    await loaded(store)
    used = [Piece("RIBBON", lot="R-1")]
    await store.run(custody.post, entries.print_card(job(1), "lic-1", CARDS[0], used))
    state = await store.read(blank, "A000001")
    assert state == ("printed:LPZ-01", BlankState.PRINTED, None, "L00000001")
    await store.run(custody.post, entries.settle(job(1), CARDS[0]))
    assert (await store.read(blank, "A000001"))[:2] == ("issued", BlankState.ISSUED)
    moves = await all_agree(store)
    assert len(moves) == 22 + 2 + 1
    cards, ribbon = await store.read(custody.ledger_summary, "LPZ-01")
    assert (cards.received, cards.issued, cards.closing) == (10, 1, 9)
    assert (ribbon.received, ribbon.issued, ribbon.closing) == (100, 1, 99)
    life = await store.read(custody.history, "PVC-LIC", "A000001")
    assert [m.cause for m in life] == ["received", "loaded", "printed", "issued"]


async def test_what_is_loaded_first_comes_out_first(store: Store) -> None:
    await loaded(store)
    more = entries.serialised("PVC-LIC", "lot-0", ["A000000"])
    await store.run(custody.post, entries.receive(ACT, more) + entries.load(ACT, "lic-1", more))
    order = select(blanks.c.serial).order_by(blanks.c.position)
    serials = await store.read(lambda conn: list(conn.execute(order).scalars()))
    assert serials == [card.serial for card in [*CARDS, *more]]


async def test_more_than_there_is_cannot_leave(store: Store) -> None:
    await loaded(store)
    with pytest.raises(LedgerError, match="has 100 of RIBBON, not the 101"):
        await store.run(
            custody.post,
            entries.print_card(job(1), "lic-1", CARDS[0], [Piece("RIBBON", quantity=101)]),
        )
    assert (await store.read(blank, "A000001"))[1] == BlankState.LOADED
    await all_agree(store)


async def test_a_serial_leaves_only_from_where_it_is(store: Store) -> None:
    await loaded(store)
    with pytest.raises(LedgerError, match="A000001 is at hopper:lic-1, so it cannot be taken"):
        await store.run(custody.post, entries.settle(job(1), CARDS[0]))
    with pytest.raises(LedgerError, match="B7 is not in the books"):
        await store.run(custody.post, entries.settle(job(1), Piece("PVC-LIC", "B7")))
    await store.run(custody.post, entries.print_card(job(1), "lic-1", CARDS[0]))
    with pytest.raises(LedgerError, match="is at printed:LPZ-01"):
        await store.run(custody.post, entries.print_card(job(1), "lic-1", CARDS[0]))
    await all_agree(store)


async def test_a_serial_is_received_once(store: Store) -> None:
    await loaded(store)
    with pytest.raises(LedgerError, match="A000010 is at hopper:lic-1"):
        await store.run(
            custody.post,
            entries.receive(ACT, entries.serialised("PVC-LIC", "lot-2", ["A000011", "A000010"])),
        )
    with pytest.raises(LedgerError, match="A000011 is named twice"):
        await store.run(
            custody.post,
            entries.receive(ACT, entries.serialised("PVC-LIC", "lot-2", ["A000011", "A000011"])),
        )
    await all_agree(store)


async def test_serials_are_never_merely_consumed(store: Store) -> None:
    await loaded(store)
    with pytest.raises(LedgerError, match="cannot go to consumed"):
        await store.run(custody.post, entries.print_card(job(1), "lic-1", None, [CARDS[0]]))


async def test_spoiled_quarantined_destroyed(store: Store) -> None:
    await loaded(store)
    moves = entries.print_card(job(1), "lic-1", CARDS[0])
    moves += entries.set_aside(job(1), CARDS[0], "serial_mismatch")
    moves += entries.print_card(job(2), "lic-1", CARDS[1])
    moves += entries.spoil(job(2), CARDS[1], "bad_print")
    moves += entries.destroy(ACT, [CARDS[1]], "acta-7")
    await store.run(custody.post, moves)
    (cards, _) = await store.read(custody.ledger_summary, "LPZ-01")
    assert (cards.spoiled, cards.destroyed, cards.closing) == (2, 0, 8)
    assert cards.held == {"hopper:lic-1": 8, "quarantine:LPZ-01": 1}
    await all_agree(store)


async def test_unused_blanks_go_back_and_are_free_of_their_document(store: Store) -> None:
    await loaded(store)

    def reserve(conn: Connection) -> None:
        conn.execute(
            text("UPDATE blanks SET state='reserved', document_number='L9' WHERE serial='A000001'")
        )

    await store.run(reserve)
    await store.run(custody.release_blank, "PVC-LIC", "A000001", AT)
    free = ("hopper:lic-1", BlankState.LOADED, "lic-1", None)
    assert await store.read(blank, "A000001") == free
    with pytest.raises(LedgerError, match="not reserved"):
        await store.run(custody.release_blank, "PVC-LIC", "A000001", AT)
    await store.run(reserve)
    await store.run(custody.post, entries.unload(ACT, "lic-1", CARDS[:1]))
    stocked = ("store:LPZ-01", BlankState.STOCK, None, None)
    assert await store.read(blank, "A000001") == stocked


async def test_a_transfer_is_two_entries_each_of_its_office(store: Store) -> None:
    cards = CARDS[:3]
    await store.run(custody.post, entries.receive(ACT, cards))
    await store.run(custody.post, entries.dispatch(ACT, "CBB-01", cards, "acta-1"))
    other = Act("CBB-01", "receiver", AT)
    await store.run(custody.post, entries.arrive(other, "LPZ-01", cards[:2], "acta-1"))
    sender = await store.read(custody.balances, "LPZ-01")
    receiver = await store.read(custody.balances, "CBB-01")
    way = transit("LPZ-01", "CBB-01"), "PVC-LIC"
    assert sender[way] + receiver[way] == 1  # one is still on the road
    assert receiver[_at_store("CBB-01")] == 2
    assert checks.no_gap(await store.read(custody.numbers_of, "CBB-01")) == []
    with pytest.raises(LedgerError, match=r"is at store:CBB-01"):
        await store.run(custody.post, entries.load(ACT, "lic-1", cards[:1]))


async def test_an_arrival_from_books_kept_elsewhere(store: Store) -> None:
    await store.run(custody.post, entries.arrive(ACT, "NATIONAL", CARDS, "AV-2 17"))
    await all_agree(store)
    with pytest.raises(LedgerError, match="is at store:LPZ-01"):
        await store.run(custody.post, entries.arrive(ACT, "NATIONAL", CARDS, "AV-2 17"))


def _at_store(office: str) -> tuple[Place, str]:
    return store_of(office), "PVC-LIC"


async def test_two_offices_may_name_a_printer_alike(store: Store) -> None:
    await loaded(store)
    other = Act("CBB-01", "custodian", AT, "job-9", "L00000009")
    with pytest.raises(LedgerError):
        await store.run(custody.post, entries.print_card(other, "lic-1", CARDS[0]))
    await all_agree(store)


async def test_one_posting_is_of_one_office(store: Store) -> None:
    mixed = [*entries.receive(ACT, CARDS[:1]), *entries.receive(Act("X", "y", AT), CARDS[1:2])]
    with pytest.raises(LedgerError, match="one posting is of one office"):
        await store.run(custody.post, mixed)
    assert await store.run(custody.post, []) == []


async def test_many_at_once_in_two_stores_lose_nothing(store_url: str) -> None:
    stores = [Store.open(store_url), Store.open(store_url)]
    cards = entries.serialised("PVC-LIC", "lot-1", SerialRange("A000001", "A000032"))
    ribbon = Piece("RIBBON", quantity=20, lot="R-1")
    moves = entries.receive(ACT, [*cards, ribbon]) + entries.load(ACT, "lic-1", [*cards, ribbon])
    try:
        await stores[0].run(custody.post, moves)
        used = [Piece("RIBBON", lot="R-1")]
        outcomes = await asyncio.gather(
            *(
                stores[n % 2].run(custody.post, entries.print_card(job(n), "lic-1", card, used))
                for n, card in enumerate(cards)
            ),
            return_exceptions=True,
        )
        refused = [item for item in outcomes if isinstance(item, LedgerError)]
        assert len(refused) == 12  # the ribbon has 20 prints, whoever comes first
        assert len([item for item in outcomes if isinstance(item, list)]) == 20
        moves = await all_agree(stores[0])
        assert balance(moves).get((hopper("lic-1"), "RIBBON"), 0) == 0
    finally:
        await asyncio.gather(*(item.close() for item in stores))
