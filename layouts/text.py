"""Text that fits or is refused: shrink, then break, then abbreviate, else say why.

Measured with the real font. Nothing is ever cut: a name that does not fit as a whole is shortened
to initials as ICAO 9303-3 (truncation of names) allows, or the document is not made.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import LayoutError
from .fonts import shape

MM_PER_PT = 25.4 / 72
LEADING = 1.2  # line pitch in em: room for Ñ above and Ç below in Noto Sans
ASCENT = 0.96  # of that, from the top of the line to its baseline
_STEP_PT = 0.1
STEPS = ("shrink", "break", "abbreviate")
# Particles carry no name of their own: they are shortened after the names.
_PARTICLES = frozenset(
    ("DE", "DEL", "LA", "LAS", "LOS", "Y", "E", "DA", "DAS", "DO", "DOS", "DI", "VON", "VAN", "DER")
)


@dataclass(frozen=True, slots=True)
class Room:
    """Where a text must fit: millimetres, points, most lines, and the steps allowed."""

    width_mm: float
    height_mm: float
    role: str = "regular"
    max_pt: float = 8.0
    min_pt: float = 6.0
    max_lines: int = 1
    overflow: tuple[str, ...] = ("shrink",)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines at one size; ``abbreviated`` tells that names were reduced to initials."""

    lines: tuple[str, ...]
    pt: float
    abbreviated: bool = False


def fit(text: str, room: Room, field: str) -> Fitted:
    """Lays ``text`` into ``room``. Raises LayoutError ("text_overflow", "glyph_missing").

    ``field`` names the box in the refusal; the text itself is personal and stays out of it.
    """
    whole = " ".join(unicodedata.normalize("NFC", text).split())
    found = _one_line(whole, room) or _broken(whole, room)
    if found is not None:
        return found
    if "abbreviate" in room.overflow:
        for shorter in abbreviations(whole):
            found = _one_line(shorter, room) or _broken(shorter, room)
            if found is not None:
                return Fitted(found.lines, found.pt, abbreviated=True)
    raise LayoutError(
        "text_overflow",
        f"El dato «{field}» ({len(whole)} signos) no cabe en su casilla ni con letra de "
        f"{room.min_pt:g} pt; corríjalo o abrévielo con la persona titular.",
        f"The field “{field}” ({len(whole)} characters) does not fit its box even at "
        f"{room.min_pt:g} pt; correct or shorten it together with the holder.",
    )


def _one_line(text: str, room: Room) -> Fitted | None:
    width = shape(room.role, text).width_em
    tallest = room.height_mm / (LEADING * MM_PER_PT)
    widest = room.width_mm / (width * MM_PER_PT) if width else room.max_pt
    pt = _floor(min(room.max_pt, tallest, widest))
    lowest = room.min_pt if "shrink" in room.overflow else room.max_pt
    return Fitted((text,), pt) if pt >= lowest - 1e-9 else None


def _broken(text: str, room: Room) -> Fitted | None:
    """The largest size at which breaking at spaces and after hyphens fits."""
    if "break" not in room.overflow or room.max_lines < 2:
        return None
    steps = round((room.max_pt - room.min_pt) / _STEP_PT)
    for step in range(steps + 1):
        pt = round(room.max_pt - step * _STEP_PT, 2)
        most = min(room.max_lines, int(room.height_mm / (LEADING * MM_PER_PT * pt) + 1e-9))
        if most < 2:
            continue
        lines = wrap(text, room.role, room.width_mm / (pt * MM_PER_PT))
        if lines is not None and len(lines) <= most:
            return Fitted(tuple(lines), pt)
    return None


def wrap(text: str, role: str, limit_em: float) -> list[str] | None:
    """Greedy lines no wider than ``limit_em``; None if one word alone is wider."""
    lines: list[str] = []
    current = ""
    for piece, glue in _pieces(text):
        longer = f"{current}{glue}{piece}" if current else piece
        if shape(role, longer).width_em <= limit_em:
            current = longer
            continue
        if not current or shape(role, piece).width_em > limit_em:
            return None
        lines.append(current)
        current = piece
    return [*lines, current] if current else lines


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Unbreakable pieces with what joins each to the one before."""
    for word in text.split(" "):
        parts = word.split("-")
        for index, part in enumerate(parts):
            tail = "-" if index < len(parts) - 1 else ""
            if part + tail:
                yield part + tail, "" if index else " "


def abbreviations(text: str) -> Iterator[str]:
    """Ever shorter forms: later names to initials, then particles; the first stays whole."""
    words = text.split(" ")
    order = [i for i in range(len(words) - 1, 0, -1) if words[i].upper() not in _PARTICLES]
    order += [i for i in range(len(words) - 1, 0, -1) if words[i].upper() in _PARTICLES]
    for index in order:
        initial = _initial(words[index])
        if len(initial) < len(words[index]):
            words[index] = initial
            yield " ".join(words)


def _initial(word: str) -> str:
    """The first letter with its marks, and a point; numbers and existing initials stay."""
    if any(c.isdigit() for c in word) or word.endswith("."):
        return word
    end = 1
    while end < len(word) and unicodedata.combining(word[end]):
        end += 1
    return word[:end] + "."


def _floor(pt: float) -> float:
    return int(pt / _STEP_PT + 1e-6) * _STEP_PT
