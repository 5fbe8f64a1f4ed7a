"""What an Evolis printer answers: one reply to each command, in order.

On a serial line: ACK, or NACK and a code (guide A5013, "serial link"); the value of a read is
text and CR. Over TCP the layout is **not public**: there this module *assumes* lines of ASCII
ended by CR, ``OK``, ``NOK;<the serial link's code>``, or the value of a read. Assumed as well are
the reads marked so below; this file is the one place to put right against a real machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from printers.codecs.evolis import CR, Frame, FrameError

ACK = 0x06
NACK = 0x15
REPLY_LIMIT = 4096

READ_FIRMWARE = Frame("Rfv")
READ_SERIAL = Frame("Rsn")
READ_MODEL = Frame("Rtp")
READ_ERROR_MODE = Frame("Rem")
HOST_HANDLES_ERRORS = Frame("Pem", ("2",))
RESET = Frame("Srs")
CLEAR_STATUS = Frame("Scs")
REJECT = Frame("Ser")
READ_STATUS = Frame("Rsw")  # assumed: the SDK's evolis_status() has no published command
READ_RIBBON = Frame("Rrt", ("all",))  # its parameter is assumed, by analogy with Rct;all
READ_FILM = Frame("Rct", ("all",))
READ_LAMINATE = Frame("Clam", ("Rlt", "all"))  # assumed: the CLM module is reached by Clam;…
COUNTERS = {
    "inserted": Frame("Rco", ("c",)),
    "panels": Frame("Rco", ("p",)),
    "completed": Frame("Rco", ("e",)),  # assumed; a machine that refuses it has no such counter
    "rejected": Frame("Rco", ("r",)),  # assumed
}
READ_BOOTS = Frame("Rco", ("b",))  # assumed; without it INF_RESET alone marks a restart


class Link(StrEnum):
    """The wire a reply travels on."""

    TCP = "tcp"
    SERIAL = "serial"


class Refusal(StrEnum):
    """Why a command was not done: the NACK codes of the guide."""

    COMMAND = "1"
    PARAMETER = "2"
    TIMEOUT = "T"  # time-out, or mechanical
    COVER = "C"
    FEEDER = "F"
    RIBBON = "R"
    MAGNETIC_CHECKSUM = "K"
    MAGNETIC_DATA = "D"
    MAGNETIC_WRITE = "W"


@dataclass(frozen=True, slots=True)
class Reply:
    """Done (no value, no refusal), a read's value, or a refusal."""

    value: str | None = None
    refusal: Refusal | None = None

    def to_bytes(self, link: Link) -> bytes:
        """The reply on the wire."""
        if self.value is not None:
            return self.value.encode("ascii", "replace") + bytes([CR])
        if link is Link.SERIAL:
            code = self.refusal.value.encode() if self.refusal else b""
            return bytes([NACK]) + code if self.refusal else bytes([ACK])
        return (f"NOK;{self.refusal.value}" if self.refusal else "OK").encode() + bytes([CR])


class ReplyParser:
    """Bytes in, replies out, one byte at a time if need be."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._line = bytearray()

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completed. Raises FrameError for what is no reply."""
        found = []
        for byte in data:
            self._line.append(byte)
            reply = self._whole()
            if reply is not None:
                self._line.clear()
                found.append(reply)
            elif len(self._line) > REPLY_LIMIT:
                self._line.clear()
                raise FrameError(f"a reply of more than {REPLY_LIMIT} bytes")
        return found

    def _whole(self) -> Reply | None:
        line = self._line
        if self._link is Link.SERIAL and line[0] == ACK:
            return Reply()
        if self._link is Link.SERIAL and line[0] == NACK:
            return _refused(chr(line[1])) if len(line) > 1 else None
        if line[-1] != CR:
            return None
        text = line[:-1].decode("ascii", "replace")
        if self._link is Link.TCP and text == "OK":
            return Reply()
        if self._link is Link.TCP and text.startswith("NOK;"):
            return _refused(text[4:])
        return Reply(value=text)


def _refused(code: str) -> Reply:
    try:
        return Reply(refusal=Refusal(code))
    except ValueError as error:
        raise FrameError(f"a refusal with the unknown code {code!r}") from error


@dataclass(frozen=True, slots=True)
class RollTag:
    """The tag of a ribbon, film or laminate roll; ``remaining`` in cards, two sides each.

    The fields are the guide's (capacity, remaining, serial, batch); their order on the wire,
    ``serial;batch;capacity;remaining``, is assumed.
    """

    serial: str
    batch: str
    capacity: int
    remaining: int

    def to_text(self) -> str:
        """The value of the read."""
        return f"{self.serial};{self.batch};{self.capacity};{self.remaining}"

    @classmethod
    def from_text(cls, text: str) -> RollTag:
        """Reads :meth:`to_text`. Raises FrameError."""
        parts = text.split(";")
        if len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
            raise FrameError(f"{text!r} is no roll tag: serial;batch;capacity;remaining")
        return cls(parts[0], parts[1], int(parts[2]), int(parts[3]))
