"""A simulated Evolis machine for tests: in this process over a real wire, or as a process."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from firmware_sim.body import Body
from firmware_sim.control import request
from firmware_sim.evolis import Bench
from firmware_sim.evolis_faults import Faults
from firmware_sim.evolis_machine import fresh_state
from printers import open_printer
from printers.codecs.evolis_models import MODELS
from printers.evolis import EvolisPrinter
from printers.ports import DeviceConfig, Outcome, PrintJob, PrintResult, Side, Snapshot

SERIALS = ["PVC-000101", "PVC-000102", "PVC-000103", "PVC-000104"]
QUICK = {
    "connect_attempts": "2",
    "connect_timeout_s": "2",
    "reply_timeout_s": "3",
    "step_timeout_s": "10",
    "finish_timeout_s": "15",
    "idle_grace_s": "1",
    "poll_s": "0.02",
}


@asynccontextmanager
async def machine(
    out: Path,
    model: str = "evolis-primacy2",
    listen: str = "tcp://127.0.0.1:0",
    seconds: float = 0.05,
    faults: Faults | None = None,
) -> AsyncIterator[Bench]:
    """A machine in this process, listening; its body is in ``out``."""
    body = Body.open(out, fresh_state(MODELS[model], "SN1", list(SERIALS)))
    bench = Bench(MODELS[model], body, faults or Faults(), seconds, listen)
    await bench.start()
    try:
        yield bench
    finally:
        await bench.close()


@asynccontextmanager
async def driver(url: str, model: str = "evolis-primacy2") -> AsyncIterator[EvolisPrinter]:
    """A connected driver."""
    printer = open_printer(DeviceConfig("p1", model, url, QUICK))
    assert isinstance(printer, EvolisPrinter)
    await printer.connect()
    try:
        yield printer
    finally:
        await printer.close()


def side(canvas: tuple[int, int] = (1016, 648), seed: int = 1) -> Side:
    """A side with a picture and black dots, asymmetric in every way."""
    rng = np.random.default_rng(seed)
    black = np.full((canvas[1], canvas[0]), 255, np.uint8)
    black[200:300, 50:250] = np.where(rng.random((100, 200)) < 0.5, 0, 255)
    colour = np.full((648, 1016, 3), 255, np.uint8)
    colour[400:500, 600:800] = rng.integers(0, 256, (100, 200, 3))
    return Side(Image.fromarray(colour), Image.fromarray(black))


def job(canvas: tuple[int, int] = (1016, 648)) -> PrintJob:
    """A job with two different sides."""
    return PrintJob("job-1", side(canvas, 1), side(canvas, 2))


async def run(printer: EvolisPrinter, work: PrintJob | None = None) -> tuple[Snapshot, PrintResult]:
    """Journals and prints."""
    before = await printer.snapshot()
    return before, await printer.print(work or job(printer.canvas), before, go, quiet)


def go() -> None:
    """A gate that is open."""


def quiet(phase: str, share: float) -> None:
    """Progress that nobody watches."""


def cards(out: Path) -> list[dict[str, Any]]:
    """The card.json of every card that left the machine, in order."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("cards/*/card.json"))]


def body(out: Path) -> dict[str, Any]:
    """The judge: the body as it is on the disk."""
    found: dict[str, Any] = json.loads((out / "body.json").read_text())
    return found


class Process:
    """A machine as a process, which can lose its power and be switched on again."""

    def __init__(self, out: Path, *options: str, model: str = "evolis-primacy2") -> None:
        self.out = out
        self._options = options
        self._model = model
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self, listen: str = "tcp://127.0.0.1:0") -> str:
        """Switches it on; the URL."""
        ready = self.out.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        hopper = self.out.with_suffix(".hopper")
        hopper.write_text("\n".join(SERIALS))
        command = [sys.executable, "-m", "firmware_sim.cli", "printer", "--model", self._model]
        command += ["--listen", listen, "--out", str(self.out), "--ready", str(ready)]
        command += ["--hopper", str(hopper), *self._options]
        self.process = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            if ready.exists():
                return ready.read_text().strip()
            assert self.process.poll() is None, "the machine ended at its start"
            await asyncio.sleep(0.02)
        raise AssertionError("the machine is not ready after 10 s")

    async def fault(self, name: str, when: str | int = "now") -> None:
        """A fault by hand."""
        await asyncio.to_thread(request, self.out, {"do": "fault", "name": name, "when": when})

    async def wait(self) -> int:
        """Its exit status."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, 10)

    async def stop(self) -> None:
        """Switches it off in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            await self.wait()


def agrees(result: PrintResult, out: Path) -> None:
    """The outcome claims nothing that the metal contradicts."""
    state = body(out)
    assert state["laid"] <= 1
    if result.outcome is Outcome.PRINTED:
        assert [(card["tray"], card["inked"]) for card in cards(out)] == [("output", True)]
    if result.outcome is Outcome.NOT_PRINTED:
        assert (state["laid"], state["inside"], state["hopper"]) == (0, None, SERIALS)
    assert state["exits"] + len(state["hopper"]) + (state["inside"] is not None) == len(SERIALS)


# A host as a process, to be killed or stopped: URL and a directory for before.json.
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
