"""A simulated paper printer as a process of its own, and what tests do at it."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from firmware_sim.body import Body
from firmware_sim.control import request
from firmware_sim.paper import PaperSimulator
from firmware_sim.paper_machine import FRESH, Habits
from printers.paper import PaperPrinter
from printers.ports import DeviceConfig, PrintJob

FORM = (1004, 650)  # 85 × 55 mm at 300 dpi
QUICK = {"poll_s": "0.02", "settle_s": "60", "job_timeout_s": "60", "answer_timeout_s": "10"}


def pdf(pages: int = 2, size: tuple[int, int] = FORM, noise: bool = False) -> bytes:
    """Pages with a mark in the top left corner whose width is 100 px a page."""
    pictures = []
    for page in range(1, pages + 1):
        picture = (
            Image.effect_noise(size, 90).convert("RGB")
            if noise
            else Image.new("RGB", size, "white")
        )
        ImageDraw.Draw(picture).rectangle((0, 0, 100 * page - 1, 99), fill="black")
        pictures.append(picture)
    buffer = io.BytesIO()
    pictures[0].save(buffer, "PDF", resolution=300, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


def job(name: str = "J-1", document: bytes | None = None, pages: int = 2) -> PrintJob:
    """A job of two pages unless told otherwise."""
    return PrintJob(name, pdf=pdf(pages) if document is None else document, pages=pages)


class Bench:
    """One machine: start, kill, look at what it laid.

    It runs in the test's own loop behind real sockets, or with ``apart`` as the process that
    ``fedatario sim printer`` is, where a test must kill it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.out = directory / "printer"
        self.url = "ipp://127.0.0.1:0/ipp/print"
        self.process: asyncio.subprocess.Process | None = None
        self.simulator: PaperSimulator | None = None
        self.body_file: Body | None = None
        self.drivers: list[PaperPrinter] = []

    async def start(
        self, hopper: int = 5, seconds_per_card: float = 0.06, **habits: Any
    ) -> PaperSimulator:
        """Starts the machine with that many forms, F000001 on top."""
        serials = [f"F{n:06d}" for n in range(1, hopper + 1)]
        self.body_file = Body.open(self.out, FRESH | {"hopper": serials, "serial": "SIM1"})
        self.simulator = PaperSimulator(self.body_file, Habits(seconds_per_card, **habits))
        self.url = await self.simulator.start()
        return self.simulator

    async def start_apart(self, *options: str) -> None:
        """Starts (again) as a process, at the same URL after the first time."""
        hopper, ready = self.directory / "hopper.txt", self.directory / "ready"
        hopper.write_text("# top first\nF000001\nF000002\nF000003\n")
        ready.unlink(missing_ok=True)
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "firmware_sim.cli", "printer", "--model", "ipp"),
            *("--listen", self.url, "--out", str(self.out), "--hopper", str(hopper)),
            *("--ready", str(ready), "--seconds-per-card", "0.1", *options),
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            while not ready.exists():
                assert self.process.returncode is None, "the simulator did not start"
                await asyncio.sleep(0.02)
        self.url = ready.read_text().strip()

    async def stop(self) -> None:
        """Ends the machine in good order; it must not have died of anything but a power cut."""
        for driver in self.drivers:
            await driver.close()
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            assert await self.process.wait() == 0
        if self.simulator is not None:
            await self.simulator.stop()
        if self.body_file is not None:
            self.body_file.close()

    async def driver(self, **options: str) -> PaperPrinter:
        """A fresh driver, connected."""
        printer = PaperPrinter(DeviceConfig("papel-1", "ipp", self.url, QUICK | options))
        self.drivers.append(printer)
        await printer.connect()
        return printer

    async def do(self, **message: Any) -> dict[str, Any]:
        """A control request."""
        return await asyncio.to_thread(request, self.out, message)

    async def fault(self, name: str, when: str | int = "now") -> None:
        """A fault by hand."""
        await self.do(do="fault", name=name, when=when)

    def body(self) -> dict[str, Any]:
        """The judge."""
        found: dict[str, Any] = json.loads((self.out / "body.json").read_text())
        return found

    def cards(self) -> list[dict[str, Any]]:
        """card.json of every sheet that came out, in order."""
        return [json.loads(p.read_text()) for p in sorted(self.out.glob("cards/*/card.json"))]


def free() -> None:
    """A gate that is open."""


def silent(_phase: str, _share: float) -> None:
    """Progress that nobody watches."""
