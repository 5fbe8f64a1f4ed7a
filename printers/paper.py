"""Paper printers by IPP: identity card forms and certificates, printed at most once.

What tells one print from another is the job's name, which is our job id: before a document is
sent, and after every doubt, the printer is asked for the jobs of that name. A CUPS queue in
between must abort on error and never retry (error policy abort-job; facts, "Paper").
"""

from __future__ import annotations

import asyncio
import secrets
import time

from printers.codecs.ipp import Group, Message, Op, PrinterState, Tag, attribute
from printers.paper_conditions import SPOILING, conditions_of, supplies_of
from printers.paper_evidence import (
    BOOT_TOLERANCE_S,
    LINE_LOST,
    NOTHING,
    TWICE,
    UNREACHABLE,
    Course,
    JobView,
    Why,
    decide_listed,
    decide_unlisted,
    undetermined,
)
from printers.paper_link import PaperLink
from printers.ports import (
    DeviceConfig,
    DeviceError,
    Gate,
    PrintJob,
    PrintResult,
    Progress,
    Snapshot,
)

_NEEDED = {Op.PRINT_JOB, Op.CANCEL_JOB, Op.GET_JOB_ATTRIBUTES, Op.GET_JOBS}
_ABANDON_S = 2.0
_COUNTERS = {
    "impressions": "printer-impressions-completed",
    "sheets": "printer-media-sheets-completed",
}


