"""Lamination: one pouch a card, counted; what is not known is asked of a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from issuer import acts
from issuer.domain import Conflict, Job, JobState
from issuer.lanes import Laminators
from issuer.store import custody
from printers.ports import Outcome

from .house.building import COUNTER, House
from .house.machines import DOUBT_LAID
from .house.people import OFFICE, request
from .house.proofs import balanced


async def pouches(house: House) -> int:
    """Used, by the books."""
    lines = await house.store.read(custody.ledger_summary, OFFICE)
    return next(line.issued for line in lines if line.material == "POUCH")


async def stopped_at_lamination(house: House, outcome: Outcome, code: str) -> Job:
    house.laminator.script.append(outcome)
    job = await house.printed(request(1, "CI"), "ci-1")
    assert (job.state, job.lease) == (JobState.ATTENTION, None)
    assert [reason.code for reason in job.reasons] == [code]
    assert await pouches(house) == 0
    assert (await house.blank("CP00000001"))[0] == "printed"
    return job


async def test_what_did_not_go_through_is_put_through_again_by_a_person(house: House) -> None:
    job = await stopped_at_lamination(house, Outcome.NOT_PRINTED, "not_laminated")
    job = await acts.resolve_lamination(job.id, house.services, COUNTER, passed=False)
    assert job.state is JobState.PRINTED
    job = await house.go_on(job)
    assert job.state is JobState.TO_INSPECT
    assert (await pouches(house), house.laminator.passed) == (1, 1)
    assert len(house.printers["ci-1"].tray) == 1
    await house.scan(job)
    await balanced(house)


async def test_in_doubt_a_person_says_that_the_pouch_passed(house: House) -> None:
    job = await stopped_at_lamination(house, Outcome.UNDETERMINED, "lamination_undetermined")
    job = await acts.resolve_lamination(job.id, house.services, COUNTER, passed=True)
    assert (job.state, job.lease) == (JobState.TO_INSPECT, None)
    assert await pouches(house) == 1
    await house.scan(job)
    await balanced(house)


async def test_a_lamination_in_doubt_never_retries_by_itself(house: House) -> None:
    job = await stopped_at_lamination(house, Outcome.UNDETERMINED, "lamination_undetermined")
    assert await house.resume("ci-1") is None
    with pytest.raises(Conflict):
        await acts.retry(job.id, house.services, COUNTER)
    assert house.laminator.passed == 0


async def test_a_card_spoiled_at_the_plastifier(house: House) -> None:
    job = await stopped_at_lamination(house, Outcome.UNDETERMINED, "lamination_undetermined")
    await acts.spoil(job.id, house.services, COUNTER, "melted")
    job = await acts.reprint(job.id, house.services, COUNTER, "se fundió")
    job = await house.turn("ci-1")
    assert (await house.document(job)).blank_serial == "CP00000002"
    await house.scan(job)
    await balanced(house)


async def test_an_office_without_a_plastifier_says_so(house: House) -> None:
    house.laminators = Laminators({})
    job = await house.printed(request(1, "CI"), "ci-1")
    assert [reason.code for reason in job.reasons] == ["no_laminator"]
    assert (await house.blank("CP00000001"))[0] == "printed"


async def test_a_card_in_doubt_that_is_found_goes_on_to_the_plastifier(house: House) -> None:
    house.printers["ci-1"].script.append(DOUBT_LAID)
    job = await house.printed(request(1, "CI"), "ci-1")
    assert (job.state, house.laminator.passed) == (JobState.UNDETERMINED, 0)
    job = await acts.resolve(job.id, house.services, COUNTER, "card")
    assert job.state is JobState.PRINTED
    job = await house.go_on(job)
    assert (job.state, house.laminator.passed) == (JobState.TO_INSPECT, 1)
    await house.scan(job)
    await balanced(house)


async def test_no_answer_about_another_trouble_is_taken_for_one_about_a_pouch(
    house: House,
) -> None:
    house.signer.up = False
    await house.order(request(1))
    job = await house.turn("lic-1")
    with pytest.raises(Conflict) as caught:
        await acts.resolve_lamination(job.id, house.services, COUNTER, passed=True)
    assert caught.value.reason.code == "state"
    assert await house.job(job.id) == job


@pytest.mark.parametrize("outcome", [Outcome.PRINTED, Outcome.UNDETERMINED])
async def test_a_lamination_that_was_interrupted_is_asked_about_and_not_repeated(
    house: House, outcome: Outcome
) -> None:
    class Died(BaseException):
        pass

    async def dies(*_: object) -> None:
        raise Died

    place = house.laminators.places["pouch-1"]
    broken = type("Broken", (), {"name": "pouch-1", "laminate": dies})()
    for method in ("connect", "snapshot", "close", "determine"):
        setattr(broken, method, getattr(house.laminator, method))
    place.laminator = broken
    await house.order(request(1, "CI"))
    with pytest.raises(Died):
        await house.turn("ci-1")
    place.laminator = house.laminator
    house.laminator.verdicts.append(outcome)
    house.services = replace(house.services, owner="the-next-daemon")
    house.time.ahead = timedelta(seconds=2 * house.lease_s)
    found = await house.resume("ci-1")
    assert found is not None
    assert found.state is JobState.LAMINATING
    job = await house.go_on(found)
    booked = outcome is Outcome.PRINTED
    assert job.state is (JobState.TO_INSPECT if booked else JobState.ATTENTION)
    assert (await pouches(house), house.laminator.passed) == (int(booked), 0)
