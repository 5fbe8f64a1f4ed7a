"""Accounts and their sessions in SQL. Only hashes are kept: of passwords and of session tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import Row

from issuer.domain import Conflict, Reason
from issuer.store import outbox
from issuer.store.schema import sessions, users

SEEN_EVERY = timedelta(minutes=1)  # a write per request would be a write per glance


@dataclass(frozen=True, slots=True)
class Account:
    """One account as stored. ``roles``: see issuer.people.Role."""

    name: str
    office: str
    roles: tuple[str, ...]
    password_hash: str
    must_change: bool
    disabled: bool
    created_at: datetime


def _to_account(row: Row[tuple[object, ...]]) -> Account:
    return Account(
        row.name,
        row.office,
        tuple(row.roles),
        row.password_hash,
        row.must_change,
        row.disabled,
        row.created_at,
    )


def find(conn: Connection, name: str) -> Account | None:
    """One account, or None."""
    row = conn.execute(select(users).where(users.c.name == name)).one_or_none()
    return None if row is None else _to_account(row)


def listing(conn: Connection, office: str) -> list[Account]:
    """The accounts of an office by name."""
    rows = conn.execute(select(users).where(users.c.office == office).order_by(users.c.name))
    return [_to_account(row) for row in rows]


def add(
    conn: Connection,
    *,
    name: str,
    office: str,
    roles: Sequence[str],
    password_hash: str,
    by: str,
    now: datetime,
) -> Account:
    """A new account that must change its password. Raises Conflict if the name is taken."""
    if find(conn, name) is not None:
        raise Conflict(
            Reason(
                "name_taken",
                f"La cuenta {name} ya existe: elija otro nombre.",
                f"The account {name} exists already: choose another name.",
            )
        )
    conn.execute(
        users.insert(),
        {
            "name": name,
            "office": office,
            "roles": list(roles),
            "password_hash": password_hash,
            "must_change": True,
            "disabled": False,
            "created_at": now,
        },
    )
    outbox.emit(conn, office, "user.added", name, {"by": by, "roles": list(roles)}, now)
    found = find(conn, name)
    assert found is not None
    return found


def set_password(
    conn: Connection, name: str, password_hash: str, must_change: bool, now: datetime
) -> None:
    """Another password; every session of the account ends with the old one."""
    conn.execute(
        update(users)
        .where(users.c.name == name)
        .values(password_hash=password_hash, must_change=must_change)
    )
    end_all(conn, name)
    account = _existing(conn, name)
    outbox.emit(conn, account.office, "user.password", name, {"must_change": must_change}, now)


def rehash(conn: Connection, name: str, old_hash: str, new_hash: str) -> None:
    """The same password under today's parameters; sessions go on."""
    conn.execute(
        update(users)
        .where(users.c.name == name, users.c.password_hash == old_hash)
        .values(password_hash=new_hash)
    )


def disable(conn: Connection, name: str, by: str, now: datetime) -> None:
    """The account may no longer sign in, and what is open ends at once."""
    account = _existing(conn, name)
    conn.execute(update(users).where(users.c.name == name).values(disabled=True))
    end_all(conn, name)
    outbox.emit(conn, account.office, "user.disabled", name, {"by": by}, now)


def _existing(conn: Connection, name: str) -> Account:
    account = find(conn, name)
    if account is None:
        raise Conflict(Reason("no_such_user", "No existe esa cuenta.", "There is no such account."))
    return account


def count(conn: Connection, office: str) -> int:
    """How many accounts an office has."""
    query = select(func.count()).select_from(users).where(users.c.office == office)
    return int(conn.execute(query).scalar_one())


# Sessions.


def open_session(
    conn: Connection, token_hash: str, account: Account, now: datetime, until: datetime
) -> None:
    """A session; those that ran out go on the way."""
    conn.execute(delete(sessions).where(sessions.c.expires_at <= now))
    conn.execute(
        sessions.insert(),
        {
            "token_hash": token_hash,
            "user_name": account.name,
            "office": account.office,
            "created_at": now,
            "seen_at": now,
            "expires_at": until,
        },
    )
    outbox.emit(conn, account.office, "session.opened", account.name, {}, now)


def holder(conn: Connection, token_hash: str, now: datetime) -> tuple[Account, bool] | None:
    """Whose session it is, and whether its last sight is worth writing down again."""
    row = conn.execute(
        select(users, sessions.c.seen_at)
        .join(sessions, sessions.c.user_name == users.c.name)
        .where(
            sessions.c.token_hash == token_hash,
            sessions.c.expires_at > now,
            users.c.disabled.is_(False),
        )
    ).one_or_none()
    return None if row is None else (_to_account(row), now - row.seen_at >= SEEN_EVERY)


def seen(conn: Connection, token_hash: str, now: datetime) -> None:
    """Writes down when a session was last used."""
    conn.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=now))


def end(conn: Connection, token_hash: str) -> None:
    """Ends one session."""
    conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def end_all(conn: Connection, name: str) -> None:
    """Ends every session of an account."""
    conn.execute(delete(sessions).where(sessions.c.user_name == name))
