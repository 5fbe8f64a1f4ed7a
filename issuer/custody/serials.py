"""Ranges of preprinted serials: a prefix and digits that count. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .ledger import LedgerError

_PARTS = re.compile(r"^(.*?)(\d+)$")
MOST = 1_000_000  # a lot is smaller; a slip of the finger in the last serial is not


@dataclass(frozen=True, slots=True)
class SerialRange:
    """All serials from ``first`` to ``last``, both included.

    Raises LedgerError if they do not have one prefix and one number of digits, or are inverted.
    """

    first: str
    last: str

    def __post_init__(self) -> None:
        (start, low), (end, high) = _split(self.first), _split(self.last)
        if start != end or len(low) != len(high):
            raise LedgerError(
                f"{self.first} and {self.last} are no range: prefix and length must agree"
            )
        if int(low) > int(high):
            raise LedgerError(f"{self.first} comes after {self.last}: give the lower serial first")
        if len(self) > MOST:
            raise LedgerError(
                f"{self.first} to {self.last} are {len(self)} pieces, more than {MOST}: "
                "look at the serials again, or receive in parts"
            )

    def __len__(self) -> int:
        return int(_split(self.last)[1]) - int(_split(self.first)[1]) + 1

    def __iter__(self) -> Iterator[str]:
        prefix, low = _split(self.first)
        for number in range(int(low), int(low) + len(self)):
            yield f"{prefix}{number:0{len(low)}d}"

    def __contains__(self, serial: object) -> bool:
        if not isinstance(serial, str) or len(serial) != len(self.first):
            return False
        found = _PARTS.match(serial)
        prefix, low = _split(self.first)
        if found is None or not serial.startswith(prefix) or not serial[len(prefix) :].isdigit():
            return False
        return int(low) <= int(serial[len(prefix) :]) <= int(_split(self.last)[1])


def ranges(serials: Iterable[str]) -> list[SerialRange]:
    """Serials as few ranges, in order: how acts and reports name them."""
    found: list[SerialRange] = []
    for serial in sorted(set(serials), key=lambda serial: (len(serial), serial)):
        if found and _follows(found[-1].last, serial):
            found[-1] = SerialRange(found[-1].first, serial)
        else:
            found.append(SerialRange(serial, serial))
    return found


def _follows(before: str, after: str) -> bool:
    (prefix, low), (other, high) = _split(before), _split(after)
    return prefix == other and len(low) == len(high) and int(high) == int(low) + 1


def _split(serial: str) -> tuple[str, str]:
    found = _PARTS.match(serial)
    if found is None or not found[2].isascii():
        raise LedgerError(f"serial {serial!r} does not end in digits")
    return found[1], found[2]
