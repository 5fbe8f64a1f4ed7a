"""A function handed to the store runs inside a transaction that is not its own to end."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event

from .errors import StoreError

_OURS = "fedatario_store_ends_it"


def forbid_commit(engine: Engine) -> None:
    """Makes ``conn.commit()`` inside a function an error that its caller sees.

    On SQLite it would commit what others of the group did half-way; on PostgreSQL what follows
    it would be a second transaction.
    """

    @event.listens_for(engine, "commit")
    def refuse(conn: Connection) -> None:
        if not conn.info.get(_OURS):
            raise StoreError(
                "a function run by the store must not commit: return, and the store commits it"
            )


def allow_commit(conn: Connection, allowed: bool) -> None:
    """Told by the store around its own commit."""
    conn.info[_OURS] = allowed


def refuse_open_nesting(conn: Connection) -> None:
    """After a function: a nested transaction that it left open would swallow what follows."""
    if conn.in_nested_transaction():
        raise StoreError("the function left a nested transaction open: use `with`")
