"""People: who may sign in and as what. Passwords by argon2id, sessions on the server.

A session is a random token of which the store keeps the SHA-256 only: it can be revoked, and a
copy of the database signs nobody in. There is no default password: the first account gets a
one-time code, and whoever uses a code must set a password before anything else (NIST SP 800-63B).
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from issuer.clock import utc_now
from issuer.domain import Conflict, Reason
from issuer.store import people as rows
from issuer.store.engine import Store
from issuer.store.people import Account

SHORTEST = 12  # NIST SP 800-63B-4 section 3.1.1.2 wants 15 alone; 12 with throttling, by the house
LONGEST = 256  # bounds what argon2 is fed
FIRST_NAME = "admin"
_NAME = re.compile(r"[a-z][a-z0-9.-]{1,39}")
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread aloud or on paper
# The stems of the passwords that lead every published list, in both languages.
_COMMON = frozenset(
    re.split(
        r"\s+",
        "password passw0rd contraseña contrasena qwerty qwertyuiop asdfgh 123456 1234567890 111111 "
        "000000 letmein welcome bienvenido iloveyou tequiero admin administrador fedatario bolivia "
        "segip secreto dragon monkey football futbol abc123",
    )
)


class Role(StrEnum):
    """What an account may be; issuer.web.access says what each may do."""

    COUNTER = "counter"
    SUPERVISOR = "supervisor"
    CUSTODIAN = "custodian"


class SignInRefused(Exception):  # noqa: N818 - an answer, not a fault
    """Name or password is wrong, or the account is closed: one answer for all three."""


@dataclass(frozen=True, slots=True)
class User:
    """Who is signed in. ``must_change``: only a new password may be set."""

    name: str
    office: str
    roles: frozenset[Role]
    must_change: bool


class People:
    """Accounts and sessions over the store. Hashing runs in threads: it takes 0.3 s (facts)."""

    def __init__(
        self,
        store: Store,
        session_hours: int,
        now: Callable[[], datetime] = utc_now,
        hasher: PasswordHasher | None = None,
    ) -> None:
        self.store = store
        self._life = timedelta(hours=session_hours)
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._decoy: str | None = None
        # Two at a time: each takes 64 MiB, and a flood of sign-ins must not take the machine.
        self._hashing = asyncio.Semaphore(2)

    # Accounts.

    async def first_sign_in(self, office: str) -> tuple[User, str] | None:
        """The first account of an office and its one-time code, every role; None if in use.

        A first account that nobody has used yet gets another code: the earlier one may have
        scrolled away.
        """
        found = await self.store.read(rows.listing, office)
        if not found:
            return await self.add(FIRST_NAME, office, tuple(Role), by="service")
        if len(found) == 1 and found[0].must_change and not found[0].disabled:
            return _user(found[0]), await self.reset(found[0].name)
        return None

    async def add(
        self, name: str, office: str, roles: Sequence[Role], *, by: str
    ) -> tuple[User, str]:
        """A new account with a one-time code. Raises Conflict for a bad or taken name."""
        if not _NAME.fullmatch(name):
            raise Conflict(
                Reason(
                    "bad_name",
                    "El nombre de cuenta lleva minúsculas, cifras, punto o guion (2 a 40).",
                    "An account name has lower-case letters, digits, dot or dash (2 to 40).",
                )
            )
        code = _one_time_code()
        account = await self.store.run(
            rows.add,
            name=name,
            office=office,
            roles=[role.value for role in roles],
            password_hash=await self._hash(code),
            by=by,
            now=self._now(),
        )
        return _user(account), code

    async def reset(self, name: str) -> str:
        """Another one-time code for an account; its sessions end."""
        code = _one_time_code()
        await self.store.run(rows.set_password, name, await self._hash(code), True, self._now())
        return code

    async def disable(self, name: str, *, by: str) -> None:
        """Closes an account and ends its sessions. Raises Conflict if there is none."""
        await self.store.run(rows.disable, name, by, self._now())

    # Signing in.

    async def sign_in(self, office: str, name: str, password: str) -> tuple[User, str]:
        """A user and the new session's token. Raises SignInRefused.

        Takes as long for an account that is not there: the answer's time says nothing.
        """
        account = await self.store.read(rows.find, name[:64])
        usable = account is not None and not account.disabled and account.office == office
        kept = account.password_hash if account is not None and usable else await self._decoy_hash()
        typed = _typed(account, password)
        good = await self._verify(kept, typed)
        if account is None or not usable or not good:
            raise SignInRefused
        if self._hasher.check_needs_rehash(kept):
            await self.store.run(rows.rehash, name, kept, await self._hash(typed))
        return _user(account), await self._open(account)

    async def whose(self, token: str) -> User | None:
        """Who has a session's token; None if it is unknown, ended or too old."""
        digest, now = _digest(token), self._now()
        found = await self.store.read(rows.holder, digest, now)
        if found is None:
            return None
        account, stale = found
        if stale:
            await self.store.run(rows.seen, digest, now)
        return _user(account)

    async def sign_out(self, token: str) -> None:
        """Ends a session."""
        await self.store.run(rows.end, _digest(token))

    async def change_password(self, user: User, old: str, new: str) -> tuple[User, str]:
        """Sets a password, ends every session of the account, and opens a new one.

        Raises SignInRefused if ``old`` is wrong, Conflict if ``new`` is too weak.
        """
        account = await self.store.read(rows.find, user.name)
        if account is None or not await self._verify(account.password_hash, _typed(account, old)):
            raise SignInRefused
        new = unicodedata.normalize("NFC", new)
        weak = weakness(new, user.name)
        if weak is None and secrets.compare_digest(new.encode(), old.encode()):
            weak = Reason("same", "Elija una distinta de la anterior.", "Choose a different one.")
        if weak is not None:
            raise Conflict(weak)
        hashed = await self._hash(new)
        await self.store.run(rows.set_password, user.name, hashed, False, self._now())
        account = await self.store.read(rows.find, user.name)
        assert account is not None, "accounts are closed, never deleted"
        return _user(account), await self._open(account)

    async def _open(self, account: Account) -> str:
        token, now = secrets.token_urlsafe(32), self._now()
        await self.store.run(rows.open_session, _digest(token), account, now, now + self._life)
        return token

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def _verify(self, kept: str, password: str) -> bool:
        def check() -> bool:
            try:
                return self._hasher.verify(kept, _normal(password))
            except VerifyMismatchError:
                return False

        async with self._hashing:
            try:
                return await asyncio.to_thread(check)
            except (VerificationError, InvalidHashError) as error:
                raise Conflict(
                    Reason(
                        "account_broken",
                        "La cuenta está dañada: pida un código nuevo al supervisor.",
                        "The account is damaged: ask the supervisor for a new code.",
                    )
                ) from error

    async def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = await self._hash(secrets.token_urlsafe(16))
        return self._decoy


