"""The flow from a request to a delivered document, on real store, composer and HSMs."""

from __future__ import annotations

from issuer import acts
from issuer.domain import BlankState, DocumentState, JobState
from issuer.store import journal, outbox
from verifier.pictures import qr_texts

from .house.building import COUNTER, House
from .house.people import OFFICE, personal_words, request
from .house.proofs import balanced, nobody_is_named

LICENCE_POINTS = ["admitted", "reserved", "sealing", "sealed", "composed", "printing", "printed"]


async def kinds(house: House, job_id: str) -> list[str]:
    events = await house.store.read(outbox.events_after, OFFICE, 0)
    return [event.kind for event in events if event.subject == job_id]


async def test_a_licence_from_request_to_holder(house: House) -> None:
    job = await house.take_in(house.people.know(request(1)))
    assert (job.state, job.released, job.lease) == (JobState.ADMITTED, False, None)
    assert await house.claim("lic-1") is None, "printed before the counter ordered it"
    await acts.order_print(job.id, house.services, COUNTER)
    job = await house.turn("lic-1")
    assert (job.state, job.lease, job.attempts) == (JobState.TO_INSPECT, None, 1)
    laid = house.printers["lic-1"].tray[0]
    document = await house.document(job)
    assert (laid.serial, laid.order.job_id) == ("LA00000001", document.number)
    assert laid.order.back is not None
    # What the scanner reads off the K layer that went to the machine is what was sealed.
    assert qr_texts(laid.order.back.black.convert("L")) == [document.qr_text]
    job = (await house.scan(job)).job
    assert (job.state, job.lease) == (JobState.SETTLED, None)
    job = await acts.deliver(job.id, house.services, COUNTER)
    assert job.state is JobState.DELIVERED
    assert (await house.document(job)).state is DocumentState.DELIVERED
    assert await house.blank("LA00000001") == (BlankState.ISSUED, "issued", document.number)
    assert await house.verdict(document) == "valid"
    assert house.points == [*LICENCE_POINTS, "inspected", "settled"]
    assert [kind for kind in await kinds(house, job.id) if kind != "job.act"] == [
        "job.received", "job.admitted", "job.admitted", "job.claimed", "job.reserved",
        "job.sealing", "job.sealed", "job.printing", "job.to_inspect", "inspection.passed",
        "job.inspected", "job.settled", "job.delivered",
    ]  # fmt: skip
    line = await house.store.read(journal.last, job.id, "print")
    assert line is not None
    assert (line.outcome, line.device) == ("printed", "lic-1")
    await balanced(house)


async def test_no_table_but_three_names_the_person(house: House) -> None:
    wanted = request(1)
    await house.delivered(wanted, receiver_kind="collector", receiver="Otra Persona, 123")
    await nobody_is_named(house, personal_words(wanted.person))
    await nobody_is_named(house, ["Otra Persona"])


async def test_a_certificate_needs_no_machine_and_nobody(house: House) -> None:
    job = await house.take_in(house.people.know(request(2, "CERTQR")))
    assert job.released
    job = await house.turn("files")
    assert (job.state, job.lease) == (JobState.SETTLED, None)
    document = await house.document(job)
    assert document.blank_serial is None
    assert document.file is not None
    assert document.file.startswith(b"%PDF-")
    assert await house.verdict(document) == "valid"
    assert not any(printer.tray for printer in house.printers.values())
    await balanced(house)


async def test_an_identity_card_goes_through_the_plastifier(house: House) -> None:
    job = await house.printed(request(3, "CI"), "ci-1")
    assert job.state is JobState.TO_INSPECT
    assert house.laminator.passed == 1
    line = await house.store.read(journal.last, job.id, "laminate")
    assert line is not None
    assert (line.outcome, line.device) == ("printed", "pouch-1")
    order = house.printers["ci-1"].tray[0].order
    assert order.pdf is not None
    assert (order.front, order.pages) == (None, 2)
    await house.scan(job)
    await balanced(house)
