"""The movements that each step of a document, and each act of a custodian, makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .ledger import (
    CONSUMED,
    DESTROYED,
    ISSUED,
    LOST,
    SUPPLIER,
    Cause,
    LedgerError,
    Movement,
    Place,
    PlaceKind,
    hopper,
    printed,
    quarantine,
    spoiled,
    store,
    transit,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """What is moved: one serialised blank, or ``quantity`` units that are only counted.

    ``lot``: the lot of blanks and pouches, or the serial of a roll.
    """

    material: str
    serial: str | None = None
    quantity: int = 1
    lot: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Who moves what for which document, and when (aware); shared by the movements of one step."""

    office: str
    actor: str
    at: datetime
    job_id: str | None = None
    document_number: str | None = None


def _move(
    act: Act, piece: Piece, source: Place, target: Place, cause: Cause, note: str | None = None
) -> Movement:
    return Movement(
        material=piece.material,
        quantity=piece.quantity,
        source=source,
        target=target,
        cause=cause,
        actor=act.actor,
        office=act.office,
        at=act.at,
        serial=piece.serial,
        lot=piece.lot,
        job_id=act.job_id,
        document_number=act.document_number,
        note=note,
    )


def _each(
    act: Act,
    pieces: Iterable[Piece],
    source: Place,
    target: Place,
    cause: Cause,
    note: str | None = None,
) -> list[Movement]:
    return [_move(act, piece, source, target, cause, note) for piece in pieces]


def serialised(material: str, lot: str, serials: Iterable[str]) -> list[Piece]:
    """Pieces of a lot by their preprinted serials (a SerialRange, a scanned list)."""
    return [Piece(material, serial, 1, lot) for serial in serials]


def receive(act: Act, pieces: Iterable[Piece], note: str | None = None) -> list[Movement]:
    """Supplier → store. ``note``: number of the act of acceptance."""
    return _each(act, pieces, SUPPLIER, store(act.office), Cause.RECEIVED, note)


def load(act: Act, device: str, pieces: Iterable[Piece]) -> list[Movement]:
    """Store → hopper, in the order in which the machine will take them: that order is kept."""
    return _each(act, pieces, store(act.office), hopper(device), Cause.LOADED)


def unload(act: Act, device: str, pieces: Iterable[Piece]) -> list[Movement]:
    """Hopper → store: unused, for another day or another machine."""
    return _each(act, pieces, hopper(device), store(act.office), Cause.UNLOADED)


def print_card(
    act: Act, device: str, blank: Piece | None, used: Iterable[Piece] = ()
) -> list[Movement]:
    """A print: the blank leaves the hopper and awaits inspection; panels of rolls are used up."""
    movements = _each(act, used, hopper(device), CONSUMED, Cause.PRINTED)
    if blank is not None:
        movements.insert(0, _move(act, blank, hopper(device), printed(act.office), Cause.PRINTED))
    return movements


def laminate(act: Act, pouches: Iterable[Piece], source: Place | None = None) -> list[Movement]:
    """Pouches → consumed; from the office's store, or from ``hopper(device)`` if loaded there."""
    return _each(act, pouches, source or store(act.office), CONSUMED, Cause.LAMINATED)


def settle(act: Act, blank: Piece) -> list[Movement]:
    """Inspected and good: printed → issued."""
    if act.document_number is None:
        raise LedgerError(f"{blank.material} {blank.serial} is issued without a document number")
    return [_move(act, blank, printed(act.office), ISSUED, Cause.ISSUED)]


def spoil(act: Act, blank: Piece, reason: str, source: Place | None = None) -> list[Movement]:
    """Annulled: printed (or ``source``: a hopper, the quarantine) → spoiled. ``reason``: a code."""
    return [
        _move(act, blank, source or printed(act.office), spoiled(act.office), Cause.SPOILED, reason)
    ]


def set_aside(act: Act, blank: Piece, reason: str, source: Place | None = None) -> list[Movement]:
    """Under inquiry: printed (or ``source``) → quarantine."""
    from_ = source or printed(act.office)
    return [_move(act, blank, from_, quarantine(act.office), Cause.QUARANTINED, reason)]


def clear(act: Act, blank: Piece, target: Place, note: str | None = None) -> list[Movement]:
    """Out of quarantine, back to where it belongs: printed, store."""
    return [_move(act, blank, quarantine(act.office), target, Cause.CLEARED, note)]


def trial_print(act: Act, device: str, pieces: Iterable[Piece], reason: str) -> list[Movement]:
    """Test and cleaning prints: serialised blanks → spoiled, what is only counted → consumed."""
    return [
        _move(
            act,
            piece,
            hopper(device),
            spoiled(act.office) if piece.serial else CONSUMED,
            Cause.TEST,
            reason,
        )
        for piece in pieces
    ]


def dispatch(act: Act, to_office: str, pieces: Iterable[Piece], note: str) -> list[Movement]:
    """Store → on the way to another office. ``note``: number of the act."""
    return _each(
        act,
        pieces,
        store(act.office),
        transit(act.office, to_office),
        Cause.DISPATCHED,
        note,
    )


def arrive(act: Act, from_office: str, pieces: Iterable[Piece], note: str) -> list[Movement]:
    """On the way from another office → store; booked by the receiver, in its own books."""
    return _each(
        act, pieces, transit(from_office, act.office), store(act.office), Cause.ARRIVED, note
    )


def destroy(act: Act, pieces: Iterable[Piece], note: str) -> list[Movement]:
    """Spoiled → destroyed, before a notary. ``note``: number of the act."""
    return _each(act, pieces, spoiled(act.office), DESTROYED, Cause.DESTROYED, note)


def lose(act: Act, piece: Piece, source: Place, note: str) -> list[Movement]:
    """Found missing. ``note``: number of the report."""
    return [_move(act, piece, source, LOST, Cause.LOST, note)]


def counter(act: Act, wrong: Movement, note: str) -> list[Movement]:
    """A wrong movement is never edited: this one takes it back."""
    if wrong.source.kind is PlaceKind.SUPPLIER and wrong.serial is not None:
        raise LedgerError(
            f"{wrong.material} {wrong.serial} cannot go back to the supplier by a correction: "
            "quarantine it and close it by an act"
        )
    piece = Piece(wrong.material, wrong.serial, wrong.quantity, wrong.lot)
    again = Act(act.office, act.actor, act.at, wrong.job_id, wrong.document_number)
    return [_move(again, piece, wrong.target, wrong.source, Cause.CORRECTED, note)]
