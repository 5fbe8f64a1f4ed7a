"""Hosts that die, hosts that wake up late, machines that lose their power: never two cards.

The judge is the machine's body: how many cards carry ink, where each blank is.
"""

import asyncio
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from firmware_sim.evolis import Bench
from firmware_sim.evolis_faults import Faults
from firmware_sim.evolis_host import Host
from printers.codecs.evolis import Frame
from printers.codecs.evolis_models import MODELS
from printers.codecs.evolis_replies import Refusal, Reply
from printers.evolis import EvolisPrinter
from printers.panels import split
from printers.ports import DeviceConfig, DeviceError, Outcome, PrintJob, PrintResult, Snapshot
from printers.transports import open_transport
from tests.sim.evolis_bench import (
    QUICK,
    SERIALS,
    Process,
    body,
    cards,
    driver,
    go,
    job,
    machine,
    quiet,
    run,
    side,
)


class LeaseLost(Exception):  # noqa: N818
    """What a gate raises."""


@lru_cache(maxsize=1)
def stream() -> list[bytes]:
    """The frames of a one-sided job on the wire."""
    model = MODELS["evolis-primacy2"]
    panels = split(side(), model.canvas)
    rasters = [model.raster(name, panels[name]) for name in model.panels]
    frames = [model.prepare, Frame("Ss"), Frame("Sr"), *rasters, Frame("Se")]
    return [frame.to_bytes() for frame in frames]


def agrees(result: PrintResult, out: Path) -> None:
    """The outcome claims nothing that the metal contradicts."""
    state = body(out)
    assert state["laid"] <= 1
    if result.outcome is Outcome.PRINTED:
        assert [(card["tray"], card["inked"]) for card in cards(out)] == [("output", True)]
    if result.outcome is Outcome.NOT_PRINTED:
        assert (state["laid"], state["inside"], state["hopper"]) == (0, None, SERIALS)
    assert state["exits"] + len(state["hopper"]) + (state["inside"] is not None) == len(SERIALS)


def arrived(bench: Bench, frames: int) -> bool:
    """Whether the machine has taken the first ``frames`` frames of the stream."""
    current = bench.host._job
    if frames < 3:
        return True
    if frames == 9:
        return current is None and bench.machine.state["counters"]["inserted"] == 1
    if current is None or not current.side:
        return False
    return frames == 3 or (current.loaded or ("", "", b""))[1] == "ymcko"[frames - 4]


# Offsets into the job's bytes: (frame, share of it). Frame 3 is panel y, 7 is o, 8 is Se.
CUTS = {
    "nothing": (0, 0.0, Outcome.NOT_PRINTED),
    "half of Pr": (0, 0.5, Outcome.NOT_PRINTED),
    "before Sr": (2, 0.0, Outcome.NOT_PRINTED),
    "half of Sr": (2, 0.5, Outcome.NOT_PRINTED),
    "card taken": (3, 0.0, Outcome.UNDETERMINED),
    "half of the first panel": (3, 0.5, Outcome.UNDETERMINED),
    "first panel without its CR": (3, 0.999999, Outcome.UNDETERMINED),
    "first panel": (4, 0.0, Outcome.UNDETERMINED),
    "half of the third panel": (5, 0.5, Outcome.UNDETERMINED),
    "all panels": (8, 0.0, Outcome.UNDETERMINED),
    "Se without its CR": (8, 0.8, Outcome.UNDETERMINED),
    "all": (9, 0.0, Outcome.PRINTED),
}


ON_A_LINE = ("half of Sr", "first panel without its CR", "all panels", "Se without its CR", "all")


