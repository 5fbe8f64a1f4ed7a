"""The parent's end of one worker: starts the process, moves frames, notices the end.

One link is one life of one process. All of it runs in the event loop; nothing here blocks
longer than a vfork.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import frames

_ROOT = str(Path(__file__).resolve().parent.parent)


class WorkerLink(asyncio.Protocol):
    """Frames to and from a worker. ``on_message`` gets each frame, ``on_lost`` is called once."""

    def __init__(
        self, on_message: Callable[[list[Any]], None], on_lost: Callable[[str], None]
    ) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._reader = frames.FrameReader()
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    @property
    def pid(self) -> int:
        """The worker's process id; 0 before :meth:`spawn`."""
        return self._process.pid if self._process else 0

    async def spawn(self, env: Mapping[str, str], module: str = "crypto.worker") -> None:
        """Starts the process and connects to it. Raises OSError."""
        ours, theirs = socket.socketpair()
        try:
            self._process = start_process(module, theirs, env)
        except OSError:
            ours.close()
            raise
        finally:
            # As long as a copy of the child's end is open here, its death would go unnoticed.
            theirs.close()
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, sock=ours)

    def send(self, message: list[Any]) -> None:
        """Queues one frame; on a lost link it goes nowhere (``on_lost`` has been called)."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frames.encode(message))

    def kill(self) -> None:
        """SIGKILL: works on stopped processes too. What it held comes back by ``on_lost``."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def running(self) -> bool:
        """Whether the kernel says the process is on, or waiting for, a processor."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "R"

    def close(self) -> None:
        """Closes our end; the worker reads the end of the stream and leaves.

        What it held comes back before this returns: nothing of this life reaches the next one.
        """
        self._lose("closed")

    async def reap(self, patience_s: float = 0.0) -> str:
        """Waits for the process's end (killing it after ``patience_s``) and says how it was."""
        if self._process is None:
            return "never started"
        if patience_s == 0.0:
            self.kill()
        waited, step = 0.0, 0.002
        while self._process.poll() is None:
            await asyncio.sleep(step)
            waited += step
            step = min(step * 2, 0.05)
            if waited >= patience_s:
                self.kill()
        code = self._process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit {code}"

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._reader.feed(data):
                self._on_message(message)
        except frames.FrameError as error:
            # Whatever it is that answers, it is not our worker any more.
            self._lose(str(error))
            self.kill()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose(type(exc).__name__ if exc else "worker ended")

    def _lose(self, reason: str) -> None:
        if not self.lost.is_set():
            self.lost.set()
            if self._transport is not None:
                self._transport.close()
            self._on_lost(reason)


def start_process(
    module: str, end: socket.socket, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Spawns ``python -m module FD`` with ``end`` as its only inherited descriptor."""
    path = os.pathsep.join(p for p in (_ROOT, os.environ.get("PYTHONPATH", "")) if p)
    return subprocess.Popen(
        # -P: a file in the working directory must not shadow what handles keys.
        [sys.executable, "-P", "-m", module, str(end.fileno())],
        env={**os.environ, **env, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(end.fileno(),),
        start_new_session=True,
    )
