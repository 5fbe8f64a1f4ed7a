"""Progress for people: bars on a terminal, plain lines without one."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Steps(Protocol):
    """What long work tells of itself."""

    def begin(self, what: str, total: int) -> None:
        """A stage of ``total`` steps begins; the one before is over."""

    def set(self, done: int, note: str = "") -> None:
        """How far the stage is."""

    def say(self, text: str) -> None:
        """A line that stays."""


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None
        self._total = 1

    def begin(self, what: str, total: int) -> None:
        self.set(self._total)
        self._total = max(total, 1)
        self._task = self._progress.add_task(what, total=self._total, note="")

    def set(self, done: int, note: str = "") -> None:
        if self._task is not None:
            self._progress.update(self._task, completed=done, note=note)

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)


class _Lines:
    """At most a line every two seconds, and one when a stage ends: a log, not a flood."""

    def __init__(self) -> None:
        self._what, self._total, self._said, self._last = "", 0, -1, 0.0

    def begin(self, what: str, total: int) -> None:
        self._what, self._total, self._said, self._last = what, total, -1, time.monotonic()
        self.say(f"{what} …")

    def set(self, done: int, note: str = "") -> None:
        ended = done >= self._total
        if done == self._said or not (ended or time.monotonic() - self._last > 2):
            return
        self._said, self._last = done, time.monotonic()
        self.say(f"{self._what}: {done}/{self._total} {note}".rstrip())

    def say(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


@contextmanager
def steps() -> Iterator[Steps]:
    """Bars if standard output is a terminal, else lines."""
    if not sys.stdout.isatty():
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console()) as progress:
        yield _Bars(progress)
