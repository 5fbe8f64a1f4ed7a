"""SQLite behind the store: connections with their pragmas, reader threads, one writer."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from .errors import StoreClosed, StoreError
from .guard import forbid_end
from .writer import GroupWriter

T = TypeVar("T")
READERS = 4
BUSY_S = 30.0  # how long another process may hold the write lock before callers get StoreBusy
OLDEST = (3, 35, 0)  # RETURNING


def writer_engine(url: str) -> Engine:
    """An engine whose transactions are begun and ended by the writer, on the driver itself."""
    engine = _engine(url, NullPool)
    forbid_end(engine)
    return engine


def reader_engine(url: str, size: int = READERS) -> Engine:
    """An engine whose transactions are snapshots that cannot write."""
    engine = _engine(url, QueuePool, pool_size=size, max_overflow=0)

    @event.listens_for(engine, "connect")
    def only_read(raw: sqlite3.Connection, _record: object) -> None:
        raw.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN")

    return engine


def _engine(url: str, pool: type[NullPool] | type[QueuePool], **options: Any) -> Engine:
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old: install 3.35 or newer")
    engine = create_engine(
        url,
        poolclass=pool,
        hide_parameters=True,  # an error may be logged; what it was about is personal data
        # None: the driver emits no BEGIN of its own. That would be a deferred one, refused when
        # it wants to write after another writer (sqlite.org/lang_transaction.html, 2.2).
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "timeout": BUSY_S,
            "cached_statements": 512,
        },
        **options,
    )
    event.listen(engine, "connect", _pragmas)
    return engine


def _pragmas(raw: sqlite3.Connection, _record: object) -> None:
    _write_ahead(raw)
    # FULL: in WAL mode NORMAL does not flush on commit, and a power cut would take answered work.
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("PRAGMA foreign_keys = ON")
    raw.execute("PRAGMA temp_store = MEMORY")
    raw.execute("PRAGMA cache_size = -32768")  # 32 MiB


def _write_ahead(raw: sqlite3.Connection) -> None:
    """WAL stays in the file; switching to it does not wait for other connections by itself."""
    deadline = time.monotonic() + BUSY_S
    while raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


class SqliteBackend:
    """See :class:`issuer.store.engine.Backend`."""

    def __init__(self, url: str) -> None:
        self._writer = GroupWriter(_open(writer_engine(url)), BUSY_S)
        self._read_engine = reader_engine(url)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._closed = False

    async def run(self, call: Callable[[Connection], T]) -> T:
        """Hands the call to the writer and waits for its commit."""
        return await self._writer.submit(call)

    async def read(self, call: Callable[[Connection], T]) -> T:
        """Runs the call in a reader thread."""
        if self._closed:
            raise StoreClosed("the store is closed: open it again")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._read, call)

    def _read(self, call: Callable[[Connection], T]) -> T:
        with self._read_engine.connect() as conn, conn.begin():
            return call(conn)

    async def close(self) -> None:
        """Ends the threads after what was handed to them."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._readers.shutdown()
        self._read_engine.dispose()
        self._writer.stop()


def _open(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreError(
            f"cannot open {engine.url.database}: {error}; check that the directory exists, "
            "that it may be written and that the file is a database"
        ) from error
