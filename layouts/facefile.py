"""Reading a TOML face with the line of every table and key, so that errors can point at it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

_HEADER = re.compile(r"^\s*\[{1,2}\s*([A-Za-z0-9_.\-]+)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}\Z")
_DECODER_LINE = re.compile(r"\(at line (\d+)")


class FaceError(Exception):
    """A face file is wrong: "path:line: what is wrong and what to write instead"."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(path, line, problem)  # all of them: it must survive pickling
        self.path = path
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.problem}"


class Table:
    """One TOML table read strictly: each key once, with its type; what is left over is an error."""

    def __init__(
        self, data: Mapping[str, Any], path: Path, line: int, keys: Mapping[str, int]
    ) -> None:
        self.path = path
        self.line = line
        self._data = dict(data)
        self._keys = keys
        self._known: set[str] = set()

    def wrong(self, problem: str, key: str = "") -> FaceError:
        """The error at the line of ``key``, or of the table's header."""
        return FaceError(self.path, self._keys.get(key, self.line), problem)

    def has(self, key: str) -> bool:
        """Whether the key is written."""
        return key in self._data

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = None) -> Any:
        """The raw value of a key; without a default it must be there."""
        self._known.add(key)
        if key not in self._data:
            if default is None:
                raise self.wrong(f"the key '{key}' is missing")
            return default
        value = self._data.pop(key)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(f"'{key}' has the wrong type ({type(value).__name__})", key)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A string."""
        return str(self.take(key, str, default))

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        return bool(self.take(key, bool, default))

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds."""
        value = int(self.take(key, int, default))
        return int(self._within(key, value, low, high))

    def number(self, key: str, default: float | None, low: float, high: float) -> float:
        """A number within bounds (millimetres, points, degrees: see the key)."""
        return self._within(key, float(self.take(key, (int, float), default)), low, high)

    def numbers(self, key: str, count: int, default: Sequence[float] | None = None) -> list[float]:
        """A list of exactly ``count`` numbers."""
        value = self.take(key, list, None if default is None else list(default))
        good = all(isinstance(v, int | float) and not isinstance(v, bool) for v in value)
        if len(value) != count or not good:
            raise self.wrong(f"'{key}' must be a list of {count} numbers", key)
        return [float(v) for v in value]

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of strings."""
        value = self.take(key, list, None if default is None else list(default))
        if not all(isinstance(v, str) for v in value):
            raise self.wrong(f"'{key}' must be a list of strings", key)
        return tuple(value)

    def choice(self, key: str, among: Sequence[str], default: str | None = None) -> str:
        """One of the words given."""
        value = self.text(key, default)
        if value not in among:
            raise self.wrong(f"'{key}' is '{value}'; use one of: {', '.join(among)}", key)
        return value

    def colour(self, key: str, default: str | None = None) -> tuple[int, int, int]:
        """#RRGGBB."""
        return self._rgb(key, self.text(key, default))

    def colours(self, key: str) -> tuple[tuple[int, int, int], ...]:
        """A list of #RRGGBB."""
        return tuple(self._rgb(key, value) for value in self.texts(key))

    def close(self) -> None:
        """Refuses what was not asked for: most often a key with a slip of the pen."""
        for key in self._data:
            near = get_close_matches(key, self._known, 1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise self.wrong(f"unknown key '{key}'{hint}", key)

    def _rgb(self, key: str, value: str) -> tuple[int, int, int]:
        if not _COLOUR.match(value):
            raise self.wrong(f"'{key}': '{value}' is not a colour; write #RRGGBB", key)
        return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)

    def _within(self, key: str, value: float, low: float, high: float) -> float:
        if not low <= value <= high:
            raise self.wrong(f"'{key}' is {value:g}; it must be from {low:g} to {high:g}", key)
        return value


class FaceFile:
    """A parsed face file: the top table, named tables, and lists of tables."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            self._data = tomllib.loads(text)
        except OSError as error:
            raise FaceError(path, 1, f"cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise FaceError(path, 1, "is not UTF-8; save it as UTF-8") from error
        except tomllib.TOMLDecodeError as error:
            at = _DECODER_LINE.search(str(error))
            line = int(at[1]) if at else len(text.splitlines())  # "at end of document"
            raise FaceError(path, line, f"not TOML: {error}") from error
        self._tables = _lines(text)

    def top(self) -> Table:
        """The keys above the first header."""
        plain = {k: v for k, v in self._data.items() if not isinstance(v, dict)}
        plain = {k: v for k, v in plain.items() if not _is_tables(v)}
        line, keys = self._tables.get(("", 0), (1, {}))
        return Table(plain, self.path, line, keys)

    def named(self, name: str) -> Table:
        """One table ``[name]``; empty if it is not written. Lists of tables inside are left out."""
        data = self._data.get(name, {})
        line, keys = self._tables.get((name, 0), (1, {}))
        if not isinstance(data, dict):
            raise FaceError(self.path, line, f"'{name}' must be a table: write [{name}]")
        return Table({k: v for k, v in data.items() if not _is_tables(v)}, self.path, line, keys)

    def listed(self, name: str) -> list[Table]:
        """The tables ``[[name]]`` in order (a dotted name reaches into a table)."""
        data: Any = self._data
        for part in name.split("."):
            data = data.get(part, {}) if isinstance(data, dict) else {}
        rows = data if isinstance(data, list) else []
        found = []
        for index, row in enumerate(rows):
            line, keys = self._tables.get((name, index), (1, {}))
            found.append(Table(row, self.path, line, keys))
        return found

    def only(self, names: Sequence[str]) -> None:
        """Refuses tables that no reader asks for."""
        for (name, _), (line, _) in self._tables.items():
            if name and name not in names:
                raise FaceError(
                    self.path, line, f"unknown table '{name}'; use one of: {', '.join(names)}"
                )


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _lines(text: str) -> dict[tuple[str, int], tuple[int, dict[str, int]]]:
    """(table, how many before it) → (line of its header, {key: line}); tomllib keeps no lines."""
    found: dict[tuple[str, int], tuple[int, dict[str, int]]] = {("", 0): (1, {})}
    seen: dict[str, int] = {}
    keys = found["", 0][1]
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        key = _KEY.match(line)
        if header:
            name = header[1]
            place = name, seen.get(name, 0)
            seen[name] = place[1] + 1
            keys = {}
            found[place] = number, keys
        elif key:
            keys.setdefault(key[1], number)
    return found
