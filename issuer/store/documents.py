"""Documents and the blanks promised to them, in SQL. One document, one blank (invariant 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Row

from issuer.domain import BlankState, Conflict, DocumentState, Job, Reason, Status
from issuer.store import numbers, outbox
from issuer.store.schema import blanks, documents, status_entries


@dataclass(frozen=True, slots=True)
class Document:
    """A document as stored. ``claims``, ``qr_text`` and ``person_id`` are personal data."""

    number: str
    office: str
    type: str
    job_id: str | None
    person_id: str
    state: DocumentState
    blank_material: str | None
    blank_serial: str | None
    printer: str | None
    status_list: str
    status_index: int
    claims: bytes | None
    qr_text: str | None
    kid: bytes | None
    hsm: str | None
    valid_from: datetime | None
    valid_until: datetime | None
    file: bytes | None
    created_at: datetime


def _to_document(row: Row[Any]) -> Document:
    return Document(
        row.number,
        row.office,
        row.type,
        row.job_id,
        row.person_id,
        DocumentState(row.state),
        row.blank_material,
        row.blank_serial,
        row.printer,
        row.status_list,
        row.status_index,
        row.claims,
        row.qr_text,
        row.kid,
        row.hsm,
        row.valid_from,
        row.valid_until,
        row.file,
        row.created_at,
    )


# Statements of the hot path are built once: building one costs more than running it.
_GET = select(documents).where(documents.c.number == bindparam("of_number"))


def get(conn: Connection, number: str) -> Document:
    """One document. Raises Conflict if there is none."""
    row = conn.execute(_GET, {"of_number": number}).one_or_none()
    if row is None:
        raise Conflict(
            Reason("no_such_document", "No existe ese documento.", "There is no such document.")
        )
    return _to_document(row)


# A literal: a bound parameter misses the partial index (facts on offices).
_LOADED: ColumnElement[bool] = literal_column("state = 'loaded'")


@dataclass(frozen=True, slots=True)
class Blank:
    """The next preprinted serial of a hopper."""

    material: str
    serial: str
    lot: str


_NEXT_BLANK = (
    select(blanks.c.material, blanks.c.serial, blanks.c.lot)
    .where(blanks.c.printer == bindparam("at"), blanks.c.material == bindparam("of"), _LOADED)
    .order_by(blanks.c.position)
    .limit(literal_column("1"))
    .with_for_update()
)


def next_blank(conn: Connection, printer: str, material: str) -> Blank | None:
    """The blank that the machine will pick next; None if the hopper is empty by the books."""
    row = conn.execute(_NEXT_BLANK, {"at": printer, "of": material}).one_or_none()
    return None if row is None else Blank(row.material, row.serial, row.lot)


def blank_in_hopper(conn: Connection, printer: str, material: str, serial: str) -> Blank | None:
    """A blank by its serial, if the books have it in that hopper and nobody is promised it."""
    row = conn.execute(
        select(blanks.c.material, blanks.c.serial, blanks.c.lot).where(
            blanks.c.material == material,
            blanks.c.serial == serial,
            blanks.c.printer == printer,
            _LOADED,
        )
    ).one_or_none()
    return None if row is None else Blank(row.material, row.serial, row.lot)


_IS_LOADED: Select[int] = (
    select(literal_column("1", Integer))
    .select_from(blanks)
    .where(blanks.c.printer == bindparam("at"), _LOADED)
    .limit(literal_column("1"))
)


def is_loaded(conn: Connection, printer: str) -> bool:
    """Whether the books have any blank in a hopper."""
    return conn.execute(_IS_LOADED, {"at": printer}).one_or_none() is not None


def loaded(conn: Connection, printer: str) -> int:
    """How many blanks the books say are in a hopper."""
    return int(
        conn.execute(
            select(func.count()).select_from(blanks).where(blanks.c.printer == printer, _LOADED)
        ).scalar_one()
    )


_INSERT = documents.insert()


def reserve(
    conn: Connection,
    job: Job,
    *,
    prefix: str,
    person_id: str,
    blank: Blank | None,
    printer: str | None,
    valid_from: datetime,
    valid_until: datetime | None,
    now: datetime,
) -> Document:
    """A number, a status index and (where the document has one) a blank, all or nothing."""
    number = numbers.next_document_number(conn, job.office, prefix, now)
    status_list, status_index = numbers.next_status_index(conn, job.office, now)
    conn.execute(
        _INSERT,
        {
            "number": number,
            "office": job.office,
            "type": job.document_type,
            "job_id": job.id,
            "person_id": person_id,
            "state": DocumentState.RESERVED.value,
            "blank_material": blank.material if blank else None,
            "blank_serial": blank.serial if blank else None,
            "printer": printer,
            "status_list": status_list,
            "status_index": status_index,
            "valid_from": valid_from,
            "valid_until": valid_until,
            "created_at": now,
        },
    )
    if blank:
        set_blank(
            conn, blank.material, blank.serial, BlankState.RESERVED, now, document_number=number
        )
    return get(conn, number)


@lru_cache(maxsize=16)
def _set_blank(columns: tuple[str, ...]) -> Update:
    return (
        update(blanks)
        .where(
            blanks.c.material == bindparam("of_material"),
            blanks.c.serial == bindparam("of_serial"),
        )
        .values({c: bindparam(f"new_{c}", type_=blanks.c[c].type) for c in columns})
    )


def set_blank(
    conn: Connection,
    material: str,
    serial: str,
    state: BlankState,
    now: datetime,
    **columns: Any,
) -> None:
    """Moves a blank to a state. Raises Conflict if the serial is unknown."""
    columns |= {"state": state.value, "updated_at": now}
    values = {f"new_{name}": value for name, value in columns.items()}
    statement = _set_blank(tuple(sorted(columns)))
    changed = conn.execute(statement, values | {"of_material": material, "of_serial": serial})
    if changed.rowcount != 1:
        raise Conflict(
            Reason(
                "unknown_blank",
                f"El material {material} {serial} no está en los libros.",
                f"Blank {material} {serial} is not in the books.",
            )
        )


def put_on_top(conn: Connection, printer: str, material: str, serial: str) -> None:
    """Makes a loaded blank the one that comes out next."""
    lowest = conn.execute(
        select(func.min(blanks.c.position)).where(blanks.c.printer == printer, _LOADED)
    ).scalar_one()
    conn.execute(
        update(blanks)
        .where(blanks.c.material == material, blanks.c.serial == serial)
        .values(position=lowest - 1)
    )


_PROMISED = (
    select(blanks.c.serial)
    .where(blanks.c.printer == bindparam("at"), literal_column("state = 'reserved'"))
    .limit(literal_column("1"))
)


def promised(conn: Connection, printer: str) -> str | None:
    """The serial that is reserved and still in the hopper; None if there is none.

    It is the physical next one: until its job is decided, nothing else may come out.
    """
    return conn.execute(_PROMISED, {"at": printer}).scalar_one_or_none()


_LOT = select(blanks.c.lot).where(
    blanks.c.material == bindparam("of"), blanks.c.serial == bindparam("which")
)


def lot_of(conn: Connection, material: str, serial: str) -> str | None:
    """The lot of a blank; None if the serial is unknown."""
    return conn.execute(_LOT, {"of": material, "which": serial}).scalar_one_or_none()


def place_of(conn: Connection, material: str, serial: str) -> str:
    """Where the books have a blank. Raises if the serial is unknown."""
    return str(
        conn.execute(
            select(blanks.c.place).where(blanks.c.material == material, blanks.c.serial == serial)
        ).scalar_one()
    )


@lru_cache(maxsize=64)
def _change(columns: tuple[str, ...]) -> Update:
    return (
        update(documents)
        .where(documents.c.number == bindparam("of_number"))
        .values({c: bindparam(f"new_{c}", type_=documents.c[c].type) for c in columns})
    )


def change(conn: Connection, number: str, **columns: Any) -> None:
    """Sets columns of a document. Raises KeyError for a number that is not there."""
    values = {f"new_{name}": value for name, value in columns.items()} | {"of_number": number}
    if conn.execute(_change(tuple(sorted(columns))), values).rowcount != 1:
        raise KeyError(number)


def set_status(
    conn: Connection, document: Document, value: Status, reason: str, now: datetime
) -> None:
    """Writes an entry of the status list and its event. 0 is the absence of an entry."""
    row = {
        "list_id": document.status_list,
        "idx": document.status_index,
        "office": document.office,
        "document_number": document.number,
        "value": int(value),
        "reason": reason,
        "at": now,
        "published_version": None,
    }
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    changes = {key: row[key] for key in ("value", "reason", "at", "published_version")}
    conn.execute(
        dialect.insert(status_entries)
        .values(row)
        .on_conflict_do_update(index_elements=["list_id", "idx"], set_=changes)
    )
    outbox.emit(
        conn,
        document.office,
        "status.changed",
        document.number,
        {"value": int(value), "reason": reason},
        now,
    )


def void(conn: Connection, document: Document, reason: str, now: datetime) -> None:
    """The seal is void in the status list; the number is never used again."""
    set_status(conn, document, Status.VOID, reason, now)
    change(conn, document.number, state=DocumentState.VOID.value, void_reason=reason)


def find(conn: Connection, number: str) -> Document | None:
    """One document, or None: numbers from outside may be of an earlier system."""
    row = conn.execute(_GET, {"of_number": number}).one_or_none()
    return None if row is None else _to_document(row)


def earlier(conn: Connection, person_id: str, but: str | None = None) -> list[Document]:
    """The holder's documents, of any type, that a verifier would call valid or suspended."""
    query = select(documents).where(
        documents.c.person_id == person_id,
        documents.c.state.in_(
            [
                DocumentState.ISSUED.value,
                DocumentState.DELIVERED.value,
                DocumentState.SUSPENDED.value,
            ]
        ),
    )
    if but is not None:
        query = query.where(documents.c.number != but)
    return [_to_document(row) for row in conn.execute(query.order_by(documents.c.created_at))]


def of_job(conn: Connection, job_id: str) -> Sequence[Document]:
    """Every document that a job has had, the void ones too, oldest first."""
    return [
        _to_document(row)
        for row in conn.execute(
            select(documents)
            .where(documents.c.job_id == job_id)
            .order_by(documents.c.created_at, documents.c.number)
        )
    ]


def of_blank(conn: Connection, material: str, serial: str) -> Document | None:
    """The one document that a serial belongs to."""
    row = conn.execute(
        select(documents).where(
            and_(
                documents.c.blank_material == material,
                documents.c.blank_serial == serial,
                documents.c.state != DocumentState.VOID.value,
            )
        )
    ).one_or_none()
    return None if row is None else _to_document(row)
