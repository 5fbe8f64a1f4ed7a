"""A TOML file read by key and type; what is wrong becomes a finding with its line.

A reader never stops at the first problem: it notes it, returns a harmless value of the right
type, and the loader refuses the whole profile at the end.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

from .findings import Finding
from .lines import LineIndex, lines_of, syntax_line

T = TypeVar("T")


class Node:
    """One table of a TOML file."""

    def __init__(
        self,
        data: Mapping[str, object],
        where: tuple[str | int, ...],
        file: str,
        lines: LineIndex,
        findings: list[Finding],
    ) -> None:
        self._data = data
        self._where = where
        self._lines = lines
        self._findings = findings
        self._seen: set[str] = set()
        self.file = file

    @property
    def line(self) -> int:
        """Where the table begins."""
        return self._lines.line(self._where)

    def report(self, text: str, key: str | None = None, element: int | None = None) -> None:
        """Notes a problem at ``key`` (and an element of its array), or at the table itself."""
        path = self._where if key is None else (*self._where, key)
        path = path if element is None else (*path, element)
        self._findings.append(Finding(self.file, self._lines.line(path), text))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def _take(self, key: str, kind: type[T], default: T | None, empty: T, want: str) -> T:
        self._seen.add(key)
        if key not in self._data:
            if default is None:
                self.report(f"{key} is missing; give {want}")
                return empty
            return default
        value = self._data[key]
        # bool is an int in Python, and 1 is no answer to a yes-or-no question.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.report(f"{key} must be {want}, not {value!r}", key)
            return empty
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._take(key, str, default, "", "a text")
        if key in self._data and isinstance(self._data[key], str) and not value.strip():
            self.report(f"{key} is empty; write it or leave the key out", key)
        return value

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        """One of the words given."""
        known = tuple(choices)
        value = self.text(key, default)
        if value and value not in known:
            self.report(f"{key} must be one of {', '.join(known)}, not {value!r}", key)
            return known[0]
        return value

    def integer(self, key: str, default: int | None = None, minimum: int = 0) -> int:
        """A whole number of at least ``minimum``."""
        value = self._take(key, int, default, minimum, "a whole number")
        if value < minimum:
            self.report(f"{key} must be at least {minimum}, not {value}", key)
            return minimum
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """true or false."""
        return self._take(key, bool, default, False, "true or false")

    def day(self, key: str) -> date:
        """A date without a time of day."""
        value = self._take(key, date, None, date.min, "a date like 2020-01-31, without quotes")
        if type(value) is not date:  # a datetime is a date to isinstance
            self.report(f"{key} must be a date without a time of day", key)
            return date.min
        return value

    def day_or_none(self, key: str) -> date | None:
        """A date, or None when the key is left out."""
        self._seen.add(key)
        return self.day(key) if key in self._data else None

    def money(self, key: str) -> Decimal:
        """An amount written as text ("17.00"): a TOML float is not exact."""
        value = self._take(key, str, None, "0", 'an amount in quotes, like "17.00"')
        try:
            amount = Decimal(value)
        except InvalidOperation:
            self.report(f'{key} must be an amount like "17.00", not {value!r}', key)
            return Decimal(0)
        if not amount.is_finite() or amount < 0 or amount != round(amount, 2):
            self.report(f"{key} must be zero or more, with at most two decimals", key)
            return Decimal(0)
        return amount.quantize(Decimal("0.01"))

    def texts(
        self, key: str, default: tuple[str, ...] | None = None, known: Iterable[str] | None = None
    ) -> tuple[str, ...]:
        """A list of texts, each once; with ``known``, each must be one of those."""
        fallback = None if default is None else list(default)
        values = self._take(key, list, fallback, [], "a list of texts")
        return self._checked(key, values, None if known is None else set(known))

    def _checked(self, key: str, values: list[object], known: set[str] | None) -> tuple[str, ...]:
        good: list[str] = []
        for place, value in enumerate(values):
            if not isinstance(value, str) or not value:
                self.report(f"{key} must hold texts, not {value!r}", key, place)
            elif value in good:
                self.report(f"{key} names {value!r} twice; take one out", key, place)
            elif known is not None and value not in known:
                have = ", ".join(sorted(known)) or "none"
                self.report(f"{key}: {value!r} is not in the profile; it has {have}", key, place)
            else:
                good.append(value)
        return tuple(good)

    def node(self, key: str) -> Node:
        """A table inside this one (empty, with a finding, when it is missing)."""
        value = self._take(key, dict, None, {}, f"a table [{key}]")
        return self._child(value, key)

    def nodes(self, key: str, required: bool = False) -> list[Node]:
        """The tables of an array ``[[key]]``."""
        self._seen.add(key)
        value = self._data.get(key)
        if value is None:
            if required:
                self.report(f"[[{key}]] is missing; give at least one")
            return []
        if not isinstance(value, list):
            self.report(f"{key} must be an array of tables [[{key}]]", key)
            return []
        good = []
        for place, item in enumerate(value):
            if isinstance(item, dict):
                good.append(self._child(item, key, place))
            else:
                self.report(f"{key} must hold tables, not {item!r}", key, place)
        return good

    def _child(self, data: Mapping[str, object], *step: str | int) -> Node:
        return Node(data, (*self._where, *step), self.file, self._lines, self._findings)

    def finish(self) -> None:
        """Reports the keys that nobody asked for: mostly a slip of the pen."""
        for key in self._data:
            if key not in self._seen:
                self.report(f"unknown key {key!r}; correct its spelling or take it out", key)


def read_toml(directory: Path, name: str, findings: list[Finding]) -> Node:
    """The top table of ``directory/name``; an unreadable file is a finding and an empty table."""
    # What is missing inside a file that cannot be read at all would only be noise.
    nothing = Node({}, (), name, LineIndex(""), [])
    try:
        text = (directory / name).read_text(encoding="utf-8")
    except OSError as error:
        findings.append(Finding(name, 1, f"cannot be read ({error.strerror}); add the file"))
        return nothing
    except UnicodeDecodeError:
        findings.append(Finding(name, 1, "is not UTF-8; save it again as UTF-8"))
        return nothing
    try:
        data, lines = lines_of(text)
    except tomllib.TOMLDecodeError as error:
        findings.append(Finding(name, syntax_line(error, text), f"is not TOML: {error}"))
        return nothing
    return Node(data, (), name, lines, findings)
