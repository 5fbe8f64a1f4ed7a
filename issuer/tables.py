"""CSV files of the stand-ins: typed cells, and errors that name file, line and column.

Unlike a file of requests, a stand-in's file is configuration: one bad row stops the start.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path


class TableError(Exception):
    """A file cannot be used; the message names file, line, column and remedy."""


class Row:
    """One row of a table. Cells are Unicode NFC, without spaces around them."""

    def __init__(self, file: str, line: int, cells: dict[str, str]) -> None:
        self.file = file
        self.line = line
        self._cells = cells

    def error(self, column: str, text: str) -> TableError:
        """An error at this row; the caller raises it. The cell's content stays out of it."""
        return TableError(f"{self.file}:{self.line}: {column} {text}")

    def optional(self, column: str) -> str | None:
        """The cell, or None when it is empty."""
        return self._cells[column] or None

    def text(self, column: str) -> str:
        """The cell; empty is an error."""
        if not (value := self._cells[column]):
            raise self.error(column, "is empty; fill it in")
        return value

    def day(self, column: str) -> date:
        """A date YYYY-MM-DD."""
        return self.as_day(column, self.text(column))

    def day_or_none(self, column: str) -> date | None:
        """A date, or None when the cell is empty."""
        return self.day(column) if self._cells[column] else None

    def as_day(self, column: str, text: str) -> date:
        """A date within a cell."""
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.error(column, "must be a date YYYY-MM-DD") from None

    def flag(self, column: str) -> bool:
        """yes or no."""
        value = self.text(column)
        if value not in {"yes", "no"}:
            raise self.error(column, "must be yes or no")
        return value == "yes"

    def money(self, column: str) -> Decimal:
        """An amount of zero or more with at most two decimals."""
        try:
            amount = Decimal(self.text(column))
        except InvalidOperation:
            raise self.error(column, "must be an amount like 17.00") from None
        if not amount.is_finite() or amount < 0 or amount != round(amount, 2):
            raise self.error(column, "must be zero or more, with at most two decimals")
        return amount.quantize(Decimal("0.01"))

    def parts(self, column: str) -> tuple[str, ...]:
        """Texts parted by semicolons."""
        return tuple(part.strip() for part in self._cells[column].split(";") if part.strip())


def read_table(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    """Rows of a CSV file with exactly these columns, in any order. Raises TableError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TableError(f"{path.name}: cannot be read ({error.strerror}); add the file") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path.name}: is not UTF-8; save it again as UTF-8") from error
    reader = csv.reader(unicodedata.normalize("NFC", text).splitlines(), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            raise TableError(f"{path.name}:1: the columns must be {', '.join(columns)}")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise TableError(f"{path.name}:{reader.line_num}: has {len(cells)} cells")
            stripped = (cell.strip() for cell in cells)
            yield Row(path.name, reader.line_num, dict(zip(header, stripped, strict=True)))
    except csv.Error as error:
        raise TableError(f"{path.name}:{reader.line_num}: is not CSV: {error}") from error
