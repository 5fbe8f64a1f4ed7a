"""Printing at most once: what each answer of a machine does to job, blank, books and lane."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from issuer import acts
from issuer.domain import Conflict, DocumentState, Job, JobState
from issuer.issuance import issue
from issuer.services import boot_seconds
from issuer.store import jobs
from issuer.store.schema import journal, rolls
from printers.ports import Outcome

from .house.building import COUNTER, House
from .house.machines import (
    DOUBT_LAID,
    DOUBT_UNTOUCHED,
    NOT_PRINTED,
    REJECTED,
    SILENT,
    Turn,
)
from .house.people import request
from .house.proofs import balanced

YEAR = timedelta(days=365)


async def outcomes(house: House, job: Job) -> list[str | None]:
    def look(conn: Connection) -> list[str | None]:
        query = select(journal.c.outcome).where(journal.c.job_id == job.id).order_by(journal.c.id)
        return list(conn.execute(query).scalars())

    return await house.store.read(look)


async def test_what_was_not_printed_is_tried_again_with_the_same_blank_and_seal(
    house: House,
) -> None:
    house.printers["lic-1"].script += [NOT_PRINTED, NOT_PRINTED]
    job = await house.printed(request(1))
    assert (job.state, job.attempts) == (JobState.TO_INSPECT, 3)
    assert await outcomes(house, job) == ["not_printed", "not_printed", "printed"]
    document = await house.document(job)
    assert house.signer.asked == [document.number]
    assert house.lies(document) == document.blank_serial == "LA00000001"
    await house.scan(job)
    await balanced(house)


async def test_three_attempts_and_no_more(house: House) -> None:
    machine = house.printers["lic-1"]
    machine.script += [NOT_PRINTED] * 3
    job = await house.printed(request(1))
    assert (job.state, job.attempts, job.lease) == (JobState.ATTENTION, 3, None)
    assert [reason.code for reason in job.reasons] == ["print_failed"]
    assert house.stopped["lic-1"].code == "print_failed"
    assert (machine.script, machine.tray) == (type(machine.script)(), [])
    await balanced(house)
    # A person retries: same seal, same blank, three more attempts.
    house.lanes["lic-1"].stopped = None
    job = await house.go_on(await acts.retry(job.id, house.services, COUNTER))
    assert (job.state, job.attempts) == (JobState.TO_INSPECT, 1)
    assert house.signer.asked == [job.document_number]
    await house.scan(job)
    await balanced(house)


async def test_every_print_shortens_the_rolls_as_the_machine_says(house: House) -> None:
    house.printers["lic-1"].script += [NOT_PRINTED]
    await house.settled(request(1))
    await house.settled(request(2))
    left = await house.store.read(lambda conn: conn.execute(select(rolls.c.remaining)).scalars())
    assert set(left) == {498}


async def in_doubt(house: House, turn: Turn) -> Job:
    house.printers["lic-1"].script.append(turn)
    job = await house.printed(request(1))
    assert (job.state, job.lease) == (JobState.UNDETERMINED, None)
    assert [reason.code for reason in job.reasons] == ["print_undetermined"]
    assert house.stopped["lic-1"].code == "print_undetermined"
    assert (await house.blank("LA00000001"))[:2] == ("quarantine", "quarantine:CH-01")
    assert await outcomes(house, job) == ["undetermined"]
    return job


@pytest.mark.parametrize("turn", [DOUBT_LAID, SILENT], ids=["said so", "link broke"])
async def test_in_doubt_and_the_card_is_found(house: House, turn: Turn) -> None:
    job = await in_doubt(house, turn)
    await balanced(house)
    job = await acts.resolve(job.id, house.services, COUNTER, "card")
    assert (job.state, job.lease) == (JobState.TO_INSPECT, None)
    assert (await house.blank("LA00000001"))[0] == "printed"
    job = (await house.scan(job)).job
    assert job.state is JobState.SETTLED
    assert len(house.printers["lic-1"].tray) == 1
    await balanced(house)


async def test_in_doubt_and_the_blank_lies_in_the_hopper(house: House) -> None:
    job = await in_doubt(house, DOUBT_UNTOUCHED)
    (first,) = await house.documents(job)
    job = await acts.resolve(job.id, house.services, COUNTER, "in_hopper")
    assert (job.state, job.lane, job.document_number) == (JobState.ADMITTED, None, None)
    await balanced(house)  # on top of the hopper again, by the books as by the machine
    house.lanes["lic-1"].stopped = None
    job = await house.turn("lic-1")
    old, new = await house.documents(job)
    assert (old.number, old.state) == (first.number, DocumentState.VOID)
    assert new.blank_serial == first.blank_serial == "LA00000001"
    assert new.qr_text != first.qr_text
    assert await house.verdict(first) == "void"
    assert (await house.scan(job)).finding.passed
    await balanced(house)


async def test_in_doubt_and_the_blank_is_spoiled(house: House) -> None:
    job = await in_doubt(house, DOUBT_LAID)
    job = await acts.resolve(job.id, house.services, COUNTER, "spoiled")
    assert (job.state, job.document_number) == (JobState.SPOILED, None)
    assert (await house.blank("LA00000001"))[:2] == ("spoiled", "spoiled:CH-01")
    (document,) = await house.documents(job)
    assert await house.verdict(document) == "void"
    await balanced(house)


async def test_a_card_in_the_reject_tray_is_not_printed_again(house: House) -> None:
    """The machine knows that it did not print; its blank is no longer in the hopper all the
    same, so another attempt would go on another serial."""
    house.printers["lic-1"].script.append(REJECTED)
    job = await house.printed(request(1))
    assert (job.state, job.attempts) == (JobState.UNDETERMINED, 1)
    assert await outcomes(house, job) == ["not_printed"]
    assert (await house.blank("LA00000001"))[0] == "quarantine"
    assert "lic-1" in house.stopped
    await balanced(house)
    await acts.resolve(job.id, house.services, COUNTER, "spoiled")
    await balanced(house)


async def test_what_was_found_is_one_of_three(house: House) -> None:
    job = await in_doubt(house, DOUBT_LAID)
    with pytest.raises(Conflict) as caught:
        await acts.resolve(job.id, house.services, COUNTER, "maybe")
    assert caught.value.reason.code == "found"
    assert (await house.job(job.id)).state is JobState.UNDETERMINED


async def test_a_daemon_past_its_lease_sends_nothing(house: House) -> None:
    """The gate is asked before the ink, after the intention was stored."""
    machine = house.printers["lic-1"]
    await house.order(request(1))
    claimed = await house.claim("lic-1")
    assert claimed is not None

    def overslept() -> None:
        house.services.heartbeat.good_until = boot_seconds() - 1

    machine.before_ink = overslept
    await issue(claimed, house.services, house.lanes["lic-1"], house.laminators)
    assert machine.tray == []
    job = await house.job(claimed.id)
    assert job.state is JobState.PRINTING
    assert await outcomes(house, job) == [None]


async def test_another_daemon_s_lease_fences_what_comes_back(house: House) -> None:
    """The print returns after the sweep: nothing of it is booked by the late one."""
    machine = house.printers["lic-1"]
    await house.order(request(1))
    claimed = await house.claim("lic-1")
    assert claimed is not None
    swept: list[int] = []

    async def sweep() -> None:
        swept.append(await house.store.run(jobs.sweep, house.now() + YEAR))

    machine.after_ink = sweep
    await issue(claimed, house.services, house.lanes["lic-1"], house.laminators)
    assert swept == [1]
    job = await house.job(claimed.id)
    assert (job.state, job.reasons) == (JobState.UNDETERMINED, (jobs.INTERRUPTED,))
    assert await outcomes(house, job) == [None]
    assert (await house.blank("LA00000001"))[0] == "reserved"


class _Died(BaseException):
    """The power went."""


async def _die() -> None:
    raise _Died


def _die_now() -> None:
    raise _Died


async def interrupted(house: House, *, laid: bool) -> Job:
    """A daemon died between Print's intention and the booking; another one takes over."""
    machine = house.printers["lic-1"]
    await house.order(request(1))
    claimed = await house.claim("lic-1")
    assert claimed is not None
    if laid:
        machine.after_ink = _die
    else:
        machine.before_ink = _die_now
    with pytest.raises(_Died):
        await issue(claimed, house.services, house.lanes["lic-1"], house.laminators)
    machine.after_ink, machine.before_ink = None, lambda: None
    assert await house.store.run(jobs.sweep, house.now() + YEAR) == 1
    found = await house.resume("lic-1")
    assert found is not None
    assert (found.id, found.state) == (claimed.id, JobState.UNDETERMINED)
    return found


