"""The Evolis driver: one owner, one job at a time, printed at most once.

A job is: check that the machine is as journalled, send both sides with the gate before each frame
and each chunk, watch it to its end, and judge by the evidence. Whatever breaks in between, the
outcome comes from the machine's own readings (``evidence.py``), never from what was sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from printers.codecs import evolis_replies as replies
from printers.codecs.evolis import Frame
from printers.codecs.evolis_models import MODELS
from printers.codecs.evolis_status import Extra
from printers.evolis.channel import Channel, Refused
from printers.evolis.evidence import decide, faults, unmoved
from printers.evolis.reading import Reader
from printers.evolis.session import open_session
from printers.evolis.settings import Settings
from printers.panels import Panels, split
from printers.ports import (
    DeviceConfig,
    DeviceError,
    Gate,
    Outcome,
    PrintJob,
    PrintResult,
    Progress,
    Severity,
    Side,
    Snapshot,
)

log = logging.getLogger(__name__)
QUICK_S = 2.0  # for a farewell to a machine that may be gone


class EvolisPrinter:
    """A Printer (see ``ports.py``) for the models of ``codecs/evolis_models.py``."""

    def __init__(self, config: DeviceConfig) -> None:
        """Raises ValueError for an unknown model or option."""
        if config.model not in MODELS:
            raise ValueError(
                f"printer {config.name}: unknown model {config.model!r}; known: {', '.join(MODELS)}"
            )
        self.name = config.name
        self.model = MODELS[config.model]
        self.dpi = self.model.dpi
        self.canvas = self.model.canvas
        self._url = config.url
        self._settings = Settings.from_options(config.name, config.options)
        self._channel: Channel | None = None

    async def connect(self) -> None:
        """Opens the line, with backoff, and sets ``Pem;2``: the host handles errors.

        Over TCP the newest connection wins at the machine, so this also fences an earlier owner
        that was stopped and may wake up. Raises DeviceError.
        """
        await self.close()
        self._channel = await open_session(self._url, self.model, self._settings)

    async def close(self) -> None:
        """Gives the device back."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def snapshot(self) -> Snapshot:
        """See Printer. Raises DeviceError when the line broke; the next call reconnects.

        For the holder of the lane's lease only: to connect takes the machine from whoever has it.
        """
        return await self._reader(await self._open()).snapshot(self.name, self.model)

    async def print(
        self, job: PrintJob, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """See Printer. Raises ValueError for a job without sides or of the wrong size, unsent."""
        frames = await asyncio.to_thread(self._frames, job)
        try:
            refusal = await self._unready(before)
            channel = await self._open()
        except DeviceError as error:
            return _nothing_sent("La impresora no contesta.", str(error), None)
        if refusal is not None:
            return refusal
        try:
            await self._send(channel, frames, gate, progress)
        except DeviceError as error:
            log.warning("printer %s: job interrupted: %s", self.name, error)
            return await self._after_trouble(before, gate)
        except BaseException:
            await asyncio.shield(self._abandon(channel))
            raise
        return await self._watch(channel, before, gate, progress)

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """See Printer. Waits for a machine that is still printing, at most finish_timeout_s.

        The evidence is the machine's alone, ``job_id`` goes to the log: no card printer knows it.
        """
        try:
            # A fresh connection: it ends a half-sent job of an earlier one, so nothing moves on.
            await self.connect()
            after = await self._at_rest()
        except DeviceError as error:
            log.warning("printer %s: job %s stays undetermined: %s", self.name, job_id, error)
            return _unreadable(error)
        result = decide(before, after)
        log.info("printer %s: job %s is %s", self.name, job_id, result.outcome.value)
        return result

    async def clear(self) -> None:
        """See Printer: drops a job, rejects the card inside, clears the error flags."""
        await self._at_rest()
        channel = await self._open()
        with suppress(Refused):  # why it refuses is in the readings, with the remedy
            await channel.ask(replies.RESET, self._settings.step_timeout_s)
        if (await self._at_rest()).position != "none":
            with suppress(Refused):
                await channel.ask(replies.REJECT, self._settings.step_timeout_s)
        if (await self._at_rest()).position == "none":
            await channel.ask(replies.CLEAR_STATUS, self._settings.reply_timeout_s)
        left = await self._at_rest()
        if left.position != "none" or faults(left):
            causes = " ".join(item.en for item in left.conditions)
            raise DeviceError(f"printer {self.name}: the card does not leave. {causes}".strip())

    # --- the job ---

    def _frames(self, job: PrintJob) -> list[Frame]:
        """The whole job as frames; both sides are split before the first byte leaves."""
        sides = [(command, side) for command, side in (("Sr", job.front), ("Sv", job.back)) if side]
        if not sides:
            raise ValueError(f"job {job.job_id}: a card wants a front or a back")
        frames = [self.model.prepare, Frame("Ss")]
        for command, side in sides:
            frames += [Frame(command), *self._rasters(side)]
        return [*frames, Frame("Se")]

    def _rasters(self, side: Side) -> Iterator[Frame]:
        panels: Panels = split(side, self.canvas)
        for name in self.model.panels:
            yield self.model.raster(name, panels[name])

    async def _unready(self, before: Snapshot) -> PrintResult | None:
        """A result if the job must not start, or None. Nothing was sent yet."""
        now = await self._at_rest()
        if not unmoved(before, now):
            # Somebody printed since the journal, or this very job was sent before: never assume.
            return PrintResult(Outcome.UNDETERMINED, now, *_MOVED, blank_at="unknown")
        if now.busy or now.position != "none":
            return _nothing_sent(*_OCCUPIED, now)
        for item in now.conditions:
            if item.severity is not Severity.INFO:
                return _nothing_sent(item.es, item.en, now)
        return None

    async def _send(
        self, channel: Channel, frames: list[Frame], gate: Gate, progress: Progress
    ) -> None:
        gate()
        # Clears INF_RESET, so that a restart during this job is seen (evidence.same_boot).
        await channel.ask(replies.CLEAR_STATUS, self._settings.reply_timeout_s)
        for number, frame in enumerate(frames):
            if frame.data is None:
                gate()
                await channel.ask(frame, self._settings.step_timeout_s)
            else:
                await channel.send_raster(frame, gate, self._settings.step_timeout_s)
                await channel.reply(frame, self._settings.step_timeout_s)
            progress("sending", (number + 1) / len(frames))

    async def _watch(
        self, channel: Channel, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Follows the card to the tray: "ok" to the last frame means accepted, not printed."""
        try:
            after = await self._finished(channel, before, progress)
        except DeviceError as error:
            log.warning("printer %s: lost sight of the card: %s", self.name, error)
            return await self._after_trouble(before, gate)
        return decide(before, after, watched=True)

    async def _finished(self, channel: Channel, before: Snapshot, progress: Progress) -> Snapshot:
        loop = asyncio.get_running_loop()
        start = idle_since = loop.time()
        reader = self._reader(channel)
        while loop.time() - start < self._settings.finish_timeout_s:
            status = await reader.status()
            if status.failed and not status.busy:
                break
            if status.busy:
                idle_since = loop.time()
            elif not status.card_inside:
                after = await reader.snapshot(self.name, self.model)
                if not after.busy and not unmoved(before, after):
                    progress("printing", 1.0)
                    return after
            if loop.time() - idle_since > self._settings.idle_grace_s:
                break
            phase = "heating" if status.extra & Extra.HEATING else "printing"
            progress(phase, min(0.99, (loop.time() - start) / self._settings.finish_timeout_s))
            await asyncio.sleep(self._settings.poll_s)
        return await reader.snapshot(self.name, self.model)

    async def _after_trouble(self, before: Snapshot, gate: Gate) -> PrintResult:
        """The outcome of a job that was interrupted, by the machine's own readings."""
        # Our line may have been dropped because a newer owner connected. To connect again would
        # drop his, with his job: ask the lease first, and let its refusal pass through.
        gate()
        try:
            after = await self._at_rest()
            result = decide(before, after)
            if result.outcome is Outcome.NOT_PRINTED:
                # Panels loaded and never printed must not wait there for the next job.
                channel = await self._open()
                await channel.ask(replies.RESET, self._settings.step_timeout_s)
        except DeviceError as error:
            return _unreadable(error)
        return result

    async def _abandon(self, channel: Channel) -> None:
        """Stops the job where it is, over the line it was sent on and no other.

        In the middle of a raster no command gets through: dropping the line leaves the job
        half-sent, and the machine prints nothing of a panel it has not got whole.
        """
        if not channel.inside_frame and not channel.broken:
            with suppress(DeviceError):  # a fenced line is dead already, which is as good
                await channel.ask(replies.RESET, QUICK_S)
        if channel.inside_frame or channel.broken:
            await self.close()

    # --- the line ---

    async def _open(self) -> Channel:
        if self._channel is None or self._channel.broken:
            await self.connect()
        if self._channel is None:
            raise DeviceError(f"printer {self.name}: closed while connecting")
        return self._channel

    def _reader(self, channel: Channel) -> Reader:
        return Reader(channel, self._settings.reply_timeout_s)

    async def _at_rest(self) -> Snapshot:
        """A snapshot of a machine that has stopped moving, or the last one before the time-out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.finish_timeout_s
        while True:
            snapshot = await self.snapshot()
            if not snapshot.busy or loop.time() > deadline:
                return snapshot
            await asyncio.sleep(self._settings.poll_s)


_MOVED = (
    "La impresora trabajó desde que se anotó el trabajo: mire la bandeja.",
    "The printer has worked since the job was journalled: look at the tray.",
)
_OCCUPIED = (
    "Hay una tarjeta dentro de la impresora: expúlsela antes.",
    "A card is inside the printer: reject it first.",
)


def _nothing_sent(es: str, en: str, after: Snapshot | None) -> PrintResult:
    return PrintResult(Outcome.NOT_PRINTED, after, es, en, "hopper")


def _unreadable(error: DeviceError) -> PrintResult:
    es = "La impresora no contesta: revísela, mire la bandeja y escanee la tarjeta."
    en = f"The printer does not answer: check it, look at the tray, scan the card ({error})."
    return PrintResult(Outcome.UNDETERMINED, None, es, en, "unknown")
