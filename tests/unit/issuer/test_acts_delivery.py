"""Handing over: to whom, what becomes of the earlier card, and what verifiers then say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from issuer import acts
from issuer.domain import Conflict, DocumentState, JobState
from issuer.registry import PriorDocument
from issuer.store.schema import deliveries

from .house.building import COUNTER, House
from .house.people import DAY, lost_card, person, request
from .house.proofs import balanced

YEAR = timedelta(days=365)


async def test_who_collects_is_named(house: House) -> None:
    job = await house.settled(request(1))
    wrong: list[dict[str, Any]] = [
        {"receiver_kind": "collector"},
        {"receiver_kind": "collector", "receiver": ""},
        {"receiver_kind": "holder", "receiver": "somebody else"},
        {"receiver_kind": "neighbour", "receiver": "Juan"},
    ]
    for how in wrong:
        with pytest.raises(Conflict) as caught:
            await acts.deliver(job.id, house.services, COUNTER, **how)
        assert caught.value.reason.code == "receiver", how
    assert (await house.job(job.id)).state is JobState.SETTLED
    how = {"receiver_kind": "collector", "receiver": "Hija, 9000001"}
    await acts.deliver(job.id, house.services, COUNTER, **how)
    row = await house.store.read(lambda conn: conn.execute(select(deliveries)).one())
    assert (row.job_id, row.receiver_kind, row.receiver) == (job.id, *how.values())
    assert (row.actor, row.document_number) == ("ventanilla", job.document_number)


async def test_the_earlier_card_is_replaced_when_the_new_one_is_handed_over(house: House) -> None:
    who = person(1)
    old = await house.document(await house.delivered(request(1, who=who)))
    assert await house.verdict(old) == "valid"
    job = await house.settled(request(2, kind="replacement", who=who))
    assert await house.verdict(old) == "valid", "not before the new one is in the holder's hands"
    await acts.deliver(job.id, house.services, COUNTER, earlier="surrendered")
    assert await house.verdict(old) == "replaced"
    assert await house.verdict(await house.document(job)) == "valid"
    assert (await house.document_of(old.number)).state is DocumentState.REPLACED
    await balanced(house)


async def test_a_lost_card_is_suspended_at_once_and_replaced_on_delivery(house: House) -> None:
    who = person(1)
    old = await house.document(await house.delivered(request(1, who=who)))
    again = request(2, kind="replacement", who=who, lost=lost_card())
    job = await house.order(again)
    assert (await house.document_of(old.number)).state is DocumentState.SUSPENDED
    assert await house.verdict(old) == "suspended"
    job = (await house.scan(await house.turn("lic-1"))).job
    assert await house.verdict(old) == "suspended"
    await acts.deliver(job.id, house.services, COUNTER, earlier="declared_lost")
    assert await house.verdict(old) == "replaced"


async def test_a_lost_card_named_by_its_number_is_the_one_suspended(house: House) -> None:
    who = person(1)
    old = await house.document(await house.delivered(request(1, who=who)))
    lost = lost_card(old.number)
    await house.order(request(2, kind="replacement", who=who, lost=lost))
    assert await house.verdict(old) == "suspended"


async def test_a_card_of_an_earlier_system_has_no_entry_to_suspend(house: House) -> None:
    who = person(1)
    prior = PriorDocument("L90000001", "LIC", DAY - 4 * YEAR, DAY + YEAR)
    wanted = request(1, kind="replacement", who=who, lost=lost_card("L90000001"))
    job = await house.take_in(house.people.know(wanted, prior))
    assert job.state is JobState.ADMITTED


async def test_another_type_of_the_same_person_stays_valid(house: House) -> None:
    who = person(1)
    card = await house.document(await house.delivered(request(1, "CI", who=who), "ci-1"))
    licence = await house.document(await house.delivered(request(2, who=who)))
    assert await house.verdict(card) == "valid"
    assert await house.verdict(licence) == "valid"


async def test_certificates_stand_side_by_side(house: House) -> None:
    who = person(1)
    found = []
    for number in (1, 2):
        await house.take_in(house.people.know(request(number, "CERTQR", who=who)))
        job = await house.turn("files")
        await acts.deliver(job.id, house.services, COUNTER)
        found.append(await house.document(job))
    assert [await house.verdict(document) for document in found] == ["valid", "valid"]


async def test_somebody_else_s_card_is_left_alone(house: House) -> None:
    other = await house.document(await house.delivered(request(1)))
    await house.delivered(request(2))
    assert await house.verdict(other) == "valid"


async def test_a_document_is_handed_over_once(house: House) -> None:
    job = await house.delivered(request(1))
    with pytest.raises(Conflict):
        await acts.deliver(job.id, house.services, COUNTER)
