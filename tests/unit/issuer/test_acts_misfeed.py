"""After a misfeed the hopper's order is right again, and a cancelled request's slip is free."""

from __future__ import annotations

from issuer import acts
from issuer.domain import BlankState, JobState

from .house.building import COUNTER, House
from .house.people import request
from .house.proofs import balanced


async def test_a_misfeed_takes_both_blanks_and_the_next_card_is_right(house: House) -> None:
    slipped, inked = house.printers["lic-1"].hopper[:2]
    house.printers["lic-1"].hopper.pop(0)
    job = await house.printed(request(1))
    job = (await house.scan(job)).job
    await acts.spoil(job.id, house.services, COUNTER, "misfeed")
    for serial in (slipped, inked):
        assert (await house.blank(serial))[0] == BlankState.SPOILED.value, serial
    await balanced(house)

    await acts.reprint(job.id, house.services, COUNTER, "la tolva se corrió")
    house.lanes["lic-1"].stopped = None  # a person looked, and let the lane go on
    again = await house.turn("lic-1")
    result = await house.scan(again)
    assert result.finding.passed, result.finding
    assert result.job.state is JobState.SETTLED
    await balanced(house)


async def test_a_cancelled_request_frees_its_payment_slip(house: House) -> None:
    first = await house.order(request(1))
    await acts.cancel(first.id, house.services, COUNTER, "se equivocó de documento")
    again = await house.order(request(1, request_id="AGAIN-1"))
    assert again.id != first.id
    assert again.state is JobState.ADMITTED, again.reasons
