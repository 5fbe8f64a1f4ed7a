"""The hands of a person at a simulated machine: a unix socket OUT/control.sock, JSON lines.

One request object a line, one answer object a line: ``{"do": "state"}``, ``{"do": "load",
"serials": [...]}``, ``{"do": "fault", "name": "jam", "when": "now"}``. An answer has ``"ok"``
and, when it is false, ``"error"`` with a remedy.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = "control.sock"
LIMIT = 1 << 20  # bytes a line; a hopper of 10,000 serials is far below
Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlError(Exception):
    """A request that cannot be done; the message says what can."""


@contextmanager
def _short(directory: Path) -> Iterator[str]:
    # sun_path holds 108 bytes (unix(7)) and output directories may be longer: go by /proc.
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{NAME}"
    finally:
        os.close(handle)


class ControlServer:
    """Answers control requests by ``handler``; ControlError becomes ``{"ok": false, …}``."""

    def __init__(self, directory: Path, handler: Handler) -> None:
        self._directory = directory
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listens on ``directory/control.sock``; replaces the socket of a killed process."""
        await asyncio.to_thread((self._directory / NAME).unlink, missing_ok=True)
        with _short(self._directory) as path:
            self._server = await asyncio.start_unix_server(self._serve, path, limit=LIMIT)

    async def close(self) -> None:
        """Stops listening and removes the socket."""
        if self._server is not None:
            self._server.close()
            await asyncio.to_thread((self._directory / NAME).unlink, missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the person went away, or sent a line beyond LIMIT: nothing was done
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            return {"ok": True} | await self._handler(_object(line))
        except (ControlError, ValueError) as error:
            return {"ok": False, "error": str(error)}


def _object(line: bytes) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise ControlError('send one JSON object a line, e.g. {"do": "state"}')
    return found


def request(directory: Path, message: Mapping[str, Any], timeout_s: float = 30) -> dict[str, Any]:
    """Sends one request to the machine whose OUT is ``directory``; blocking. Its answer.

    Raises ControlError when nobody answers there or the machine refuses.
    """
    with _short(directory) as path, socket.socket(socket.AF_UNIX) as link:
        link.settimeout(timeout_s)
        try:
            link.connect(path)
            link.sendall(json.dumps(dict(message)).encode() + b"\n")
            with link.makefile("rb") as lines:
                line = lines.readline()
        except OSError as error:
            raise ControlError(f"no simulated machine answers in {directory}: {error}") from error
    if not line:
        return {"ok": True, "gone": True}  # a power cut leaves no answer
    answer: dict[str, Any] = json.loads(line)
    if not answer["ok"]:
        raise ControlError(answer["error"])
    return answer
