"""Where a key stands in a TOML file: ``tomllib`` gives values without lines.

The scan runs after ``tomllib`` has accepted the text, so it may rely on correct syntax: it only
has to tell headers, keys, strings, comments and brackets apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_-]+(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=")
_STRINGS = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)


def _blank(match: re.Match[str]) -> str:
    """Strings and comments become filler of the same shape: brackets in them do not count."""
    filler = re.sub(r"[^\n]", "_", match.group())
    return " " * len(filler) if match.group().startswith("#") else filler


def _key_path(text: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


class LineIndex:
    """Lines of tables, keys and the elements of arrays of one TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {(): 1}
        self._counts: dict[Path, int] = {}
        self._table: Path = ()
        self._scan(text.split("\n"), _STRINGS.sub(_blank, text).split("\n"))

    def line(self, path: Path) -> int:
        """The line of ``path``, or of the nearest thing around it that has one."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _scan(self, lines: list[str], bare: list[str]) -> None:
        current: Path = ()
        depth = element = 0
        for number, (line, plain) in enumerate(zip(lines, bare, strict=True), 1):
            start = 0
            if depth == 0:
                # Found in the bare text (no strings, no comments), taken from the real one.
                if header := _HEADER.match(plain):
                    name = line[header.start(2) : header.end(2)]
                    self._open(name, header.group(1) == "[[", number)
                    continue
                if not (key := _KEY.match(plain)):
                    continue
                name = line[key.start(1) : key.end(1)]
                current, element, start = (*self._table, *_key_path(name)), 0, key.end()
                self._lines.setdefault(current, number)
            depth, element = self._elements(plain[start:], depth, element, current, number)

    def _elements(
        self, text: str, depth: int, element: int, path: Path, number: int
    ) -> tuple[int, int]:
        for char in text:
            if depth == 1 and char not in " \t,]":
                self._lines.setdefault((*path, element), number)
            if char in "[{":
                depth += 1
            elif char in "]}":
                depth -= 1
            elif char == "," and depth == 1:
                element += 1
        return depth, element

    def _open(self, name: str, is_array: bool, number: int) -> None:
        path: Path = ()
        parts = _key_path(name)
        for place, part in enumerate(parts):
            path = (*path, part)
            last = place == len(parts) - 1
            if last and is_array:
                self._counts[path] = self._counts.get(path, -1) + 1
                self._lines.setdefault(path, number)
            if path in self._counts:
                path = (*path, self._counts[path])
        self._table = path
        self._lines.setdefault(path, number)


def syntax_line(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line that a syntax error names; the last one when it stands at the end."""
    found = re.search(r"line (\d+)", str(error))
    return int(found.group(1)) if found else max(1, len(text.splitlines()))


def lines_of(text: str) -> tuple[Mapping[str, object], LineIndex]:
    """The parsed text and its line index. Raises ``tomllib.TOMLDecodeError``."""
    return tomllib.loads(text), LineIndex(text)
