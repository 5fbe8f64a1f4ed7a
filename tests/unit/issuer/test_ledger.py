"""The ledger is pure: what a movement may be, what movements add up to, what auditors find."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.custody import checks, entries
from issuer.custody.entries import Act, Piece
from issuer.custody.ledger import (
    CONSUMED,
    ISSUED,
    SUPPLIER,
    Cause,
    LedgerError,
    Movement,
    Place,
    PlaceKind,
    balance,
    hopper,
    printed,
    quarantine,
    spoiled,
    store,
)
from issuer.custody.serials import SerialRange, ranges
from issuer.custody.summary import Flow, summarise

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ACT = Act("LPZ-01", "custodian", AT)
JOB = Act("LPZ-01", "service", AT, "job-1", "L00000001")


def blank(number: int) -> Piece:
    return Piece("PVC-LIC", f"A{number:06d}", 1, "lot-1")


def day() -> list[Movement]:
    """Five blanks and a ribbon received and loaded; one issued, one spoiled, one set aside."""
    cards = [blank(n) for n in range(1, 6)]
    ribbon = Piece("RIBBON", quantity=200, lot="R-1")
    moves = entries.receive(ACT, [*cards, ribbon]) + entries.load(ACT, "lic-1", [*cards, ribbon])
    for number in range(3):
        act = replace(JOB, document_number=f"L0000000{number}")
        moves += entries.print_card(act, "lic-1", cards[number], [Piece("RIBBON", lot="R-1")])
    moves += entries.settle(replace(JOB, document_number="L00000000"), cards[0])
    moves += entries.spoil(JOB, cards[1], "misfeed")
    return moves + entries.set_aside(JOB, cards[2], "serial_mismatch")


def test_each_step_moves_from_and_to_where_it_says() -> None:
    assert balance(day()) == {
        (SUPPLIER, "PVC-LIC"): -5,
        (SUPPLIER, "RIBBON"): -200,
        (hopper("lic-1"), "PVC-LIC"): 2,
        (hopper("lic-1"), "RIBBON"): 197,
        (CONSUMED, "RIBBON"): 3,
        (ISSUED, "PVC-LIC"): 1,
        (spoiled("LPZ-01"), "PVC-LIC"): 1,
        (quarantine("LPZ-01"), "PVC-LIC"): 1,
    }


def test_a_sound_day_has_no_findings() -> None:
    assert checks.audit(day()) == []
    assert checks.books_agree(day(), balance(day())) == []


def test_the_summary_adds_up() -> None:
    flows = [Flow(m.material, m.source, m.target, m.quantity) for m in day()]
    cards, ribbon = summarise(flows, [], balance(day()))
    assert (cards.received, cards.issued, cards.spoiled, cards.closing) == (5, 1, 2, 2)
    assert (ribbon.received, ribbon.issued, ribbon.closing) == (200, 3, 197)
    assert cards.balanced
    assert ribbon.balanced
    assert cards.held == {"hopper:lic-1": 2, "quarantine:LPZ-01": 1, "spoiled:LPZ-01": 1}
    assert not replace(cards, counted=3).balanced
    assert not replace(cards, closing=3).balanced


def test_the_summary_of_a_later_period_opens_where_the_earlier_closed() -> None:
    moves = day()
    as_flows = [Flow(m.material, m.source, m.target, m.quantity) for m in moves]
    later = summarise(as_flows[12:], as_flows[:12], balance(moves))
    assert all(line.balanced for line in later)
    assert later[0].opening == 5
    assert later[0].received == 0


def test_a_dispatch_taken_back_is_no_transfer_in() -> None:
    cards = [blank(n) for n in range(3)]
    sent = entries.dispatch(ACT, "CBB-01", cards, "acta-1")
    moves = entries.receive(ACT, cards) + sent + entries.counter(ACT, sent[0], "wrong office")
    flows = [Flow(m.material, m.source, m.target, m.quantity) for m in moves]
    (line,) = summarise(flows, [], balance(moves))
    assert (line.transfers_in, line.transfers_out, line.closing) == (0, 2, 1)
    assert line.balanced


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"quantity": 0}, "whole number above zero"),
        ({"quantity": -1}, "whole number above zero"),
        ({"quantity": 1.0}, "whole number above zero"),
        ({"quantity": True}, "whole number above zero"),
        ({"quantity": 2}, "one serial for 2"),
        ({"target": store("LPZ-01")}, "to itself"),
        ({"at": AT.replace(tzinfo=None)}, "no time zone"),
        ({"target": printed("CBB-01")}, "dispatch it instead"),
        ({"actor": ""}, "no actor"),
    ],
)
def test_what_is_no_movement(change: dict[str, object], says: str) -> None:
    good = Movement(
        "PVC-LIC",
        1,
        store("LPZ-01"),
        hopper("lic-1"),
        Cause.LOADED,
        "custodian",
        "LPZ-01",
        AT,
        serial="A000001",
    )
    with pytest.raises(LedgerError, match=says):
        replace(good, **change)  # type: ignore[arg-type]


def test_nothing_is_issued_without_a_document() -> None:
    with pytest.raises(LedgerError, match="without a document number"):
        entries.settle(ACT, blank(1))


@given(st.sampled_from(PlaceKind), st.text(min_size=1).filter(str.strip))
def test_places_survive_being_written(kind: PlaceKind, name: str) -> None:
    try:
        place = Place(kind, name)
    except LedgerError:
        place = Place(kind)
    assert Place.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "store", "issued:LPZ-01", "cellar:LPZ-01"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(LedgerError):
        Place.parse(text)


PLACES = [SUPPLIER, store("LPZ-01"), hopper("lic-1"), printed("LPZ-01"), ISSUED, CONSUMED]


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES), st.integers(1, 1000)).filter(
            lambda item: item[0] != item[1]
        )
    )
)
def test_whatever_moves_sums_to_zero_and_summaries_balance(
    steps: list[tuple[Place, Place, int]],
) -> None:
    moves = [
        Movement("POUCH", count, source, target, Cause.CORRECTED, "a", "LPZ-01", AT)
        for source, target, count in steps
    ]
    books = balance(moves)
    assert sum(books.values()) == 0
    flows = [Flow(m.material, m.source, m.target, m.quantity) for m in moves]
    assert all(line.balanced for line in summarise(flows, [], books))


def codes(found: list[checks.Finding]) -> list[str]:
    return [finding.code for finding in found]


def test_auditors_find_what_is_wrong() -> None:
    moves = day()
    assert codes(checks.audit(moves[1:])) == ["negative", "serial_elsewhere"]
    twice = [*moves, moves[-3]]
    assert codes(checks.audit(twice)) == ["negative", "serial_elsewhere"]
    swapped = replace(moves[-3], serial="A000002")
    assert "serial_elsewhere" in codes(checks.audit([*moves[:-3], swapped, *moves[-2:]]))
    other = entries.settle(replace(JOB, document_number="L00000000"), blank(2))
    assert "two_blanks_one_document" in codes(checks.audit([*moves[:-2], *other]))
    silent = replace(moves[-1], note=None)
    assert codes(checks.audit([*moves[:-1], silent])) == ["no_reason"]
    wrong = {**balance(moves), (hopper("lic-1"), "RIBBON"): 198}
    assert codes(checks.books_agree(moves, wrong)) == ["books_disagree"]


def test_gaps_in_the_numbers() -> None:
    assert checks.no_gap([1, 2, 3]) == []
    assert [f.evidence for f in checks.no_gap([2, 3])] == ["expected 1, found 2"]
    assert len(checks.no_gap([1, 2, 2, 5])) == 2


def test_a_count_against_the_books() -> None:
    books = balance(day())
    count = {(hopper("lic-1"), "PVC-LIC"): 1, (hopper("lic-1"), "RIBBON"): 195}
    assert codes(checks.counted(books, count, {"RIBBON": 2})) == ["discrepancy"]
    assert codes(checks.counted(books, count, {})) == ["discrepancy", "discrepancy"]


def test_serial_ranges() -> None:
    lot = SerialRange("A-000098", "A-000101")
    assert list(lot) == ["A-000098", "A-000099", "A-000100", "A-000101"]
    assert len(lot) == 4
    assert "A-000100" in lot
    assert "A-000102" not in lot
    assert "B-000100" not in lot
    assert [(r.first, r.last) for r in ranges([*lot, "A-000103"])] == [
        ("A-000098", "A-000101"),
        ("A-000103", "A-000103"),
    ]


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [
        ("A002", "A001", "lower serial first"),
        ("A001", "B002", "prefix and length"),
        ("A1", "A02", "prefix and length"),
        ("A", "B", "does not end in digits"),
        ("A0000001", "A9000001", "more than"),
    ],
)
def test_what_is_no_range(first: str, last: str, says: str) -> None:
    with pytest.raises(LedgerError, match=says):
        SerialRange(first, last)
