"""Leases that run out and daemons that wake up late: no ink after the gate has closed."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from printers.ports import Outcome, PrintJob, Snapshot
from tests.sim.evolis_bench import (
    CHILD,
    agrees,
    body,
    cards,
    driver,
    job,
    machine,
    quiet,
    run,
    side,
)


class LeaseLost(Exception):  # noqa: N818
    """What a gate raises."""


@pytest.mark.parametrize("calls", [0, 1, 3, 5, 17, 60])
async def test_a_gate_that_closes_stops_the_ink(calls: int, tmp_path: Path) -> None:
    counter = itertools.count()

    def gate() -> None:
        if next(counter) >= calls:
            raise LeaseLost

    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
        with pytest.raises(LeaseLost):
            await printer.print(job(), before, gate, quiet)
        result = await printer.determine("job-1", before)
        agrees(result, tmp_path)
        assert result.outcome is not Outcome.PRINTED
        assert not [card for card in cards(tmp_path) if card["tray"] == "output"]


async def test_the_last_gate_is_before_the_ejection(tmp_path: Path) -> None:
    """A one-sided job asks the gate for each frame and each chunk; the last call is for Se."""
    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    work = PrintJob("j", front=side())
    async with machine(tmp_path / "a") as bench, driver(bench.url) as printer:
        await printer.print(work, await printer.snapshot(), count, quiet)
    # Scs, Pr, Ss, Sr, Se; 3 × (1 + 11 chunks of 64 KiB) and 2 × (1 + 2).
    assert calls == 5 + 3 * 12 + 2 * 3
    left = calls - 1

    def closing() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise LeaseLost

    async with machine(tmp_path / "b") as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
        with pytest.raises(LeaseLost):
            await printer.print(work, before, closing, quiet)
        result = await printer.determine("j", before)
        assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "rejected")


async def test_a_daemon_that_wakes_up_late_is_fenced(tmp_path: Path) -> None:
    fenced = False

    def gate() -> None:
        if fenced:
            raise LeaseLost

    async with machine(tmp_path, seconds=1) as bench, driver(bench.url) as sleeper:
        before = await sleeper.snapshot()
        late = asyncio.create_task(sleeper.print(job(), before, gate, quiet))
        while not bench.machine.state["laid"]:
            await asyncio.sleep(0.01)
        fenced = True
        async with driver(bench.url) as successor:
            with pytest.raises(LeaseLost):
                await late
            result = await successor.determine("job-1", before)
            assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "inside")
            await successor.clear()
            assert (await run(successor))[1].outcome is Outcome.PRINTED
    assert body(tmp_path)["laid"] == 2
    assert [card["tray"] for card in cards(tmp_path)] == ["reject", "output"]


async def test_a_stopped_process_prints_nothing_after_its_successor(tmp_path: Path) -> None:
    """SIGSTOP, a successor connects and prints, SIGCONT: the machine has dropped the first."""
    async with machine(tmp_path / "m", seconds=0.4) as bench:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, bench.url, str(tmp_path), stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(5):
            await child.stdout.readline()
        os.kill(child.pid, signal.SIGSTOP)
        before = Snapshot.from_json(json.loads((tmp_path / "before.json").read_text()))
        async with driver(bench.url) as successor:
            result = await successor.determine("job-1", before)
            assert result.outcome is Outcome.UNDETERMINED
            await successor.clear()
            laid = bench.machine.state["laid"]
            assert (await run(successor))[1].outcome is Outcome.PRINTED
            os.kill(child.pid, signal.SIGCONT)
            # Its gate is always open, so it even reconnects, and reads. It lays no ink.
            await asyncio.wait_for(child.communicate(), 20)
            await successor.connect()
            assert (await successor.snapshot()).counters["completed"] == 1
        assert bench.machine.state["laid"] == laid + 1
