"""The desk: what pages, API and the demo may ask of the daemon. Acts wake what they concern."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from issuer import acts, intake, stockroom
from issuer.acts import Actor, Inspected
from issuer.applications import Application
from issuer.custody.summary import Line
from issuer.daemon import Daemon
from issuer.domain import Conflict, Event, Job, JobState, Reason
from issuer.lanes import LaminatorPlace, Lane
from issuer.steps import composing
from issuer.store import custody, devices, documents, files, jobs, outbox
from issuer.store.documents import Document
from issuer.store.files import CaseFile


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A machine as the counter sees it. ``state``: ready, working, needs, stopped, away."""

    name: str
    role: str  # printer, laminator
    model: str
    documents: tuple[str, ...]
    state: str
    reason: Reason | None
    phase: str
    done: float  # 0..1
    current_job: str | None
    blanks: int | None  # in the hopper, by the books
    supplies: tuple[tuple[str, int, int], ...] = ()  # (material, remaining, capacity)
    temperature_c: float | None = None


@dataclass(frozen=True, slots=True)
class JobView:
    """One job with what the counter may see of it."""

    job: Job
    case: CaseFile
    documents: Sequence[Document]


class Desk:
    """One office's desk over a running daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._at = daemon.services
        self.office = daemon.office

    # Looking.

    async def queue(self, states: Sequence[JobState] | None = None) -> list[Job]:
        """Jobs of the office: what needs a person first, then by priority and age."""
        return await self._at.store.read(jobs.listing, self.office, states=states)

    async def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state that is not over."""
        return await self._at.store.read(jobs.counts, self.office)

    async def job(self, job_id: str) -> JobView:
        """One job. Raises Conflict for one that is not there or of another office."""

        def look(conn: Connection) -> JobView:
            job = jobs.get(conn, job_id)
            if job.office != self.office:
                raise _other_office()
            return JobView(job, files.get(conn, job_id), documents.of_job(conn, job_id))

        return await self._at.store.read(look)

    async def find_by_document(self, number: str) -> Job:
        """The job of a document number (as a scanned QR names it). Raises Conflict."""

        def look(conn: Connection) -> Job:
            document = documents.get(conn, number)
            if document.office != self.office or document.job_id is None:
                raise _other_office()
            return jobs.get(conn, document.job_id)

        return await self._at.store.read(look)

    async def events(self, after: int, limit: int = 500) -> list[Event]:
        """The office's stream after a sequence number."""
        return await self._at.store.read(outbox.events_after, self.office, after, limit)

    async def devices(self) -> list[DeviceView]:
        """Printers and plastifiers, as they were last seen."""

        def loaded(conn: Connection) -> dict[str, int]:
            return {name: documents.loaded(conn, name) for name in self._daemon.lanes}

        counts = await self._at.store.read(loaded)
        views = [
            _lane_view(lane, counts[name])
            for name, lane in self._daemon.lanes.items()
            if lane.printer is not None
        ]
        places = self._daemon.laminators.places.values()
        return views + [_laminator_view(place) for place in places]

    async def preview(self, job_id: str) -> list[bytes]:
        """PNG pictures of both faces of a sealed job (or the PDF's pages). Raises Conflict."""
        return await composing.preview(await self._document(job_id), self._at)

    async def _document(self, job_id: str) -> tuple[Document, CaseFile]:
        view = await self.job(job_id)
        if view.job.document_number is None:
            raise Conflict(
                Reason("no_document", "Aún no hay documento.", "There is no document yet.")
            )
        return view.documents[-1], view.case

    async def file_of(self, number: str) -> bytes:
        """The PDF of a document that is a file. Raises Conflict."""
        document = await self._at.store.read(documents.get, number)
        if document.office != self.office or document.file is None:
            raise _other_office()
        return document.file

    async def stock(self) -> list[Line]:
        """The balance of every material of the office."""
        return await self._at.store.read(custody.ledger_summary, self.office)

    # Acting.

    async def take_in(self, application: Application, portrait: bytes | None) -> Job:
        """A request comes in; it is decided within moments."""
        job = await intake.take_in(application, portrait, self._at)
        self._daemon.arrived()
        return job

    async def order_print(self, job_id: str, actor: Actor, lane: str | None = None) -> Job:
        """See acts.order_print."""
        return self._goes_on(await acts.order_print(job_id, self._at, actor, lane))

    async def cancel(self, job_id: str, actor: Actor, reason: str) -> Job:
        """See acts.cancel."""
        return self._goes_on(await acts.cancel(job_id, self._at, actor, reason))

    async def inspect(
        self, job_id: str, actor: Actor, qr_text: str, serial: str | None
    ) -> Inspected:
        """See acts.inspect."""
        inspected = await acts.inspect(job_id, self._at, actor, qr_text, serial)
        self._goes_on(inspected.job)
        return inspected

    async def deliver(
        self,
        job_id: str,
        actor: Actor,
        *,
        receiver_kind: str = "holder",
        receiver: str | None = None,
        earlier: str = "none",
    ) -> Job:
        """See acts.deliver."""
        return self._goes_on(
            await acts.deliver(
                job_id,
                self._at,
                actor,
                receiver_kind=receiver_kind,
                receiver=receiver,
                earlier=earlier,
            )
        )

    async def spoil(self, job_id: str, actor: Actor, cause: str) -> Job:
        """See acts.spoil."""
        return self._goes_on(await acts.spoil(job_id, self._at, actor, cause))

    async def reprint(self, job_id: str, actor: Actor, reason: str) -> Job:
        """See acts.reprint."""
        return self._goes_on(await acts.reprint(job_id, self._at, actor, reason))

    async def resolve(self, job_id: str, actor: Actor, found: str) -> Job:
        """See acts.resolve."""
        return self._goes_on(await acts.resolve(job_id, self._at, actor, found))

    async def resolve_lamination(self, job_id: str, actor: Actor, passed: bool) -> Job:
        """See acts.resolve_lamination."""
        return self._goes_on(await acts.resolve_lamination(job_id, self._at, actor, passed))

    async def retry(self, job_id: str, actor: Actor) -> Job:
        """See acts.retry."""
        return self._goes_on(await acts.retry(job_id, self._at, actor))

    async def stop_lane(self, name: str, actor: Actor, reason: str) -> None:
        """A person stops a lane; the card under way is finished first."""
        lane = self._lane(name)
        words = Reason("stopped_by_person", reason, reason)
        await self._pause(lane, words, actor)

    async def resume_lane(self, name: str, actor: Actor) -> None:
        """A person lets a lane go on, once nothing of it is undetermined. Raises Conflict."""
        lane = self._lane(name)
        open_jobs = await self.queue([JobState.UNDETERMINED])
        waiting = [job.ticket for job in open_jobs if job.lane == name]
        if waiting:
            tickets = ", ".join(waiting)
            raise Conflict(
                Reason(
                    "resolve_first",
                    f"Primero resuelva el trámite {tickets}: no se sabe si se imprimió.",
                    f"Resolve job {tickets} first: it is not known whether it was printed.",
                )
            )
        await self._pause(lane, None, actor)

    async def clear_device(self, name: str, actor: Actor) -> None:
        """Rejects a card found inside a stopped printer into its reject tray."""
        lane = self._lane(name)
        if lane.stopped is None or lane.printer is None:
            raise Conflict(
                Reason("stop_first", "Detenga primero el carril.", "Stop the lane first.")
            )
        async with lane.turns.take():
            async with lane.line:
                await lane.printer.clear()
            await lane.look()

    async def receive_blanks(
        self, actor: Actor, material: str, lot: str, serials: Sequence[str], note: str
    ) -> int:
        """See stockroom.receive_blanks."""
        return await stockroom.receive_blanks(self._at, actor, material, lot, serials, note)

    async def receive_counted(
        self, actor: Actor, material: str, quantity: int, lot: str, note: str
    ) -> None:
        """See stockroom.receive_counted."""
        await stockroom.receive_counted(self._at, actor, material, quantity, lot, note)

    async def load_hopper(
        self, actor: Actor, device: str, material: str, serials: Sequence[str]
    ) -> int:
        """See stockroom.load_hopper."""
        count = await stockroom.load_hopper(self._at, actor, device, material, serials)
        self._daemon.wake()
        return count

    async def load_roll(
        self, actor: Actor, device: str, material: str, serial: str, prints: int
    ) -> None:
        """See stockroom.load_roll."""
        await stockroom.load_roll(self._at, actor, device, material, serial, prints)
        self._daemon.wake()

    def now(self) -> datetime:
        """The house's clock, aware UTC."""
        return self._at.clock.now()

    def describe(self) -> dict[str, Any]:
        """HSMs and the lists' age, for the operator's corner of the page."""
        trust = self._at.trust.trust.trust_list
        return {
            "hsms": [
                {"name": h.name, "state": h.state, "signatures": h.signatures}
                for h in self._at.signer.status()
            ],
            "trust_list_version": trust.version,
            "trust_list_next_update": trust.next_update.isoformat(),
        }

    def _goes_on(self, job: Job) -> Job:
        self._daemon.goes_on(job)
        return job

    def _lane(self, name: str) -> Lane:
        lane = self._daemon.lanes.get(name)
        if lane is None:
            raise Conflict(Reason("no_lane", f"No hay carril {name}.", f"There is no lane {name}."))
        return lane

    async def _pause(self, lane: Lane, reason: Reason | None, actor: Actor) -> None:
        await self._at.store.run(
            devices.set_pause, lane.name, self.office, reason, actor.name, self.now()
        )
        lane.stopped = reason
        self._daemon.wake()


