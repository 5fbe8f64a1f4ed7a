"""A simulated plastifier as a process: Modbus RTU on a pty, fed by hand.

Control (OUT/control.sock): ``feed`` (``job``, ``when``: "ready" lays the pouch into OUT/feed for
the person at the machine, "now" pushes it in however cold), ``fault`` name, ``clear`` names,
``state``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firmware_sim.body import Body
from firmware_sim.control import ControlError, ControlServer
from firmware_sim.options import add_common_arguments, announce
from firmware_sim.plastifier_line import ModbusUnits, Wire, link
from firmware_sim.plastifier_machine import FRESH, Pace, PlastifierMachine
from printers.codecs.plastifier import load_map

_JOB = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this machine."""
    add_common_arguments(parser, "pty:///tmp/plastifier")
    parser.add_argument("--unit", type=int, default=1, help="Modbus unit of the controller")
    parser.add_argument("--baud", type=int, default=9600)
    parser.add_argument(
        "--speed", type=float, default=20.0, help="how much faster it heats than a real one"
    )
    parser.add_argument("--seconds-per-pouch", type=float, default=0.3, metavar="S")
    parser.add_argument(
        "--auto-feed",
        type=float,
        default=0.1,
        metavar="S",
        help="somebody stands at the machine and feeds what lies in OUT/feed S seconds after the "
        "ready lamp; negative: nobody does",
    )
    parser.add_argument(
        "--byte-seconds", type=float, metavar="S", help="carry one byte each S seconds"
    )


def serve(args: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT. Raises ValueError or BodyError for a bad start."""
    parts = urlsplit(args.listen)
    if parts.scheme != "pty" or parts.netloc or not parts.path:
        raise ValueError(f"--listen wants pty:///path/of/a/link, not {args.listen!r}")
    if args.faults is not None:
        raise ValueError("--faults: a plastifier's faults are by hand; see: fedatario sim fault")
    if not 1 <= args.unit <= 246:
        raise ValueError("--unit is a number from 1 to 246")
    feed_s = args.auto_feed if args.auto_feed >= 0 else None
    pace = Pace(args.speed, args.seconds_per_pouch, feed_s)
    body = Body.open(args.out, FRESH)
    try:
        asyncio.run(_run(body, pace, Path(parts.path), args))
    finally:
        body.close()
    return 0


async def _run(body: Body, pace: Pace, path: Path, args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = PlastifierSimulator(body, pace, args.model, args.unit, args.byte_seconds)
    url = await simulator.start(path, args.baud)
    await asyncio.to_thread(announce, url, args.ready)
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({*simulator.tasks, ended}, return_when=asyncio.FIRST_COMPLETED)
    await simulator.stop()


class PlastifierSimulator:
    """The machine with its serial line, its control socket and its person, in a running loop."""

    def __init__(
        self,
        body: Body,
        pace: Pace,
        model: str = "omron-e5cc",
        unit: int = 1,
        byte_s: float | None = None,
    ) -> None:
        self.machine = PlastifierMachine(body, load_map(model), pace)
        self.tasks: list[asyncio.Task[None]] = []
        self._unit = unit
        self._wire = Wire(byte_s)
        self._units = ModbusUnits(self.machine, unit)
        self._control = ControlServer(body.directory, Hands(self.machine).do)
        self._path: Path | None = None

    async def start(self, path: Path, baud: int = 9600) -> str:
        """Switches the machine on, linked at the absolute ``path``; the URL for a host."""
        self._wire.start()
        await self._units.start(self._wire.device, baud)
        await asyncio.to_thread(link, path, self._wire.host)
        self._path = path
        await self._control.start()
        self.tasks.append(asyncio.create_task(self.machine.run()))
        if self.machine.pace.feed_s is not None:
            self.tasks.append(asyncio.create_task(self.machine.person()))
        return f"serial://{path}?baud={baud}&unit={self._unit}"

    async def stop(self) -> None:
        """Switches it off in good order; raises what ended a task, if anything did."""
        await self._control.close()
        await self._units.stop()
        self._wire.close()
        if self._path is not None:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        for task in self.tasks:
            if not task.done():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


class Hands:
    """What a person can do at the machine."""

    def __init__(self, machine: PlastifierMachine) -> None:
        self._machine = machine

    async def do(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answers one control request. Raises ControlError for what cannot be done."""
        machine = self._machine
        match message.get("do"):
            case "state":
                temperature = round(machine.temperature)
                seen = {"temperature_decic": temperature, "ready": machine.ready()}
                return {"state": machine.state | seen}
            case "feed":
                return await self._feed(message)
            case "fault":
                if message.get("when", "now") != "now":
                    raise ControlError("a plastifier's faults begin now; leave the cards out")
                await machine.fault(str(message.get("name")))
            case "clear" | "mend":
                await machine.clear([str(name) for name in message.get("names", [])])
            case other:
                raise ControlError(f"no {other!r} here; there are: feed, fault, clear, state")
        return {}

    async def _feed(self, message: dict[str, Any]) -> dict[str, Any]:
        job, when = str(message.get("job", "pouch")), message.get("when", "ready")
        if not _JOB.fullmatch(job):
            raise ControlError('"job" is up to 100 letters, digits, ".", "-", "_"')
        if when == "now":
            return {"pouch": await self._machine.feed(job)}
        if when != "ready":
            raise ControlError('"when" is "ready" or "now"')
        if self._machine.pace.feed_s is None:
            raise ControlError('nobody stands at the machine (--auto-feed); use "when": "now"')
        basket = self._machine.body.directory / "feed"
        await asyncio.to_thread(basket.mkdir, exist_ok=True)
        await asyncio.to_thread((basket / job).touch)
        return {}
