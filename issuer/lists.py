"""Lists that are asked before issuing: the port, and a stand-in from one CSV file per list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from .tables import read_table


class ListsUnavailable(Exception):  # noqa: N818
    """The outside system does not answer. Transient: the request waits, it is not refused."""


class Lists(Protocol):
    """Asks which of the profile's lists a person is on."""

    async def on_lists(self, person_id: str, codes: Iterable[str]) -> tuple[str, ...]:
        """Those of ``codes`` that name the person, in order. Raises ListsUnavailable."""


class CsvLists:
    """Lists from files ``<code lower case>.csv`` with the column ``person_id``."""

    def __init__(self, people: Mapping[str, frozenset[str]]) -> None:
        self._people = people

    @classmethod
    def load(cls, directory: Path, codes: Iterable[str]) -> CsvLists:
        """Reads a file for each list. Raises TableError: a missing list is no empty list."""
        return cls(
            {
                code: frozenset(
                    row.text("person_id")
                    for row in read_table(directory / f"{code.lower()}.csv", ("person_id",))
                )
                for code in codes
            }
        )

    async def on_lists(self, person_id: str, codes: Iterable[str]) -> tuple[str, ...]:
        """Those lists, at once. Raises KeyError for a list that was not loaded."""
        return tuple(code for code in codes if person_id in self._people[code])
