"""``tcp://HOST:PORT``: raw bytes to a printer's port (JetDirect style, 9100)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from urllib.parse import urlsplit

from printers.ports import DeviceError


class TcpTransport:
    """One connection. A printer serves its newest one: see ``firmware_sim.evolis_link``."""

    kind = "tcp"

    def __init__(
        self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._url = url
        self._reader = reader
        self._writer = writer
        # With no room in user space, a drained write is in the kernel's hands: what the gate
        # allowed has left, and nothing else follows when it closes.
        writer.transport.set_write_buffer_limits(high=0)

    async def write(self, data: bytes | memoryview) -> None:
        """See Transport."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise DeviceError(f"{self._url}: connection lost while sending ({error})") from error

    async def read(self) -> bytes:
        """See Transport."""
        try:
            data = await self._reader.read(65536)
        except OSError as error:
            raise DeviceError(f"{self._url}: connection lost ({error})") from error
        if not data:
            raise DeviceError(f"{self._url}: the device closed the connection")
        return data

    async def close(self) -> None:
        """See Transport."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):  # how it ended no longer matters
            await self._writer.wait_closed()


async def open_tcp(url: str, timeout_s: float) -> TcpTransport:
    """Connects. Raises DeviceError, or ValueError for a URL without host or port."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.port:
        raise ValueError(f"{url}: write tcp://HOST:PORT, e.g. tcp://192.168.1.20:9100")
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError) as error:
        why = str(error) or f"no answer in {timeout_s:g} s"
        raise DeviceError(f"{url}: cannot connect ({why}); is the device on?") from error
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return TcpTransport(url, reader, writer)
