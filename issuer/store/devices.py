"""Devices in SQL: who owns each (one owner, by lease) and whether a person stopped it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from issuer.domain import Reason
from issuer.store import outbox
from issuer.store.schema import devices


def ensure(conn: Connection, *, name: str, office: str, role: str, model: str) -> None:
    """Makes the row of a configured device; one that is there keeps its state."""
    dialect = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = {"name": name, "office": office, "role": role, "model": model, "paused": False}
    conn.execute(
        dialect.insert(devices)
        .values(row)
        .on_conflict_do_update(index_elements=["name"], set_={"role": role, "model": model})
    )


def acquire(
    conn: Connection, names: Iterable[str], owner: str, now: datetime, lease_s: float
) -> set[str]:
    """Takes or renews the devices that are free, ours, or whose owner went silent; those held."""
    rows = conn.execute(
        update(devices)
        .where(
            devices.c.name.in_(list(names)),
            or_(
                devices.c.owner.is_(None),
                and_(devices.c.owner == owner, devices.c.lease_until >= now),
                devices.c.lease_until < now,
            ),
        )
        .values(
            owner=owner,
            lease_number=devices.c.lease_number + 1,
            lease_until=now + timedelta(seconds=lease_s),
        )
        .returning(devices.c.name)
    )
    return set(rows.scalars())


def release(conn: Connection, owner: str) -> None:
    """Gives every device back, so that another daemon need not wait for the lease to end."""
    conn.execute(
        update(devices).where(devices.c.owner == owner).values(owner=None, lease_until=None)
    )


def set_pause(
    conn: Connection, name: str, office: str, reason: Reason | None, actor: str, now: datetime
) -> None:
    """Stops a lane for a person's reason, or lets it go on (None)."""
    conn.execute(
        update(devices)
        .where(devices.c.name == name, devices.c.office == office)
        .values(paused=reason is not None, pause_reason=reason.to_json() if reason else None)
    )
    kind = "lane.stopped" if reason else "lane.resumed"
    data = {"by": actor} | ({"reason": reason.code} if reason else {})
    outbox.emit(conn, office, kind, name, data, now)


def pauses(conn: Connection, office: str) -> dict[str, Reason]:
    """Lanes that a person must let go on, with the reason."""
    rows = conn.execute(
        select(devices.c.name, devices.c.pause_reason).where(
            devices.c.office == office, devices.c.paused
        )
    )
    return {row.name: Reason(**row.pause_reason) for row in rows}


def owners(conn: Connection, now: datetime) -> dict[str, str]:
    """Owner by device, for those whose lease holds."""
    rows = conn.execute(
        select(devices.c.name, devices.c.owner).where(
            devices.c.owner.is_not(None), devices.c.lease_until >= now
        )
    )
    return {row.name: row.owner for row in rows}
