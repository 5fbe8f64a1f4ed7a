"""Bytes to a device and back, opened by URL. A driver does not know whether a simulator answers.

``tcp://HOST:PORT`` · ``serial:///dev/ttyUSB0?baud=38400&parity=N&bits=8&stop=1``
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit


class Transport(Protocol):
    """One open line. Everything raises :class:`printers.ports.DeviceError` when it breaks."""

    kind: str  # "tcp" or "serial"

    async def write(self, data: bytes | memoryview) -> None:
        """Hands all of ``data`` to the operating system; nothing waits in this process after."""

    async def read(self) -> bytes:
        """The next bytes, at least one."""

    async def close(self) -> None:
        """Drops the line at once, with whatever was not sent."""


async def open_transport(url: str, timeout_s: float = 5.0) -> Transport:
    """Opens ``url``. Raises DeviceError (nobody there) or ValueError (no such kind of URL)."""
    scheme = urlsplit(url).scheme
    if scheme == "tcp":
        from printers.transports.tcp import open_tcp

        return await open_tcp(url, timeout_s)
    if scheme == "serial":
        from printers.transports.line import open_line

        return await open_line(url, timeout_s)
    raise ValueError(f"{url}: a device is opened by tcp:// or serial://, not {scheme or 'nothing'}")