@pytest.mark.parametrize(
    ("cut", "wire"), [*((cut, "tcp") for cut in CUTS), *((cut, "pty") for cut in ON_A_LINE)]
)
async def test_a_host_that_dies_at_any_byte_is_judged_right(
    cut: str, wire: str, tmp_path: Path
) -> None:
    number, share, expected = CUTS[cut]
    frames = [*stream(), b""]
    sent = b"".join(frames[:number]) + frames[number][: int(share * len(frames[number]))]
    out = tmp_path / "m"
    listen = "tcp://127.0.0.1:0" if wire == "tcp" else f"pty://{tmp_path}/line"
    async with machine(out, listen=listen) as bench:
        async with driver(bench.url) as printer:
            before = await printer.snapshot()
        line = await open_transport(bench.url)
        await line.write(sent)
        while not arrived(bench, number):  # a killed host's kernel still delivers
            await asyncio.sleep(0.01)
        await line.close()
        async with driver(bench.url) as printer:
            result = await printer.determine("job-1", before)
            assert result.outcome is expected
            agrees(result, out)
            # A panel is printed by the one after it: what was only loaded never touches the card.
            assert body(out)["laid"] == (number > 4)
            if result.blank_at == "inside":
                await printer.clear()
                rejected = await printer.determine("job-1", before)
                assert (rejected.outcome, rejected.blank_at) == (Outcome.UNDETERMINED, "rejected")
                assert cards(out)[-1]["tray"] == "reject"
            # Whatever was left behind, the next job prints its own card and no other.
            laid = body(out)["laid"]
            assert (await run(printer, PrintJob("j2", front=side())))[1].outcome is Outcome.PRINTED
            assert body(out)["laid"] == laid + 1


