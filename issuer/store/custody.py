"""The books in SQL: movements with gap-free numbers, running balances, and where each serial is.

All three change in one transaction, so that they cannot disagree. The balance is a row that is
updated, not a sum: over 20 million lines a sum takes 1.3 s and the row 0.2 ms (facts on offices).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError

from issuer.custody.ledger import Cause, LedgerError, Movement, Place, PlaceKind
from issuer.custody.summary import Flow, Line, summarise
from issuer.domain import BlankState

from .outbox import ensure_office
from .schema import balances as balances_table
from .schema import blanks, movements, office_sequences

STATE = {
    PlaceKind.STORE: BlankState.STOCK,
    PlaceKind.TRANSIT: BlankState.STOCK,
    PlaceKind.HOPPER: BlankState.LOADED,
    PlaceKind.PRINTED: BlankState.PRINTED,
    PlaceKind.ISSUED: BlankState.ISSUED,
    PlaceKind.QUARANTINE: BlankState.QUARANTINE,
    PlaceKind.SPOILED: BlankState.SPOILED,
    PlaceKind.DESTROYED: BlankState.DESTROYED,
    PlaceKind.LOST: BlankState.LOST,
}
_FREE = {PlaceKind.STORE, PlaceKind.HOPPER, PlaceKind.TRANSIT}  # of any document

_TAKE = (
    update(office_sequences)
    .where(office_sequences.c.office == bindparam("of"))
    .values(next_movement=office_sequences.c.next_movement + bindparam("count"))
    .returning(office_sequences.c.next_movement)
)
_INSERT = insert(movements)
_ADD = text(
    "INSERT INTO balances (office, place, material, quantity)"
    " VALUES (:office, :place, :material, :change)"
    " ON CONFLICT (office, place, material)"
    " DO UPDATE SET quantity = balances.quantity + excluded.quantity RETURNING quantity"
)
_NEW_BLANK = insert(blanks)
_MOVE_BLANK = (
    update(blanks)
    .where(
        blanks.c.material == bindparam("of_material"),
        blanks.c.serial == bindparam("of_serial"),
        blanks.c.place == bindparam("from_place"),
        # A device's name may be another office's too; what arrives is still the sender's.
        or_(blanks.c.office == bindparam("office"), bindparam("arrives") == literal_column("1")),
    )
    .values(
        office=bindparam("office"),
        place=bindparam("place"),
        state=bindparam("state"),
        printer=bindparam("printer"),
        position=bindparam("position"),
        document_number=case(
            (bindparam("free") == literal_column("1"), None),
            else_=func.coalesce(bindparam("document_number"), blanks.c.document_number),
        ),
        updated_at=bindparam("updated_at"),
    )
)


def post(conn: Connection, entries: Sequence[Movement]) -> list[int]:
    """Books movements of one office, all or (by raising) none; returns their numbers.

    A blank's state and place follow in the same transaction. Its position in a hopper is the
    number of the movement that loaded it: what is loaded first comes out first.
    Raises LedgerError: a place inside the house would hold less than nothing, a serial is not
    where it is taken from, a serial is received twice.
    """
    if not entries:
        return []
    office = entries[0].office
    if any(entry.office != office for entry in entries):
        raise LedgerError("one posting is of one office: post each office's side by itself")
    numbers = _numbers(conn, office, len(entries))
    conn.execute(
        _INSERT, [_line(number, entry) for number, entry in zip(numbers, entries, strict=True)]
    )
    serials = [item for item in zip(numbers, entries, strict=True) if item[1].serial is not None]
    for new, items in groupby(serials, lambda item: item[1].source.kind is PlaceKind.SUPPLIER):
        if new:
            _new_blanks(conn, list(items))
        else:
            for number, entry in items:
                _move_blank(conn, number, entry)
    _add(conn, office, entries)
    return list(numbers)


def release_blank(conn: Connection, material: str, serial: str, now: datetime) -> None:
    """A reserved blank is free again: it never left its hopper, so nothing moved.

    Raises LedgerError if it was not reserved.
    """
    changed = conn.execute(
        update(blanks)
        .where(
            blanks.c.material == material,
            blanks.c.serial == serial,
            blanks.c.state == BlankState.RESERVED.value,
        )
        .values(state=BlankState.LOADED.value, document_number=None, updated_at=now)
    )
    if changed.rowcount != 1:
        raise LedgerError(f"{material} {serial} is not reserved: look where it is")


def balances(conn: Connection, office: str) -> dict[tuple[Place, str], int]:
    """What every place holds, by place and material; zero left out."""
    rows = conn.execute(
        select(balances_table.c.place, balances_table.c.material, balances_table.c.quantity).where(
            balances_table.c.office == office, balances_table.c.quantity != 0
        )
    )
    return {(Place.parse(place), material): quantity for place, material, quantity in rows}


def flows(
    conn: Connection, office: str, since: datetime | None = None, until: datetime | None = None
) -> list[Flow]:
    """Movements summed by material and both places, in [since, until)."""
    columns = movements.c.material, movements.c.source, movements.c.target
    query = select(*columns, func.sum(movements.c.quantity)).where(movements.c.office == office)
    if since is not None:
        query = query.where(movements.c.at >= since)
    if until is not None:
        query = query.where(movements.c.at < until)
    return [
        Flow(material, Place.parse(source), Place.parse(target), int(quantity))
        for material, source, target, quantity in conn.execute(query.group_by(*columns))
    ]


def history(conn: Connection, material: str, serial: str) -> list[Movement]:
    """The life of one serial, over all offices, oldest first."""
    where = movements.c.material == material, movements.c.serial == serial
    rows = conn.execute(select(movements).where(*where).order_by(movements.c.at, movements.c.seq))
    return [_movement(row) for row in rows]


def lines(conn: Connection, office: str, after: int = 0, limit: int = 10_000) -> list[Movement]:
    """An office's movements in the order of their numbers; for auditors and reports."""
    rows = conn.execute(
        select(movements)
        .where(movements.c.office == office, movements.c.seq > after)
        .order_by(movements.c.seq)
        .limit(limit)
    )
    return [_movement(row) for row in rows]


