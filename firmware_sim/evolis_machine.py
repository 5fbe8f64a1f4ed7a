"""The metal of a simulated Evolis printer: hopper, card path, rolls, counters, trays.

Each physical step first happens, then stands in the body, durably. ``laid`` counts cards that
have ink on them, whether they reached the tray or not; tests judge the host by it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntFlag
from pathlib import Path
from typing import Any, TypeVar

from firmware_sim.body import Body
from firmware_sim.evolis_card import blank_side, lay, write_card
from firmware_sim.evolis_faults import Faults
from printers.codecs.evolis_models import EvolisModel
from printers.codecs.evolis_status import Error, Extra, Info, Laminator, Status, Warn

CAPACITY = {"RIBBON": 400, "RETRANSFER": 500, "DURAGARD": 250}  # cards a roll
REJECT_BOX = 30
POWER_CUT = 75  # exit status of a process whose power was cut
TICK_S = 0.02
Word = TypeVar("Word", bound=IntFlag)


class Trouble(Exception):  # noqa: N818
    """A step that did not succeed; ``error`` is the flag that it leaves."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.name or str(error))
        self.error = error


def fresh_state(model: EvolisModel, serial: str, hopper: list[str]) -> dict[str, Any]:
    """A machine out of its box, with new rolls."""
    return {
        "model": model.name,
        "serial": serial,
        "hopper": hopper,
        "set_aside": [],
        "inside": None,
        "counters": {"inserted": 0, "panels": 0, "completed": 0, "rejected": 0},
        "laid": 0,
        "exits": 0,
        "reject_box": 0,
        "rolls": {roll.material: new_roll(roll.material, serial, 1) for roll in model.rolls},
        "settings": {"Pem": "0"},
        "cover_open": False,
    }


def new_roll(material: str, machine: str, number: int) -> dict[str, Any]:
    """A full roll with a serial of its own."""
    capacity = CAPACITY[material]
    return {
        "serial": f"{material[:3]}-{machine}-{number:04d}",
        "batch": "L2026-01",
        "number": number,
        "capacity": capacity,
        "remaining": capacity,
    }


