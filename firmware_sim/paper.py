"""A simulated IPP paper printer as a process: preprinted forms in, laid forms out.

Control (OUT/control.sock): ``load`` serials, ``fault`` name and when, ``clear`` names (a person
mends; without names everything), ``state``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
import signal
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from firmware_sim.body import Body
from firmware_sim.control import ControlError, ControlServer
from firmware_sim.options import (
    add_common_arguments,
    add_hopper_arguments,
    announce,
    parse_faults,
    read_hopper,
)
from firmware_sim.paper_ipp import PATH, IppServer
from firmware_sim.paper_machine import FRESH, Habits, PaperMachine


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this machine."""
    add_common_arguments(parser, "ipp://127.0.0.1:0/ipp/print")
    add_hopper_arguments(parser)
    parser.add_argument(
        "--stock",
        choices=["forms", "plain"],
        default="forms",
        help="forms: preprinted, from --hopper; plain: paper without serials, never empty",
    )
    parser.add_argument(
        "--pages-per-form", type=int, choices=[1, 2], default=2, help="2: front and back of one"
    )
    parser.add_argument(
        "--forget-jobs", action="store_true", help="lose the job list at a restart, as many do"
    )


def serve(args: argparse.Namespace) -> int:
    """Runs until SIGTERM or SIGINT. Raises ValueError or BodyError for a bad start."""
    parts = urlsplit(args.listen)
    if parts.scheme != "ipp" or parts.hostname not in {"127.0.0.1", "localhost"}:
        raise ValueError(f"--listen wants ipp://127.0.0.1:PORT{PATH}, not {args.listen!r}")
    if parts.path not in {"", PATH}:
        raise ValueError(f"--listen: the path of this printer is {PATH}")
    hopper = read_hopper(args.hopper)
    habits = Habits(
        seconds_per_card=args.seconds_per_card,
        forms=args.stock == "forms",
        pages_per_form=args.pages_per_form,
        faults=parse_faults(args.faults),
        forget_jobs=args.forget_jobs,
    )
    serial = f"SIM{secrets.randbelow(10**8):08d}"
    body = Body.open(args.out, FRESH | {"hopper": hopper, "serial": serial})
    try:
        asyncio.run(_run(body, habits, parts.port or 0, args))
    finally:
        body.close()
    return 0


async def _run(body: Body, habits: Habits, port: int, args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = PaperSimulator(body, habits)
    url = await simulator.start(port)
    await asyncio.to_thread(announce, url, args.ready)
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait({simulator.motor, ended}, return_when=asyncio.FIRST_COMPLETED)
    await simulator.stop()


class PaperSimulator:
    """The machine with its socket, its control socket and its motor, in a running loop."""

    motor: asyncio.Task[None]

    def __init__(self, body: Body, habits: Habits) -> None:
        self.machine = PaperMachine(body, habits)
        self._ipp = IppServer(self.machine)
        self._control = ControlServer(body.directory, Hands(self.machine).do)
        self._runner = web.AppRunner(self._ipp.application(), access_log=None, shutdown_timeout=0.5)

    async def start(self, port: int = 0) -> str:
        """Switches the machine on; its URL."""
        await self.machine.switch_on()
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self._ipp.uri = f"ipp://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        await self._control.start()
        self.motor = asyncio.create_task(self.machine.run())
        return self._ipp.uri

    async def stop(self) -> None:
        """Switches it off in good order; raises what ended the motor, if anything did."""
        await self._control.close()
        await self._runner.cleanup()
        if not self.motor.done():
            self.motor.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.motor


class Hands:
    """What a person can do at the machine."""

    def __init__(self, machine: PaperMachine) -> None:
        self._machine = machine

    async def do(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answers one control request. Raises ControlError for what cannot be done."""
        match message.get("do"):
            case "state":
                return {"state": self._machine.state}
            case "load":
                await self._machine.load(_names(message, "serials"))
            case "clear" | "mend":
                names = _names(message, "names") if "names" in message else []
                await self._machine.clear(names)
            case "fault":
                await self._machine.fault(str(message.get("name")), _cards(message))
            case other:
                raise ControlError(f"no {other!r} here; there are: load, fault, clear, state")
        return {}


def _names(message: dict[str, Any], key: str) -> list[str]:
    found = message.get(key)
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise ControlError(f'"{key}" must be a list of texts')
    return found


def _cards(message: dict[str, Any]) -> int:
    when = message.get("when", message.get("after_cards", "now"))
    if when == "now":
        return 0
    if type(when) is not int or when < 0:
        raise ControlError('"when" is "now" or a number of cards')
    return when
