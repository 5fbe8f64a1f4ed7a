"""Documents per second end to end: admit to settle, durable, without device time.

Real store, HSM pool of two, verification after signing, composing with read-back by two readers;
only machines and people answer at once. The mix is the agency's year: 85 % identity cards (forms
as PDF), 14 % licences (600 dpi), 1 % foreigners' cards. Intake (portraits) is not timed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from benchmarks._parts import InstantLaminator, InstantPrinter, Watch
from issuer.acts import Actor
from issuer.applications import Application, read_applications
from issuer.config import DeviceSection, load_config
from issuer.daemon import Daemon, open_daemon
from issuer.desk import Desk
from issuer.domain import JobState
from issuer.lanes import LaminatorPlace, Laminators, Lane
from issuer.outside import Outside, load_outside
from issuer.payments import CsvPayments, Payment
from issuer.profile import Profile, load_profile
from issuer.registry import CsvRegistry
from issuer.store import custody, documents
from issuer.store.schema import office_sequences
from issuer.trial.bench import DAY, PROJECT, prepare_hsm, sample_day

COUNT = int(os.environ.get("BENCH_ISSUE_DOCUMENTS", "600"))
LANES = {"CI": 12, "LIC": 3, "CIE": 1}
SHARE = {"CI": 0.85, "LIC": 0.14, "CIE": 0.01}
MATERIAL = {"CI": "CI-PAPELETA", "LIC": "PVC-LIC", "CIE": "PVC-CIE"}
DPI = {"CI": 300, "LIC": 600, "CIE": 300}
TARGET = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """Requests with the outside world that knows them."""

    applications: list[Application]
    outside: Outside
    portraits: dict[str, bytes]


def make_load(count: int, profile: Profile) -> Load:
    """``count`` requests cloned from the sample day's admitted ones, each its own person."""
    expected = (DAY / "expected.csv").read_text(encoding="utf-8").splitlines()
    good = {line.split(",")[0] for line in expected if ",admitted" in line}
    found = [a for a in read_applications(DAY / "requests.jsonl") if isinstance(a, Application)]
    by_type = {
        code: [a for a in found if a.request_id in good and a.document_type == code]
        for code in SHARE
    }
    outside = load_outside(DAY, profile)
    assert isinstance(outside.registry, CsvRegistry)
    assert isinstance(outside.payments, CsvPayments)
    records, payments, applications, portraits = {}, {}, [], {}
    for number in range(count):
        code = _type_of(number, count)
        base = by_type[code][number % len(by_type[code])]
        person_id = f"{'E-' if code == 'CIE' else ''}{8_000_000 + number}"
        slip = f"B-{number:08d}"
        record = asyncio.run(outside.registry.find(base.person.person_id))
        payment = asyncio.run(outside.payments.find(base.payment)) if base.payment else None
        if record is not None:
            records[person_id] = replace(record, person_id=person_id)
        if payment is not None:
            payments[slip] = replace_payment(payment, slip, person_id)
        if base.portrait is not None:
            portraits[base.portrait] = (DAY / base.portrait).read_bytes()
        applications.append(
            replace(
                base,
                request_id=f"B-{number:08d}",
                person=replace(base.person, person_id=person_id),
                payment=slip if payment else None,
                lost=None,
            )
        )
    world = Outside(CsvRegistry(records), CsvPayments(payments), outside.lists)
    return Load(applications, world, portraits)


def replace_payment(payment: Payment, slip: str, person_id: str) -> Payment:
    """The same payment on another slip, for another person."""
    return replace(payment, slip=slip, person_id=person_id if payment.person_id else None)


def _type_of(number: int, count: int) -> str:
    """Spread evenly: a stride that is prime to the count."""
    place = (number * 7919 % count) / count
    return "CI" if place < SHARE["CI"] else "LIC" if place < SHARE["CI"] + SHARE["LIC"] else "CIE"


def write_config(directory: Path, hsm: Path, store: str) -> Path:
    """A configuration without devices: the benchmark brings lanes of its own."""
    day = sample_day()
    path = directory / "fedatario.toml"
    path.write_text(
        f'[service]\ndata_dir = "data"\nstore = "{store}"\noffice = "{day["office"]}"\n'
        f'lease_s = 60\nbusiness_date = {day["date"]}\n[hsm]\ndir = "{hsm}"\n',
        encoding="utf-8",
    )
    return path


def add_lanes(daemon: Daemon) -> None:
    """Lanes whose machines answer at once."""
    lanes = dict(daemon.lanes)
    for code, many in LANES.items():
        for number in range(many):
            name = f"{code.lower()}-{number}"
            section = DeviceSection(
                name=name, model="instant", url="", documents=(code,), max_uninspected=1000
            )
            lanes[name] = Lane(section, InstantPrinter(name, DPI[code]), (code,))
    daemon.lanes = lanes
    places = {}
    for number in range(LANES["CI"]):
        section = DeviceSection(name=f"pouch-{number}", model="instant", url="", documents=("CI",))
        places[section.name] = LaminatorPlace(section, InstantLaminator(section.name))
    daemon.laminators = Laminators(places)


