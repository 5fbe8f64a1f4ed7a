"""What the pages ask of the desk. ``issuer.desk.Desk`` fits; tests bring one of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from issuer.acts import Actor, Inspected
from issuer.custody.summary import Line
from issuer.desk import DeviceView, JobView
from issuer.domain import Event, Job, JobState


class DeskPort(Protocol):
    """See :class:`issuer.desk.Desk` for each; acts raise Conflict with words for people."""

    office: str

    async def queue(self, states: Sequence[JobState] | None = None) -> list[Job]: ...

    async def job(self, job_id: str) -> JobView: ...

    async def find_by_document(self, number: str) -> Job: ...

    async def events(self, after: int, limit: int = 500) -> list[Event]: ...

    async def devices(self) -> list[DeviceView]: ...

    async def preview(self, job_id: str) -> list[bytes]: ...

    async def file_of(self, number: str) -> bytes: ...

    async def stock(self) -> list[Line]: ...

    async def order_print(self, job_id: str, actor: Actor, lane: str | None = None) -> Job: ...

    async def cancel(self, job_id: str, actor: Actor, reason: str) -> Job: ...

    async def inspect(
        self, job_id: str, actor: Actor, qr_text: str, serial: str | None
    ) -> Inspected: ...

    async def deliver(
        self,
        job_id: str,
        actor: Actor,
        *,
        receiver_kind: str = "holder",
        receiver: str | None = None,
        earlier: str = "none",
    ) -> Job: ...

    async def spoil(self, job_id: str, actor: Actor, cause: str) -> Job: ...

    async def reprint(self, job_id: str, actor: Actor, reason: str) -> Job: ...

    async def resolve(self, job_id: str, actor: Actor, found: str) -> Job: ...

    async def resolve_lamination(self, job_id: str, actor: Actor, passed: bool) -> Job: ...

    async def retry(self, job_id: str, actor: Actor) -> Job: ...

    async def stop_lane(self, name: str, actor: Actor, reason: str) -> None: ...

    async def resume_lane(self, name: str, actor: Actor) -> None: ...

    async def clear_device(self, name: str, actor: Actor) -> None: ...

    async def load_hopper(
        self, actor: Actor, device: str, material: str, serials: Sequence[str]
    ) -> int: ...

    async def load_roll(
        self, actor: Actor, device: str, material: str, serial: str, prints: int
    ) -> None: ...

    def now(self) -> datetime: ...

    def describe(self) -> dict[str, Any]: ...
