"""The words of the house: states, reasons and the job. Pure: no event loop, no SQL, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class JobState(StrEnum):
    """Where a job stands; durable. docs/issuance-cycle.md says what a crash leaves."""

    RECEIVED = "received"
    ADMITTED = "admitted"  # in the queue; ``released`` says that the counter ordered it
    RESERVED = "reserved"
    SEALING = "sealing"  # the unsigned claims are stored: an intention to sign
    SEALED = "sealed"
    PRINTING = "printing"  # the journal is stored: an intention to print
    PRINTED = "printed"
    LAMINATING = "laminating"
    TO_INSPECT = "to_inspect"  # out of every machine; rests, unleased, until the counter scans
    INSPECTED = "inspected"
    SETTLED = "settled"  # rests, unleased, until it is handed over
    DELIVERED = "delivered"
    # Those that wait for a person or are over:
    UNDETERMINED = "undetermined"
    ATTENTION = "attention"
    SPOILED = "spoiled"
    REFUSED = "refused"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DELIVERED, JobState.REFUSED, JobState.CANCELLED})
WAITING_FOR_A_PERSON = frozenset({JobState.UNDETERMINED, JobState.ATTENTION, JobState.SPOILED})
# Claimed by a lane, or resumed by it after a crash. PRINTING is missing on purpose: a lease that
# runs out there means UNDETERMINED, never another claim.
RESUMABLE = frozenset(
    {
        JobState.RESERVED,
        JobState.SEALING,
        JobState.SEALED,
        JobState.PRINTED,
        JobState.LAMINATING,
        JobState.INSPECTED,
    }
)


class DocumentState(StrEnum):
    """A document's own life; a job that is reprinted has several, one per blank."""

    RESERVED = "reserved"
    SEALED = "sealed"
    PRINTED = "printed"
    ISSUED = "issued"
    DELIVERED = "delivered"
    VOID = "void"
    SUSPENDED = "suspended"
    REPLACED = "replaced"


class BlankState(StrEnum):
    """Where a serialised blank is in its life."""

    STOCK = "stock"
    LOADED = "loaded"  # in a hopper, at ``position``
    RESERVED = "reserved"  # still in the hopper, promised to a document
    PRINTED = "printed"  # out of the machine, not yet inspected
    ISSUED = "issued"
    QUARANTINE = "quarantine"
    SPOILED = "spoiled"
    DESTROYED = "destroyed"
    LOST = "lost"


class Status(IntEnum):
    """Values of the two-bit status list."""

    VALID = 0
    VOID = 1
    SUSPENDED = 2
    REPLACED = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was refused or stopped: a stable code and words for people."""

    code: str
    es: str
    en: str

    def to_json(self) -> dict[str, str]:
        """JSON-able form."""
        return {"code": self.code, "es": self.es, "en": self.en}


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on a row, until when; ``number`` only rises and fences whoever wakes up late."""

    owner: str
    number: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """One citizen's request on its way. Personal data is in the application, not here."""

    id: str
    office: str
    ticket: str
    document_type: str
    kind: str
    state: JobState
    priority: int
    released: bool
    lane: str | None
    document_number: str | None
    lease: Lease | None
    attempts: int
    created_at: datetime
    updated_at: datetime
    reasons: tuple[Reason, ...] = ()
    reprint_reason: str | None = None


class Fenced(Exception):  # noqa: N818 - a state of affairs, named as the literature does
    """The lease was lost: another daemon has the row. Drop everything, touch nothing."""


class Conflict(Exception):  # noqa: N818
    """An act does not fit the job's state. Carries words for the person who tried."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(f"{reason.code}: {reason.en}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the one stream: identifiers only (invariant 9)."""

    office: str
    seq: int
    epoch: int
    at: datetime
    kind: str
    subject: str
    data: Mapping[str, Any] = field(default_factory=dict)
