"""A simulated Evolis card printer as a process: ``fedatario sim printer --model evolis-…``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from firmware_sim.body import Body
from firmware_sim.control import ControlError, ControlServer
from firmware_sim.evolis_faults import ALL, NOW, Faults
from firmware_sim.evolis_host import Host
from firmware_sim.evolis_link import PtyWire, TcpWire, Wire
from firmware_sim.evolis_machine import REJECT_BOX, Machine, fresh_state
from firmware_sim.options import (
    add_common_arguments,
    add_hopper_arguments,
    announce,
    parse_faults,
    read_hopper,
)
from printers.codecs.evolis_models import MODELS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All options but --model."""
    add_common_arguments(parser, "tcp://127.0.0.1:9100 or pty:///tmp/printer")
    add_hopper_arguments(parser)
    parser.add_argument("--serial", default="SIM0001", help="the machine's serial number, if new")


def serve(args: argparse.Namespace) -> int:
    """Runs the machine until SIGTERM or SIGINT. Raises ValueError or BodyError at a bad start."""
    body = Body.open(
        args.out, fresh_state(MODELS[args.model], args.serial, read_hopper(args.hopper))
    )
    try:
        if body.state["model"] != args.model:
            raise ValueError(f"{args.out} is the body of a {body.state['model']}, not {args.model}")
        asyncio.run(_run(args, body))
    finally:
        body.close()
    return 0


async def _run(args: argparse.Namespace, body: Body) -> None:
    faults = Faults(parse_faults(args.faults))
    bench = Bench(MODELS[args.model], body, faults, args.seconds_per_card, args.listen)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await bench.start()
    await asyncio.to_thread(announce, bench.url, args.ready)
    await stop.wait()
    await bench.close()


class Bench:
    """A machine, its wire and its control socket; tests may run it in their own process."""

    def __init__(
        self, model: Any, body: Body, faults: Faults, seconds_per_card: float, listen: str
    ) -> None:
        self.machine = Machine(model, body, faults, seconds_per_card)
        self.host = Host(self.machine)
        self.wire = _wire(self.host, listen)
        self._control = ControlServer(body.directory, self.control)

    @property
    def url(self) -> str:
        """What a driver opens."""
        return self.wire.url

    async def start(self) -> None:
        """Listens for the host and for hands."""
        await self.wire.start()
        await self._control.start()

    async def close(self) -> None:
        """Switched off in order: the step under way is finished."""
        await self._control.close()
        await self.wire.close()
        await self.host.close()
        self.machine.body.close()

    async def control(self, request: dict[str, Any]) -> dict[str, Any]:
        """What hands at the machine do. Raises ControlError."""
        state = self.machine.state
        what = request.get("do")
        if what == "state":
            # A copy: the answer is written while the machine moves on.
            state = json.loads(self.machine.body.dump())
            return {"state": state, "moving": self.machine.moving, "error": self.machine.error.name}
        if what == "load":
            return await self._load(request)
        if what == "fault":
            return await self._fault(request)
        if what in ("mend", "clear"):
            await self.machine.mend()
            return {}
        if what == "take_reject":
            taken, state["reject_box"] = state["reject_box"], 0
            await self.machine.save()
            return {"cards": taken}
        raise ControlError(f"{what!r}: do state, load, fault, mend or take_reject")

    async def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        serials = request.get("serials")
        hopper = self.machine.state["hopper"]
        if not isinstance(serials, list) or not all(isinstance(item, str) for item in serials):
            raise ControlError('load wants {"serials": ["…", …]}, top first')
        if set(serials) & set(hopper) or len(set(serials)) != len(serials):
            raise ControlError("a serial is in the hopper already: each blank exists once")
        hopper += serials
        await self.machine.save()
        return {"hopper": len(hopper)}

    async def _fault(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request.get("name")
        when = request.get("when", request.get("after_cards", "now"))
        if name not in ALL:
            known = "; ".join(f"{key}: {text}" for key, text in ALL.items())
            raise ControlError(f"unknown fault {name!r}. {known}")
        if when != "now" and not (isinstance(when, int) and when >= 0):
            raise ControlError('a fault comes "now" or after a number of cards')
        if when == "now" and name in NOW:
            await self._strike(name)
        elif name in ("cover_open", "hopper_empty", "reject_full", "tcp_reset"):
            raise ControlError(f'{name} comes "now" only')
        else:
            self.machine.faults.arm(name, 0 if when == "now" else when)
        return {}

    async def _strike(self, name: str) -> None:
        state = self.machine.state
        if name == "power_cut":
            self.machine.cut_power()
        if name == "tcp_reset":
            self.wire.reset()
            return
        if name == "cover_open":
            state["cover_open"] = True
        if name == "hopper_empty":
            state["set_aside"], state["hopper"] = state["set_aside"] + state["hopper"], []
        if name == "reject_full":
            state["reject_box"] = REJECT_BOX
        await self.machine.save()


def _wire(host: Host, listen: str) -> Wire:
    parts = urlsplit(listen)
    if parts.scheme == "pty" and not parts.netloc and parts.path.startswith("/"):
        return PtyWire(host, Path(parts.path))
    if parts.scheme != "tcp" or parts.port is None:
        raise ValueError(f"--listen {listen}: write tcp://127.0.0.1:PORT or pty:///path/of/link")
    if parts.hostname not in ("127.0.0.1", "localhost"):
        raise ValueError(f"--listen {listen}: a simulated machine listens on 127.0.0.1 only")
    return TcpWire(host, "127.0.0.1", parts.port)
