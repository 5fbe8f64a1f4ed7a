"""Trust as the house keeps it: the lists that verifiers fetch, published from the store.

Status lists are signed by the pool (usage STATUS), written whole beside the old one and renamed,
so that a verifier never reads half a list.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Connection, select, update

from crypto.keyfile import write_atomically
from crypto.signer import Signer, SigningError, SignRequest
from issuer.clock import Clock
from issuer.profile import Profile
from issuer.store.engine import Store
from issuer.store.schema import status_entries, status_lists
from verifier.sealing import TYPE
from verifier.statuslist import (
    STATUS_LIST_TYPE,
    Status,
    StatusList,
    encode_status_claims,
    parse_status_list,
)
from verifier.trust import Trust

log = structlog.get_logger(__name__)

LIST_LIFE = timedelta(days=2)  # after that verifiers call a list old
TTL_S = 60  # how long a cache may keep it


def status_uri(profile: Profile, list_id: str) -> str:
    """The URI that claims and lists carry."""
    return f"{profile.status_uri.rstrip('/')}/{list_id}"


@dataclass(slots=True)
class TrustKeeper:
    """Holds what a verifier would hold, and publishes what changed."""

    directory: Path
    profile: Profile
    store: Store
    signer: Signer
    clock: Clock
    trust: Trust

    @classmethod
    def load(
        cls, directory: Path, profile: Profile, store: Store, signer: Signer, clock: Clock
    ) -> TrustKeeper:
        """Reads the directory that the ceremony made. Raises VerificationError."""
        trust = Trust.load(directory, clock.now())
        return cls(directory, profile, store, signer, clock, trust)

    async def publish(self, *, everything: bool = False) -> int:
        """Signs and writes each list with entries that no version shows yet; how many it was.

        ``everything`` renews the dates of all lists. Raises SigningError (transient).
        """
        wanted = await self.store.read(_stale, everything)
        for list_id in wanted:
            await self._publish_one(list_id)
        return len(wanted)

    async def _publish_one(self, list_id: str) -> None:
        size, version, entries, fresh = await self.store.read(_entries, list_id)
        now = self.clock.now()
        payload = await asyncio.to_thread(self._payload, list_id, size, entries, now)
        name = f"status-{list_id}-{version + 1}"
        signed = await self.signer.sign(
            SignRequest(name, "STATUS", payload, {TYPE: STATUS_LIST_TYPE})
        )
        status_list = parse_status_list(signed.cose, self.trust.trust_list)
        (self.directory / "status").mkdir(exist_ok=True)
        await asyncio.to_thread(
            write_atomically, self.directory / "status" / f"{list_id}.cbor", signed.cose
        )
        self.trust.replace_status_list(status_list)
        await self.store.run(_published, list_id, version + 1, fresh, now)
        log.info("status.published", list=list_id, entries=len(entries))

    def _payload(
        self, list_id: str, size: int, entries: list[tuple[int, int]], now: datetime
    ) -> bytes:
        status_list = StatusList.empty(status_uri(self.profile, list_id), size)
        for index, value in entries:
            status_list.set(index, Status(value))
        return encode_status_claims(status_list, now, now + LIST_LIFE, TTL_S)

    async def run(self, changed: asyncio.Event, every_s: float = 2.0) -> None:
        """Publishes soon after a change, and renews the dates four times in a list's life."""
        renewed = self.clock.now()
        while True:
            try:
                async with asyncio.timeout(LIST_LIFE.total_seconds() / 4):
                    await changed.wait()
            except TimeoutError:
                log.info("status.renewing")
            changed.clear()
            due = self.clock.now() - renewed > LIST_LIFE / 4
            try:
                await self.publish(everything=due)
                renewed = self.clock.now() if due else renewed
            except SigningError as error:
                log.warning("status.not_published", error=str(error))
                changed.set()  # the entries wait in the store; try again
            await asyncio.sleep(every_s)


def _stale(conn: Connection, everything: bool) -> list[str]:
    if everything:
        return list(conn.execute(select(status_lists.c.id).order_by(status_lists.c.id)).scalars())
    changed = select(status_entries.c.list_id).where(status_entries.c.published_version.is_(None))
    query = select(status_lists.c.id).where(
        status_lists.c.id.in_(changed) | status_lists.c.published_at.is_(None)
    )
    return list(conn.execute(query.order_by(status_lists.c.id)).scalars())


def _entries(
    conn: Connection, list_id: str
) -> tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]]:
    """Size, version, every (index, value), and those that no version shows yet."""
    size, version = conn.execute(
        select(status_lists.c.size, status_lists.c.version).where(status_lists.c.id == list_id)
    ).one()
    rows = conn.execute(
        select(
            status_entries.c.idx, status_entries.c.value, status_entries.c.published_version
        ).where(status_entries.c.list_id == list_id)
    ).all()
    fresh = [(row.idx, row.value) for row in rows if row.published_version is None]
    return size, version, [(row.idx, row.value) for row in rows], fresh


def _published(
    conn: Connection, list_id: str, version: int, shown: list[tuple[int, int]], now: datetime
) -> None:
    """Marks the entries that this version shows. One that changed since it was read has another
    value and stays unpublished: the next run takes it."""
    conn.execute(
        update(status_lists)
        .where(status_lists.c.id == list_id)
        .values(version=version, published_at=now)
    )
    for value in {value for _, value in shown}:
        indices = [index for index, held in shown if held == value]
        for start in range(0, len(indices), 500):
            conn.execute(
                update(status_entries)
                .where(
                    status_entries.c.list_id == list_id,
                    status_entries.c.idx.in_(indices[start : start + 500]),
                    status_entries.c.value == value,
                    status_entries.c.published_version.is_(None),
                )
                .values(published_version=version)
            )
