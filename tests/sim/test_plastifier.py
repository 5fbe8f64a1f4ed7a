"""The plastifier driver against the simulated machine, Modbus RTU over a real pty.

``passes`` in the machine's body is its pouch counter, ``pouches`` what really went through.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from firmware_sim.body import Body
from firmware_sim.control import request
from firmware_sim.plastifier import PlastifierSimulator
from firmware_sim.plastifier_machine import FRESH, Pace
from printers.plastifier import Plastifier
from printers.ports import DeviceConfig, DeviceError, Outcome, Snapshot

QUICK = {
    "poll_s": "0.02",
    "settle_s": "0.5",
    "answer_timeout_s": "0.5",
    "heat_timeout_s": "30",
    "feed_timeout_s": "30",
}


class Bench:
    """One machine on one pty, in the test's loop; drivers open the pty like any serial port."""

    def __init__(self, directory: Path) -> None:
        self.out = directory / "laminator"
        self.link = directory / "ttyLAM"
        self.drivers: list[Plastifier] = []
        self.url = f"serial://{self.link}?baud=9600&unit=1"

    async def start(self, warm: bool = True, byte_s: float | None = None, **pace: Any) -> None:
        self.body_file = Body.open(self.out, FRESH)
        settings = {"speed": 200.0, "seconds_per_pouch": 0.05, "feed_s": 0.05} | pace
        self.simulator = PlastifierSimulator(self.body_file, Pace(**settings), byte_s=byte_s)
        if warm:
            self.simulator.machine.state["set_point_decic"] = 1250
            self.simulator.machine.warm(600)
        await self.simulator.start(self.link)

    async def stop(self) -> None:
        for driver in self.drivers:
            await driver.close()
        if hasattr(self, "simulator"):
            await self.simulator.stop()
            self.body_file.close()

    async def driver(self, **options: str) -> Plastifier:
        made = Plastifier(DeviceConfig("lam-1", "omron-e5cc", self.url, QUICK | options))
        self.drivers.append(made)
        await made.connect()
        return made

    async def do(self, **message: Any) -> dict[str, Any]:
        return await asyncio.to_thread(request, self.out, message)

    def pouches(self) -> list[dict[str, Any]]:
        return [json.loads(p.read_text()) for p in sorted(self.out.glob("pouches/*.json"))]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.stop()


def free() -> None:
    """A gate that is open."""


def silent(_phase: str, _share: float) -> None:
    """Progress that nobody watches."""


async def laminate(driver: Plastifier, before: Snapshot) -> Outcome:
    return (await driver.laminate("J-1", before, free, silent)).outcome


async def test_it_heats_invites_and_counts_one_pouch(bench: Bench) -> None:
    await bench.start(warm=False)
    driver = await bench.driver()
    before = await driver.snapshot()
    assert before.counters["passes"] == 0
    assert before.counters["temperature_decic"] < 300
    seen: dict[str, list[float]] = {}
    task = asyncio.create_task(
        driver.laminate("J-1", before, free, lambda p, s: seen.setdefault(p, []).append(s))
    )
    await bench.do(do="feed", job="J-1")
    result = await task
    assert result.outcome is Outcome.PRINTED
    assert result.after is not None
    assert result.after.counters["passes"] == 1
    assert result.after.counters["set_point_decic"] == 1250
    assert list(seen) == ["heating", "feed"]
    assert seen["heating"] == sorted(seen["heating"])
    assert [(p["job"], p["sealed"]) for p in bench.pouches()] == [("J-1", True)]


async def test_conditions_tell_the_thermal_state(bench: Bench) -> None:
    await bench.start(warm=False, speed=1.0)
    bench.simulator.machine.state["set_point_decic"] = 1250
    driver = await bench.driver()
    assert [c.code for c in (await driver.snapshot()).conditions] == ["heating"]
    bench.simulator.machine.warm(600)
    ready = await driver.snapshot()
    assert [c.code for c in ready.conditions] == ["ready"]
    assert abs(ready.counters["temperature_decic"] - 1250) <= 50
    assert ready.conditions[0].es == "La plastificadora está lista."


async def test_ready_is_what_pouches_want_and_not_what_somebody_set(bench: Bench) -> None:
    await bench.start(warm=False)  # set to 25 °C, and there it is
    driver = await bench.driver()
    before = await driver.snapshot()
    assert before.counters["set_point_decic"] == 250
    assert [c.code for c in before.conditions] == ["heating"]
    await bench.do(do="feed", when="now")
    assert (await driver.determine("J-1", before)).outcome is Outcome.UNDETERMINED


async def test_a_pouch_fed_before_the_driver_looked_counts(bench: Bench) -> None:
    await bench.start()
    driver = await bench.driver()
    before = await driver.snapshot()
    await bench.do(do="feed", when="now")
    assert await laminate(driver, before) is Outcome.PRINTED
    assert len(bench.pouches()) == 1


async def test_two_pouches_are_for_a_person(bench: Bench) -> None:
    await bench.start()
    driver = await bench.driver()
    before = await driver.snapshot()
    await bench.do(do="feed", when="now")
    await bench.do(do="feed", when="now")
    assert await laminate(driver, before) is Outcome.UNDETERMINED


async def test_a_counter_that_bounces_is_for_a_person(bench: Bench) -> None:
    await bench.start()
    driver = await bench.driver()
    before = await driver.snapshot()
    await bench.do(do="fault", name="miscount")
    await bench.do(do="feed")
    assert await laminate(driver, before) is Outcome.UNDETERMINED