async def stock_up(desk: Desk, daemon: Daemon, count: int) -> None:
    """Enough blanks in every hopper, rolls and pouches."""
    actor = Actor("bench", desk.office)
    await desk.receive_counted(actor, "POUCH", count * 2, "P", "bench")
    for number, lane in enumerate(daemon.lanes.values()):
        if lane.printer is None:
            continue
        material = MATERIAL[lane.types[0]]
        serials = [f"{chr(65 + number)}A{n:08d}" for n in range(count)]
        await desk.receive_blanks(actor, material, "L", serials, "bench")
        await desk.load_hopper(actor, lane.name, material, serials)
        for line in daemon.services.profile.document(lane.types[0]).bill:
            if daemon.services.profile.material(line.material).tracking == "roll":
                await desk.load_roll(
                    actor, lane.name, line.material, f"R-{lane.name}-{line.material}", count * 2
                )


def _last_event(conn: Connection, office: str) -> int:
    return (
        int(
            conn.execute(
                select(office_sequences.c.next_event).where(office_sequences.c.office == office)
            ).scalar_one()
        )
        - 1
    )


async def drive(desk: Desk, daemon: Daemon, count: int) -> float:
    """Orders and inspects as events come; seconds from start to the last settled document."""
    actor = Actor("bench", desk.office)
    settled, after = 0, await daemon.services.store.read(_last_event, desk.office)
    start = time.perf_counter()
    running = asyncio.create_task(daemon.run())
    acts: set[asyncio.Task[Any]] = set()

    def do(work: Any) -> None:
        task = asyncio.create_task(work)
        acts.add(task)
        task.add_done_callback(acts.discard)

    async def inspect(job_id: str, number: str) -> None:
        document = await daemon.services.store.read(documents.get, number)
        assert document.qr_text is not None
        done = await desk.inspect(job_id, actor, document.qr_text, document.blank_serial)
        assert done.finding.passed, done.finding

    while settled < count:
        events = await desk.events(after, 2000)
        if not events:
            await asyncio.sleep(0.005)
            if running.done():
                running.result()
            continue
        after = events[-1].seq
        for event in events:
            if event.kind == "job.admitted" and not event.data:
                do(desk.order_print(event.subject, actor))
            elif event.kind == "job.to_inspect":
                do(inspect(event.subject, event.data["document"]))
            elif event.kind == "job.settled":
                settled += 1
            elif event.kind in ("job.attention", "job.undetermined", "job.refused"):
                raise RuntimeError(f"{event.kind}: {event.data}")
    seconds = time.perf_counter() - start
    running.cancel()
    await asyncio.gather(running, *acts, return_exceptions=True)
    return seconds


async def measure(
    directory: Path,
    hsm: Path,
    store: str,
    count: int,
    before: Callable[[Daemon], Awaitable[None]] | None = None,
) -> tuple[float, Watch]:
    """Seconds for ``count`` documents on a new store, which ``before`` may fill."""

    config = load_config(write_config(directory, hsm, store))
    profile = load_profile(config.profile_dir)
    load = await asyncio.to_thread(make_load, count, profile)
    watch = Watch()
    async with open_daemon(config, outside=load.outside, durable=watch.point) as daemon:
        add_lanes(daemon)
        await daemon.services.store.run(_device_rows, daemon)
        desk = Desk(daemon)
        await stock_up(desk, daemon, count)
        if before is not None:
            await before(daemon)
        for application in load.applications:
            portrait = load.portraits.get(application.portrait or "")
            await desk.take_in(application, portrait)
        watch.begin()
        seconds = await drive(desk, daemon, count)
        watch.end()
        if before is None:
            lines = await daemon.services.store.read(custody.ledger_summary, daemon.office)
            assert all(line.balanced for line in lines), lines
        states = Counter(job.state for job in await desk.queue([JobState.SETTLED]))
        assert states, "nothing was settled"
        return seconds, watch


def _device_rows(conn: Any, daemon: Daemon) -> None:
    from issuer.store import devices

    for device in daemon.devices():
        if device.name != "files":
            devices.ensure(
                conn, name=device.name, office=daemon.office, role="printer", model="instant"
            )


def run() -> list[dict[str, Any]]:
    """See ``benchmarks.__main__``. The reference is the target of the design."""
    directory = Path(tempfile.mkdtemp(prefix="bench-issue-"))
    try:
        profile = load_profile(PROJECT / "issuer" / "profiles" / "bolivia")
        hsm = prepare_hsm(directory / "hsm", profile)
        (directory / "run").mkdir()
        seconds, watch = asyncio.run(measure(directory / "run", hsm, "sqlite", COUNT))
    finally:
        shutil.rmtree(directory)
    rate = COUNT / seconds
    rows = [
        {
            "bench": "issue",
            "name": f"end to end, SQLite, {COUNT} documents, 16 lanes, {os.cpu_count()} cores",
            "value": rate,
            "unit": "documents/s",
            "reference": "design target",
            "reference_value": TARGET,
            "ratio": rate / TARGET,
            "target": f">= {TARGET:g}",
            "holds": rate >= TARGET,
        }
    ]
    return rows + [
        {
            "bench": "issue",
            "name": name,
            "value": value,
            "unit": "ms CPU per document",
            "reference": "wall time x cores",
            "reference_value": seconds / COUNT * 1000 * (os.cpu_count() or 1),
            "ratio": value / (seconds / COUNT * 1000 * (os.cpu_count() or 1)),
            "target": None,
            "holds": None,
        }
        for name, value in watch.per_document(COUNT).items()
    ]
