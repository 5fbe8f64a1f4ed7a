"""Accounts: one-time codes, passwords, sessions that can be revoked; on both engines."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, select

from issuer.domain import Conflict
from issuer.people import People, Role, SignInRefused, weakness
from issuer.store.engine import Store
from issuer.store.schema import events, sessions, users

OFFICE = "LPZ-01"
GOOD = "cuatro llamas bajan"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """SQLite, and PostgreSQL where a test asks for it."""
    return str(request.param)


both_engines = pytest.mark.parametrize("engine_name", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> People:
    return People(store, session_hours=10, now=clock, hasher=QUICK)


async def ready(people: People) -> str:
    """The first account after its first sign-in; the session's token."""
    made = await people.first_sign_in(OFFICE)
    assert made is not None
    user, _ = await people.sign_in(OFFICE, made[0].name, made[1])
    return (await people.change_password(user, made[1], GOOD))[1]


@both_engines
async def test_the_first_account_has_a_code_and_must_set_a_password(people: People) -> None:
    made = await people.first_sign_in(OFFICE)
    assert made is not None
    user, code = made
    assert user.roles == set(Role)
    signed, old_token = await people.sign_in(OFFICE, user.name, f" {code} ")
    assert signed.must_change
    changed, token = await people.change_password(signed, code, GOOD)
    assert not changed.must_change
    assert await people.whose(old_token) is None, "the code's session ends with the code"
    assert await people.whose(token) == changed
    with pytest.raises(SignInRefused):
        await people.sign_in(OFFICE, user.name, code)
    assert await people.first_sign_in(OFFICE) is None


async def test_a_first_code_that_nobody_used_is_replaced(people: People) -> None:
    first, second = await people.first_sign_in(OFFICE), await people.first_sign_in(OFFICE)
    assert first is not None and second is not None and first[1] != second[1]  # noqa: PT018
    with pytest.raises(SignInRefused):
        await people.sign_in(OFFICE, first[0].name, first[1])
    await people.sign_in(OFFICE, second[0].name, second[1])


@pytest.mark.parametrize(
    ("office", "name", "password"),
    [
        (OFFICE, "admin", "cuatro llamas suben"),
        (OFFICE, "nobody", GOOD),
        ("SCZ-01", "admin", GOOD),
        (OFFICE, "admin' OR 1=1 --", GOOD),
        (OFFICE, "admin", "x" * 100_000),
    ],
)
async def test_what_does_not_fit_is_refused_alike(
    people: People, office: str, name: str, password: str
) -> None:
    await ready(people)
    with pytest.raises(SignInRefused):
        await people.sign_in(office, name, password)


@both_engines
async def test_sessions_end(people: People, clock: Clock) -> None:
    token = await ready(people)
    clock.now += timedelta(hours=9, minutes=59)
    assert await people.whose(token) is not None
    clock.now += timedelta(minutes=2)
    assert await people.whose(token) is None
    _, again = await people.sign_in(OFFICE, "admin", GOOD)
    await people.sign_out(again)
    assert await people.whose(again) is None
    _, third = await people.sign_in(OFFICE, "admin", GOOD)
    await people.disable("admin", by="test")
    assert await people.whose(third) is None
    with pytest.raises(SignInRefused):
        await people.sign_in(OFFICE, "admin", GOOD)


async def test_the_store_holds_neither_token_nor_password(people: People, store: Store) -> None:
    token = await ready(people)

    def everything(conn: Connection) -> str:
        return "".join(
            str(conn.execute(select(table)).all()) for table in (users, sessions, events)
        )

    text = await store.read(everything)
    assert "$argon2id$" in text
    assert token not in text
    assert GOOD not in text


async def test_hashing_leaves_the_loop_free(store: Store) -> None:
    """Inline, argon2 stalls every page (facts); here the hash ends only if the loop goes on."""
    released = threading.Event()

    class Waiting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            assert released.wait(10), "the loop stood still while a password was checked"
            return super().verify(hash, password)

    people = People(store, 10, hasher=Waiting(time_cost=1, memory_cost=64, parallelism=1))
    call = asyncio.create_task(people.sign_in(OFFICE, "nobody", "x"))
    await asyncio.sleep(0.05)
    released.set()
    with pytest.raises(SignInRefused):
        await call


async def test_names_are_identifiers_and_unique(people: People) -> None:
    await people.add("maria.q", OFFICE, [Role.COUNTER], by="admin")
    for name in ("maria.q", "María Q", "", "a", "x" * 41):
        with pytest.raises(Conflict):
            await people.add(name, OFFICE, [Role.COUNTER], by="admin")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("corta", "too_short"),
        ("aaaaaaaaaaaa", "too_common"),
        ("password1234", "too_common"),
        ("bolivia123456", "too_common"),
        ("maria.q12345", "too_common"),
        ("abcdefghijklm", "too_common"),
        ("1234567890123", "too_common"),
        ("x" * 257, "too_long"),
        (GOOD, None),
        ("ñandú-g̃uaraní-7", None),
    ],
)
def test_weak_passwords(password: str, code: str | None) -> None:
    found = weakness(password, "maria.q")
    assert (found.code if found else None) == code