def _other_office() -> Conflict:
    return Conflict(Reason("no_such_job", "No existe ese trámite.", "There is no such job."))


def _lane_view(lane: Lane, blanks: int) -> DeviceView:
    latest = lane.latest
    if not lane.owned:
        state, reason = "away", None
    elif lane.stopped is not None:
        state, reason = "stopped", lane.stopped
    elif lane.current is not None and lane.needs is None:
        state, reason = "working", None
    elif lane.needs is not None:
        state, reason = "needs", lane.needs
    else:
        state, reason = ("ready", None) if lane.connected else ("away", None)
    return DeviceView(
        lane.name,
        "printer",
        lane.section.model,
        lane.types,
        state,
        reason,
        lane.phase,
        lane.done,
        lane.current,
        blanks,
        tuple((s.material, s.remaining, s.capacity) for s in latest.supplies) if latest else (),
    )


def _laminator_view(place: LaminatorPlace) -> DeviceView:
    temperature = place.latest.counters.get("temperature_decic") if place.latest else None
    state = "working" if place.current else "ready" if place.connected else "away"
    if place.needs is not None and place.current is None:
        state = "needs"
    return DeviceView(
        place.name,
        "laminator",
        place.section.model,
        place.section.documents,
        state,
        place.needs,
        place.phase,
        place.done,
        place.current,
        None,
        (),
        None if temperature is None else temperature / 10,
    )
