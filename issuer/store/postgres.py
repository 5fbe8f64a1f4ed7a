"""PostgreSQL behind the store: a few threads, each with its connection, and bounded repeats."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError

from .errors import CommitFailed, StoreClosed, StoreError
from .guard import allow_end, forbid_end, refuse_open_nesting

T = TypeVar("T")
WRITERS = 8  # facts on offices: more connections commit no more documents
READERS = 4
ATTEMPTS = 6
# Class 40 of the SQLSTATE appendix: the server undid the transaction and asks to run it again.
REPEATABLE = {"40001", "40P01"}


class PostgresBackend:
    """See :class:`issuer.store.engine.Backend`."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url, WRITERS, "READ COMMITTED")
        forbid_end(self._engine)
        # A snapshot over several statements, as a reader on SQLite has.
        reading = _engine(url, READERS, "REPEATABLE READ")
        self._read_engine = reading.execution_options(postgresql_readonly=True)
        _probe(self._engine)
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._closed = False

    async def run(self, call: Callable[[Connection], T]) -> T:
        """Runs the call in a writer thread until it is committed."""
        self._check()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writers, self._run, call)

    async def read(self, call: Callable[[Connection], T]) -> T:
        """Runs the call in a reader thread."""
        self._check()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, call)

    def _check(self) -> None:
        if self._closed:
            raise StoreClosed("the store is closed: open it again")

    def _run(self, call: Callable[[Connection], T]) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                return self._once(call)
            except DBAPIError as error:
                if _sqlstate(error) not in REPEATABLE:
                    raise
            time.sleep(random.uniform(0, 0.002 * 2**attempt))
        return self._once(call)

    def _once(self, call: Callable[[Connection], T]) -> T:
        with self._engine.connect() as conn:
            allow_end(conn, False)
            transaction = conn.begin()
            try:
                result = call(conn)
                refuse_open_nesting(conn)
            except BaseException:
                allow_end(conn, True)
                transaction.close()  # rolls back, also what a refused commit left inactive
                raise
            allow_end(conn, True)
            try:
                transaction.commit()
            except DBAPIError as error:
                if _sqlstate(error) in REPEATABLE or not error.connection_invalidated:
                    raise  # the server itself said that it undid the transaction
                raise CommitFailed(
                    "the connection was lost during the commit: read the state before doing "
                    "anything again"
                ) from error
            return result

    def _read(self, call: Callable[[Connection], T]) -> T:
        with self._read_engine.connect() as conn, conn.begin():
            return call(conn)

    async def close(self) -> None:
        """Ends the threads after what was handed to them."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._engine.dispose()
        self._read_engine.dispose()


def _engine(url: str, size: int, isolation: IsolationLevel) -> Engine:
    return create_engine(
        url,
        pool_size=size,
        hide_parameters=True,  # an error may be logged; what it was about is personal data
        max_overflow=0,
        pool_pre_ping=True,  # a server that was restarted costs no caller an error
        isolation_level=isolation,
    )


def _probe(engine: Engine) -> None:
    try:
        engine.connect().close()
    except DBAPIError as error:
        raise StoreError(
            f"cannot open PostgreSQL at {engine.url.render_as_string()}: {error.orig}; "
            "check that it runs, the name of the database and the user's rights"
        ) from error


def _sqlstate(error: DBAPIError) -> str:
    return (error.orig.sqlstate or "") if isinstance(error.orig, psycopg.Error) else ""