def numbers_of(conn: Connection, office: str) -> list[int]:
    """Numbers of all movements of an office, in order, for the check that none is missing."""
    query = select(movements.c.seq).where(movements.c.office == office).order_by(movements.c.seq)
    return list(conn.execute(query).scalars())


def _numbers(conn: Connection, office: str, count: int) -> range:
    taken = conn.execute(_TAKE, {"of": office, "count": count}).scalar_one_or_none()
    if taken is None:
        ensure_office(conn, office)
        taken = conn.execute(_TAKE, {"of": office, "count": count}).scalar_one()
    return range(taken - count, taken)


def _line(number: int, entry: Movement) -> dict[str, Any]:
    return {
        "office": entry.office,
        "seq": number,
        "at": entry.at,
        "actor": entry.actor,
        "cause": entry.cause.value,
        "material": entry.material,
        "lot": entry.lot,
        "serial": entry.serial,
        "quantity": entry.quantity,
        "source": str(entry.source),
        "target": str(entry.target),
        "job_id": entry.job_id,
        "document_number": entry.document_number,
        "note": entry.note,
    }


def _movement(row: Any) -> Movement:
    return Movement(
        material=row.material,
        quantity=row.quantity,
        source=Place.parse(row.source),
        target=Place.parse(row.target),
        cause=Cause(row.cause),
        actor=row.actor,
        office=row.office,
        at=row.at,
        serial=row.serial,
        lot=row.lot,
        job_id=row.job_id,
        document_number=row.document_number,
        note=row.note,
    )