async def test_a_pouch_fed_cold_is_for_a_person(bench: Bench) -> None:
    await bench.start(warm=False)
    driver = await bench.driver()
    before = await driver.snapshot()
    bench.simulator.machine.state["set_point_decic"] = 1250
    bench.simulator.machine.state["faults"].append("heater_failure")
    await bench.do(do="feed", when="now")
    result = await driver.laminate("J-1", before, free, silent)
    assert result.outcome is Outcome.UNDETERMINED
    assert "fuera de temperatura" in result.reason_es
    assert bench.pouches()[0]["sealed"] is False


async def test_nobody_feeds(bench: Bench) -> None:
    await bench.start()
    driver = await bench.driver(feed_timeout_s="0.2")
    before = await driver.snapshot()
    result = await driver.laminate("J-1", before, free, silent)
    assert result.outcome is Outcome.NOT_PRINTED
    assert "Nadie introdujo" in result.reason_es
    # Fed after the driver gave up: the counter still tells.
    await bench.do(do="feed", when="now")
    assert (await driver.determine("J-1", before)).outcome is Outcome.PRINTED


@pytest.mark.parametrize("fault", ["heater_failure", "over_temperature"])
async def test_a_fault_ends_the_wait_with_its_remedy(bench: Bench, fault: str) -> None:
    await bench.start(warm=fault == "over_temperature")
    driver = await bench.driver()
    before = await driver.snapshot()
    await bench.do(do="fault", name=fault)
    result = await driver.laminate("J-1", before, free, silent)
    assert result.outcome is Outcome.NOT_PRINTED
    assert result.after is not None
    condition = result.after.conditions[0]
    assert condition.code == fault
    assert (result.reason_es, result.reason_en) == (condition.es, condition.en)
    await bench.do(do="clear")
    bench.simulator.machine.warm(900)  # it cools down, or heats at last
    await bench.do(do="feed")
    assert await laminate(driver, before) is Outcome.PRINTED


async def test_a_silent_machine_is_undetermined_and_then_tells(bench: Bench) -> None:
    await bench.start()
    driver = await bench.driver()
    before = await driver.snapshot()
    task = asyncio.create_task(driver.laminate("J-1", before, free, silent))
    await asyncio.sleep(0.1)
    await bench.do(do="fault", name="silent")
    await bench.do(do="feed", when="now")
    result = await task
    assert (result.outcome, result.after) == (Outcome.UNDETERMINED, None)
    with pytest.raises(DeviceError, match="unit 1 is silent"):
        await driver.snapshot()
    await bench.do(do="clear", names=["silent"])
    assert (await driver.determine("J-1", before)).outcome is Outcome.PRINTED


async def test_a_unit_that_is_not_there_is_silent_as_on_a_real_line(bench: Bench) -> None:
    await bench.start()
    driver = Plastifier(DeviceConfig("lam-9", "omron-e5cc", bench.url[:-1] + "9", QUICK))
    bench.drivers.append(driver)
    with pytest.raises(DeviceError, match="unit 9 is silent"):
        await driver.connect()


async def test_one_byte_at_a_time(bench: Bench) -> None:
    await bench.start(byte_s=0.0005)
    driver = await bench.driver()
    before = await driver.snapshot()
    await bench.do(do="feed")
    assert await laminate(driver, before) is Outcome.PRINTED


class LeaseLostError(Exception):
    """What a fenced owner's gate raises."""


def closed() -> None:
    """A gate that is shut."""
    raise LeaseLostError


@pytest.mark.parametrize("warm", [True, False])
async def test_a_closed_gate_writes_nothing_and_invites_nobody(bench: Bench, warm: bool) -> None:
    await bench.start(warm=warm)
    driver = await bench.driver()
    before = await driver.snapshot()
    phases: list[str] = []
    with pytest.raises(LeaseLostError):
        await driver.laminate("J-1", before, closed, lambda p, _s: phases.append(p))
    assert "feed" not in phases
    assert bench.simulator.machine.state["set_point_decic"] == (1250 if warm else 250)


async def test_a_second_owner_is_told_that_the_port_is_taken(bench: Bench) -> None:
    await bench.start()
    await bench.driver()
    with pytest.raises(DeviceError, match="no other program has it"):
        await bench.driver()


async def test_a_power_cut_keeps_the_count_and_the_driver_comes_back(tmp_path: Path) -> None:
    out, link, ready = tmp_path / "out", tmp_path / "ttyLAM", tmp_path / "ready"

    async def start() -> asyncio.subprocess.Process:
        ready.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmware_sim.cli", "laminator", "--listen", f"pty://{link}"),
            *("--out", str(out), "--ready", str(ready), "--speed", "200"),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            while not ready.exists():
                assert process.returncode is None, "the simulator did not start"
                await asyncio.sleep(0.02)
        return process

    process = await start()
    url = ready.read_text().strip()
    driver = Plastifier(DeviceConfig("lam-1", "omron-e5cc", url, QUICK | {"settle_s": "60"}))
    await driver.connect()
    before = await driver.snapshot()
    await asyncio.to_thread(request, out, {"do": "feed", "when": "now"})
    await asyncio.to_thread(request, out, {"do": "fault", "name": "power_cut"})
    assert await process.wait() == 137
    with pytest.raises(DeviceError):
        await driver.snapshot()
    process = await start()
    result = await driver.determine("J-1", before)
    # It went through, but the machine is cold after the cut: whether it sealed, nobody can say.
    assert result.outcome is Outcome.UNDETERMINED
    assert result.after is not None
    assert result.after.counters["passes"] == 1
    await driver.close()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert not link.is_symlink()