class Machine:
    """One machine. Steps are coroutines; at most one runs at a time (see ``evolis_host``)."""

    def __init__(
        self, model: EvolisModel, body: Body, faults: Faults, seconds_per_card: float
    ) -> None:
        self.model = model
        self.body = body
        self.faults = faults
        self.error = Error(0)
        self.just_reset = True
        self.moving = False
        self.transferring = False
        self._seconds = seconds_per_card
        self._slow = 1.0
        self._saving = asyncio.Lock()

    @property
    def state(self) -> dict[str, Any]:
        """The body's state; change it only here, and save."""
        return self.body.state

    async def save(self) -> None:
        """Makes the state durable; saves are in order, the last one has all."""
        async with self._saving:
            await asyncio.to_thread(self.body.store, self.body.dump())

    # --- steps ---

    async def insert(self) -> None:
        """Takes the top blank to the printing position. Raises Trouble(FEEDER) without one."""
        if self.faults.strikes("misfeed") and self.state["hopper"]:
            await self._slip(self.state["hopper"].pop(0))
        self._slow = 5.0 if self.faults.strikes("slow") else 1.0
        await self._pass_time(0.15)
        if not self.state["hopper"]:
            raise Trouble(Error.FEEDER)
        await asyncio.to_thread(shutil.rmtree, self._inside, ignore_errors=True)
        serial = self.state["hopper"].pop(0)
        self.state["inside"] = {"serial": serial, "panels": {}, "transferred": [], "inked": False}
        self.state["counters"]["inserted"] += 1
        await self.save()

    async def print_panel(self, side: str, panel: str, raw: bytes) -> None:
        """Lays one panel of ``side`` on the card, or on the film of a retransfer model."""
        card = self.state["inside"]
        first = not any(card["panels"].values())
        await self._pass_time(0.6 / (2 * len(self.model.panels)))
        if not first:
            self._strike_in_mid_card()
        if first:
            self._use("RIBBON", Error.RIBBON_ENDED)
        await asyncio.to_thread(self._keep_panel, f"{side}-{panel}", raw)
        card["panels"].setdefault(side, []).append(panel)
        self.state["counters"]["panels"] += 1
        if not self.model.retransfer:
            self._ink_touches_card(side)
        await self.save()

    async def end_side(self, side: str) -> None:
        """Retransfers the side from the film to the card, where the model does that."""
        card = self.state["inside"]
        if not self.model.retransfer or side in card["transferred"] or side not in card["panels"]:
            return
        self.transferring = True
        try:
            await self._pass_time(0.1)
            if self.faults.strikes("film_ended"):
                self.state["rolls"]["RETRANSFER"]["remaining"] = 0
            if not card["transferred"]:
                self._use("RETRANSFER", Error.FILM_ENDED)
            self._ink_touches_card(side)
            await self.save()
        finally:
            self.transferring = False

    async def leave(self, tray: str) -> None:
        """Brings the card out: to "output", laminated where the model does that, or "reject"."""
        card = self.state["inside"]
        if tray == "reject" and self.state["reject_box"] >= REJECT_BOX:
            raise Trouble(Error.REJECT_BOX_FULL)
        await self._pass_time(0.1)
        if tray == "output" and "DURAGARD" in self.state["rolls"]:
            self._use("DURAGARD", Error.NO_OPTION)
        await asyncio.to_thread(self._write_card, card, tray)
        self.state["exits"] += 1
        self.state["counters"]["completed" if tray == "output" else "rejected"] += 1
        self.state["reject_box"] += tray == "reject"
        self.state["inside"] = None
        await self.save()
        self.faults.card_done(self.state["exits"])

    # --- what a person does ---

    async def mend(self) -> None:
        """Closes the cover, puts blanks back, fits new rolls where one has ended."""
        state = self.state
        state["cover_open"] = False
        state["hopper"] = state.pop("set_aside") + state["hopper"]
        state["set_aside"] = []
        for material, roll in state["rolls"].items():
            if roll["remaining"] == 0:
                state["rolls"][material] = new_roll(material, state["serial"], roll["number"] + 1)
        await self.save()

    def cut_power(self) -> None:
        """The process ends here, as a machine without power: nothing is tidied up."""
        os._exit(POWER_CUT)

    # --- what it shows ---

    def status(self) -> Status:
        """The status words of this moment."""
        return Status(
            information=self._information(),
            warning=self._warnings(),
            error=self.error,
            laminator=self._laminator(),
            extra=Extra.RETRANSFER_RUNNING if self.transferring else Extra(0),
        )

    def _information(self) -> Info:
        ribbon = self.state["rolls"]["RIBBON"]
        bits = (
            (Info.CARD_FEEDER, bool(self.state["hopper"])),
            (Info.CARD_PRINT, self.state["inside"] is not None),
            (Info.PRINTER_MASTER, self.state["settings"]["Pem"] != "2"),
            (Info.RESET, self.just_reset),
            (Info.BUSY | Info.PRINTING_RUNNING, self.moving),
            (Info.RIBBON_LOW, 0 < ribbon["remaining"] * 10 < ribbon["capacity"]),
        )
        return _sum(Info(0), bits)

    def _warnings(self) -> Warn:
        rolls = self.state["rolls"]
        bits = (
            (Warn.COVER_OPEN, self.state["cover_open"]),
            (Warn.FEEDER_EMPTY, not self.state["hopper"]),
            (Warn.RIBBON_ENDED, rolls["RIBBON"]["remaining"] == 0),
            (Warn.FILM_ENDED, rolls.get("RETRANSFER", {}).get("remaining") == 0),
            (Warn.REJECT_BOX_FULL, self.state["reject_box"] >= REJECT_BOX),
        )
        return _sum(Warn(0), bits)

    def _laminator(self) -> Laminator:
        ended = self.state["rolls"].get("DURAGARD", {}).get("remaining") == 0
        return Laminator.LAMINATE_ENDED if ended else Laminator(0)

    # --- inside the steps ---

    @property
    def _inside(self) -> Path:
        return self.body.directory / "inside"

    async def _pass_time(self, share: float) -> None:
        """Lets a step take its share of a card's time; an open cover stops it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + share * self._seconds * self._slow
        while True:
            if self.state["cover_open"]:
                raise Trouble(Error.COVER_OPEN)
            left = end - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(min(left, TICK_S))

    def _strike_in_mid_card(self) -> None:
        if self.faults.strikes("power_cut"):
            self.cut_power()
        if self.faults.strikes("jam"):
            raise Trouble(Error.MECHANICAL)
        if self.faults.strikes("ribbon_ended"):
            self.state["rolls"]["RIBBON"]["remaining"] = 0
            raise Trouble(Error.RIBBON_ENDED)

    def _use(self, material: str, error: Error) -> None:
        roll = self.state["rolls"][material]
        if roll["remaining"] == 0:
            raise Trouble(error)
        roll["remaining"] -= 1

    def _ink_touches_card(self, side: str) -> None:
        card = self.state["inside"]
        if side not in card["transferred"]:
            card["transferred"].append(side)
        if not card["inked"]:
            card["inked"] = True
            self.state["laid"] += 1

    def _keep_panel(self, name: str, raw: bytes) -> None:
        # Ink outlives a power cut, so the panels of the card inside are kept as received.
        self._inside.mkdir(exist_ok=True)
        (self._inside / name).write_bytes(raw)

    async def _slip(self, serial: str) -> None:
        card = {"serial": serial, "panels": {}, "transferred": [], "inked": False}
        await asyncio.to_thread(self._write_card, card, "output")
        self.state["exits"] += 1  # it lies in the tray, and no counter of the machine knows
        await self.save()

    def _write_card(self, card: Mapping[str, Any], tray: str) -> None:
        facts = {
            "serial": card["serial"],
            "tray": tray,
            "at": datetime.now(UTC).isoformat(),
            "panels": card["panels"],
            "inked": card["inked"],
        }
        sides = {}
        for side in ("front", "back"):
            blank = blank_side(card["serial"], side, self.model.canvas)
            names = card["panels"].get(side, []) if side in card["transferred"] else []
            panels = {name: (self._inside / f"{side}-{name}").read_bytes() for name in names}
            sides[side] = lay(blank, panels)
        write_card(self.body.directory / "cards" / f"{self.state['exits'] + 1:06d}", facts, sides)


def _sum(none: Word, bits: tuple[tuple[Word, bool], ...]) -> Word:
    for flag, on in bits:
        if on:
            none |= flag
    return none
