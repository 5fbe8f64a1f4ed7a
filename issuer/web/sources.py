"""Two look-ups that the desk does not offer: the document that a QR names, the stream's head."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from issuer.store.engine import Store
from issuer.store.schema import events, meta
from verifier.trust import Trust
from verifier.verify import open_sealed


@dataclass(frozen=True, slots=True)
class Head:
    """Where the office's stream ends: the store's epoch (a restore raises it) and last number."""

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Sources:
    """``document_of`` gives the number in a QR text with a good signature; it raises
    VerificationError and is quick (1 ms). ``head`` reads the stream's end."""

    document_of: Callable[[str], str]
    head: Callable[[], Awaitable[Head]]


def from_store(
    store: Store, office: str, trust: Callable[[], Trust], now: Callable[[], datetime]
) -> Sources:
    """Over an open store and whoever holds the present trust list."""

    def document_of(text: str) -> str:
        opened = open_sealed(text.strip("\r\n"), trust(), now())
        return opened.claims.national.document_number

    async def head() -> Head:
        return await store.read(read_head, office)

    return Sources(document_of, head)


def read_head(conn: Connection, office: str) -> Head:
    """The end of an office's stream; number 0 if nothing happened yet."""
    last = conn.execute(
        select(events.c.seq).where(events.c.office == office).order_by(events.c.seq.desc()).limit(1)
    ).scalar_one_or_none()
    epoch = conn.execute(select(meta.c.value).where(meta.c.key == "epoch")).scalar_one_or_none()
    return Head(int(epoch or 0), last or 0)
