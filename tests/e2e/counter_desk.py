"""A desk without machines for the counter's page: deterministic, in memory, with the acts' rules.

It has the methods of ``issuer.desk.Desk`` and answers with the same values, so that pages and API
are tested against what they will meet; ``calls`` says what was asked.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from issuer.acts import Actor, Inspected
from issuer.applications.model import Application, CategoryRequest, Person
from issuer.custody.ledger import LedgerError
from issuer.custody.summary import Line
from issuer.desk import DeviceView, JobView
from issuer.domain import Conflict, DocumentState, Event, Job, JobState, Reason
from issuer.inspection import Finding
from issuer.store.documents import Document
from issuer.store.files import CaseFile
from issuer.web.sources import Head, Sources
from layouts.portrait import Portrait
from verifier.errors import VerificationError

OFFICE = "LP-01"
START = datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
NAMES = [
    ("Ñancahuazú", "Quispe", "María José"),
    ("Sánchez-Bustamante y Gutiérrez de la Fuente", "Antezana Villarroel", "Wenceslao Maximiliano"),
    ("Mamani", None, "Inti"),
    ("O'Connor", "d'Arlach", "Ýpe G̃uarasy"),
    ("Condori", "Choque", "Juana"),
    ("Flores", "Rojas", "José Luis"),
]
MISFEED = Reason(
    "misfeed",
    "El serial preimpreso no es el firmado: la tolva se corrió. El carril se detiene.",
    "The preprinted serial is not the signed one: the hopper slipped. The lane stops.",
)


def serial(number: int) -> str:
    """A blank's preprinted serial, as the profile's pattern wants it."""
    return f"LC{number:08d}"


def qr_text(number: str) -> str:
    """What the scanner types for a document: base45, long enough to be no serial."""
    return f"6BFOXN{number}:" + "$ABC7%NCFW4-+" * 9


def picture(size: tuple[int, int], colour: str, words: str, kind: str = "PNG") -> bytes:
    """A picture with words in it."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, size[0] - 8, size[1] - 8), outline="#1d4f7c", width=3)
    font = ImageFont.truetype("NotoSans-Regular.ttf", max(12, size[0] // 24))
    draw.text((24, 24), words, fill="black", font=font)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@dataclass
class FakeDesk:
    """Fill it with :meth:`add`; it emits an event for every change."""

    office: str = OFFICE
    epoch: int = 1
    jobs: dict[str, Job] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    stream: list[Event] = field(default_factory=list)
    machines: dict[str, DeviceView] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    failing: Exception | None = None  # raised by the next act

    # Filling.

    def add(
        self,
        state: JobState,
        *,
        type: str = "LIC",
        released: bool = False,
        reasons: Sequence[Reason] = (),
        kind: str = "renewal",
        priority: int = 0,
    ) -> Job:
        """One more job, with a document where its state wants one."""
        at = len(self.jobs) + 1
        surname1, surname2, given = NAMES[at % len(NAMES)]
        job_id = f"job-{at:03d}"
        self.people[job_id] = Person(
            f"{4_000_000 + at * 1117}", surname1, given, date(1960 + at, 3, 4), "F", "BOL", surname2
        )
        number = None
        if state not in (JobState.RECEIVED, JobState.ADMITTED, JobState.REFUSED, JobState.SPOILED):
            number = f"L{at:08d}"
            self.documents[number] = self._document(number, job_id, type, at)
        created = START + timedelta(minutes=7 * at)
        job = Job(
            job_id, self.office, f"{at:04d}", type, kind, state, priority, released,
            "lic-1" if number else None, number, None, 0, created, created, tuple(reasons),
        )  # fmt: skip
        self.jobs[job_id] = job
        self.emit(f"job.{state.value}", job_id)
        return job

    def _document(self, number: str, job_id: str, type: str, at: int) -> Document:
        return Document(
            number, self.office, type, job_id, self.people[job_id].person_id,
            DocumentState.PRINTED, "PVC-LIC", serial(at), "lic-1", "list", at, b"",
            qr_text(number), b"", "hsm-a", START, START + timedelta(days=2000), None, START,
        )  # fmt: skip

    def emit(self, kind: str, subject: str) -> None:
        """One line of the stream."""
        seq = len(self.stream) + 1
        self.stream.append(Event(self.office, seq, self.epoch, START, kind, subject, {}))

    def move(self, job_id: str, state: JobState, **changes: Any) -> Job:
        """Changes a job as the daemon would, with its event."""
        later = self.jobs[job_id].updated_at + timedelta(seconds=1)
        self.jobs[job_id] = replace(self.jobs[job_id], state=state, updated_at=later, **changes)
        self.emit(f"job.{state.value}", job_id)
        return self.jobs[job_id]

    def sources(self) -> Sources:
        """The two look-ups beside the desk."""

        def document_of(text: str) -> str:
            for document in self.documents.values():
                if document.qr_text == text:
                    return document.number
            raise VerificationError(
                "not_base45", "Este código no es de nuestros documentos.", "Not one of ours."
            )

        async def head() -> Head:
            return Head(self.epoch, len(self.stream))

        return Sources(document_of, head)

    # Looking.

    async def counts(self) -> dict[JobState, int]:
        return dict(Counter(job.state for job in self.jobs.values()))

    async def queue(self, states: Sequence[JobState] | None = None) -> list[Job]:
        first = {JobState.UNDETERMINED: 0, JobState.ATTENTION: 0, JobState.SPOILED: 0}
        found = [job for job in self.jobs.values() if states is None or job.state in states]
        return sorted(found, key=lambda job: (first.get(job.state, 2), -job.priority, job.id))

    async def job(self, job_id: str) -> JobView:
        job = self.jobs.get(job_id)
        if job is None:
            raise Conflict(Reason("no_such_job", "No existe ese trámite.", "There is no such job."))
        application = Application(
            f"R-{job.ticket}", self.office, job.document_type, job.kind, date(2026, 11, 20),
            self.people[job_id], "p.png", categories=(CategoryRequest("B"), CategoryRequest("P")),
        )  # fmt: skip
        portrait = Portrait((300, 386), picture((300, 386), "#d8c3a5", "", "JPEG")).to_bytes()
        documents = [d for d in self.documents.values() if d.job_id == job_id]
        return JobView(job, CaseFile(application, None, portrait), documents)

    async def find_by_document(self, number: str) -> Job:
        job_id = self.documents[number].job_id
        assert job_id is not None
        return self.jobs[job_id]

    async def events(self, after: int, limit: int = 500) -> list[Event]:
        return [event for event in self.stream if event.seq > after][:limit]

    async def devices(self) -> list[DeviceView]:
        return list(self.machines.values())

    async def preview(self, job_id: str) -> list[bytes]:
        words = f"{self.jobs[job_id].ticket}  {self.people[job_id].full_name}"
        return [picture((1012, 638), "#e8f0e4", words), picture((1012, 638), "#e4e8f0", words)]

    async def file_of(self, number: str) -> bytes:
        raise Conflict(Reason("no_such_document", "No hay.", "There is none."))

    async def stock(self) -> list[Line]:
        return [Line("PVC-LIC", received=100, issued=4, closing=96)]

    # Acting.

    def _act(self, name: str, *details: Any) -> None:
        self.calls.append((name, *details))
        if self.failing is not None:
            error, self.failing = self.failing, None
            raise error

    async def order_print(self, job_id: str, actor: Actor, lane: str | None = None) -> Job:
        self._act("print", job_id, actor.name, lane)
        return self.move(job_id, JobState.ADMITTED, released=True)

    async def cancel(self, job_id: str, actor: Actor, reason: str) -> Job:
        self._act("cancel", job_id, actor.name, reason)
        return self.move(job_id, JobState.CANCELLED)

    async def inspect(
        self, job_id: str, actor: Actor, qr_text: str, serial: str | None
    ) -> Inspected:
        self._act("inspect", job_id, actor.name, serial)
        job = self.jobs[job_id]
        assert job.document_number is not None
        if serial != self.documents[job.document_number].blank_serial:
            job = self.move(job_id, JobState.ATTENTION, reasons=(MISFEED,))
            self.machines["lic-1"] = replace(
                self.machines["lic-1"], state="stopped", reason=MISFEED, phase="", done=0.0
            )
            self.emit("lane.stopped", "lic-1")
            return Inspected(job, Finding(False, "valid", MISFEED, stops_lane=True))
        return Inspected(self.move(job_id, JobState.SETTLED), Finding(True, "valid"))

    async def deliver(
        self,
        job_id: str,
        actor: Actor,
        *,
        receiver_kind: str = "holder",
        receiver: str | None = None,
        earlier: str = "none",
    ) -> Job:
        self._act("deliver", job_id, actor.name, receiver_kind, receiver, earlier)
        return self.move(job_id, JobState.DELIVERED)

    async def spoil(self, job_id: str, actor: Actor, cause: str) -> Job:
        self._act("spoil", job_id, actor.name, cause)
        return self.move(job_id, JobState.SPOILED, document_number=None)

    async def reprint(self, job_id: str, actor: Actor, reason: str) -> Job:
        self._act("reprint", job_id, actor.name, reason)
        return self.move(job_id, JobState.ADMITTED, released=True, reprint_reason=reason)

    async def resolve(self, job_id: str, actor: Actor, found: str) -> Job:
        self._act("resolve", job_id, actor.name, found)
        after = {"card": JobState.TO_INSPECT, "in_hopper": JobState.ADMITTED}
        return self.move(job_id, after.get(found, JobState.SPOILED), reasons=())

    async def resolve_lamination(self, job_id: str, actor: Actor, passed: bool) -> Job:
        self._act("lamination", job_id, actor.name, passed)
        return self.move(job_id, JobState.TO_INSPECT if passed else JobState.PRINTED, reasons=())

    async def retry(self, job_id: str, actor: Actor) -> Job:
        self._act("retry", job_id, actor.name)
        return self.move(job_id, JobState.ADMITTED, released=True, reasons=())

    async def stop_lane(self, name: str, actor: Actor, reason: str) -> None:
        self._act("stop", name, actor.name, reason)
        words = Reason("stopped_by_person", reason, reason)
        self.machines[name] = replace(self.machines[name], state="stopped", reason=words)
        self.emit("lane.stopped", name)

    async def resume_lane(self, name: str, actor: Actor) -> None:
        self._act("resume", name, actor.name)
        self.machines[name] = replace(self.machines[name], state="ready", reason=None)
        self.emit("lane.resumed", name)

    async def clear_device(self, name: str, actor: Actor) -> None:
        self._act("clear", name, actor.name)

    async def load_hopper(
        self, actor: Actor, device: str, material: str, serials: Sequence[str]
    ) -> int:
        self._act("load", device, material, tuple(serials))
        if serials[0] == serial(999):
            raise LedgerError(f"{material} {serials[0]} is not in store:{self.office}")
        machine = self.machines[device]
        self.machines[device] = replace(machine, blanks=(machine.blanks or 0) + len(serials))
        return len(serials)

    async def load_roll(
        self, actor: Actor, device: str, material: str, serial: str, prints: int
    ) -> None:
        self._act("roll", device, material, serial, prints)

    def now(self) -> datetime:
        return START

    def describe(self) -> dict[str, Any]:
        return {"hsms": [], "trust_list_version": 1, "trust_list_next_update": START.isoformat()}


def printer(name: str = "lic-1", **changes: Any) -> DeviceView:
    """A licence printer that is ready."""
    view = DeviceView(
        name, "printer", "evolis-agilia", ("LIC",), "ready", None, "", 0.0, None, 84,
        (("RIBBON", 412, 500), ("RETRANSFER", 38, 500)),
    )  # fmt: skip
    return replace(view, **changes)


def full_desk() -> FakeDesk:
    """An office in the middle of a day: a job of every kind that the page must show."""
    desk = FakeDesk()
    cover = Reason("cover_open", "La tapa está abierta: ciérrela.", "The cover is open: close it.")
    unpaid = Reason(
        "unpaid",
        "El depósito 40021 no figura como pagado; pida el comprobante al titular.",
        "Deposit 40021 is not shown as paid; ask the holder for the slip.",
    )
    doubt = Reason(
        "print_undetermined",
        "La impresora dejó de responder mientras imprimía.",
        "The printer stopped answering while it printed.",
    )
    desk.machines = {
        "lic-1": printer(state="working", phase="printing", done=0.55, current_job="job-005"),
        "cie-1": printer(
            "cie-1", model="evolis-primacy2", documents=("CIE",), state="needs", reason=cover,
            blanks=6, supplies=(("RIBBON-YMCKO", 188, 300),),
        ),
        "ci-1": printer(
            "ci-1", model="ipp", documents=("CI",), state="stopped", blanks=240, supplies=(),
            reason=Reason("stopped_by_person", "Cambio de papeletas", "Cambio de papeletas"),
        ),
        "pouch-1": DeviceView(
            "pouch-1", "laminator", "omron-e5cc", ("CI",), "working", None, "laminating", 0.3,
            "job-006", None, (), 128.4,
        ),
    }  # fmt: skip
    desk.add(JobState.ADMITTED, priority=5)
    desk.add(JobState.ADMITTED, type="CIE", kind="new")
    desk.add(JobState.TO_INSPECT)
    desk.add(JobState.UNDETERMINED, reasons=[doubt])
    desk.add(JobState.PRINTING, released=True)
    desk.add(JobState.LAMINATING, type="CI", released=True)
    desk.add(JobState.SETTLED)
    desk.add(JobState.REFUSED, reasons=[unpaid], kind="new")
    desk.add(JobState.ADMITTED, type="CI", kind="replacement", released=True)
    desk.add(JobState.SPOILED, reasons=[Reason("spoiled", "Borrosa.", "Smeared.")])
    return desk
