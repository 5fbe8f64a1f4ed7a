"""The wires of a simulated Evolis machine: a TCP port and a serial line (pty).

**One host at a time, and the newest connection wins**: the older one is reset and what it had
sent and was not yet read is thrown away. This fences a daemon that was stopped and wakes up late:
once its successor has connected, nothing it still writes reaches the metal. A serial line knows
no connections; there the driver's lock on the device file stands for it, and a frame that stays
unfinished is dropped after a time-out (NACK T).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import tty
from pathlib import Path
from typing import Protocol

from firmware_sim.evolis_host import Host
from printers.codecs.evolis import FrameParser
from printers.codecs.evolis_replies import Link, Refusal, Reply

LINE_TIMEOUT_S = 1.0


class Wire(Protocol):
    """A listening machine; ``url`` is what a driver opens."""

    url: str

    async def start(self) -> None:
        """Begins to listen."""

    async def close(self) -> None:
        """Stops listening and drops the host."""

    def reset(self) -> None:
        """The fault "tcp_reset": the host's connection breaks now."""


class TcpWire:
    """``tcp://127.0.0.1:PORT``; port 0 takes a free one."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self.url = ""
        self._host = host
        self._address = address
        self._port = port
        self._server: asyncio.Server | None = None
        self._current: tuple[asyncio.Task[None], asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """See Wire."""
        self._server = await asyncio.start_server(self._connected, self._address, self._port)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"tcp://{self._address}:{port}"

    async def close(self) -> None:
        """See Wire."""
        if self._server is not None:
            self._server.close()
        async with self._turn:
            await self._drop()

    def reset(self) -> None:
        """See Wire."""
        if self._current is not None:
            _reset(self._current[1])

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with self._turn:
            await self._drop()
            task = asyncio.create_task(self._serve(reader, writer))
            self._current = (task, writer)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _drop(self) -> None:
        if self._current is None:
            return
        task, writer = self._current
        self._current = None
        task.cancel()
        _reset(writer)
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await self._host.host_gone()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = FrameParser()
        try:
            while data := await reader.read(65536):
                for item in parser.feed(data):
                    reply = await self._host.answer(item)
                    writer.write(reply.to_bytes(Link.TCP))
                    await writer.drain()
        except OSError:
            pass  # the host is gone; what it left is host_gone's business
        finally:
            writer.close()
        await self._host.host_gone()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        # Linger 0 makes close() send RST (socket(7)): the host sees a broken connection.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class PtyWire:
    """``pty://LINK``: a pty whose slave is reached by the symbolic link LINK."""

    def __init__(self, host: Host, link: Path) -> None:
        self.url = f"serial://{link.absolute()}"
        self._host = host
        self._link = link
        self._handles: tuple[int, int] = (-1, -1)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """See Wire."""
        # The machine keeps the slave open too, so that a leaving host does not hang up the line.
        self._handles = os.openpty()
        master, slave = self._handles
        tty.setraw(slave)
        os.set_blocking(master, False)
        await asyncio.to_thread(_point, self._link, os.ttyname(slave))
        self._task = asyncio.create_task(self._serve(master))

    async def close(self) -> None:
        """See Wire."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for handle in self._handles:
            os.close(handle)
        await asyncio.to_thread(self._link.unlink, missing_ok=True)

    def reset(self) -> None:
        """A line has no connection to break: nothing happens."""

    async def _serve(self, master: int) -> None:
        parser = FrameParser()
        while True:
            data = await _read(master, LINE_TIMEOUT_S if parser.pending else None)
            if not data:
                parser.reset()
                await _write(master, Reply(refusal=Refusal.TIMEOUT))
            for item in parser.feed(data):
                await _write(master, await self._host.answer(item))


async def _read(handle: int, timeout_s: float | None) -> bytes:
    """The next bytes; none after ``timeout_s``."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(handle, ready.set)
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                await ready.wait()
                ready.clear()
                with contextlib.suppress(BlockingIOError):
                    return os.read(handle, 65536)
    except TimeoutError:
        return b""
    finally:
        loop.remove_reader(handle)


async def _write(handle: int, reply: Reply) -> None:
    data = reply.to_bytes(Link.SERIAL)
    while data:
        try:
            data = data[os.write(handle, data) :]
        except BlockingIOError:
            await asyncio.sleep(0.01)  # nobody reads at the other end


def _point(link: Path, target: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
