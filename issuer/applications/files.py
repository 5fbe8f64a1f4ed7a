"""Files of requests: ``.jsonl``, one object a line, or ``.csv`` with the same content.

Nothing is lost: every line that is not empty yields an Application or a BadRow. A line of CSV is
a row by itself (no field holds a line break), so that one open quote costs one row, not the rest
of the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..domain import Reason
from .model import Application
from .parse import parse_application

LINE_LIMIT = 65536  # bytes of one row


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no request, with all its problems; ``line`` counts from 1."""

    file: str
    line: int
    request_id: str | None
    problems: tuple[Reason, ...]

    @property
    def es(self) -> str:
        """One sentence in Spanish, naming file and line."""
        return f"{self.file}, línea {self.line}: " + "; ".join(p.es for p in self.problems)

    @property
    def en(self) -> str:
        """The same in English."""
        return f"{self.file}, line {self.line}: " + "; ".join(p.en for p in self.problems)


class FileError(Exception):
    """The file as a whole cannot be read as requests; the message names the remedy."""


def read_applications(path: Path) -> Iterator[Application | BadRow]:
    """Reads a file of requests row by row (UTF-8, with or without a byte order mark).

    Raises FileError for another ending or a CSV without a usable header, OSError as it comes.
    """
    readers = {".jsonl": _json_rows, ".csv": _csv_rows}
    if path.suffix.lower() not in readers:
        raise FileError(f"{path.name}: use .jsonl or .csv, not {path.suffix or 'no ending'}")
    seen: dict[str, int] = {}
    for line, data in readers[path.suffix.lower()](path):
        yield _checked(path.name, line, data, seen)


def _checked(file: str, line: int, data: object, seen: dict[str, int]) -> Application | BadRow:
    """Parses a row and refuses a request number that an earlier row has."""
    if isinstance(data, Reason):
        return BadRow(file, line, None, (data,))
    found = parse_application(data)
    if not isinstance(found, Application):
        name = data.get("request_id") if isinstance(data, dict) else None
        return BadRow(file, line, name if isinstance(name, str) and name else None, found)
    first = seen.setdefault(found.request_id, line)
    if first != line:
        again = Reason(
            "duplicate_request",
            f"request_id ya está en la línea {first}; dé otro número",
            f"request_id already stands on line {first}; give another number",
        )
        return BadRow(file, line, found.request_id, (again,))
    return found


def _lines(path: Path) -> Iterator[tuple[int, str | Reason]]:
    with path.open("rb") as stream:
        number = 0
        while chunk := stream.readline(LINE_LIMIT + 1):
            number += 1
            if len(chunk) > LINE_LIMIT:
                while chunk and not chunk.endswith(b"\n"):
                    chunk = stream.readline(LINE_LIMIT + 1)
                yield number, Reason("line_too_long", "línea demasiado larga", "line too long")
                continue
            try:
                text = chunk.decode("utf-8-sig" if number == 1 else "utf-8").strip("\r\n")
            except UnicodeDecodeError:
                yield (
                    number,
                    Reason("not_utf8", "no es UTF-8; guarde el archivo como UTF-8", "not UTF-8"),
                )
                continue
            if text.strip():
                yield number, text


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a key stand twice and keeps the last: here it is an error."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _json_rows(path: Path) -> Iterator[tuple[int, object]]:
    for number, text in _lines(path):
        if isinstance(text, Reason):
            yield number, text
            continue
        try:
            yield number, json.loads(text, object_pairs_hook=_no_twins)
        except (ValueError, RecursionError):  # a decode error, a twin key, or nesting as an attack
            yield number, Reason("not_json", "la línea no es JSON", "the line is not JSON")


def _csv_rows(path: Path) -> Iterator[tuple[int, object]]:
    header: list[str] | None = None
    delimiter = ","
    for number, text in _lines(path):
        if header is None:
            if isinstance(text, Reason):
                raise FileError(f"{path.name}: the header cannot be read: {text.en}")
            # A spreadsheet set to Spanish writes semicolons.
            delimiter = ";" if text.count(";") > text.count(",") else ","
            header = _header(path.name, text, delimiter)
        elif isinstance(text, Reason):
            yield number, text
        else:
            yield number, _csv_row(header, text, delimiter)


def _header(file: str, text: str, delimiter: str) -> list[str]:
    names = [name.strip() for name in next(csv.reader([text], delimiter=delimiter))]
    if "request_id" not in names or len(set(names)) != len(names) or "" in names:
        raise FileError(f"{file}: the first line must name each column once, request_id among them")
    return names


def _csv_row(header: list[str], text: str, delimiter: str) -> object:
    try:
        (cells,) = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        return Reason("bad_csv", "comillas sin cerrar", "a quote is not closed")
    if len(cells) != len(header):
        return Reason(
            "bad_csv",
            f"tiene {len(cells)} columnas, deben ser {len(header)}",
            f"has {len(cells)} columns instead of {len(header)}",
        )
    return _nest(dict(zip(header, cells, strict=True)))


def _nest(row: dict[str, str]) -> dict[str, Any]:
    """Columns "person.sex" become objects; empty cells are fields that were not given."""
    data: dict[str, Any] = {}
    for name, cell in row.items():
        if cell.strip():
            room, _, key = name.rpartition(".")
            (data.setdefault(room, {}) if room else data)[key] = cell
    if isinstance(text := data.get("categories"), str):
        pairs = (item.strip().partition("@") for item in text.split(";") if item.strip())
        data["categories"] = [{"code": c, "since": since or None} for c, _, since in pairs]
    if isinstance(text := data.get("restrictions"), str):
        data["restrictions"] = [item.strip() for item in text.split(";") if item.strip()]
    if isinstance(text := data.get("priority"), str) and text.strip().isdecimal():
        data["priority"] = int(text)
    return data
