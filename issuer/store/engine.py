"""The store: a transaction is a plain function over a connection, handed to ``Store.run``.

SQLite has one writer thread that commits the waiting functions together (group commit);
PostgreSQL has a few threads, each with a connection. The same functions run on both. Measured
in the facts on offices: a connection per task on SQLite is the wrong shape (19 documents/s
against 773).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError

from .errors import CommitFailed, StoreBusy, StoreClosed, StoreError

__all__ = ["CommitFailed", "Store", "StoreBusy", "StoreClosed", "StoreError", "driver_url"]

P = ParamSpec("P")
T = TypeVar("T")
Job = Callable[Concatenate[Connection, P], T]


class Backend(Protocol):
    """What one kind of database does for the store; ``call`` is already bound to its arguments."""

    async def run(self, call: Callable[[Connection], T]) -> T:
        """One durable transaction."""

    async def read(self, call: Callable[[Connection], T]) -> T:
        """One read-only snapshot."""

    async def close(self) -> None:
        """Finishes what waits, then gives everything back."""


def driver_url(url: str) -> str:
    """The SQLAlchemy URL of a configured one: ``sqlite:///path`` or ``postgresql://…``.

    Raises StoreError for another database, and for SQLite in memory (it cannot be shared).
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            f"{url!r} is no database URL; use sqlite:///PATH or postgresql://USER@HOST/NAME"
        ) from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise StoreError("SQLite in memory cannot be shared or survive; use sqlite:///PATH")
        return parsed.set(drivername="sqlite+pysqlite").render_as_string(hide_password=False)
    if kind == "postgresql":
        return parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    raise StoreError(f"{kind} is not supported; use sqlite:///PATH or postgresql://USER@HOST/NAME")


class Store:
    """One database, shared by the coroutines of one process and by other processes."""

    def __init__(self, url: str, dialect: str, backend: Backend) -> None:
        """Used by :meth:`open`."""
        self.url = url
        self.dialect = dialect  # "sqlite" or "postgresql"
        self._backend = backend

    @classmethod
    def open(cls, url: str) -> Store:
        """Opens a migrated database and starts its threads; blocks for a few milliseconds.

        Raises StoreError if the URL is wrong or the database cannot be opened.
        """
        target = driver_url(url)
        dialect = make_url(target).get_backend_name()
        backend: Backend
        if dialect == "sqlite":
            from .sqlite import SqliteBackend

            backend = SqliteBackend(target)
        else:
            from .postgres import PostgresBackend

            backend = PostgresBackend(target)
        return cls(url, dialect, backend)

    async def run(self, fn: Job[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``fn(conn, *args)`` in one transaction; returns after it is durable.

        ``fn`` runs in another thread, must not commit, and must be safe to run again from its
        start (PostgreSQL repeats it after a deadlock). What it raises rolls back its own work
        alone and is raised here. A caller that is cancelled while waiting does not know the
        outcome: the transaction may still be committed.
        Raises StoreBusy, CommitFailed or StoreClosed of its own.
        """
        return await self._backend.run(lambda conn: fn(conn, *args, **kwargs))

    async def read(self, fn: Job[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs ``fn(conn, *args)`` on one read-only snapshot, beside the writer.

        Writing inside is refused by the database. It sees every transaction that ``run``
        answered before the call.
        """
        return await self._backend.read(lambda conn: fn(conn, *args, **kwargs))

    async def close(self) -> None:
        """Finishes what was handed over, then closes; calls after it raise StoreClosed."""
        await self._backend.close()
