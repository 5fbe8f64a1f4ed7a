"""A simulated paper printer: tray, paper path, jobs and faults; it knows nothing of IPP.

Like real ones it counts a sheet when it leaves, starts a page again on the next form when a jam
is cleared without cancelling the job, and loses what it was doing at a power cut.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image

from firmware_sim import paper_sheet
from firmware_sim.body import Body
from firmware_sim.control import ControlError
from firmware_sim.paper_faults import Faults, power_cut
from printers.codecs.ipp import JobState

FRESH: dict[str, Any] = {
    "counters": {"impressions": 0, "sheets": 0, "cards": 0, "rejected": 0},
    "laid": 0,  # forms that got ink, wherever they went: the judge of the kill tests
    "hopper": [],
    "inside": None,  # the form in the paper path: serial, job, inked (sides)
    "slipped": [],  # forms that went through blank, stuck to another
    "conditions": [],
    "armed": [],  # faults that wait: [name, cards still to come]
    "jobs": [],
    "next_job": 1,
    "booted_at": 0.0,
}
HISTORY = 500
# Two starts must be told apart by printer-up-time, which counts seconds; real machines take
# longer to start than that.
START_S = 3.5


@dataclass(frozen=True, slots=True)
class Habits:
    """How the machine is set up."""

    seconds_per_card: float
    forms: bool = True  # preprinted forms with serials, else plain paper without end
    pages_per_form: int = 2
    faults: tuple[int, float] | None = None
    forget_jobs: bool = False  # loses its job list at a restart, as many machines do


class PaperMachine:
    """The machine; :meth:`run` is its motor. One event loop, one owner of the body."""

    def __init__(self, body: Body, habits: Habits) -> None:
        self.body, self.habits = body, habits
        self.state = body.state
        self.documents: dict[int, bytes] = {}
        self.booted = time.monotonic()
        self._lock = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._in_path = False  # whether the motor holds the form that is inside
        self.faults = Faults(body.state, habits.faults)

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[dict[str, Any]]:
        """Every change of the body goes through here: one at a time, durable before it shows."""
        async with self._lock:
            yield self.state
            cut = "power_cut" in self.state["conditions"]
            if cut:
                self.state["conditions"].remove("power_cut")
            await asyncio.to_thread(self.body.save)
            if cut:
                power_cut()
        self._stirred.set()

    async def switch_on(self) -> None:
        """What a start does: jobs under way are lost, a form in the path shows as a jam."""
        await asyncio.sleep(max(0.0, self.state["booted_at"] + START_S - time.time()))
        self.booted = time.monotonic()
        async with self.changing() as state:
            state["booted_at"] = time.time()
            for job in self.waiting():
                self._end(job, JobState.ABORTED, "aborted-by-system")
            if self.habits.forget_jobs:
                state["jobs"] = []
            if state["inside"] and "jam" not in state["conditions"]:
                state["conditions"].append("jam")

    def up_time(self) -> int:
        """Seconds since it was switched on, at least 1 (RFC 8011 section 5.4.29)."""
        return max(1, int(time.monotonic() - self.booted))

    # -- jobs ------------------------------------------------------------------------------------

    def waiting(self) -> list[dict[str, Any]]:
        """Jobs that are not over, oldest first."""
        return [job for job in self.state["jobs"] if not JobState(job["state"]).terminal]

    def job(self, number: int) -> dict[str, Any] | None:
        """The job of that number, if it is still listed."""
        return next((job for job in self.state["jobs"] if job["id"] == number), None)

    async def accept(self, name: str, user: str, two_sided: bool) -> dict[str, Any]:
        """A new job whose document is still coming in."""
        async with self.changing() as state:
            job: dict[str, Any] = {
                "id": state["next_job"],
                "name": name,
                "user": user,
                "two_sided": two_sided,
                "state": int(JobState.PENDING_HELD),
                "reasons": ["job-incoming"],
                "begun": None,  # when it was first processed, in seconds of up-time
                "impressions": 0,
                "pages": 0,
                "sheets": 0,
            }
            state["next_job"] += 1
            state["jobs"] = [*state["jobs"][-HISTORY:], job]
        return job

    async def submit(self, job: dict[str, Any], document: bytes | None) -> None:
        """The document is complete, or None: the line broke and nothing of it is printed."""
        async with self.changing():
            if JobState(job["state"]).terminal:
                return
            if document is None:
                self._end(job, JobState.ABORTED, "submission-interrupted")
                return
            self.documents[job["id"]] = document
            job["state"], job["reasons"] = int(JobState.PENDING), ["none"]

    async def cancel(self, job: dict[str, Any]) -> bool:
        """Cancels a job that is not over; False if it is. A sheet in the path still comes out."""
        async with self.changing():
            if JobState(job["state"]).terminal:
                return False
            self._end(job, JobState.CANCELED, "job-canceled-by-user")
            return True

    def _end(self, job: dict[str, Any], state: JobState, reason: str) -> None:
        job["state"], job["reasons"] = int(state), [reason]
        self.documents.pop(job["id"], None)

    def _go(self, job: dict[str, Any], state: JobState) -> None:
        if not JobState(job["state"]).terminal:
            job["state"], job["reasons"] = int(state), ["job-printing"]

    # -- the motor -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Prints what is waiting, for ever."""
        while True:
            self._stirred.clear()
            ready = [job for job in self.waiting() if job["state"] != JobState.PENDING_HELD]
            if ready:
                await self._print(ready[0])
            else:
                await self._stirred.wait()

    async def _print(self, job: dict[str, Any]) -> None:
        try:
            pages = await asyncio.to_thread(paper_sheet.render, self.documents[job["id"]])
        except paper_sheet.DocumentError:
            async with self.changing():
                self._end(job, JobState.ABORTED, "document-format-error")
            return
        async with self.changing():
            job["pages"] = len(pages)
        size = self._pages_per_sheet(job)
        for start in range(0, len(pages), size):
            # A sheet that jammed is printed again on the next form, unless the job is cancelled.
            while not await self._sheet(job, pages[start : start + size]):
                if JobState(job["state"]).terminal:
                    return
        async with self.changing():
            if not JobState(job["state"]).terminal:
                self._end(job, JobState.COMPLETED, "job-completed-successfully")

    def _pages_per_sheet(self, job: dict[str, Any]) -> int:
        if self.habits.forms:
            return self.habits.pages_per_form
        return 2 if job["two_sided"] else 1

    async def _sheet(self, job: dict[str, Any], pages: list[Image.Image]) -> bool:
        """One sheet from tray to output; False if it jammed or the job was cancelled before."""
        while self.stopped():
            self._stirred.clear()
            if job["state"] == JobState.PROCESSING:
                async with self.changing():
                    self._go(job, JobState.PROCESSING_STOPPED)
            await self._stirred.wait()
        async with self.changing():
            if JobState(job["state"]).terminal or self.stopped():
                return False
            striking = self.faults.on_sheet()
            self._pick(job, "misfeed" in striking)
        await asyncio.sleep(self.habits.seconds_per_card / 2)
        jammed = "jam" in striking
        await self._ink(pages, 1 if jammed else len(pages))
        if jammed:
            await self._jam(job)
            return False
        await asyncio.sleep(self.habits.seconds_per_card / 2)
        await self._leave("output", job)
        return True

    def _pick(self, job: dict[str, Any], misfed: bool) -> None:
        state = self.state
        if misfed and len(state["hopper"]) > 1:
            # Two forms stuck together: the upper one goes through blank, the lower gets the ink.
            state["slipped"].append(state["hopper"].pop(0))
        serial = state["hopper"].pop(0) if self.habits.forms else ""
        state["inside"] = {"serial": serial, "job": job["name"], "inked": 0}
        self._in_path = True
        job["begun"] = job["begun"] or self.up_time()
        self._go(job, JobState.PROCESSING)

    async def _ink(self, pages: list[Image.Image], inked: int) -> None:
        serial = self.state["inside"]["serial"]
        sheet = await asyncio.to_thread(paper_sheet.lay, pages, serial, inked)
        await asyncio.to_thread(paper_sheet.write_faces, self.body.directory / "inside", sheet)
        async with self.changing() as state:
            # Ink from here on: whatever happens now, this form has been laid.
            state["inside"]["inked"] = inked
            state["laid"] += 1

    async def _jam(self, job: dict[str, Any]) -> None:
        async with self.changing():
            self.faults.begin("jam")
            self._go(job, JobState.PROCESSING_STOPPED)
        while "jam" in self.state["conditions"]:
            self._stirred.clear()
            await self._stirred.wait()
        await self._leave("reject", None)

    async def _leave(self, tray: str, job: dict[str, Any] | None) -> None:
        """The form in the path comes out: into a tray, or into the hands that clear a jam."""
        inside = self.state["inside"]
        number = self.state["counters"]["cards"] + 1
        facts = {**inside, "tray": tray}
        await asyncio.to_thread(paper_sheet.lay_out, self.body.directory, number, facts)
        async with self.changing() as state:
            counters = state["counters"]
            counters["cards"] = number
            if job is None:
                counters["rejected"] += 1
            else:
                counters["sheets"] += 1
                counters["impressions"] += inside["inked"]
                job["impressions"] += inside["inked"]
                job["sheets"] += 1
            state["inside"], self._in_path = None, False
            self.faults.card_left()

    # -- hands -----------------------------------------------------------------------------------

    def stopped(self) -> list[str]:
        """What keeps the motor from turning now."""
        found = self.faults.stopping()
        if self.habits.forms and not self.state["hopper"] and "media_empty" not in found:
            found.append("media_empty")
        return found

    async def fault(self, name: str, cards: int) -> None:
        """Arms a fault for after that many cards; 0 is now. ControlError for a wrong name."""
        async with self.changing():
            self.faults.arm(name, cards)

    async def clear(self, names: list[str]) -> None:
        """A person mends; a form that a power cut left in the path is taken out."""
        async with self.changing():
            self.faults.mend(names)
        if self.state["inside"] and not self._in_path and "jam" not in self.state["conditions"]:
            await self._leave("reject", None)

    async def load(self, serials: list[str]) -> None:
        """Puts forms below those in the tray. ControlError for a serial that is there twice."""
        async with self.changing() as state:
            if set(serials) & set(state["hopper"]) or len(set(serials)) != len(serials):
                raise ControlError("a serial is in the tray already: each form exists once")
            state["hopper"] += serials
            self.faults.mend(["media_empty"])