async def test_an_interrupted_print_that_happened_is_booked_and_not_repeated(house: House) -> None:
    found = await interrupted(house, laid=True)
    machine = house.printers["lic-1"]
    machine.verdicts.append(Outcome.PRINTED)
    job = await house.go_on(found)
    assert job.state is JobState.TO_INSPECT
    assert machine.asked == [job.document_number]
    assert len(machine.tray) == 1
    await house.scan(job)
    await balanced(house)


async def test_an_interrupted_print_that_did_not_happen_is_printed_once(house: House) -> None:
    found = await interrupted(house, laid=False)
    machine = house.printers["lic-1"]
    machine.verdicts.append(Outcome.NOT_PRINTED)
    job = await house.go_on(found)
    assert (job.state, len(machine.tray)) == (JobState.TO_INSPECT, 1)
    assert house.signer.asked == [job.document_number]
    await house.scan(job)
    await balanced(house)


async def test_an_interrupted_print_that_nobody_can_tell_waits_for_a_person(house: House) -> None:
    found = await interrupted(house, laid=True)
    machine = house.printers["lic-1"]
    machine.verdicts.append(Outcome.UNDETERMINED)
    job = await house.go_on(found)
    assert (job.state, job.lease) == (JobState.UNDETERMINED, None)
    assert [reason.code for reason in job.reasons] == ["print_undetermined"]
    assert house.stopped["lic-1"].code == "print_undetermined"
    job = await acts.resolve(job.id, house.services, COUNTER, "card")
    await house.scan(job)
    await balanced(house)
