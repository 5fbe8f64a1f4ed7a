"""Status words of Evolis printers: configuration, information, warning, error and extensions.

Bit names and values are the maker's (public SDK header ``evolis_status``). WAR is a condition
now; ERR means that the job was interrupted; retransfer film is "clear" there, and the in-line
laminator's flags stand in extension 2. How the words travel is assumed: eight groups of eight
hex digits, separated by semicolons (see ``evolis_replies.READ_STATUS``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

from printers.codecs.evolis import FrameError


class Info(IntFlag):
    """Second word."""

    CARD_HOPPER = 0x40000000
    CARD_FEEDER = 0x20000000
    CARD_FLIP = 0x10000000
    CARD_CONTACTLESS = 0x08000000
    CARD_SMART = 0x04000000
    CARD_PRINT = 0x02000000
    CARD_EJECT = 0x01000000
    PRINTER_MASTER = 0x00800000
    SLEEP_MODE = 0x00200000
    RIBBON_LOW = 0x00080000
    CLEANING_MANDATORY = 0x00040000
    CLEANING = 0x00020000
    RESET = 0x00010000
    CLEANING_REQUIRED = 0x00000100
    PRINTING_RUNNING = 0x00000080
    ENCODING_RUNNING = 0x00000040
    CLEANING_RUNNING = 0x00000020
    UPDATING_FIRMWARE = 0x00000002
    BUSY = 0x00000001


class Warn(IntFlag):
    """Third word: conditions now."""

    POWER_SUPPLY = 0x80000000
    REJECT_BOX_FULL = 0x08000000
    CARD_ON_EJECT = 0x04000000
    WAIT_CARD = 0x02000000
    FEEDER_EMPTY = 0x01000000
    COOLING = 0x00200000
    HOPPER_FULL = 0x00100000
    RIBBON_ENDED = 0x00080000
    PRINTER_LOCKED = 0x00040000
    COVER_OPEN = 0x00020000
    NO_RIBBON = 0x00010000
    UNSUPPORTED_RIBBON = 0x00008000
    NO_FILM = 0x00002000
    FILM_ENDED = 0x00001000
    UNSUPPORTED_FILM = 0x00000800
    REJECT_BOX_COVER_OPEN = 0x00000400
    FEEDER_OPEN = 0x00000100


class Error(IntFlag):
    """Fourth word: why the job was interrupted."""

    HEAD_TEMPERATURE = 0x20000000
    NO_OPTION = 0x10000000
    FEEDER = 0x08000000
    RIBBON = 0x04000000
    COVER_OPEN = 0x02000000
    MECHANICAL = 0x01000000
    REJECT_BOX_FULL = 0x00800000
    BAD_RIBBON = 0x00400000
    RIBBON_ENDED = 0x00200000
    HOPPER_FULL = 0x00100000
    MAGNETIC_BLANK = 0x00080000
    MAGNETIC_DATA = 0x00040000
    MAGNETIC_READ = 0x00020000
    MAGNETIC_WRITE = 0x00010000
    FEATURE = 0x00008000
    RETRANSFER_TEMPERATURE = 0x00004000
    FILM = 0x00002000
    FILM_ENDED = 0x00001000
    BAD_FILM = 0x00000800
    REJECT_BOX_COVER_OPEN = 0x00000400
    CARD_ON_EJECT = 0x00000200
    NO_CARD_INSERTED = 0x00000100
    FEEDER_OPEN = 0x00000080


class Laminator(IntFlag):
    """Sixth word (extension 2): the in-line laminator; FAULTS interrupt a job."""

    LAMINATE_LOW = 0x00200000
    CARD_INSIDE = 0x00100000
    CARD_REAR = 0x00010000
    NO_LAMINATE = 0x00008000
    COVER_OPEN = 0x00004000
    LAMINATE_ENDED = 0x00002000
    HOPPER_FULL = 0x00001000
    UNSUPPORTED_LAMINATE = 0x00000800
    ERR_TEMPERATURE = 0x00000080
    ERR_LAMINATE = 0x00000040
    ERR_MECHANICAL = 0x00000020
    ERR_LAMINATE_ENDED = 0x00000010
    ERR_COVER_OPEN = 0x00000008


class Extra(IntFlag):
    """Seventh word (extension 3)."""

    RETRANSFER_RUNNING = 0x40000000
    HEATING = 0x20000000


_INSIDE = Info.CARD_FLIP | Info.CARD_CONTACTLESS | Info.CARD_SMART | Info.CARD_PRINT
_BUSY = Info.BUSY | Info.PRINTING_RUNNING | Info.ENCODING_RUNNING | Info.CLEANING_RUNNING
_LAMINATOR_FAULTS = Laminator(0x000000F8)
WORDS = 8


@dataclass(frozen=True, slots=True)
class Status:
    """The words of one reading; bits without a name here are kept as numbers."""

    information: Info = field(default=Info(0))
    warning: Warn = field(default=Warn(0))
    error: Error = field(default=Error(0))
    laminator: Laminator = field(default=Laminator(0))
    extra: Extra = field(default=Extra(0))
    configuration: int = 0

    @property
    def busy(self) -> bool:
        """Printing, encoding, retransferring or cleaning: wait before judging."""
        return bool(self.information & _BUSY or self.extra & Extra.RETRANSFER_RUNNING)

    @property
    def card_inside(self) -> bool:
        """A card between feeder and tray. At the feeder or in the tray it is not inside."""
        rear = Laminator.CARD_INSIDE | Laminator.CARD_REAR
        return bool(self.information & (_INSIDE | Info.CARD_EJECT) or self.laminator & rear)

    @property
    def failed(self) -> bool:
        """An error flag: the last job was interrupted."""
        return bool(self.error or self.laminator & _LAMINATOR_FAULTS)

    @property
    def restarted(self) -> bool:
        """INF_RESET: it was switched on and nobody has cleared the status since."""
        return bool(self.information & Info.RESET)

    def to_text(self) -> str:
        """The value of the read."""
        words = (
            self.configuration,
            self.information,
            self.warning,
            self.error,
            0,
            self.laminator,
            self.extra,
            0,
        )
        return ";".join(f"{int(word):08X}" for word in words)

    @classmethod
    def from_text(cls, text: str) -> Status:
        """Reads :meth:`to_text`. Raises FrameError."""
        parts = text.split(";")
        try:
            words = [int(part, 16) for part in parts if len(part) == 8]
        except ValueError as error:
            raise FrameError(f"{text!r} are no status words") from error
        if len(words) != WORDS or len(parts) != WORDS:
            raise FrameError(f"{text!r} are no status words: {WORDS} groups of 8 hex digits")
        return cls(
            Info(words[1]),
            Warn(words[2]),
            Error(words[3]),
            Laminator(words[5]),
            Extra(words[6]),
            words[0],
        )
