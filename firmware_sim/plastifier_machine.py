"""A simulated plastifier: a heater, rollers, a sensor at the exit, and a person who feeds it.

The controller heats towards its set point; the pouch counter rises when a pouch leaves, whoever
fed it and however cold the rollers were. What a pouch went through is written beside it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from firmware_sim.body import Body, write_durably
from firmware_sim.control import ControlError
from printers.codecs.plastifier import Reading, RegisterMap

FRESH: dict[str, Any] = {"passes": 0, "pouches": 0, "set_point_decic": 250, "faults": []}
LASTING = ("heater_failure", "over_temperature", "silent")
ONCE = ("miscount", "uncounted")  # the next pouch counts twice, or not at all
FAULTS = (*LASTING, *ONCE, "power_cut")

AMBIENT_DECIC = 200
HEATER_DECIC_S = 20.0  # at full output: 100 °C in a minute
LOSS_PER_S = 0.01  # of the distance to the room
GAIN = 20.0  # output in permille per 0.1 °C below the set point: full output until 5 °C below
FULL_CURRENT_DECIA = 45
RUNAWAY_DECIC = 2500
TICK_S = 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """``speed``: simulated seconds of heating a second. ``feed_s``: how soon after the ready lamp
    a person feeds what lies in OUT/feed; None: nobody does."""

    speed: float = 1.0
    seconds_per_pouch: float = 0.3
    feed_s: float | None = None


class PlastifierMachine:
    """One machine; :meth:`run` is its heat, :meth:`person` the one who feeds."""

    def __init__(self, body: Body, at: RegisterMap, pace: Pace) -> None:
        self.body, self.state, self.at, self.pace = body, body.state, at, pace
        self.temperature = float(AMBIENT_DECIC)
        self.output_permille = 0
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[dict[str, Any]]:
        """Every change of the body goes through here: one at a time, durable before it shows."""
        async with self._lock:
            yield self.state
            await asyncio.to_thread(self.body.save)

    def has(self, fault: str) -> bool:
        """Whether that fault is on."""
        return fault in self.state["faults"]

    # -- the controller --------------------------------------------------------------------------

    async def run(self) -> None:
        """Heats and cools, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            self.warm(TICK_S * self.pace.speed)

    def warm(self, seconds: float) -> None:
        """That many simulated seconds of heating, in steps short enough to be stable."""
        steps = max(1, round(seconds / 0.25))
        for _ in range(steps):
            self._step(seconds / steps)

    def _step(self, seconds: float) -> None:
        away = self.state["set_point_decic"] - self.temperature
        # What keeps the set point against the room, and more the further away it is.
        hold = LOSS_PER_S * (self.state["set_point_decic"] - AMBIENT_DECIC) / HEATER_DECIC_S
        self.output_permille = round(min(max(1000 * hold + GAIN * away, 0), 1000))
        power = 0.0 if self.has("heater_failure") else self.output_permille / 1000
        if self.has("over_temperature"):
            # A relay that sticks: full power whatever the controller says.
            power = 1.0 if self.temperature < RUNAWAY_DECIC else 0.0
        loss = LOSS_PER_S * (self.temperature - AMBIENT_DECIC)
        self.temperature += (power * HEATER_DECIC_S - loss) * seconds

    def reading(self) -> Reading:
        """What the controller's registers show now."""
        on = self.output_permille > 0
        drawing = (on or self.has("over_temperature")) and not self.has("heater_failure")
        temperature = round(self.temperature)
        hot = temperature > self.state["set_point_decic"] + self.at.over_temperature_decic
        flags = {"output_on": on, "alarm_1": hot and self.has("over_temperature")}
        return Reading(
            temperature_decic=temperature,
            set_point_decic=self.state["set_point_decic"],
            heater_decia=FULL_CURRENT_DECIA if drawing else 0,
            output_permille=self.output_permille,
            flags=frozenset(name for name, lit in flags.items() if lit),
        )

    async def set_point(self, decic: int) -> None:
        """What the host wrote into the set point register."""
        async with self.changing() as state:
            state["set_point_decic"] = decic

    def ready(self) -> bool:
        """Whether the ready lamp is lit."""
        away: float = self.temperature - self.state["set_point_decic"]
        return abs(away) <= self.at.band_decic

    # -- the rollers -----------------------------------------------------------------------------

    async def feed(self, job: str) -> int:
        """One pouch through the rollers; its number."""
        sealed = self.ready()
        # A pouch takes heat away on its way.
        self.temperature -= 20 if sealed else 0
        await asyncio.sleep(self.pace.seconds_per_pouch)
        async with self.changing() as state:
            state["pouches"] += 1
            state["passes"] += 2 if self._once("miscount") else 0 if self._once("uncounted") else 1
            number: int = state["pouches"]
        facts = {
            "pouch": number,
            "job": job,
            "sealed": sealed,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        await asyncio.to_thread(self._write, number, json.dumps(facts).encode())
        return number

    def _once(self, fault: str) -> bool:
        if not self.has(fault):
            return False
        self.state["faults"].remove(fault)
        return True

    def _write(self, number: int, data: bytes) -> None:
        directory = self.body.directory / "pouches"
        directory.mkdir(exist_ok=True)
        write_durably(directory / f"{number:06d}.json", data)

    async def person(self) -> None:
        """Feeds the files of OUT/feed one by one, oldest first, whenever the ready lamp is lit."""
        basket = self.body.directory / "feed"
        await asyncio.to_thread(basket.mkdir, exist_ok=True)
        while self.pace.feed_s is not None:
            await asyncio.sleep(max(self.pace.feed_s, TICK_S))
            pouches = await asyncio.to_thread(_oldest_first, basket)
            if pouches and self.ready():
                await asyncio.to_thread(pouches[0].unlink)
                await self.feed(pouches[0].name)

    # -- faults ----------------------------------------------------------------------------------

    async def fault(self, name: str) -> None:
        """Begins a fault. Raises ControlError for a name that does not exist."""
        if name not in FAULTS:
            raise ControlError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if name == "power_cut":
            power_cut()
        async with self.changing() as state:
            if name not in state["faults"]:
                state["faults"].append(name)

    async def clear(self, names: list[str]) -> None:
        """A person mends: faults of these names, all of them if none is given."""
        async with self.changing() as state:
            state["faults"] = [n for n in state["faults"] if names and n not in names]


def _oldest_first(basket: Path) -> list[Path]:
    return sorted(basket.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def power_cut() -> NoReturn:
    """Ends the process at once, as a plug pulled out does."""
    os._exit(137)
