"""Intake and admission: one job a request, every reason at once, a slip pays once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

from sqlalchemy import select

from issuer import acts, intake
from issuer.domain import JobState
from issuer.outside import Outside
from issuer.payments import Payment
from issuer.registry import RegistryRecord, RegistryUnavailable
from issuer.store import jobs, outbox
from issuer.store.schema import payments_used

from .house.building import COUNTER, LEASE_S, House
from .house.people import DAY, OFFICE, PRICES, lost_card, person, personal_words, portrait, request
from .house.proofs import nobody_is_named


async def test_the_same_request_again_is_the_same_job(house: House) -> None:
    wanted = house.people.know(request(1))
    first = await house.take_in(wanted)
    again = await intake.take_in(wanted, portrait(), house.services)
    assert again == first
    elsewhere = replace(wanted, office="LP-01")
    other = await intake.take_in(elsewhere, portrait(), house.services)
    assert other.id != first.id, "offices number their requests by themselves"


async def test_a_refusal_says_every_reason(house: House) -> None:
    who = person(1, birth_date=date(DAY.year - 16, 3, 4), blood_group=None)
    wanted = house.people.know(request(1, who=who, payment=None, lost=lost_card("L1")))
    record = house.people.records[who.person_id]
    house.people.records[who.person_id] = replace(record, observations=("O-7",))
    house.people.listed["LIST828"] = frozenset({who.person_id})
    job = await house.take_in(wanted, b"GIF89a and then nothing")
    assert (job.state, job.lease) == (JobState.REFUSED, None)
    assert {reason.code for reason in job.reasons} == {
        "record_observed", "on_list828", "under_age", "unpaid", "missing_field",
        "portrait_broken", "lost_card_unknown",
    }  # fmt: skip
    assert all(reason.es and reason.en for reason in job.reasons)
    events = await house.store.read(outbox.events_after, OFFICE, 0)
    told = next(event for event in events if event.kind == "job.refused")
    assert set(told.data["reasons"]) == {reason.code for reason in job.reasons}
    assert "O-7" not in repr(job.reasons)
    await nobody_is_named(house, personal_words(who))


async def test_a_refused_job_is_never_claimed(house: House) -> None:
    job = await house.take_in(house.people.know(request(1, payment=None)))
    assert job.state is JobState.REFUSED
    assert await house.claim("lic-1") is None
    taken = await house.store.run(
        jobs.claim_received, office=OFFICE, owner="x", now=house.now(), lease_s=LEASE_S
    )
    assert taken is None


async def test_a_slip_pays_once(house: House) -> None:
    first = await house.take_in(house.people.know(request(1)))
    assert first.state is JobState.ADMITTED
    slip = house.people.slips["BU-000001"]
    house.people.slips["BU-000001"] = replace(slip, person_id=None)
    second = await house.take_in(house.people.know(request(2, payment="BU-000001")))
    assert second.state is JobState.REFUSED
    assert [reason.code for reason in second.reasons] == ["payment_used"]


async def test_a_slip_pays_once_though_two_are_decided_at_once(house: House) -> None:
    """Both were told that the slip is free; the transaction that admits decides."""
    for number in (1, 2, 3, 4):
        wanted = request(number, payment="BU-000001")
        house.people.slips["BU-000001"] = Payment(
            "BU-000001", PRICES["LIC"], wanted.requested_on, None, "LIC"
        )
        await intake.take_in(house.people.know(wanted), portrait(), house.services)
    claimed = [
        await house.store.run(
            jobs.claim_received, office=OFFICE, owner="test-daemon", now=house.now(), lease_s=9
        )
        for _ in range(4)
    ]
    decided = await asyncio.gather(*(house.go_on(job) for job in claimed if job))
    states = sorted(job.state.value for job in decided)
    assert states == ["admitted", "refused", "refused", "refused"]
    rows = await house.store.read(lambda conn: conn.execute(select(payments_used)).all())
    admitted = next(job for job in decided if job.state is JobState.ADMITTED)
    assert [(row.slip, row.job_id) for row in rows] == [("BU-000001", admitted.id)]


class _Silent:
    async def find(self, person_id: str) -> RegistryRecord | None:
        raise RegistryUnavailable("no answer")


async def test_an_outage_outside_refuses_nobody(house: House) -> None:
    wanted = house.people.know(request(1))
    outside = house.services.outside
    silent = replace(house.services, outside=Outside(_Silent(), outside.payments, outside.lists))
    house.services, whole = silent, house.services
    job = await house.take_in(wanted)
    assert (job.state, job.lease, job.reasons) == (JobState.RECEIVED, None, ())
    house.services = whole
    claimed = await house.store.run(
        jobs.claim_received, office=OFFICE, owner="test-daemon", now=house.now(), lease_s=LEASE_S
    )
    assert claimed is not None
    assert (await house.go_on(claimed)).state is JobState.ADMITTED


async def test_the_slip_of_a_cancelled_job_pays_for_another(house: House) -> None:
    first = await house.take_in(house.people.know(request(1)))
    await acts.cancel(first.id, house.services, COUNTER, "formulario equivocado")
    second = await house.take_in(house.people.know(request(2, who=person(1), payment="BU-000001")))
    assert second.state is JobState.ADMITTED, second.reasons
