"""The one stream (invariant 9): events written in the transaction of the change they tell.

The sequence of an office has no gaps: its counter is a row, and whoever takes a number holds that
row until commit, so numbers also become visible in order, and ``events_after`` misses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, cast, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from issuer.domain import Event

from .schema import events, meta, office_sequences

LONGEST = 128  # characters of an identifier

_TAKE = (
    update(office_sequences)
    .where(office_sequences.c.office == bindparam("of"))
    .values(next_event=office_sequences.c.next_event + literal_column("1"))
    .returning(
        office_sequences.c.next_event - literal_column("1"),
        select(cast(meta.c.value, Integer))
        .where(meta.c.key == literal_column("'epoch'"))
        .scalar_subquery(),
    )
)
_ENSURE = {
    dialect.dialect.name: dialect.insert(office_sequences)
    .values(office=bindparam("of"), next_event=1, next_movement=1, next_ticket=1)
    .on_conflict_do_nothing()
    for dialect in (postgresql, sqlite)
}
_INSERT = insert(events)
_AFTER = select(events).where(events.c.seq > bindparam("seq")).limit(bindparam("most"))
_AFTER_OFFICE = _AFTER.where(events.c.office == bindparam("of")).order_by(events.c.seq)
_AFTER_ALL = _AFTER.order_by(events.c.office, events.c.seq)


def ensure_office(conn: Connection, office: str) -> None:
    """The counters of an office start at 1; an office that has them keeps them."""
    conn.execute(_ENSURE[conn.dialect.name], {"of": office})


def emit(
    conn: Connection,
    office: str,
    kind: str,
    subject: str,
    data: Mapping[str, Any],
    now: datetime | None = None,
) -> Event:
    """Adds one event with the office's next number; returns it as stored.

    ``data`` holds identifiers, codes and numbers only, never names or free text (invariant 8).
    Raises ValueError if it holds anything else.
    """
    _identifiers_only(kind, data)
    taken = conn.execute(_TAKE, {"of": office}).one_or_none()
    if taken is None:
        ensure_office(conn, office)
        taken = conn.execute(_TAKE, {"of": office}).one()
    event = Event(office, taken[0], taken[1] or 0, now or datetime.now(UTC), kind, subject, data)
    row = {
        "office": office,
        "seq": event.seq,
        "epoch": event.epoch,
        "at": event.at,
        "kind": kind,
        "subject": subject,
        "data": dict(data),
    }
    conn.execute(_INSERT, row)
    return event


def events_after(conn: Connection, office: str | None, seq: int, limit: int = 500) -> list[Event]:
    """Events of an office with a number above ``seq``, in order; of all offices if None.

    With None the order is by office, then number: each office's stream stays gap-free.
    """
    if office is None:
        rows = conn.execute(_AFTER_ALL, {"seq": seq, "most": limit})
    else:
        rows = conn.execute(_AFTER_OFFICE, {"seq": seq, "most": limit, "of": office})
    return [Event(*row) for row in rows]


def _identifiers_only(kind: str, value: object) -> None:
    """What looks like a name or a sentence has no place in the stream."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _identifiers_only(f"{kind}.{key}", inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _identifiers_only(kind, inner)
    elif isinstance(value, str):
        if len(value) > LONGEST or any(char.isspace() for char in value):
            raise ValueError(f"event {kind}: give an identifier or a code, not text")
    elif value is not None and not isinstance(value, int):  # bool is an int
        raise ValueError(f"event {kind}: {type(value).__name__} is no identifier; give str or int")