class PaperPrinter:
    """Model "ipp". Options (seconds where they end in ``_s``):

    ``sides`` (else "two-sided-long-edge" for two pages and more, "one-sided" for one), ``media``,
    ``ca_file``, ``answer_timeout_s`` 10, ``job_timeout_s`` 180 (how long a job may wait for paper
    or a closed cover before it is cancelled), ``settle_s`` 20 (how long a printer that has gone
    is asked again), ``poll_s`` 0.25.
    """

    dpi = 300
    canvas = (0, 0)

    def __init__(self, config: DeviceConfig) -> None:
        self.name, self._options = config.name, config.options
        # The user name marks the jobs of this very driver, so that a fenced one never cancels
        # what its successor has sent.
        self._user = f"fedatario-{secrets.token_hex(4)}"
        self._link = PaperLink(config.name, config.url, self._user, config.options)
        self._job_timeout_s = float(config.options.get("job_timeout_s", "180"))
        self._settle_s = float(config.options.get("settle_s", "20"))
        self._poll_s = float(config.options.get("poll_s", "0.25"))
        self._boot = 0

    async def connect(self) -> None:
        """Asks for the printer's attributes. Raises DeviceError if it does not fit our use."""
        printer = await self._link.printer()
        formats = printer.texts("document-format-supported")
        if formats and "application/pdf" not in formats:
            raise DeviceError(
                f"{self.name}: the printer does not take PDF; put a CUPS queue with "
                "printer-error-policy=abort-job in front of it"
            )
        operations = printer.get("operations-supported")
        missing = {op for op in _NEEDED if operations and op not in operations.values}
        if missing:
            names = ", ".join(sorted(op.name for op in missing))
            raise DeviceError(
                f"{self.name}: the printer lacks {names} and could not tell what it did; "
                "use another printer for valued forms"
            )

    async def snapshot(self) -> Snapshot:
        """Counters ``impressions`` and ``sheets`` as far as the printer has them, and always
        ``last_job``, the highest job number that it lists. ``boot`` is when it started, in
        seconds since 1970. Raises DeviceError.
        """
        jobs, printer = await self._link.jobs(), await self._link.printer()
        counters = {"last_job": max((job.job_id for job in jobs), default=0)}
        for counter, name in _COUNTERS.items():
            value = printer.integer(name)
            if value is not None:
                counters[counter] = value
        levels = printer.get("marker-levels")
        conditions = conditions_of(printer.texts("printer-state-reasons"))
        return Snapshot(
            device=self.name,
            model=printer.text("printer-make-and-model") or "ipp",
            serial=_serial(printer),
            counters=counters,
            position="inside" if any(c.code == "jam" for c in conditions) else "none",
            boot=self._boot_mark(printer),
            supplies=supplies_of(printer.texts("marker-names"), levels.values if levels else ()),
            conditions=conditions,
            busy=printer.integer("printer-state") == PrinterState.PROCESSING,
        )

    async def print(
        self, job: PrintJob, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Sends the PDF unless the printer knows the job's name already; then watches it.

        A job of that name which is over and touched no form does not count: the caller was told
        NOT_PRINTED and may try again. While the printer waits for a person, the phase given to
        ``progress`` is the condition's code ("hopper_empty", "cover_open", …).
        """
        if job.pdf is None:
            raise ValueError(f"{self.name} prints PDF; give PrintJob.pdf for job {job.job_id}")
        try:
            if await self._telling(job.job_id, before):
                return await self.determine(job.job_id, before)
            answer = await self._send(job, job.pdf, gate, progress)
        except DeviceError:
            return await self._settle(job.job_id, before, LINE_LOST)
        except BaseException:
            await self._abandon(job.job_id)
            raise
        if answer.code >= 0x0100:
            return await self._settle(job.job_id, before, _refusal(answer), refused=True)
        try:
            number = JobView.of(answer.group(Tag.JOB)).job_id
            course = await self._follow(number, progress, witnessed=True)
            return decide_listed(course, before, await self.snapshot(), NOTHING)
        except DeviceError:
            return await self._settle(job.job_id, before, LINE_LOST)

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """Asks for the jobs of that name; waits for one that is still under way, bounded.

        Asks again for ``settle_s`` while the printer does not answer, then UNDETERMINED with
        ``after`` None.
        """
        return await self._settle(job_id, before, NOTHING)

    async def clear(self) -> None:
        """Cancels what still waits. A jam is cleared by hand: see the conditions."""
        for job in await self._link.jobs(("not-completed",)):
            await self._link.cancel(job.job_id)

    async def close(self) -> None:
        """Gives the connection back."""
        await self._link.close()

    # -- evidence --------------------------------------------------------------------------------

    async def _settle(
        self, job_id: str, before: Snapshot, note: Why, refused: bool = False
    ) -> PrintResult:
        """What became of the job by the printer's own list; patient with one that restarts."""
        deadline = time.monotonic() + self._settle_s
        while True:
            try:
                return await self._evidence(job_id, before, note, refused)
            except DeviceError:
                if time.monotonic() > deadline:
                    return undetermined(None, UNREACHABLE, "unknown", note)
            await asyncio.sleep(self._poll_s)

    async def _evidence(
        self, job_id: str, before: Snapshot, note: Why, refused: bool
    ) -> PrintResult:
        telling = await self._telling(job_id, before)
        if len(telling) > 1:
            return undetermined(await self.snapshot(), TWICE, "unknown")
        if telling:
            course = await self._follow(telling[0].job_id, _nobody_watches, witnessed=False)
            return decide_listed(course, before, await self.snapshot(), note)
        blank = [job for job in await self._link.jobs() if job.name == job_id and job.blank]
        after = await self.snapshot()
        if blank:
            return decide_listed(Course(blank[-1], False, False), before, after, note)
        return decide_unlisted(before, after, note, refused=refused)

    async def _telling(self, job_id: str, before: Snapshot) -> list[JobView]:
        """Jobs of that name that may have touched a form since ``before``."""
        named = [job for job in await self._link.jobs() if job.name == job_id]
        return [job for job in named if not job.blank and not job.settled(before)]

    async def _follow(self, number: int, progress: Progress, *, witnessed: bool) -> Course:
        """The job when it is over, or cannot be ended.

        Cancels at a jam, since printers lay a jammed page again on the next form by themselves,
        and when the wait for a person gets too long.
        """
        deadline, cancelled, jammed = time.monotonic() + self._job_timeout_s, False, False
        while True:
            view = await self._link.job(number)
            if view.state.terminal:
                return Course(view, jammed, witnessed)
            waiting = await self._waiting_for()
            jammed = jammed or waiting in SPOILING
            share = view.impressions / view.expected if view.expected > 0 else 0.0
            progress(waiting or "printing", min(max(share, 0.0), 1.0))
            late = time.monotonic() > deadline
            if late and cancelled:
                return Course(view, jammed, witnessed)
            if not cancelled and (late or jammed):
                await self._link.cancel(number)
                cancelled, deadline = True, time.monotonic() + self._settle_s
            await asyncio.sleep(self._poll_s)

    async def _waiting_for(self) -> str:
        """The code of what a stopped printer waits for; "" while it works."""
        printer = await self._link.printer()
        codes = [c.code for c in conditions_of(printer.texts("printer-state-reasons"))]
        stopped = printer.integer("printer-state") == PrinterState.STOPPED
        spoiling = [code for code in codes if code in SPOILING]
        return next(iter(spoiling or (codes if stopped else [])), "")

    async def _abandon(self, job_id: str) -> None:
        """After the gate closed: the document was cut; cancel what this very driver sent.

        Needed because some printers take a cut document for a whole one (CUPS's ippeveprinter
        does), and asked again because the job may show only when the printer gets to reading it.
        """
        deadline = time.monotonic() + min(self._settle_s, _ABANDON_S)
        while self._link.octets_sent and time.monotonic() < deadline:
            try:
                for job in await self._link.jobs():
                    if job.name == job_id and job.user == self._user:
                        return await self._link.cancel(job.job_id)
            except DeviceError:
                # The gate's own exception is on its way; a printer that is gone prints nothing.
                return await self._link.close()
            await asyncio.sleep(self._poll_s)
        return None

    async def _send(self, job: PrintJob, pdf: bytes, gate: Gate, progress: Progress) -> Message:
        default = "two-sided-long-edge" if job.pages > 1 else "one-sided"
        media = self._options.get("media")
        operation = (
            attribute("job-name", Tag.NAME, job.job_id),
            attribute("document-format", Tag.MIME_TYPE, "application/pdf"),
        )
        template = (
            attribute("sides", Tag.KEYWORD, self._options.get("sides", default)),
            attribute("copies", Tag.INTEGER, 1),
            *([attribute("media", Tag.KEYWORD, media)] if media else []),
        )
        return await self._link.send(operation, template, pdf, gate, progress)

    def _boot_mark(self, printer: Group) -> str:
        up = printer.integer("printer-up-time")
        if up is None:
            return ""
        started = round(time.time()) - up
        if abs(started - self._boot) > BOOT_TOLERANCE_S:
            self._boot = started
        return str(self._boot)


def _nobody_watches(_phase: str, _share: float) -> None:
    """Progress of a job that is only asked about."""


def _serial(printer: Group) -> str:
    """The serial of the IEEE 1284 device id (SN or SERN), else the printer's UUID."""
    pairs = [part.split(":", 1) for part in printer.text("printer-device-id").split(";")]
    named = {pair[0].strip().upper(): pair[1].strip() for pair in pairs if len(pair) == 2}
    return named.get("SN") or named.get("SERN") or printer.text("printer-uuid")


def _refusal(answer: Message) -> Why:
    group = answer.group(Tag.OPERATION)
    said = group.text("status-message") or f"0x{answer.code:04x}"
    return Why(
        f"La impresora no aceptó el trabajo ({said}).", f"The printer refused the job ({said})."
    )
