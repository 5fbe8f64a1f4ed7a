"""Evolis ESC language, host to printer: ``1B Command ;p1 ;pn 0D`` (guide A5013 Rev E).

Frames are values; :class:`FrameParser` takes bytes in any pieces and gives frames out. Rasters
(``Db``, ``Dbx``, ``Dbc``) carry raw bytes that may hold ESC and CR, so their length follows from
their parameters. Outside ``ESC … CR`` everything is skipped: streams of current firmware put tags
there (``<HEADER>``, ``<BINARY Size=n>`` … ``</BINARY>``) and older hosts pad with zeros.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

ESC = 0x1B
CR = 0x0D
HEAD_LIMIT = 256  # bytes; the longest head without raster in the guide is below 100
LINE_BYTES = 81  # 648 pixels, the width of a Dbc line
LINES = 1016

_COMMAND = re.compile(r"[A-Z][A-Za-z]{1,7}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\U0010ffff;]*")
# How many parameters stand before the raw bytes.
_RASTERS = {"Db": 2, "Dbx": 4, "Dbc": 3}
# Pixels by resolution: 648 × 1016 at 300 dpi (guide), 1296 × 2032 at 600 dpi (Agilia).
_PIXELS = {("300", "300"): 648 * 1016, ("600", "600"): 1296 * 2032}


class FrameError(ValueError):
    """Bytes or parameters that are no frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One command. ``params`` without semicolons; ``data`` only for rasters."""

    command: str
    params: tuple[str, ...] = ()
    data: bytes | None = None

    def __post_init__(self) -> None:
        if not _COMMAND.fullmatch(self.command):
            raise FrameError(f"{self.command!r} is no command: a capital and 1 to 7 letters")
        if not all(_TEXT.fullmatch(param) for param in self.params):
            raise FrameError(f"{self.command}: parameters are ASCII without semicolons")
        if (self.command in _RASTERS) != (self.data is not None):
            raise FrameError(f"{self.command}: only rasters carry data, and they must")
        if self.data is not None and raster_size(self.command, self.params) != len(self.data):
            raise FrameError(f"{self.command};{';'.join(self.params)}: wrong raster length")

    def head(self) -> bytes:
        """The bytes before the raw data: all but the final CR."""
        text = ";".join((self.command, *self.params))
        return bytes([ESC]) + text.encode("ascii") + (b";" if self.data is not None else b"")

    def to_bytes(self) -> bytes:
        """The frame on the wire."""
        return self.head() + (self.data or b"") + bytes([CR])

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frame:
        """Exactly one frame. Raises FrameError."""
        parser = FrameParser()
        found = parser.feed(raw)
        if len(found) != 1 or parser.pending or not isinstance(found[0], Frame):
            raise FrameError("not exactly one whole frame")
        return found[0]


@dataclass(frozen=True, slots=True)
class Malformed:
    """What a machine refuses: ``cause`` is "command" or "parameter" (NACK 1 and 2)."""

    cause: str
    detail: str


def raster_size(command: str, params: tuple[str, ...]) -> int:
    """Bytes of raw data that follow a raster's parameters. Raises FrameError if it has none."""
    if len(params) != _RASTERS.get(command, -1):
        raise FrameError(f"{command}: wrong number of parameters before the raster")
    if command == "Dbc":
        return _compressed_size(params)
    pixels = _PIXELS.get(params[2:4] if command == "Dbx" else ("300", "300"))  # type: ignore[arg-type]
    if pixels is None or params[1] not in ("2", "256"):
        raise FrameError(f"{command};{';'.join(params)}: 2 or 256 levels at 300 or 600 dpi")
    return pixels if params[1] == "256" else pixels // 8


def _compressed_size(params: tuple[str, ...]) -> int:
    _, lines, size = params
    if lines != str(LINES) or not size.isdigit() or len(size) > 6:
        raise FrameError(f"Dbc;{';'.join(params)}: {LINES} lines and a length in bytes")
    if not LINES <= int(size) <= LINES * (LINE_BYTES + 1):
        raise FrameError(f"Dbc: {size} bytes cannot hold {LINES} lines")
    return int(size)


