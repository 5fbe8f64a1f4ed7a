"""The persistent body of a simulated machine: what is true of the metal, power or no power.

A real printer keeps its counters, the card inside and its rolls through a power cut; so does
this file. It is written with an atomic rename and an fsync at each physical step, so that a test
which kills the process at any moment finds a body that tells the truth about ink and blanks.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class BodyError(Exception):
    """The body cannot be used; the message says what to do."""


def write_durably(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` so that a reader sees the old file or the new one, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with temporary.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
    _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    # A rename is durable only once its directory is (fsync(2), notes).
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Body:
    """A machine's state as a dictionary of JSON values; :meth:`save` makes it durable.

    ``boots`` in the state counts how often the machine was switched on. One process owns a
    body: a second one gets BodyError.
    """

    def __init__(self, directory: Path, state: dict[str, Any], lock: int) -> None:
        self.directory = directory
        self.state = state
        self._lock = lock

    @classmethod
    def open(cls, directory: Path, fresh: Mapping[str, Any]) -> Body:
        """Reads ``directory/body.json``, or makes it from ``fresh``; counts one more boot.

        Keys that ``fresh`` has and an older body lacks are added. Raises BodyError when another
        process has the body or the file is no JSON object.
        """
        directory.mkdir(parents=True, exist_ok=True)
        lock = _take(directory)
        path = directory / "body.json"
        try:
            state = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        except ValueError as error:
            os.close(lock)
            raise BodyError(f"{path} is no JSON: mend it, or remove it to start anew") from error
        body = cls(directory, json.loads(json.dumps(dict(fresh))) | state, lock)
        body.state["boots"] = int(body.state.get("boots", 0)) + 1
        body.save()
        return body

    @property
    def is_new(self) -> bool:
        """Whether this is the first time the machine is switched on."""
        return bool(self.state["boots"] == 1)

    def dump(self) -> bytes:
        """The state as it is now, for :meth:`store`: taken where the state is changed."""
        return json.dumps(self.state, ensure_ascii=False, indent=1, sort_keys=True).encode()

    def store(self, dumped: bytes) -> None:
        """Makes a dump durable. Blocking (a few milliseconds), one at a time."""
        write_durably(self.directory / "body.json", dumped)

    def save(self) -> None:
        """Dumps and stores at once: for machines without an event loop."""
        self.store(self.dump())

    def close(self) -> None:
        """Gives the body back; the state stays as last saved. Closing twice is harmless."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)


def _take(directory: Path) -> int:
    lock = os.open(directory / "body.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BodyError(
            f"another simulated machine runs in {directory}: stop it or give another --out"
        ) from error
    return lock
