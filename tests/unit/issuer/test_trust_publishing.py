"""Status lists as verifiers fetch them: what is published when, and what an outage leaves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from crypto.signer import HsmStatus, Signed, SigningUnavailable, SignRequest
from issuer.domain import Status
from issuer.store import documents
from issuer.trust import LIST_LIFE
from verifier.trust import Trust
from verifier.verify import verify

from .house.building import House
from .house.people import request


async def suspend(house: House, number: str, value: Status = Status.SUSPENDED) -> None:
    document = await house.document_of(number)
    await house.store.run(documents.set_status, document, value, "declared_lost", house.now())


async def said(house: House, number: str) -> str:
    """A stranger's verdict, from the directory as it now is: nothing is published for it."""
    document = await house.document_of(number)
    trust = Trust.load(house.services.trust.directory, house.now())
    return verify(document.qr_text or "", trust, at=house.now()).state.value


async def issued(house: House) -> str:
    job = await house.delivered(request(1))
    assert job.document_number is not None
    await house.services.trust.publish()
    return job.document_number


async def test_only_what_changed_is_published(house: House) -> None:
    keeper = house.services.trust
    number = await issued(house)
    assert await keeper.publish() == 0
    await suspend(house, number)
    assert await said(house, number) == "valid"
    assert await keeper.publish() == 1
    assert await said(house, number) == "suspended"
    assert await keeper.publish() == 0
    assert await keeper.publish(everything=True) == 1
    assert [path.name for path in (keeper.directory / "status").iterdir()] == ["1.cbor"]


async def test_the_house_itself_sees_what_it_published(house: House) -> None:
    number = await issued(house)
    await suspend(house, number)
    await house.services.trust.publish()
    text = (await house.document_of(number)).qr_text or ""
    verdict = verify(text, house.services.trust.trust, at=house.now())
    assert verdict.state.value == "suspended"


async def test_lists_grow_old_and_renewing_makes_them_young(house: House) -> None:
    number = await issued(house)
    house.time.ahead = LIST_LIFE + timedelta(minutes=1)
    assert await said(house, number) == "valid_lists_old"
    await house.services.trust.publish()
    assert await said(house, number) == "valid_lists_old", "nothing changed, nothing was signed"
    await house.services.trust.publish(everything=True)
    assert await said(house, number) == "valid"


async def test_without_an_hsm_the_entries_wait(house: House) -> None:
    number = await issued(house)
    await suspend(house, number)
    house.signer.up = False
    with pytest.raises(SigningUnavailable):
        await house.services.trust.publish()
    assert await said(house, number) == "valid"
    house.signer.up = True
    assert await house.services.trust.publish() == 1
    assert await said(house, number) == "suspended"


@dataclass
class _Meanwhile:
    """A signer during whose work the house goes on."""

    house: House
    number: str

    async def sign(self, asked: SignRequest) -> Signed:
        signed = await self.house.signer.sign(asked)
        await suspend(self.house, self.number, Status.REPLACED)
        return signed

    def status(self) -> tuple[HsmStatus, ...]:
        return ()


async def test_an_entry_that_changes_while_its_list_is_signed_is_published_next(
    house: House,
) -> None:
    number = await issued(house)
    await suspend(house, number)
    keeper = house.services.trust
    keeper.signer = _Meanwhile(house, number)
    assert await keeper.publish() == 1
    assert await said(house, number) == "suspended"
    keeper.signer = house.signer
    assert await keeper.publish() == 1
    assert await said(house, number) == "replaced"
    assert await keeper.publish() == 0


async def eventually(house: House, number: str, wanted: str) -> None:
    async with asyncio.timeout(10):
        while await said(house, number) != wanted:
            await asyncio.sleep(0.02)


async def test_the_publisher_publishes_after_a_change_and_through_an_outage(house: House) -> None:
    number = await issued(house)
    changed = asyncio.Event()
    task = asyncio.create_task(house.services.trust.run(changed, every_s=0.02))
    try:
        await suspend(house, number)
        changed.set()
        await eventually(house, number, "suspended")
        house.signer.up = False
        await suspend(house, number, Status.REPLACED)
        changed.set()
        await asyncio.sleep(0.1)
        assert not task.done()
        assert await said(house, number) == "suspended"
        house.signer.up = True
        await eventually(house, number, "replaced")
        house.time.ahead = LIST_LIFE + timedelta(minutes=1)
        assert await said(house, number) == "replaced"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_publisher_renews_dates_when_a_quarter_of_their_life_is_over(
    house: House,
) -> None:
    number = await issued(house)
    changed = asyncio.Event()
    task = asyncio.create_task(house.services.trust.run(changed, every_s=0.02))
    try:
        await asyncio.sleep(0)  # it notes when it began
        house.time.ahead = LIST_LIFE + timedelta(minutes=1)
        assert await said(house, number) == "valid_lists_old"
        changed.set()
        await eventually(house, number, "valid")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
