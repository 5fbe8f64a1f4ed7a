"""The host's side of the machine's firmware: commands in, replies out, one job at a time.

Each raster starts the printing of the one before; ``Se`` prints the last and ejects (guide
A5013). Printing goes on while status reads are answered; a raster that arrives while the one
before is still being printed waits, and so does its reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from firmware_sim.evolis_machine import Machine, Trouble
from printers.codecs import evolis_replies as replies
from printers.codecs.evolis import Frame, FrameError, Malformed, decompress
from printers.codecs.evolis_replies import Refusal, Reply, RollTag
from printers.codecs.evolis_status import Error

DONE = Reply()
# Settings that are taken and change nothing here, and the marks of current firmware streams.
_IGNORED = {"Pmi", "Pc", "Pl", "Ps", "Pdt", "Pwr", "Pcom", "Psync", "Mr", "Pneutral"}


@dataclass(slots=True)
class Job:
    """A job on its way in: the side it is at, and the panel that is loaded and not yet printed."""

    started: bool = False
    side: str = ""
    loaded: tuple[str, str, bytes] | None = None


class Host:
    """Interprets commands for one machine; it outlives connections, as firmware does."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._job: Job | None = None
        self._work: asyncio.Task[None] | None = None
        self._commands: dict[str, Callable[[Frame], Awaitable[Reply]]] = {
            "Pr": self._prepare,
            "Pem": self._error_mode,
            "Ss": self._start,
            "Sr": self._side,
            "Sv": self._side,
            "Db": self._raster,
            "Dbx": self._raster,
            "Dbc": self._raster,
            "Se": self._end,
            "Si": self._insert,
            "Ser": self._reject,
            "Seb": self._reject,
            "Srs": self._reset,
            "Scs": self._clear_status,
        }

    async def answer(self, item: Frame | Malformed) -> Reply:
        """Does one command. Never raises for what a host may send."""
        if isinstance(item, Malformed):
            return _refused(Refusal.COMMAND if item.cause == "command" else Refusal.PARAMETER)
        if item.command in _IGNORED:
            return DONE
        value = self._read(item)
        if value is not None:
            return value
        command = self._commands.get(item.command)
        if command is None:
            return _refused(Refusal.COMMAND)
        try:
            return await command(item)
        except Trouble as trouble:
            return _refused(_code(trouble.error))

    async def host_gone(self) -> None:
        """The connection broke: a half-sent job stays in the machine until the host resets it.

        The panel that is being printed is finished; what was only loaded is never printed. A job
        whose ``Se`` was taken goes on to the tray.
        """
        if self._job is None:
            return
        await self._settle()
        self._job = None
        if self.machine.state["inside"] is not None:
            self.machine.error |= Error.MECHANICAL

    async def close(self) -> None:
        """Waits for the step that is under way."""
        await self._settle()

    # --- reads ---

    def _read(self, frame: Frame) -> Reply | None:
        machine, state = self.machine, self.machine.state
        values = {
            replies.READ_FIRMWARE: "SIM-1.0",
            replies.READ_SERIAL: state["serial"],
            replies.READ_MODEL: machine.model.title,
            replies.READ_ERROR_MODE: state["settings"]["Pem"],
            replies.READ_BOOTS: str(state["boots"]),
            Frame("Rlr", ("p",)): "ERR CARD" if machine.error else "NO CARD",
            Frame("Rr"): machine.model.prepare.params[0],
        }
        if frame == replies.READ_STATUS:
            return Reply(machine.status().to_text())
        if frame in values:
            return Reply(values[frame])
        for name, read in replies.COUNTERS.items():
            if frame == read:
                return Reply(str(state["counters"][name]))
        for roll in machine.model.rolls:
            if frame == roll.read:
                tag = state["rolls"][roll.material]
                fields = (tag["serial"], tag["batch"], tag["capacity"], tag["remaining"])
                return Reply(RollTag(*fields).to_text())
        return None

    # --- commands ---

    async def _prepare(self, frame: Frame) -> Reply:
        if frame != self.machine.model.prepare:
            return _refused(Refusal.PARAMETER)
        await self._settle()
        if self.machine.state["inside"] is not None or self.machine.error:
            return _refused(_code(self.machine.error or Error.MECHANICAL))
        self._job = Job()
        return DONE

    async def _error_mode(self, frame: Frame) -> Reply:
        if len(frame.params) != 1 or frame.params[0] not in ("0", "1", "2"):
            return _refused(Refusal.PARAMETER)
        self.machine.state["settings"]["Pem"] = frame.params[0]
        await self.machine.save()
        return DONE

    async def _start(self, frame: Frame) -> Reply:
        if self._job is None:
            return _refused(Refusal.PARAMETER)
        self._strike_nack()
        self._job.started = True
        return DONE

    async def _side(self, frame: Frame) -> Reply:
        job = self._job
        if job is None or not job.started:
            return _refused(Refusal.PARAMETER)
        await self._flush(job, end_side=True)
        if self.machine.state["inside"] is None:
            await self._run(self.machine.insert)
        job.side = "front" if frame.command == "Sr" else "back"
        return DONE

    async def _raster(self, frame: Frame) -> Reply:
        job, model = self._job, self.machine.model
        panel = frame.params[0]
        if job is None or not job.side or panel not in model.panels:
            return _refused(Refusal.PARAMETER)
        try:
            raw = decompress(frame.data or b"") if frame.command == "Dbc" else frame.data or b""
        except FrameError:
            return _refused(Refusal.PARAMETER)
        if len(raw) != model.panel_bytes(panel):
            return _refused(Refusal.PARAMETER)
        self._strike_nack()
        await self._flush(job, end_side=False)
        job.loaded = (job.side, panel, raw)
        return DONE

    async def _end(self, frame: Frame) -> Reply:
        job = self._job
        if job is None or not job.side:
            return _refused(Refusal.PARAMETER)
        await self._settle()
        self._raise_error()
        self._job = None
        self._begin(lambda: self._finish(job))
        return DONE

    async def _insert(self, frame: Frame) -> Reply:
        await self._settle()
        if self.machine.state["inside"] is None:
            await self._run(self.machine.insert)
        return DONE

    async def _reject(self, frame: Frame) -> Reply:
        self._job = None
        await self._settle()
        earlier, self.machine.error = self.machine.error, Error(0)
        try:
            if self.machine.state["inside"] is not None:
                await self._run(lambda: self.machine.leave("reject"))
        finally:
            self.machine.error |= earlier
        return DONE

    async def _reset(self, frame: Frame) -> Reply:
        """Drops the job; a card inside goes to the reject box."""
        reply = await self._reject(frame)
        self.machine.error = Error(0)
        return reply

    async def _clear_status(self, frame: Frame) -> Reply:
        await self._settle()
        self.machine.just_reset = False
        self.machine.error = Error(0)
        return DONE

    # --- work on the metal ---

    async def _flush(self, job: Job, *, end_side: bool) -> None:
        """Starts the printing of the loaded panel; waits for it only where the side ends."""
        await self._settle()
        self._raise_error()
        loaded, job.loaded = job.loaded, None
        if loaded is not None:
            self._begin(lambda: self.machine.print_panel(*loaded))
        if end_side and job.side:
            await self._settle()
            self._raise_error()
            side = job.side
            await self._run(lambda: self.machine.end_side(side))

    async def _finish(self, job: Job) -> None:
        if job.loaded is not None:
            await self.machine.print_panel(*job.loaded)
        await self.machine.end_side(job.side)
        await self.machine.leave("output")

    def _begin(self, step: Callable[[], Awaitable[None]]) -> None:
        self.machine.moving = True
        self._work = asyncio.create_task(self._guarded(step))

    async def _run(self, step: Callable[[], Awaitable[None]]) -> None:
        self._begin(step)
        await self._settle()
        self._raise_error()

    async def _guarded(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except Trouble as trouble:
            self.machine.error |= trouble.error
            await self.machine.save()  # what the step used up, a roll that ended
        finally:
            self.machine.moving = False

    async def _settle(self) -> None:
        # Shielded: metal that moves does not stop because a connection was dropped.
        if self._work is not None:
            await asyncio.shield(self._work)

    def _raise_error(self) -> None:
        if self.machine.error:
            raise Trouble(self.machine.error)

    def _strike_nack(self) -> None:
        if self.machine.faults.strikes("nack"):
            raise Trouble(Error.MECHANICAL)


def _refused(code: Refusal) -> Reply:
    return Reply(refusal=code)


def _code(error: Error) -> Refusal:
    if error & (Error.COVER_OPEN | Error.FEEDER_OPEN):
        return Refusal.COVER
    if error & Error.FEEDER:
        return Refusal.FEEDER
    if error & (Error.RIBBON | Error.RIBBON_ENDED | Error.FILM | Error.FILM_ENDED):
        return Refusal.RIBBON
    return Refusal.TIMEOUT
