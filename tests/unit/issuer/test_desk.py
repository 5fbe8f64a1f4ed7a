"""The desk over a running daemon: everything below the pages, with machines that a test scripts."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, select, update

from issuer.acts import Actor
from issuer.desk import Desk
from issuer.domain import Conflict, Job, JobState
from issuer.store import devices
from issuer.store.schema import applications

from .house.building import COUNTER, CUSTODIAN, House
from .house.machines import DOUBT_LAID, HOPPER_EMPTY
from .house.people import OFFICE, portrait, request
from .house.proofs import balanced
from .house.running import machine, reached, shows, until, working


async def ordered(house: House, desk: Desk, number: int, document_type: str = "LIC") -> Job:
    """Taken in, admitted by the daemon, ordered by the counter."""
    wanted = house.people.know(request(number, document_type))
    job = await desk.take_in(wanted, portrait())
    job = await reached(desk, job, JobState.ADMITTED)
    return await desk.order_print(job.id, COUNTER)


async def scanned(house: House, desk: Desk, job: Job) -> Job:
    """The counter scans the card in the tray; the daemon settles it."""
    job = await reached(desk, job, JobState.TO_INSPECT)
    document = await house.document(job)
    found = await desk.inspect(job.id, COUNTER, document.qr_text or "", house.lies(document))
    assert found.finding.passed
    return await reached(desk, job, JobState.SETTLED)


async def test_a_day_at_the_desk(house: House) -> None:
    """Licence, identity card and certificate, by the loops of the daemon alone."""
    async with working(house) as (_, desk):
        licence = await ordered(house, desk, 1)
        card = await ordered(house, desk, 2, "CI")
        certificate = await desk.take_in(house.people.know(request(3, "CERTQR")), portrait())
        for job in (licence, card):
            await scanned(house, desk, job)
        certificate = await reached(desk, certificate, JobState.SETTLED)
        for job in (licence, card, certificate):
            await desk.deliver(job.id, COUNTER)
        assert {job.state for job in await desk.queue()} == {JobState.DELIVERED}
        assert (await desk.file_of(certificate.document_number or "")).startswith(b"%PDF-")
        stock = {line.material: line for line in await desk.stock()}
        assert (stock["PVC-LIC"].issued, stock["POUCH"].issued) == (1, 1)
        seen = [event.seq for event in await desk.events(0)]
        assert seen == list(range(1, len(seen) + 1))
    await balanced(house)


async def test_no_more_than_three_cards_lie_uninspected(house: House) -> None:
    """Each would be spoiled by a misfeed that nobody has seen yet."""
    async with working(house) as (_, desk):
        orders = [await ordered(house, desk, number) for number in range(1, 6)]
        await shows(desk, "lic-1", "needs", "inspect_first")
        assert len(house.printers["lic-1"].tray) == 3
        waiting = [job for job in await desk.queue() if job.state is JobState.ADMITTED]
        assert len(waiting) == 2
        printed = await desk.queue([JobState.TO_INSPECT])
        await scanned(house, desk, printed[0])
        await until(lambda: _laid(house, 4), "a fourth card after an inspection")
        assert len(orders) == 5


async def _laid(house: House, count: int) -> bool:
    return len(house.printers["lic-1"].tray) == count


async def test_an_empty_hopper_waits_for_blanks_and_goes_on(house: House) -> None:
    async with working(house) as (_, desk):
        for number in range(1, 4):
            await scanned(house, desk, await ordered(house, desk, number, "CI"))
        job = await ordered(house, desk, 4, "CI")
        await shows(desk, "ci-1", "needs", "hopper_empty")
        assert (await desk.job(job.id)).job.state is JobState.ADMITTED
        await desk.receive_blanks(CUSTODIAN, "CI-PAPELETA", "lot-2", ["CP00000009"], "AV-2/3")
        house.printers["ci-1"].hopper = ["CP00000009"]
        await desk.load_hopper(CUSTODIAN, "ci-1", "CI-PAPELETA", ["CP00000009"])
        job = await reached(desk, job, JobState.TO_INSPECT)
        assert (await house.document(job)).blank_serial == "CP00000009"


async def test_a_machine_that_needs_something_says_so_and_goes_on_by_itself(house: House) -> None:
    printer = house.printers["lic-1"]
    printer.conditions = (HOPPER_EMPTY,)
    async with working(house) as (_, desk):
        job = await ordered(house, desk, 1)
        view = await shows(desk, "lic-1", "needs", "hopper_empty")
        assert view.reason is not None
        assert view.reason.es == HOPPER_EMPTY.es
        assert (await desk.job(job.id)).job.state is JobState.ADMITTED
        printer.conditions = ()
        await reached(desk, job, JobState.TO_INSPECT)


async def test_a_machine_that_is_off_keeps_the_job_in_the_queue(house: House) -> None:
    printer = house.printers["lic-1"]
    printer.away = True
    async with working(house) as (_, desk):
        job = await ordered(house, desk, 1)
        await shows(desk, "lic-1", "needs", "unreachable")
        assert (await desk.job(job.id)).job.document_number is None
        printer.away = False
        await reached(desk, job, JobState.TO_INSPECT)
        assert (await machine(desk, "lic-1")).supplies[0][::2] == ("RIBBON", 500)


async def test_a_lane_in_doubt_stops_and_waits_for_a_person(house: House) -> None:
    house.printers["lic-1"].script.append(DOUBT_LAID)
    async with working(house) as (daemon, desk):
        doubtful = await ordered(house, desk, 1)
        await reached(desk, doubtful, JobState.UNDETERMINED)
        await shows(desk, "lic-1", "stopped", "print_undetermined")
        second = await ordered(house, desk, 2)
        with pytest.raises(Conflict) as caught:
            await desk.resume_lane("lic-1", COUNTER)
        assert caught.value.reason.code == "resolve_first"
        assert doubtful.ticket in caught.value.reason.es
        stored = await house.store.read(devices.pauses, OFFICE)
        assert stored["lic-1"].code == "print_undetermined", "a restart must not forget it"
        assert (await desk.job(second.id)).job.state is JobState.ADMITTED
        await desk.resolve(doubtful.id, COUNTER, "card")
        await scanned(house, desk, doubtful)
        await desk.resume_lane("lic-1", COUNTER)
        await scanned(house, desk, second)
        assert await house.store.read(devices.pauses, OFFICE) == {}
        assert daemon.lanes["lic-1"].stopped is None
    await balanced(house)


async def test_a_person_stops_a_lane_clears_it_and_lets_it_go_on(house: House) -> None:
    async with working(house) as (_, desk):
        with pytest.raises(Conflict) as caught:
            await desk.clear_device("lic-1", COUNTER)
        assert caught.value.reason.code == "stop_first"
        await desk.stop_lane("lic-1", COUNTER, "cambio de cinta")
        view = await shows(desk, "lic-1", "stopped", "stopped_by_person")
        assert view.reason is not None
        assert view.reason.es == "cambio de cinta"
        job = await ordered(house, desk, 1)
        await desk.clear_device("lic-1", COUNTER)
        assert house.printers["lic-1"].cleared == 1
        assert (await desk.job(job.id)).job.state is JobState.ADMITTED
        await desk.resume_lane("lic-1", COUNTER)
        await reached(desk, job, JobState.TO_INSPECT)
        kinds = [e.kind for e in await desk.events(0) if e.subject == "lic-1"]
        assert kinds[-2:] == ["lane.stopped", "lane.resumed"]


async def test_a_stop_outlives_the_daemon(house: House) -> None:
    async with working(house) as (_, desk):
        await desk.stop_lane("lic-1", COUNTER, "mantenimiento")
    house.lanes["lic-1"].stopped = None  # a new process knows only what is stored
    async with working(house) as (_, desk):
        await shows(desk, "lic-1", "stopped", "stopped_by_person")
        job = await ordered(house, desk, 1)
        await shows(desk, "lic-1", "stopped", "stopped_by_person")
        assert (await desk.job(job.id)).job.state is JobState.ADMITTED


async def test_the_desk_shows_only_its_office(house: House) -> None:
    async with working(house) as (_, desk):
        job = await ordered(house, desk, 1)
        job = await reached(desk, job, JobState.TO_INSPECT)
        assert (await desk.find_by_document(job.document_number or "")).id == job.id
        view = await desk.job(job.id)
        assert view.case.application.request_id == "T-001"
        assert [document.number for document in view.documents] == [job.document_number]
        pictures = await desk.preview(job.id)
        assert [picture[:4] for picture in pictures] == [b"\x89PNG", b"\x89PNG"]
        desk.office = "LP-01"
        for look in (
            desk.job(job.id),
            desk.find_by_document(job.document_number or ""),
            desk.preview(job.id),
            desk.file_of(job.document_number or ""),
        ):
            with pytest.raises(Conflict) as caught:
                await look
            assert caught.value.reason.code == "no_such_job"
        assert await desk.queue() == []


async def test_what_is_not_there_is_said_kindly(house: House) -> None:
    async with working(house) as (_, desk):
        job = await desk.take_in(house.people.know(request(1)), portrait())
        with pytest.raises(Conflict, match="no_document"):
            await desk.preview(job.id)
        with pytest.raises(Conflict, match="no_lane"):
            await desk.stop_lane("nada", COUNTER, "x")
        with pytest.raises(Conflict, match="state"):
            await desk.order_print(job.id, Actor("otra", "LP-01"))
        told = desk.describe()
        assert [hsm["name"] for hsm in told["hsms"]] == ["hsm-a", "hsm-b"]
        assert told["trust_list_version"] >= 1


async def test_two_daemons_never_own_one_machine(house: House) -> None:
    """A standby takes over when the first gives its machines back."""
    async with working(house) as (first, desk):
        await shows(desk, "lic-1", "ready")
        names = list(house.lanes)
        taken = await house.store.run(devices.acquire, names, "standby", house.now(), 30.0)
        assert taken == set()
        assert all(lane.owned for lane in first.lanes.values())
    taken = await house.store.run(devices.acquire, names, "standby", house.now(), 30.0)
    assert taken == set(names)


def damage(conn: Connection, job_id: str) -> None:
    mine = applications.c.job_id == job_id
    data = dict(conn.execute(select(applications.c.data).where(mine)).scalar_one())
    data["person"] = {**data["person"], "given_names": "W" * 199}
    conn.execute(update(applications).where(mine).values(data=data))


async def test_a_job_that_no_step_can_take_is_told_to_a_person(house: House) -> None:
    """A case file damaged after admission fails in no foreseen way (its name is longer than
    claims may be): it must not hold its blank and its lane for ever."""
    async with working(house) as (daemon, desk):
        good = house.people.know(request(1))
        job = await reached(desk, await desk.take_in(good, portrait()), JobState.ADMITTED)
        await house.store.run(damage, job.id)
        await desk.order_print(job.id, COUNTER)

        async def told() -> bool:
            await daemon._beat()  # errors are told with the heartbeat, every ten seconds here
            return (await desk.job(job.id)).job.state is JobState.ATTENTION

        await until(told, "the failed job is told to a person")
        job = (await desk.job(job.id)).job
        assert job.lease is None
        assert "WWW" not in repr(job.reasons)
        await desk.cancel(job.id, COUNTER, "nombre imposible")
        second = await ordered(house, desk, 2)
        second = await reached(desk, second, JobState.TO_INSPECT)
        assert (await house.document(second)).blank_serial == "LA00000001"
    await balanced(house)
