"""The house with its daemon at work, and what people see from the desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from issuer.config import Config, HsmSection, ServiceSection
from issuer.daemon import Daemon
from issuer.desk import Desk, DeviceView
from issuer.domain import Job, JobState

from .building import House
from .people import OFFICE

PATIENCE_S = 30.0  # of a busy machine; nothing here waits for it on a quiet one


@asynccontextmanager
async def working(house: House) -> AsyncIterator[tuple[Daemon, Desk]]:
    """The daemon over the house's lanes; closed as at the end of a day."""
    config = Config(
        service=ServiceSection(data_dir=Path("unused"), office=OFFICE, lease_s=house.lease_s),
        hsm=HsmSection(dir=Path("unused")),
    )
    box: list[Daemon] = []
    services = replace(
        house.services, stop_lane=lambda name, reason: box[0].stop_lane(name, reason)
    )
    daemon = Daemon(config, services, house.lanes, house.laminators)
    box.append(daemon)
    work = asyncio.create_task(daemon.run())
    try:
        yield daemon, Desk(daemon)
        assert not work.done(), work.exception()
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await daemon.close()


async def until(look: Callable[[], Awaitable[bool]], what: str) -> None:
    """Waits for something that the daemon does by itself."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await look():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"waited in vain: {what}") from None


async def reached(desk: Desk, job: Job, state: JobState) -> Job:
    """The job once it is in ``state``."""

    async def there() -> bool:
        return (await desk.job(job.id)).job.state is state

    await until(there, f"{job.ticket} is not {state.value}")
    return (await desk.job(job.id)).job


async def machine(desk: Desk, name: str) -> DeviceView:
    """A machine as the page shows it."""
    return next(view for view in await desk.devices() if view.name == name)


async def shows(desk: Desk, name: str, state: str, code: str | None = None) -> DeviceView:
    """The machine once the page shows it in ``state``, for the reason ``code``."""

    async def there() -> bool:
        view = await machine(desk, name)
        return view.state == state and (view.reason.code if view.reason else None) == code

    await until(there, f"{name} is not {state} {code}")
    return await machine(desk, name)
