"""Before any ink: no HSM, a confused HSM, a face that cannot be drawn, a hopper that is empty."""

from __future__ import annotations

from crypto.signer import SignRequest
from issuer import acts
from issuer.domain import DocumentState, JobState
from issuer.store import journal
from tests.hsm.stores import document_claims

from .house.building import COUNTER, House
from .house.people import person, request
from .house.proofs import balanced

LONG = "W" * 175  # fits the claims, and no box of any face


async def test_no_hsm_keeps_the_blank_and_a_retry_goes_on_with_it(house: House) -> None:
    await house.order(request(1))
    house.signer.up = False
    job = await house.turn("lic-1")
    assert (job.state, job.lease) == (JobState.ATTENTION, None)
    assert [reason.code for reason in job.reasons] == ["no_hsm"]
    document = await house.document(job)
    assert document.claims is not None, "no signature is asked for without a stored intention"
    assert (document.qr_text, document.state) == (None, DocumentState.RESERVED)
    assert (await house.blank("LA00000001"))[0] == "reserved"
    assert not house.printers["lic-1"].tray
    house.signer.up = True
    job = await house.go_on(await acts.retry(job.id, house.services, COUNTER))
    assert (job.state, job.document_number) == (JobState.TO_INSPECT, document.number)
    assert (await house.document(job)).claims == document.claims
    assert house.signer.asked == [document.number, document.number]
    assert house.lies(document) == "LA00000001"
    await house.scan(job)
    await balanced(house)


async def test_a_job_that_waits_keeps_others_off_its_blank(house: House) -> None:
    """Its blank is the physical next one: another card would come out on it."""
    await house.order(request(1))
    house.signer.up = False
    await house.turn("lic-1")
    house.signer.up = True
    await house.order(request(2))
    job = await house.turn("lic-1")
    assert (job.state, job.lane, job.lease) == (JobState.ADMITTED, None, None)
    assert job.document_number is None
    needs = house.lanes["lic-1"].needs
    assert needs is not None
    assert needs.code == "hopper_promised"
    assert "LA00000001" in needs.es


async def test_a_signature_over_something_else_is_never_printed(house: House) -> None:
    await house.printed(request(1))
    other = await house.signer.sign(SignRequest("x", "LIC", document_claims("LIC", 7)))
    house.signer.instead = other
    await house.order(request(2))
    job = await house.turn("lic-1")
    assert job.state is JobState.ATTENTION
    assert [reason.code for reason in job.reasons] == ["seal_refused"]
    assert (await house.document(job)).qr_text is None
    assert len(house.printers["lic-1"].tray) == 1


async def test_a_name_that_does_not_fit_frees_the_blank_for_the_next(house: House) -> None:
    wide = person(1, given_names=LONG)
    await house.order(request(1, who=wide))
    await house.order(request(2))
    job = await house.turn("lic-1")
    assert (job.state, job.lease, job.lane) == (JobState.ATTENTION, None, None)
    assert job.document_number is None
    assert [reason.code for reason in job.reasons] == ["text_overflow"]
    assert "WWW" not in repr(job.reasons)
    (document,) = await house.documents(job)
    assert document.state is DocumentState.VOID
    assert await house.verdict(document) == "void"
    assert (await house.blank("LA00000001"))[::2] == ("loaded", None)
    second = await house.turn("lic-1")
    assert (await house.document(second)).blank_serial == "LA00000001"
    assert house.lies(await house.document(second)) == "LA00000001"
    await house.scan(second)
    await balanced(house)
    # Asked again it goes back to the queue, for a new number and a new seal.
    job = await acts.retry(job.id, house.services, COUNTER)
    assert (job.state, job.released) == (JobState.ADMITTED, True)
    job = await house.turn("lic-1")
    assert [d.state for d in await house.documents(job)] == [DocumentState.VOID] * 2
    await balanced(house)


async def test_an_empty_hopper_gives_the_job_back(house: House) -> None:
    for number in range(1, 6):
        await house.settled(request(number))
    waiting = await house.order(request(6))
    job = await house.turn("lic-1")
    assert (job.id, job.state) == (waiting.id, JobState.ADMITTED)
    assert (job.lane, job.lease, job.document_number) == (None, None, None)
    needs = house.lanes["lic-1"].needs
    assert needs is not None
    assert needs.code == "hopper_empty"
    assert house.signer.asked == [laid.order.job_id for laid in house.printers["lic-1"].tray]
    await house.load("lic-1", "PVC-LIC", ["LA00000009"])
    job = await house.turn("lic-1")
    assert house.lies(await house.document(job)) == "LA00000009"
    await house.scan(job)
    await balanced(house)


async def test_the_machine_is_asked_before_every_journal_line(house: House) -> None:
    job = await house.printed(request(1))
    line = await house.store.read(journal.last, job.id, "print")
    assert line is not None
    assert line.before.counters == {"printed": 0}
    assert {supply.remaining for supply in line.before.supplies} == {500}