def compress(plane: bytes) -> bytes:
    """Dbc compression of a 1-bit plane of 81-byte lines: 00 white, FF black, else N bytes."""
    out = bytearray()
    for start in range(0, len(plane), LINE_BYTES):
        line = plane[start : start + LINE_BYTES]
        useful = line.rstrip(b"\0")
        if not useful:
            out.append(0x00)
        elif line == b"\xff" * LINE_BYTES:
            out.append(0xFF)
        else:
            out.append(len(useful))
            out += useful
    return bytes(out)


def decompress(data: bytes) -> bytes:
    """The 82,296 bytes of a compressed plane. Raises FrameError."""
    out = bytearray()
    at = 0
    while at < len(data) and len(out) < LINES * LINE_BYTES:
        count = data[at]
        at += 1
        if count in (0x00, 0xFF):
            out += bytes([count]) * LINE_BYTES
            continue
        if count > LINE_BYTES or at + count > len(data):
            raise FrameError(f"Dbc: a line of {count} bytes")
        out += data[at : at + count].ljust(LINE_BYTES, b"\0")
        at += count
    if at != len(data) or len(out) != LINES * LINE_BYTES:
        raise FrameError(f"Dbc: not {LINES} lines")
    return bytes(out)


class FrameParser:
    """Bytes in, frames out. Holds at most one head or one raster (2.6 MB)."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._data = bytearray()
        self._wanted = 0
        self._command: tuple[str, tuple[str, ...]] = ("", ())
        self._step: Callable[[bytes, int, list[Frame | Malformed]], int] = self._skip

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._step != self._skip

    def feed(self, data: bytes) -> list[Frame | Malformed]:
        """Takes the next bytes, one or a million; returns what they completed, in order."""
        found: list[Frame | Malformed] = []
        at = 0
        while at < len(data):
            at = self._step(data, at, found)
        return found

    def reset(self) -> None:
        """Forgets a frame that was begun, e.g. when the line fell silent in the middle of it."""
        self._head.clear()
        self._data = bytearray()
        self._step = self._skip

    def _skip(self, data: bytes, at: int, found: list[Frame | Malformed]) -> int:
        start = data.find(ESC, at)
        if start < 0:
            return len(data)
        self._step = self._read_head
        return start + 1

    def _read_head(self, data: bytes, at: int, found: list[Frame | Malformed]) -> int:
        for after in range(at + 1, len(data) + 1):
            byte = data[after - 1]
            if byte == CR:
                self._end_head(found)
                return after
            if byte == ESC:
                self._refuse(found, "command", "a new frame begins inside another")
                self._step = self._read_head
                return after
            self._head.append(byte)
            if len(self._head) > HEAD_LIMIT:
                self._refuse(found, "command", f"more than {HEAD_LIMIT} bytes without an end")
                return after
            if byte == ord(";") and self._begins_raster(found):
                return after
        return len(data)

    def _begins_raster(self, found: list[Frame | Malformed]) -> bool:
        command, *params = self._head.decode("latin-1").split(";")
        if len(params) - 1 != _RASTERS.get(command, -1):
            return False
        self._command = (command, tuple(params[:-1]))
        try:
            self._wanted = raster_size(*self._command)
        except FrameError as error:
            self._refuse(found, "parameter", str(error))
            return True
        self._head.clear()
        self._step = self._read_data
        return True

    def _read_data(self, data: bytes, at: int, found: list[Frame | Malformed]) -> int:
        part = memoryview(data)[at : at + self._wanted - len(self._data)]
        self._data += part
        if len(self._data) == self._wanted:
            self._step = self._end_data
        return at + len(part)

    def _end_data(self, data: bytes, at: int, found: list[Frame | Malformed]) -> int:
        if data[at] != CR:
            self._refuse(found, "parameter", "no CR after the raster")
            return at  # the byte may be the ESC of the next frame
        self._emit(found, *self._command, bytes(self._data))
        return at + 1

    def _end_head(self, found: list[Frame | Malformed]) -> None:
        command, *params = self._head.decode("latin-1").split(";")
        self._emit(found, command, tuple(params), None)

    def _emit(
        self,
        found: list[Frame | Malformed],
        command: str,
        params: tuple[str, ...],
        data: bytes | None,
    ) -> None:
        self.reset()
        try:
            found.append(Frame(command, params, data))
        except FrameError as error:
            cause = "parameter" if _COMMAND.fullmatch(command) else "command"
            found.append(Malformed(cause, str(error)))

    def _refuse(self, found: list[Frame | Malformed], cause: str, detail: str) -> None:
        self.reset()
        found.append(Malformed(cause, detail))
