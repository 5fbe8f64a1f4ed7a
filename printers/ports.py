"""The ports of this room: what a printer and a laminator are to the rest of the house.

A driver answers for one device and has it alone. What is sent to it is journalled by the caller
*before* (the snapshot) and decided *after* (the result): see docs/issuance-cycle.md, step 5.
Source for the three outcomes: facts on printing at most once; counters alone prove nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from PIL import Image


class Outcome(StrEnum):
    """What is known about one job after the device was asked for its evidence."""

    PRINTED = "printed"
    NOT_PRINTED = "not_printed"
    UNDETERMINED = "undetermined"  # never retried by itself: a person looks


class Severity(StrEnum):
    """What a condition means for the lane."""

    INFO = "info"
    ATTENTION = "attention"  # the lane pauses; it goes on when the cause is gone
    FAULT = "fault"  # the job was interrupted; a person decides


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a device in plain words, e.g. cover open, hopper empty."""

    code: str  # stable machine code: "cover_open", "hopper_empty", "ribbon_ended", …
    severity: Severity
    es: str
    en: str


@dataclass(frozen=True, slots=True)
class Supply:
    """A consumable that a device reports: a roll with its serial, capacity and rest (in prints)."""

    material: str  # "RIBBON", "RETRANSFER", "DURAGARD", "INK"
    serial: str
    capacity: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that can be read from a device that later tells whether a job happened.

    ``counters`` are machine counters by name (int, only ever rising while the machine lives),
    ``position`` is where a card is ("none", "inside", "unknown"), ``boot`` a mark that changes
    when the device restarted ("" if the model has none).
    """

    device: str
    model: str
    serial: str
    counters: Mapping[str, int]
    position: str = "none"
    boot: str = ""
    supplies: tuple[Supply, ...] = ()
    conditions: tuple[Condition, ...] = ()
    busy: bool = False

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form; :meth:`from_json` reads it back."""
        return {
            "device": self.device,
            "model": self.model,
            "serial": self.serial,
            "counters": dict(self.counters),
            "position": self.position,
            "boot": self.boot,
            "supplies": [[s.material, s.serial, s.capacity, s.remaining] for s in self.supplies],
            "conditions": [[c.code, c.severity.value, c.es, c.en] for c in self.conditions],
            "busy": self.busy,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Snapshot:
        """Reads what :meth:`to_json` wrote."""
        return cls(
            device=data["device"],
            model=data["model"],
            serial=data["serial"],
            counters={k: int(v) for k, v in data["counters"].items()},
            position=data["position"],
            boot=data["boot"],
            supplies=tuple(Supply(*row) for row in data["supplies"]),
            conditions=tuple(
                Condition(code, Severity(sev), es, en) for code, sev, es, en in data["conditions"]
            ),
            busy=data["busy"],
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a card at the device's resolution.

    ``colour``: PIL RGB, white where K prints (knocked out). ``black``: PIL mode "1" or "L",
    0 = ink; pure K, never dithered (QR, MRZ, text). Landscape, ``black`` as large as the device's
    canvas; ``colour`` as large, or half of it (1016×648 under 2032×1296 black at 600 dpi).
    """

    colour: Image.Image
    black: Image.Image


@dataclass(frozen=True, slots=True)
class PrintJob:
    """What one print wants. Cards carry rasters; paper printers take ``pdf`` instead."""

    job_id: str
    front: Side | None = None
    back: Side | None = None
    pdf: bytes | None = None
    pages: int = 1


@dataclass(frozen=True, slots=True)
class PrintResult:
    """Outcome with the evidence it rests on; ``after`` is None if the device cannot be read."""

    outcome: Outcome
    after: Snapshot | None
    reason_es: str = ""
    reason_en: str = ""
    # Where the blank is now, if it is not in the output tray: "hopper", "inside", "rejected",
    # "unknown".
    blank_at: str = "tray"


Gate = Callable[[], None]
"""Called before every irreversible write; raises when the caller's lease is gone (fencing)."""

Progress = Callable[[str, float], None]
"""(phase, 0..1): "sending", "printing", "heating", …"""


class DeviceError(Exception):
    """A device cannot be reached or does not answer; transient: reconnect and ask again."""


class Printer(Protocol):
    """One card or paper printer. Exactly one owner; not safe for concurrent calls."""

    name: str
    dpi: int
    canvas: tuple[int, int]  # pixels, landscape (width, height) of a Side; (0, 0) for PDF printers

    async def connect(self) -> None:
        """Opens the transport (with backoff) and sets the device up. Raises DeviceError."""

    async def snapshot(self) -> Snapshot:
        """Reads identity, counters, supplies, position and conditions. Raises DeviceError."""

    async def print(
        self, job: PrintJob, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Prints once. Never raises for what the device does: the result says it.

        ``before`` was journalled by the caller. ``gate`` is called before each frame that can
        make ink; whatever it raises passes through after the job was abandoned on the device.
        """

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """After a crash: what became of the job journalled with ``before``. Prints nothing."""

    async def clear(self) -> None:
        """Rejects a card found inside and clears errors. Raises DeviceError."""

    async def close(self) -> None:
        """Gives the device back."""


class Laminator(Protocol):
    """One plastifier (pouch laminator)."""

    name: str

    async def connect(self) -> None:
        """Opens the line. Raises DeviceError."""

    async def snapshot(self) -> Snapshot:
        """Temperature (0.1 °C, counter ``temperature_decic``), pass counter, conditions."""

    async def laminate(
        self, job_id: str, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Heats to the set point, waits for the ready band, and for one pouch to pass."""

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """After a crash: whether the pouch journalled with ``before`` went through."""

    async def close(self) -> None:
        """Gives the line back (the heater stays at its set point)."""


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """How a device is opened: see issuer/config.py for the file it comes from."""

    name: str
    model: str  # "evolis-agilia", "evolis-primacy2", "ipp", "omron-e5cc", …
    url: str  # tcp://127.0.0.1:9100, serial:///dev/ttyUSB0?baud=38400, ipp://127.0.0.1:8631/ipp/print
    options: Mapping[str, str] = field(default_factory=dict)
