"""A function handed to the store runs inside a transaction that is not its own to end."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event

from .errors import StoreError

_OURS = "fedatario_store_ends_it"


def forbid_end(engine: Engine) -> None:
    """Makes ``conn.commit()`` and ``conn.rollback()`` inside a function an error for its caller.

    On SQLite they would commit or undo what others of the group did; on PostgreSQL what follows
    them would be another transaction.
    """

    @event.listens_for(engine, "commit")
    @event.listens_for(engine, "rollback")
    def refuse(conn: Connection) -> None:
        if not conn.info.get(_OURS):
            raise StoreError(
                "a function run by the store must not commit or roll back: return, and the store "
                "commits; raise, and it undoes"
            )


def allow_end(conn: Connection, allowed: bool) -> None:
    """Told by the store around its own commit or rollback."""
    conn.info[_OURS] = allowed


def refuse_open_nesting(conn: Connection) -> None:
    """After a function: a nested transaction that it left open would swallow what follows."""
    if conn.in_nested_transaction():
        raise StoreError("the function left a nested transaction open: use `with`")
