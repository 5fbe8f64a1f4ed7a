"""Machines that a test scripts: what they say, and what they really do with the blank.

The drivers are tested against the bytes of their wires elsewhere; here the flow is tested against
every answer that a driver may give. What lies in ``tray`` is the judge: it says which blank got
the ink of which document.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from printers.ports import (
    Condition,
    DeviceError,
    Gate,
    Outcome,
    PrintJob,
    PrintResult,
    Progress,
    Severity,
    Snapshot,
    Supply,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a machine. ``lays``: whether the top blank really got ink and came out."""

    says: Outcome
    lays: bool
    blank_at: str = "tray"
    silent: bool = False  # the link breaks instead of an answer


GOOD = Turn(Outcome.PRINTED, lays=True)
NOT_PRINTED = Turn(Outcome.NOT_PRINTED, lays=False, blank_at="hopper")
DOUBT_LAID = Turn(Outcome.UNDETERMINED, lays=True, blank_at="unknown")
DOUBT_UNTOUCHED = Turn(Outcome.UNDETERMINED, lays=False, blank_at="unknown")
REJECTED = Turn(Outcome.NOT_PRINTED, lays=True, blank_at="rejected")
SILENT = Turn(Outcome.UNDETERMINED, lays=True, silent=True)
HOPPER_EMPTY = Condition(
    "hopper_empty", Severity.ATTENTION, "Tolva vacía: cargue.", "The hopper is empty: load it."
)


@dataclass(frozen=True, slots=True)
class Laid:
    """A card that came out: the blank's own serial, and the order that the machine took."""

    serial: str
    order: PrintJob


@dataclass(slots=True)
class ScriptedPrinter:
    """A printer with a real hopper: blanks leave it from the top, whatever the books say."""

    name: str
    supplies: tuple[str, ...] = ("RIBBON", "RETRANSFER", "DURAGARD")
    dpi: int = 300
    canvas: tuple[int, int] = (1016, 648)
    hopper: list[str] = field(default_factory=list)
    tray: list[Laid] = field(default_factory=list)
    script: deque[Turn] = field(default_factory=deque)
    verdicts: deque[Outcome] = field(default_factory=deque)  # of ``determine``
    conditions: tuple[Condition, ...] = ()
    away: bool = False
    prints: int = 0
    asked: list[str] = field(default_factory=list)  # documents that determine was asked for
    cleared: int = 0
    before_ink: Callable[[], None] = field(default=lambda: None)
    after_ink: Callable[[], Awaitable[None]] | None = None

    async def connect(self) -> None:
        self._answer()

    async def snapshot(self) -> Snapshot:
        self._answer()
        supplies = tuple(
            Supply(name, f"{self.name}-{name}", 500, 500 - self.prints) for name in self.supplies
        )
        return Snapshot(
            self.name,
            "scripted",
            "S-1",
            {"printed": self.prints},
            supplies=supplies,
            conditions=self.conditions,
        )

    async def print(
        self, job: PrintJob, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        assert before.counters == {"printed": self.prints}, "journalled before something else"
        self.before_ink()
        gate()
        turn = self.script.popleft() if self.script else GOOD
        progress("printing", 0.5)
        if turn.lays:
            self.prints += 1
            self.tray.append(Laid(self.hopper.pop(0) if self.hopper else "", job))
        if self.after_ink is not None:
            await self.after_ink()
        if turn.silent:
            raise DeviceError(f"{self.name}: the link broke")
        return PrintResult(turn.says, await self.snapshot(), "motivo", "reason", turn.blank_at)

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        self.asked.append(job_id)
        outcome = self.verdicts.popleft()
        at = "hopper" if outcome is Outcome.NOT_PRINTED else "tray"
        return PrintResult(outcome, await self.snapshot(), "motivo", "reason", at)

    async def clear(self) -> None:
        self.cleared += 1

    async def close(self) -> None:
        return None

    def _answer(self) -> None:
        if self.away:
            raise DeviceError(f"{self.name}: switched off")


@dataclass(slots=True)
class ScriptedLaminator:
    """A plastifier; ``passed`` is how many pouches really went through."""

    name: str
    script: deque[Outcome] = field(default_factory=deque)
    verdicts: deque[Outcome] = field(default_factory=deque)
    passed: int = 0

    async def connect(self) -> None:
        return None

    async def snapshot(self) -> Snapshot:
        counters = {"temperature_decic": 1250, "passes": self.passed}
        return Snapshot(self.name, "scripted", "", counters)

    async def laminate(
        self, job_id: str, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        gate()
        outcome = self.script.popleft() if self.script else Outcome.PRINTED
        self.passed += outcome is Outcome.PRINTED
        return PrintResult(outcome, await self.snapshot(), "motivo", "reason")

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        return PrintResult(self.verdicts.popleft(), await self.snapshot(), "motivo", "reason")

    async def close(self) -> None:
        return None
