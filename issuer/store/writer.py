"""The one thread that writes to SQLite, and commits those who wait together.

Each function has its SAVEPOINT, so that one that raises undoes only itself; the group has one
COMMIT, so that one flush of the disk serves them all. Nobody is answered before it.
"""

from __future__ import annotations

import asyncio
import queue
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from .errors import CommitFailed, StoreBusy, StoreClosed, StoreError
from .guard import allow_end, refuse_open_nesting

T = TypeVar("T")
GROUP = 64  # functions per commit: bounds how long the first one waits for the last
GROUP_S = 0.05  # and so does time, when functions are slow


@dataclass(slots=True)
class _Waiting:
    """One caller: its function, and later its result or error (written by the writer alone)."""

    call: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None

    def answer(self) -> None:
        """In the caller's loop."""
        if self.future.done():  # cancelled meanwhile
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class GroupWriter:
    """Owns the only writing connection of this process."""

    def __init__(self, conn: Connection, busy_s: float) -> None:
        self._conn = conn
        raw = conn.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("PRAGMA busy_timeout = 0")  # see _begin
        self._raw = raw
        self._conn.begin()  # SQLAlchemy's side stays open; BEGIN and COMMIT go to the driver
        self._busy_s = busy_s
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()  # nobody is queued behind the end mark
        self._closed = False
        self._thread = threading.Thread(target=self._main, name="store-write", daemon=True)
        self._thread.start()

    async def submit(self, call: Callable[[Connection], T]) -> T:
        """Waits until ``call`` is committed; see ``Store.run``."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop.create_future(), loop)
        with self._lock:
            if self._closed:
                raise StoreClosed("the store is closed: open it again")
            self._queue.put(waiting)
        return await waiting.future  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Commits what waits, ends the thread, closes the connection. Blocks."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        last = False
        try:
            while not last:
                first = self._queue.get()
                if first is None:
                    break
                last = self._group(first)
        finally:
            self._end()

    def _end(self) -> None:
        """Whatever ended the thread, nobody waits for ever."""
        with self._lock:
            self._closed = True
        left = []
        while not self._queue.empty():
            waiting = self._queue.get()
            if waiting is not None:
                waiting.error = StoreClosed("the store's writer has ended: start the daemon again")
                left.append(waiting)
        _answer(left)
        allow_end(self._conn, True)
        self._conn.close()
        self._conn.engine.dispose()

    def _group(self, first: _Waiting) -> bool:
        """Runs the first caller and those behind it, commits, answers; True at the end mark."""
        group = [first]
        failure: Exception | None = StoreError("the store's writer was interrupted")
        last = False
        try:
            self._begin()
            last = self._fill(group)
            self._commit()
            failure = None
        except (StoreError, SQLAlchemyError, sqlite3.Error) as error:
            failure = error
        finally:  # whatever happened, everybody is answered
            if failure is not None:
                self._lost(group, failure)
            _answer(group)
        return last

    def _fill(self, group: list[_Waiting]) -> bool:
        """Runs the first of the group and whoever waits behind it; True at the end mark."""
        self._savepoint(group[0])
        until = time.monotonic() + GROUP_S
        while len(group) < GROUP and time.monotonic() < until:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return False
            if waiting is None:
                return True
            group.append(waiting)
            self._savepoint(waiting)
        return False

    def _begin(self) -> None:
        """Takes the write lock, waiting for other processes.

        SQLite's own busy handler sleeps up to 100 ms between tries and starves beside a busy
        neighbour; short random sleeps share the lock evenly.
        """
        deadline = time.monotonic() + self._busy_s
        while True:
            try:
                self._raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise StoreError(
                        f"cannot begin a transaction ({error}); nothing was stored: look at the "
                        "disk and the file's rights"
                    ) from error
                if time.monotonic() > deadline:
                    raise StoreBusy(
                        f"another process has held the database for {self._busy_s:.0f} s; "
                        "nothing was stored: look for a stuck backup or shell, then try again"
                    ) from error
                time.sleep(random.uniform(0.0005, 0.003))
            else:
                return

    def _savepoint(self, waiting: _Waiting) -> None:
        """Runs one function; on its error undoes it alone. Raises if the group is lost with it."""
        if waiting.future.cancelled():  # nobody waits, and nothing was begun: do nothing
            return
        self._reopen()
        self._raw.execute("SAVEPOINT caller")
        try:
            waiting.result = waiting.call(self._conn)
            refuse_open_nesting(self._conn)
        except BaseException as error:  # noqa: BLE001 - handed to its caller, whatever it is
            waiting.error = error
            self._undo(error)
        self._raw.execute("RELEASE caller")

    def _reopen(self) -> None:
        """SQLAlchemy's side, after a function that tried to end it and was refused."""
        root = self._conn.get_transaction()
        if root is None or not root.is_active:
            if root is not None:
                root.close()
            self._conn.begin()

    def _undo(self, error: BaseException) -> None:
        if not self._raw.in_transaction:
            # A full disk or an I/O error makes SQLite roll back everything by itself.
            raise StoreError(
                f"SQLite gave the transaction up ({error}); nothing was stored: look at the disk"
            )
        while (nested := self._conn.get_nested_transaction()) is not None:
            nested.rollback()
        self._raw.execute("ROLLBACK TO caller")

    def _commit(self) -> None:
        try:
            self._raw.execute("COMMIT")
        except sqlite3.Error as error:
            raise CommitFailed(
                f"the commit failed ({error}): free space on the disk, look at its health, and "
                "read the state before doing anything again"
            ) from error

    def _lost(self, group: Sequence[_Waiting], error: Exception) -> None:
        """The whole group failed: every caller learns it, with its own exception object."""
        kind = type(error) if isinstance(error, StoreError) else CommitFailed
        for waiting in group:
            if waiting.error is None:
                waiting.error = kind(str(error))
                waiting.error.__cause__ = error
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")


def _answer(group: Sequence[_Waiting]) -> None:
    """Wakes each loop once for all of its callers."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
    for waiting in group:
        by_loop[waiting.loop].append(waiting)
    for loop, callers in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_answer_all, callers)


def _answer_all(callers: Sequence[_Waiting]) -> None:
    for waiting in callers:
        waiting.answer()