def weakness(password: str, name: str) -> Reason | None:
    """Why a password will not do, or None: length first, then what everybody guesses first.

    No rules of composition and no expiry, as NIST SP 800-63B section 3.1.1.2 wants.
    """
    if len(password) < SHORTEST:
        return Reason(
            "too_short",
            f"Use al menos {SHORTEST} caracteres; tres o cuatro palabras sirven.",
            f"Use at least {SHORTEST} characters; three or four words will do.",
        )
    if len(password) > LONGEST:
        return Reason(
            "too_long", f"Use a lo más {LONGEST} caracteres.", f"Use at most {LONGEST} characters."
        )
    letters = password.casefold()
    left = letters.replace(name.casefold(), "")
    for common in sorted(_COMMON, key=len, reverse=True):
        left = left.replace(common, "")
    if len(set(letters)) < 5 or len(left) < SHORTEST // 2 or _is_run(letters):
        return Reason(
            "too_common",
            "Esa contraseña se adivina pronto: no repita ni use palabras conocidas solas.",
            "That password is soon guessed: no repeats and no well-known word alone.",
        )
    return None


def _is_run(text: str) -> bool:
    """Whether each character follows the one before: "abcdefghijkl", "987654321098"."""
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(text)}
    return len(steps - {-9, 9}) == 1 and bool(steps & {1, -1})


def _user(account: Account) -> User:
    roles = frozenset(Role(role) for role in account.roles)
    return User(account.name, account.office, roles, account.must_change)


def _one_time_code() -> str:
    """Sixteen characters in groups: 80 bits."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return "-".join(code[at : at + 4] for at in range(0, 16, 4))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _typed(account: Account | None, password: str) -> str:
    """A one-time code is copied from paper or a terminal, with blanks around it."""
    password = password[:LONGEST]
    return password.strip().upper() if account is not None and account.must_change else password
