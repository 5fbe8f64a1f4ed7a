"""What benchmarks share: machines that answer at once, and a watch on where CPU time goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import psutil

from printers.ports import Gate, Outcome, PrintJob, PrintResult, Progress, Snapshot, Supply


class InstantPrinter:
    """A printer without time: every card is printed when asked. Rolls shorten by one print."""

    def __init__(self, name: str, dpi: int) -> None:
        self.name = name
        self.dpi = dpi
        self.canvas = (1016, 648) if dpi == 300 else (2032, 1296)
        self._printed = 0

    async def connect(self) -> None:
        """Nothing to open."""

    async def snapshot(self) -> Snapshot:
        """Counters only."""
        supplies = tuple(
            Supply(name, f"R-{self.name}-{material}", 1_000_000, 1_000_000 - self._printed)
            for name, material in (
                ("RIBBON", "RIBBON"), ("RETRANSFER", "RETRANSFER"), ("DURAGARD", "DURAGARD"),
            )
        )  # fmt: skip
        return Snapshot(self.name, "instant", "0", {"completed": self._printed}, supplies=supplies)

    async def print(
        self, job: PrintJob, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Printed, at once."""
        gate()
        self._printed += 1
        return PrintResult(Outcome.PRINTED, await self.snapshot())

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """Never asked here."""
        return PrintResult(Outcome.UNDETERMINED, None)

    async def clear(self) -> None:
        """Nothing inside."""

    async def close(self) -> None:
        """Nothing open."""


class InstantLaminator:
    """A plastifier that is always hot."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._passes = 0

    async def connect(self) -> None:
        """Nothing to open."""

    async def snapshot(self) -> Snapshot:
        """The pass counter."""
        return Snapshot(self.name, "instant", "0", {"passes": self._passes})

    async def laminate(
        self, job_id: str, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Passed, at once."""
        gate()
        self._passes += 1
        return PrintResult(Outcome.PRINTED, await self.snapshot())

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """Never asked here."""
        return PrintResult(Outcome.UNDETERMINED, None)

    async def close(self) -> None:
        """Nothing open."""


@dataclass(slots=True)
class Watch:
    """CPU seconds of this process and its children, by what the child is."""

    points: Counter[str] = field(default_factory=Counter)
    _start: dict[str, float] = field(default_factory=dict)
    _spent: dict[str, float] = field(default_factory=dict)

    def point(self, name: str) -> None:
        """Counts durable points."""
        self.points[name] += 1

    def begin(self) -> None:
        """Starts the watch."""
        self._start = _cpu()

    def end(self) -> None:
        """Stops it."""
        now = _cpu()
        self._spent = {name: now[name] - self._start.get(name, 0.0) for name in now}

    def per_document(self, count: int) -> dict[str, float]:
        """Milliseconds of CPU per document, by process."""
        return {name: seconds / count * 1000 for name, seconds in sorted(self._spent.items())}


def _cpu() -> dict[str, float]:
    me = psutil.Process()
    spent: Counter[str] = Counter()
    for process in (me, *me.children(recursive=True)):
        times = process.cpu_times()
        spent[_name(process, me)] += times.user + times.system
    return dict(spent)


def _name(process: psutil.Process, me: psutil.Process) -> str:
    if process.pid == me.pid:
        return "daemon (flow, store, verification)"
    line = " ".join(process.cmdline())
    if "crypto.worker" in line:
        return "HSM workers"
    return "composers"
