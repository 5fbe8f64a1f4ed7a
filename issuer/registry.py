"""The registry of persons: the port, and a stand-in read from a CSV file.

The agency's registry is an outside system. The stand-in holds the whole file in memory, so that
no call blocks; an adapter over HTTP answers the same port.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from .tables import Row, read_table


@dataclass(frozen=True, slots=True)
class PriorDocument:
    """A document that the person already has, wherever it is known from.

    ``state``: "valid", "suspended", "replaced" or "void"; only the first two can be replaced.
    """

    number: str
    document_type: str
    issued_on: date
    valid_until: date | None
    state: str = "valid"


@dataclass(frozen=True, slots=True)
class RegistryRecord:
    """What the registry knows of a person. ``observations`` are the registry's own codes."""

    person_id: str
    surname1: str
    surname2: str | None
    given_names: str
    birth_date: date
    consolidated: bool
    observations: tuple[str, ...] = ()
    prior: tuple[PriorDocument, ...] = ()


class RegistryUnavailable(Exception):  # noqa: N818
    """The outside system does not answer. Transient: the request waits, it is not refused."""


class Registry(Protocol):
    """Asks the registry of persons."""

    async def find(self, person_id: str) -> RegistryRecord | None:
        """The person's record, or None. Raises RegistryUnavailable."""


class CsvRegistry:
    """A registry from a file: ``person_id, surname1, …, prior``.

    ``prior`` is ``number/type/issued/until/state``, several parted by semicolons;
    ``observations`` are codes parted by semicolons.
    """

    def __init__(self, records: dict[str, RegistryRecord]) -> None:
        self._records = records

    @classmethod
    def load(cls, path: Path) -> CsvRegistry:
        """Reads the file. Raises TableError naming file and line."""
        records: dict[str, RegistryRecord] = {}
        for row in read_table(path, _COLUMNS):
            record = _record(row)
            if record.person_id in records:
                raise row.error("person_id", "stands twice; take one row out")
            records[record.person_id] = record
        return cls(records)

    async def find(self, person_id: str) -> RegistryRecord | None:
        """The record, at once."""
        return self._records.get(person_id)

    def __len__(self) -> int:
        return len(self._records)


_COLUMNS = (
    "person_id",
    "surname1",
    "surname2",
    "given_names",
    "birth_date",
    "consolidated",
    "observations",
    "prior",
)
_STATES = ("valid", "suspended", "replaced", "void")


def _record(row: Row) -> RegistryRecord:
    return RegistryRecord(
        person_id=row.text("person_id"),
        surname1=row.text("surname1"),
        surname2=row.optional("surname2"),
        given_names=row.text("given_names"),
        birth_date=row.day("birth_date"),
        consolidated=row.flag("consolidated"),
        observations=row.parts("observations"),
        prior=tuple(_prior(row, part) for part in row.parts("prior")),
    )


def _prior(row: Row, part: str) -> PriorDocument:
    pieces = part.split("/")
    if len(pieces) != 5 or pieces[4] not in _STATES:
        raise row.error("prior", "must be number/type/issued/until/state")
    number, document_type, issued, until, state = pieces
    return PriorDocument(
        number=number,
        document_type=document_type,
        issued_on=row.as_day("prior", issued),
        valid_until=row.as_day("prior", until) if until else None,
        state=state,
    )