CHILD = """
import asyncio, sys
from pathlib import Path
from printers import open_printer
from printers.ports import DeviceConfig, Snapshot
from tests.sim.evolis_bench import QUICK, go, job
import json

async def main(url: str, out: Path) -> None:
    printer = open_printer(DeviceConfig("p1", "evolis-primacy2", url, QUICK))
    await printer.connect()
    before = await printer.snapshot()
    (out / "before.json").write_text(json.dumps(before.to_json()))
    def progress(phase: str, share: float) -> None:
        print(phase, share, flush=True)
    await printer.print(job(), before, go, progress)

asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.mark.parametrize("steps", [1, 9, 15])
async def test_a_killed_process_is_judged_by_the_machine(steps: int, tmp_path: Path) -> None:
    out = tmp_path / "m"
    async with machine(out, seconds=0.4) as bench:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, bench.url, str(tmp_path), stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(steps):
            assert await child.stdout.readline()
        child.kill()
        await child.wait()
        before = Snapshot.from_json(json.loads((tmp_path / "before.json").read_text()))
        async with driver(bench.url) as printer:
            result = await printer.determine("job-1", before)
        agrees(result, out)


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


async def test_a_reset_connection_ends_in_the_machine_s_own_evidence(tmp_path: Path) -> None:
    async with machine(tmp_path, seconds=1) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
        printing = asyncio.create_task(printer.print(job(), before, go, quiet))
        while not bench.machine.state["laid"]:
            await asyncio.sleep(0.01)
        await bench.control({"do": "fault", "name": "tcp_reset"})
        result = await printing
        assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "inside")
        agrees(result, tmp_path)


async def test_a_reset_after_the_last_frame_still_finds_the_card_printed(tmp_path: Path) -> None:
    async with machine(tmp_path, seconds=1) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()

        def progress(phase: str, share: float) -> None:
            if phase == "printing":
                bench.wire.reset()

        result = await printer.print(PrintJob("j", front=side()), before, go, progress)
        assert result.outcome is Outcome.PRINTED
        agrees(result, tmp_path)


async def test_power_cut_in_mid_card(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = tmp_path / "m"
    process = Process(out, "--seconds-per-card", "0.1")
    try:
        url = await process.start(f"tcp://127.0.0.1:{port}")
        async with driver(url) as printer:
            assert (await run(printer))[1].outcome is Outcome.PRINTED
            await process.fault("power_cut", 0)
            before, result = await run(printer)
            assert (result.outcome, result.after) == (Outcome.UNDETERMINED, None)
            assert await process.wait() == 75
            assert body(out)["laid"] == 2
            with pytest.raises(DeviceError, match="is the device on"):
                await printer.snapshot()
            await process.start(url)
            result = await printer.determine("job-1", before)
            assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "inside")
            assert result.after is not None
            assert result.after.boot != before.boot
            assert "restarted" in [item.code for item in result.after.conditions]
            await printer.clear()
            assert (await run(printer))[1].outcome is Outcome.PRINTED
    finally:
        await process.stop()
    assert [(card["serial"], card["tray"]) for card in cards(out)] == [
        (SERIALS[0], "output"),
        (SERIALS[1], "reject"),
        (SERIALS[2], "output"),
    ]
    assert cards(out)[1]["panels"] == {"front": ["y"]}


async def test_power_cut_at_rest_leaves_an_unprinted_job_undetermined(tmp_path: Path) -> None:
    out = tmp_path / "m"
    process = Process(out)
    try:
        async with driver(await process.start()) as printer:
            before = await printer.snapshot()
            await process.fault("power_cut")
            assert await process.wait() == 75
        async with driver(await process.start()) as printer:
            result = await printer.determine("job-1", before)
        assert result.outcome is Outcome.UNDETERMINED
        agrees(result, out)
    finally:
        await process.stop()


async def test_a_machine_that_is_off_keeps_its_job_undetermined(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
    off = EvolisPrinter(DeviceConfig("p1", "evolis-primacy2", bench.url, QUICK))
    result = await off.determine("job-1", before)
    assert (result.outcome, result.after) == (Outcome.UNDETERMINED, None)
    assert (await off.print(job(), before, go, quiet)).outcome is Outcome.NOT_PRINTED


async def test_seeded_faults_are_the_same_cards_each_time(tmp_path: Path) -> None:
    histories = []
    for name in ("a", "b"):
        out = tmp_path / name
        faults = Faults(seeded=(11, 0.6))
        outcomes = []
        async with machine(out, faults=faults, seconds=0.02) as bench, driver(bench.url) as printer:
            for _ in range(4):
                _, result = await run(printer, PrintJob("j", front=side()))
                outcomes.append(result.outcome)
                agrees_in_sum(out)
                if result.blank_at == "inside":
                    await bench.control({"do": "mend"})
                    await printer.clear()
        histories.append((outcomes, [(card["serial"], card["tray"]) for card in cards(out)]))
    assert histories[0] == histories[1]
    assert Outcome.UNDETERMINED in histories[0][0]


def agrees_in_sum(out: Path) -> None:
    """Every blank is somewhere, once."""
    state = body(out)
    inside = [state["inside"]["serial"]] if state["inside"] else []
    found = [card["serial"] for card in cards(out)] + inside + state["hopper"]
    assert sorted(found) == SERIALS


async def test_a_model_without_the_assumed_counters_still_proves_what_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the guide's own reads: cards inserted, panels printed, INF_RESET."""
    read = Host._read

    def guide_only(self: Host, frame: Frame) -> Reply | None:
        if frame.command == "Rco" and frame.params[0] in "erb":
            return Reply(refusal=Refusal.PARAMETER)
        return read(self, frame)

    monkeypatch.setattr(Host, "_read", guide_only)
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before, result = await run(printer)
        assert (set(before.counters), before.boot) == ({"inserted", "panels"}, "")
        assert result.outcome is Outcome.PRINTED, "watched to the tray"
        assert result.after is not None
        assert "restarted" not in [item.code for item in result.after.conditions]
        settled = await printer.determine("job-1", before)
        assert settled.outcome is Outcome.UNDETERMINED, "not watched: inserted proves little"
        assert (await printer.determine("j2", result.after)).outcome is Outcome.NOT_PRINTED
        bench.machine.just_reset = True
        assert (await printer.determine("j2", result.after)).outcome is Outcome.UNDETERMINED
