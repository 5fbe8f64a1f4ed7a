"""People's acts: inspect, spoil, reprint, cancel; each refused where it does not fit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import Connection, select

from issuer import acts
from issuer.acts import Actor
from issuer.custody.ledger import Cause
from issuer.domain import Conflict, DocumentState, Job, JobState
from issuer.store import custody
from issuer.store.schema import inspections

from .house.building import COUNTER, House, movements
from .house.people import OFFICE, request
from .house.proofs import balanced


async def inspected(house: House, job: Job) -> list[tuple[bool, str | None]]:
    def look(conn: Connection) -> list[tuple[bool, str | None]]:
        rows = conn.execute(
            select(inspections).where(inspections.c.job_id == job.id).order_by(inspections.c.id)
        )
        return [(row.passed, row.reason["code"] if row.reason else None) for row in rows]

    return await house.store.read(look)


async def test_another_serial_stops_the_lane_and_leaves_the_card_to_a_person(house: House) -> None:
    """A misfeed: the machine took two blanks at once, so every card after it is shifted."""
    house.printers["lic-1"].hopper.pop(0)
    job = await house.printed(request(1))
    result = await house.scan(job)
    assert not result.finding.passed
    assert result.finding.stops_lane
    assert (result.job.state, result.job.lease) == (JobState.ATTENTION, None)
    assert [reason.code for reason in result.job.reasons] == ["misfeed"]
    assert house.stopped["lic-1"].code == "misfeed"
    assert await inspected(house, job) == [(False, "misfeed")]
    job = await acts.spoil(job.id, house.services, COUNTER, "misfeed")
    assert job.state is JobState.SPOILED
    await balanced(house, machines=False)


async def test_the_qr_of_another_card_stops_the_lane_too(house: House) -> None:
    first = await house.printed(request(1))
    second = await house.printed(request(2))
    text = (await house.document(second)).qr_text
    result = await house.scan(first, qr=text)
    assert (result.finding.passed, result.finding.stops_lane) == (False, True)
    assert [reason.code for reason in result.job.reasons] == ["other_document"]
    assert house.stopped["lic-1"].code == "other_document"


@pytest.mark.parametrize(
    "text", ["", "HELLO", "6BF" + "0" * 200], ids=["nothing", "foreign", "cut"]
)
async def test_an_unreadable_scan_leaves_the_card_to_be_scanned_again(
    house: House, text: str
) -> None:
    job = await house.printed(request(1))
    result = await house.scan(job, qr=text or " ")
    assert (result.finding.passed, result.finding.stops_lane) == (False, False)
    assert (result.job.state, result.job.lease) == (JobState.TO_INSPECT, None)
    assert house.stopped == {}
    again = await house.scan(result.job)
    assert again.job.state is JobState.SETTLED
    assert [passed for passed, _ in await inspected(house, job)] == [False, True]
    await balanced(house)


async def test_a_card_needs_both_scans(house: House) -> None:
    job = await house.printed(request(1))
    document = await house.document(job)
    result = await acts.inspect(job.id, house.services, COUNTER, document.qr_text or "", None)
    assert not result.finding.passed
    assert (await house.job(job.id)).state is not JobState.SETTLED


async def test_spoiled_and_reprinted_both_blanks_are_accounted_for(house: House) -> None:
    job = await house.printed(request(1))
    (first,) = await house.documents(job)
    job = await acts.spoil(job.id, house.services, COUNTER, "smeared")
    assert (job.state, job.document_number, job.lane) == (JobState.SPOILED, None, None)
    assert await house.verdict(first) == "void"
    assert await house.blank("LA00000001") == ("spoiled", "spoiled:CH-01", first.number)
    assert await house.claim("lic-1") is None, "a spoiled job waits for somebody to order it"
    job = await acts.reprint(job.id, house.services, COUNTER, "  corrida en el retrato ")
    assert (job.state, job.released) == (JobState.ADMITTED, True)
    assert job.reprint_reason == "corrida en el retrato"
    job = await house.turn("lic-1")
    old, new = await house.documents(job)
    assert (old.state, new.state) == (DocumentState.VOID, DocumentState.PRINTED)
    assert new.blank_serial == "LA00000002"
    assert new.qr_text != old.qr_text
    assert house.signer.asked == [old.number, new.number]
    job = (await house.scan(job)).job
    assert job.state is JobState.SETTLED
    assert (await house.verdict(old), await house.verdict(new)) == ("void", "valid")
    lines = {line.material: line for line in await house.store.read(custody.ledger_summary, OFFICE)}
    blanks, ribbon = lines["PVC-LIC"], lines["RIBBON"]
    assert (blanks.issued, blanks.spoiled, blanks.closing) == (1, 1, 3)
    assert (ribbon.issued, ribbon.closing) == (2, 498)
    spoiling = [move for move in await movements(house) if move.cause is Cause.SPOILED]
    assert [(m.serial, m.actor, m.note) for m in spoiling] == [
        ("LA00000001", "ventanilla", "smeared")
    ]
    await balanced(house)


async def test_the_old_card_of_a_reprint_does_not_pass_the_counter(house: House) -> None:
    job = await house.printed(request(1))
    old = await house.document(job)
    await acts.spoil(job.id, house.services, COUNTER, "smeared")
    await acts.reprint(job.id, house.services, COUNTER, "again")
    job = await house.turn("lic-1")
    await house.services.trust.publish()
    result = await house.scan(job, qr=old.qr_text)
    assert not result.finding.passed


async def test_a_reprint_wants_a_reason(house: House) -> None:
    job = await house.printed(request(1))
    await acts.spoil(job.id, house.services, COUNTER, "smeared")
    with pytest.raises(Conflict) as caught:
        await acts.reprint(job.id, house.services, COUNTER, "  ")
    assert caught.value.reason.code == "reason"


async def test_cancelled_before_any_ink_the_blank_serves_another(house: House) -> None:
    await house.order(request(1))
    house.signer.up = False
    job = await house.turn("lic-1")
    house.signer.up = True
    (document,) = await house.documents(job)
    job = await acts.cancel(job.id, house.services, COUNTER, "ya no quiere")
    assert (job.state, job.lease, job.document_number) == (JobState.CANCELLED, None, None)
    assert await house.blank("LA00000001") == ("loaded", "hopper:lic-1", None)
    assert (await house.documents(job))[0].state is DocumentState.VOID
    second = await house.printed(request(2))
    new = await house.document(second)
    assert (new.blank_serial, house.lies(new)) == ("LA00000001", "LA00000001")
    assert new.number != document.number
    assert new.status_index != document.status_index
    await house.scan(second)
    await balanced(house)


async def test_cancelled_in_the_queue(house: House) -> None:
    job = await house.order(request(1))
    job = await acts.cancel(job.id, house.services, COUNTER, "duplicada")
    assert job.state is JobState.CANCELLED
    assert await house.claim("lic-1") is None
    await balanced(house)


async def test_what_has_ink_is_not_cancelled(house: House) -> None:
    house.printers["lic-1"].hopper.pop(0)
    job = await house.printed(request(1))
    job = (await house.scan(job)).job  # ATTENTION: misfeed
    with pytest.raises(Conflict) as caught:
        await acts.cancel(job.id, house.services, COUNTER, "no")
    assert caught.value.reason.code == "has_ink"
    with pytest.raises(Conflict) as caught:
        await acts.retry(job.id, house.services, COUNTER)
    assert caught.value.reason.code == "has_ink"
    assert (await house.job(job.id)).state is JobState.ATTENTION


Act = Callable[[str, House, Actor], Awaitable[object]]
ACTS: dict[str, Act] = {
    "order": lambda job, house, who: acts.order_print(job, house.services, who),
    "cancel": lambda job, house, who: acts.cancel(job, house.services, who, "x"),
    "deliver": lambda job, house, who: acts.deliver(job, house.services, who),
    "spoil": lambda job, house, who: acts.spoil(job, house.services, who, "smeared"),
    "reprint": lambda job, house, who: acts.reprint(job, house.services, who, "x"),
    "resolve": lambda job, house, who: acts.resolve(job, house.services, who, "card"),
    "lamination": lambda job, house, who: acts.resolve_lamination(job, house.services, who, True),
    "retry": lambda job, house, who: acts.retry(job, house.services, who),
}


async def refused(house: House, job: Job, allowed: set[str], who: Actor = COUNTER) -> None:
    """Every act but the allowed ones is refused with words, and changes nothing."""
    for name, act in ACTS.items():
        if name not in allowed:
            with pytest.raises(Conflict) as caught:
                await act(job.id, house, who)
            assert caught.value.reason.code == "state", name
            assert job.ticket in caught.value.reason.es
    assert await house.job(job.id) == job


async def test_acts_that_do_not_fit_are_refused_and_change_nothing(house: House) -> None:
    admitted = await house.take_in(house.people.know(request(1)))
    await refused(house, admitted, {"order", "cancel"})
    printed = await house.printed(request(2))
    await refused(house, printed, {"spoil"})
    settled = (await house.scan(printed)).job
    await refused(house, settled, {"deliver"})
    delivered = await acts.deliver(settled.id, house.services, COUNTER)
    await refused(house, delivered, set())
    spoiled_later = await house.printed(request(3))
    spoiled = await acts.spoil(spoiled_later.id, house.services, COUNTER, "smeared")
    await refused(house, spoiled, {"reprint", "cancel"})


async def test_nobody_of_another_office_acts(house: House) -> None:
    admitted = await house.take_in(house.people.know(request(1)))
    await refused(house, admitted, set(), Actor("ventanilla", "LP-01"))


async def test_an_act_on_a_job_that_is_not_there(house: House) -> None:
    with pytest.raises(Conflict) as caught:
        await acts.order_print("nothing", house.services, COUNTER)
    assert caught.value.reason.code == "no_such_job"


async def test_two_scans_at_once_settle_once(house: House) -> None:
    job = await house.printed(request(1))
    document = await house.document(job)
    text = document.qr_text or ""
    first = await acts.inspect(job.id, house.services, COUNTER, text, document.blank_serial)
    with pytest.raises(Conflict):
        await acts.inspect(job.id, house.services, COUNTER, text, document.blank_serial)
    assert (await house.go_on(first.job)).state is JobState.SETTLED
    await balanced(house)
