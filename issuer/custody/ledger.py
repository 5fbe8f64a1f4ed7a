"""Double entry for valued material, in whole units. Pure: values and sums, no SQL, no clock.

A movement takes a quantity from one place to another; nothing appears or disappears, so over all
places every material sums to zero (invariant 4). Places inside the house can never hold less
than nothing; those outside (supplier, issued, consumed, …) tell what came and went.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LedgerError(Exception):
    """A movement that the books cannot take; the message says what is in the way."""


class PlaceKind(StrEnum):
    """Where material can be. Those that need a name say whose in a comment."""

    STORE = "store"  # office
    HOPPER = "hopper"  # device: blanks, rolls and pouches inside it
    PRINTED = "printed"  # office: out of the machine, awaiting inspection
    QUARANTINE = "quarantine"  # office: under inquiry
    SPOILED = "spoiled"  # office: annulled, awaiting destruction
    TRANSIT = "transit"  # FROM>TO: dispatched, not yet received
    SUPPLIER = "supplier"
    ISSUED = "issued"
    CONSUMED = "consumed"  # prints of rolls, pouches: used up by a document, good or not
    DESTROYED = "destroyed"
    LOST = "lost"


NAMED = frozenset(
    {
        PlaceKind.STORE,
        PlaceKind.HOPPER,
        PlaceKind.PRINTED,
        PlaceKind.QUARANTINE,
        PlaceKind.SPOILED,
        PlaceKind.TRANSIT,
    }
)
USABLE = frozenset({PlaceKind.STORE, PlaceKind.HOPPER, PlaceKind.PRINTED})
OWN = USABLE | {PlaceKind.QUARANTINE, PlaceKind.SPOILED}
OF_OFFICE = OWN - {PlaceKind.HOPPER}


@dataclass(frozen=True, slots=True)
class Place:
    """A kind and, where it needs one, a name; ``str()`` is the stored form, ``store:LPZ-01``."""

    kind: PlaceKind
    name: str = ""

    def __post_init__(self) -> None:
        if (self.kind in NAMED) != bool(self.name):
            need = "needs a name" if self.kind in NAMED else f"has no name, not {self.name!r}"
            raise LedgerError(f"the place {self.kind.value!r} {need}")

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value

    @classmethod
    def parse(cls, text: str) -> Place:
        """Reads what ``str()`` wrote. Raises LedgerError."""
        kind, _, name = text.partition(":")
        try:
            return cls(PlaceKind(kind), name)
        except ValueError as error:
            known = ", ".join(PlaceKind)
            raise LedgerError(f"{text!r} is no place; the kinds are {known}") from error

    @property
    def own(self) -> bool:
        """Inside the house: its balance is counted by people and never below zero."""
        return self.kind in OWN

    @property
    def usable(self) -> bool:
        """Inside the house and good for a document (or in one that awaits inspection)."""
        return self.kind in USABLE


SUPPLIER = Place(PlaceKind.SUPPLIER)
ISSUED = Place(PlaceKind.ISSUED)
CONSUMED = Place(PlaceKind.CONSUMED)
DESTROYED = Place(PlaceKind.DESTROYED)
LOST = Place(PlaceKind.LOST)


def store(office: str) -> Place:
    """The office's store."""
    return Place(PlaceKind.STORE, office)


def hopper(device: str) -> Place:
    """Inside a printer or plastifier: its hopper, its rolls."""
    return Place(PlaceKind.HOPPER, device)


def printed(office: str) -> Place:
    """Out of the machine, awaiting inspection."""
    return Place(PlaceKind.PRINTED, office)


def quarantine(office: str) -> Place:
    """Under inquiry."""
    return Place(PlaceKind.QUARANTINE, office)


def spoiled(office: str) -> Place:
    """Annulled, awaiting destruction by act."""
    return Place(PlaceKind.SPOILED, office)


def transit(source: str, target: str) -> Place:
    """On the way between two offices; each books its own side of it (invariant 10)."""
    return Place(PlaceKind.TRANSIT, f"{source}>{target}")


class Cause(StrEnum):
    """Why material moved."""

    OPENING = "opening"  # a first count, when the books begin
    RECEIVED = "received"
    LOADED = "loaded"
    UNLOADED = "unloaded"
    PRINTED = "printed"
    LAMINATED = "laminated"
    ISSUED = "issued"
    SPOILED = "spoiled"
    QUARANTINED = "quarantined"
    CLEARED = "cleared"  # out of quarantine
    TEST = "test"  # test and cleaning prints are movements of their own (custody, check 12)
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    DESTROYED = "destroyed"
    LOST = "lost"
    CORRECTED = "corrected"  # a counter-entry; nothing is ever edited


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the books. Identifiers only, never a person's data (invariant 8).

    Raises LedgerError when it cannot be one: nothing moved, moved to itself, or a serial that
    counts for more than one.
    """

    material: str
    quantity: int  # whole units (pieces, prints of a roll), above zero
    source: Place
    target: Place
    cause: Cause
    actor: str  # user or service, by name of account
    office: str  # whose books
    at: datetime  # aware
    serial: str | None = None  # of the blank: then the quantity is 1
    lot: str | None = None  # or the roll's serial, for material in rolls
    job_id: str | None = None
    document_number: str | None = None
    note: str | None = None  # reason code of a spoil, number of an act

    def __post_init__(self) -> None:
        if type(self.quantity) is not int or self.quantity < 1:
            raise self._wrong(f"moves {self.quantity!r}: give a whole number above zero")
        if self.serial is not None and self.quantity != 1:
            raise self._wrong(f"has one serial for {self.quantity} pieces")
        if self.source == self.target:
            raise self._wrong(f"goes from {self.source} to itself")
        if self.at.tzinfo is None:
            raise self._wrong("has no time zone: give an aware time")
        for place in (self.source, self.target):
            if place.kind in OF_OFFICE and place.name != self.office:
                raise self._wrong(f"touches {place} but is of {self.office}: dispatch it instead")
        if not self.actor:
            raise self._wrong("has no actor")

    def _wrong(self, what: str) -> LedgerError:
        return LedgerError(f"movement of {self.material} {self.serial or ''}".rstrip() + f" {what}")


Balances = Mapping[tuple[Place, str], int]
"""Quantity per place and material; what is not named is zero."""


def balance(
    movements: Iterable[Movement], opening: Balances | None = None
) -> dict[tuple[Place, str], int]:
    """Sums movements, after ``opening``. Places that come to zero are left out."""
    sums: dict[tuple[Place, str], int] = defaultdict(int, opening or {})
    for movement in movements:
        sums[movement.source, movement.material] -= movement.quantity
        sums[movement.target, movement.material] += movement.quantity
    return {key: quantity for key, quantity in sums.items() if quantity}
