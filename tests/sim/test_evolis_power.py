"""Machines that lose their power or their wire in the middle of a card."""

import asyncio
import socket
from pathlib import Path

import pytest

from firmware_sim.evolis_faults import Faults
from printers.evolis import EvolisPrinter
from printers.ports import DeviceConfig, DeviceError, Outcome, PrintJob
from tests.sim.evolis_bench import (
    QUICK,
    SERIALS,
    Process,
    agrees,
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
