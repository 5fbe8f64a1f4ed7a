"""Document numbers and status indices, handed out from blocks that are leased to an office.

An office far from the centre goes on numbering while its link is down; so a number comes from
the office's own block, and only a used-up block asks the central counter. Numbers of a
transaction that was rolled back are handed out again; a released number is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, TextClause, text

from .errors import StoreError
from .permutation import permute

DOCUMENT_BLOCK = 200
STATUS_BLOCK = 256
STATUS_LIST_SIZE = 1 << 20
LIST_SHIFT = 32
LIST_MASK = (1 << LIST_SHIFT) - 1
LAST_DOCUMENT = 99_999_999  # eight digits after the prefix

# Takes without asking whether the block is used up: so whoever leases holds the block's row
# first and the central counter second, always, and two of one office cannot deadlock. (On
# PostgreSQL a condition that fails after a wait keeps the row locked all the same.)
_TAKE = text(
    "UPDATE number_blocks SET next_value = next_value + 1"
    " WHERE office = :office AND kind = :kind RETURNING next_value - 1, end_value"
)
# Of status indices an office has one row, whose values are list × 2^32 + counter: the row must
# stay the same when the next list is opened, for the same reason. The secret comes along.
_TAKE_STATUS = text(
    "UPDATE number_blocks SET next_value = next_value + 1"
    " WHERE office = :office AND kind = 'status' RETURNING next_value - 1, end_value,"
    " (SELECT secret FROM status_lists"
    "  WHERE id = CAST((number_blocks.next_value - 1) >> 32 AS TEXT)),"
    " (SELECT size FROM status_lists"
    "  WHERE id = CAST((number_blocks.next_value - 1) >> 32 AS TEXT))"
)
_EMPTY = text(
    "INSERT INTO number_blocks (office, kind, next_value, end_value, leased_at)"
    " VALUES (:office, :kind, 0, 0, :at) ON CONFLICT (office, kind) DO NOTHING"
)
# Writes nothing new, but holds the row, so that two who find their block used up take turns.
_HOLD = text(
    "INSERT INTO number_counters (kind, next_value) VALUES (:kind, 1)"
    " ON CONFLICT (kind) DO UPDATE SET next_value = number_counters.next_value"
    " RETURNING next_value"
)
_MOVE = text("UPDATE number_counters SET next_value = :next WHERE kind = :kind")
_LEASE = text(
    "UPDATE number_blocks SET next_value = :first, end_value = :end, leased_at = :at"
    " WHERE office = :office AND kind = :kind"
)
_LISTS = text("SELECT id, size, next_counter FROM status_lists ORDER BY CAST(id AS INTEGER)")
_MOVE_LIST = text("UPDATE status_lists SET next_counter = :next WHERE id = :id")
_OPEN = text(
    "INSERT INTO status_lists (id, office, size, secret, next_counter, version)"
    " VALUES (:id, :office, :size, :secret, 0, 0)"
)


class NumbersExhausted(StoreError):  # noqa: N818
    """A prefix has used its eight digits: give the document type another prefix."""


def next_document_number(
    conn: Connection,
    office: str,
    prefix: str,
    now: datetime | None = None,
    *,
    block: int = DOCUMENT_BLOCK,
) -> str:
    """``prefix`` and eight digits, never handed out before. ``block``: size of the next lease.

    Raises NumbersExhausted.
    """
    _positive(block)
    key = {"office": office, "kind": f"document:{prefix}"}
    value, end = _take(conn, _TAKE, key, now)
    if value >= end:
        _lease_documents(conn, key, block, now)
        value, end = _take(conn, _TAKE, key, now)
    return f"{prefix}{value:08d}"


def next_status_index(
    conn: Connection, office: str, now: datetime | None = None, *, block: int = STATUS_BLOCK
) -> tuple[str, int]:
    """(status list, index in it), never handed out before.

    Indices of one office do not follow each other: a list that is public must not tell how many
    documents an office issues, or which were issued together. A full list opens the next one.
    """
    _positive(block)
    key = {"office": office, "kind": "status"}
    value, end, secret, size = _take(conn, _TAKE_STATUS, key, now)
    if value >= end:
        _lease_status(conn, key, block, now)
        value, end, secret, size = _take(conn, _TAKE_STATUS, key, now)
    return str(value >> LIST_SHIFT), permute(value & LIST_MASK, size, bytes(secret))


def open_status_list(
    conn: Connection, office: str, *, size: int = STATUS_LIST_SIZE, secret: bytes | None = None
) -> str:
    """Opens the next list (``1``, ``2``, …) and returns its id.

    ``secret`` (32 bytes, random if None) keys the order of indices; it is no signing key, but
    stays in the store. Lists are used in the order of their ids.
    """
    conn.execute(_HOLD, {"kind": "status"})
    lists = conn.execute(_LISTS).all()
    name = str(int(lists[-1].id) + 1 if lists else 1)
    key = secrets.token_bytes(32) if secret is None else secret
    conn.execute(_OPEN, {"id": name, "office": office, "size": size, "secret": key})
    return name


def _take(
    conn: Connection, statement: TextClause, key: Mapping[str, str], now: datetime | None
) -> tuple[Any, ...]:
    """The next of the office's block, its end, …; beyond the end if it is used up."""
    row = conn.execute(statement, key).one_or_none()
    if row is None:
        conn.execute(_EMPTY, {**key, "at": _stored(conn, now)})
        row = conn.execute(statement, key).one()
    return tuple(row)


def _lease_documents(
    conn: Connection, key: dict[str, str], block: int, now: datetime | None
) -> None:
    start = int(conn.execute(_HOLD, {"kind": key["kind"]}).scalar_one())
    if start > LAST_DOCUMENT:
        raise NumbersExhausted(
            f"{key['kind']} has used its {LAST_DOCUMENT} numbers: give the document type another "
            "prefix in the profile"
        )
    end = min(start + block, LAST_DOCUMENT + 1)
    conn.execute(_MOVE, {"kind": key["kind"], "next": end})
    _lease(conn, key, start, end, now)


def _lease_status(conn: Connection, key: dict[str, str], block: int, now: datetime | None) -> None:
    """The next block of the oldest list that has room."""
    conn.execute(_HOLD, {"kind": "status"})
    room = [row for row in conn.execute(_LISTS) if row.next_counter < row.size]
    if not room:
        open_status_list(conn, key["office"])
        room = list(conn.execute(_LISTS))[-1:]
    name, size, start = room[0]
    end = min(start + block, size)
    conn.execute(_MOVE_LIST, {"id": name, "next": end})
    base = int(name) << LIST_SHIFT
    _lease(conn, key, base | start, base + end, now)


def _lease(
    conn: Connection, key: dict[str, str], first: int, end: int, now: datetime | None
) -> None:
    values = {"first": first, "end": end, "at": _stored(conn, now)}
    conn.execute(_LEASE, {**key, **values})


def _stored(conn: Connection, now: datetime | None) -> datetime:
    """A time as the column type Utc stores it; text() knows no types."""
    at = (now or datetime.now(UTC)).astimezone(UTC)
    return at.replace(tzinfo=None) if conn.dialect.name == "sqlite" else at


def _positive(block: int) -> None:
    if block < 1:
        raise ValueError(f"a block has at least one number, not {block}")