def _add(conn: Connection, office: str, entries: Iterable[Movement]) -> None:
    """Running balances, in one order for everybody: two postings cannot lock each other out."""
    changes: dict[tuple[str, str], int] = defaultdict(int)
    own: dict[str, bool] = {}
    for entry in entries:
        for place, sign in ((entry.source, -1), (entry.target, 1)):
            changes[str(place), entry.material] += sign * entry.quantity
            own[str(place)] = place.own
    for (place_text, material), change in sorted(changes.items()):
        if not change:
            continue
        values = {"office": office, "place": place_text, "material": material, "change": change}
        left = conn.execute(_ADD, values).scalar_one()
        if left < 0 and own[place_text]:
            raise LedgerError(
                f"{place_text} has {left - change} of {material}, not the {-change} that are "
                "taken: count it, and receive or load what is missing first"
            )


def _blank(number: int, entry: Movement) -> dict[str, Any]:
    if entry.target.kind not in STATE:
        raise LedgerError(
            f"{entry.material} {entry.serial} has a serial: it cannot go to {entry.target}"
        )
    loading = entry.target.kind is PlaceKind.HOPPER
    return {
        "office": entry.office,
        "place": str(entry.target),
        "state": STATE[entry.target.kind].value,
        "printer": entry.target.name if loading else None,
        "position": number if loading else None,
        "document_number": entry.document_number,
        "updated_at": entry.at,
    }


def _move_blank(conn: Connection, number: int, entry: Movement) -> None:
    row = _blank(number, entry)
    arrives = entry.source.kind is PlaceKind.TRANSIT
    where = {
        "of_material": entry.material,
        "of_serial": entry.serial,
        "from_place": str(entry.source),
        "arrives": int(arrives),
        "free": int(entry.target.kind in _FREE),
    }
    if conn.execute(_MOVE_BLANK, row | where).rowcount == 1:
        return
    if not arrives:
        raise _elsewhere(conn, entry)
    _new_blanks(conn, [(number, entry)])  # the sender's books are kept elsewhere


def _new_blanks(conn: Connection, items: Sequence[tuple[int, Movement]]) -> None:
    rows = [
        _blank(number, entry)
        | {"material": entry.material, "serial": entry.serial, "lot": entry.lot or ""}
        for number, entry in items
    ]
    try:
        with conn.begin_nested():
            conn.execute(_NEW_BLANK, rows)
    except IntegrityError as error:
        known = {(row.material, row.serial) for row in _known(conn, [item[1] for item in items])}
        for _, entry in items:
            if (entry.material, entry.serial) in known:
                raise _elsewhere(conn, entry) from error
            known.add((entry.material, entry.serial or ""))
        raise


def _known(conn: Connection, entries: Sequence[Movement]) -> list[Any]:
    """Those that the books have already; a few at a time, as parameters are limited."""
    found: list[Any] = []
    for start in range(0, len(entries), 500):
        part = entries[start : start + 500]
        query = select(blanks.c.material, blanks.c.serial).where(
            blanks.c.material.in_({entry.material for entry in part}),
            blanks.c.serial.in_({entry.serial for entry in part}),
        )
        found += conn.execute(query).all()
    return found


def _elsewhere(conn: Connection, entry: Movement) -> LedgerError:
    at = conn.execute(
        select(blanks.c.place).where(
            blanks.c.material == entry.material, blanks.c.serial == entry.serial
        )
    ).scalar_one_or_none()
    if at is None and entry.source.kind is PlaceKind.SUPPLIER:
        return LedgerError(f"{entry.material} {entry.serial} is named twice: scan it again")
    where = f"is at {at}" if at else "is not in the books"
    return LedgerError(
        f"{entry.material} {entry.serial} {where}, so it cannot be taken from {entry.source}"
    )


def ledger_summary(conn: Connection, office: str, since: datetime | None = None) -> list[Line]:
    """The balance of every material from ``since`` (the beginning if None) until now."""
    before = flows(conn, office, until=since) if since is not None else []
    return summarise(flows(conn, office, since), before, balances(conn, office))
