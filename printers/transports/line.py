"""``serial:///dev/ttyUSB0?baud=38400``: a serial line, or a pty in its place.

pyserial opens and configures; bytes move over the non-blocking descriptor by the event loop's
readiness, so a stalled line (a pty takes 8,192 unread bytes, facts) stops nobody else. Parity and
modem lines are options because a pty refuses some of them (facts: parity E is EINVAL).
"""

from __future__ import annotations

import asyncio
import os
import termios
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import serial

from printers.ports import DeviceError


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How the line is set; the defaults are those of the guide's ``Pcom;1;9600;N;8;1``."""

    path: str
    baud: int = 9600
    parity: str = "N"
    bits: int = 8
    stop: int = 1
    rtscts: bool = False
    xonxoff: bool = False

    @classmethod
    def from_url(cls, url: str) -> LineSettings:
        """Reads serial:///PATH?name=value&…. Raises ValueError naming what is allowed."""
        parts = urlsplit(url)
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError(f"{url}: write serial:///dev/ttyUSB0?baud=9600 (three slashes)")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        readers: dict[str, Callable[[str], object]] = {
            "baud": int,
            "parity": _parity,
            "bits": int,
            "stop": int,
            "rtscts": _flag,
            "xonxoff": _flag,
        }
        for name in options:
            if name not in readers:
                raise ValueError(f"{url}: unknown option {name!r}; known: {', '.join(readers)}")
        try:
            found = {name: readers[name](text) for name, text in options.items()}
        except ValueError as error:
            raise ValueError(f"{url}: {error}") from error
        return cls(parts.path, **found)  # type: ignore[arg-type]


def _parity(text: str) -> str:
    if text.upper() not in ("N", "E", "O"):
        raise ValueError(f"parity {text!r}: N, E or O")
    return text.upper()


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r}: write 0 or 1")
    return text == "1"


class LineTransport:
    """An open serial line, locked against other processes of this machine."""

    kind = "serial"

    def __init__(self, port: serial.Serial, path: str) -> None:
        self._port = port
        self._path = path
        self._handle: int = port.fileno()

    async def write(self, data: bytes | memoryview) -> None:
        """See Transport."""
        view = memoryview(data)
        while len(view):
            try:
                view = view[os.write(self._handle, view) :]
            except BlockingIOError:
                loop = asyncio.get_running_loop()
                await self._ready(loop.add_writer, loop.remove_writer)
            except OSError as error:
                raise DeviceError(f"{self._path}: line lost while sending ({error})") from error

    async def read(self) -> bytes:
        """See Transport."""
        while True:
            loop = asyncio.get_running_loop()
            await self._ready(loop.add_reader, loop.remove_reader)
            try:
                data = os.read(self._handle, 65536)
            except BlockingIOError:
                continue
            except OSError as error:
                raise DeviceError(f"{self._path}: line lost ({error})") from error
            if not data:
                raise DeviceError(f"{self._path}: the other end of the line is gone")
            return data

    async def close(self) -> None:
        """See Transport."""
        if self._port.is_open:
            # tcdrain in close() would wait for a stalled machine; what was queued is dropped.
            await asyncio.to_thread(self._discard)

    def _discard(self) -> None:
        try:
            self._port.reset_output_buffer()
        except (OSError, termios.error):  # SerialException is an OSError
            pass  # the device is gone already: there is nothing to discard
        finally:
            self._port.close()

    async def _ready(self, add: Callable[..., None], remove: Callable[[int], bool]) -> None:
        event = asyncio.Event()
        add(self._handle, event.set)
        try:
            await event.wait()
        finally:
            remove(self._handle)


async def open_line(url: str, timeout_s: float) -> LineTransport:
    """Opens and locks the line. Raises DeviceError, or ValueError for a wrong URL."""
    settings = LineSettings.from_url(url)
    try:
        async with asyncio.timeout(timeout_s):
            port = await asyncio.to_thread(_open, settings)
    except TimeoutError as error:
        raise DeviceError(f"{settings.path}: does not open in {timeout_s:g} s") from error
    except (OSError, ValueError, termios.error) as error:  # a pty refuses parity: EINVAL
        raise DeviceError(
            f"{settings.path}: cannot open ({error}); is it plugged in, and free?"
        ) from error
    return LineTransport(port, settings.path)


def _open(settings: LineSettings) -> serial.Serial:
    # exclusive: two daemons on one line would mix their frames; the second is told.
    return serial.Serial(
        settings.path,
        settings.baud,
        bytesize=settings.bits,
        parity=settings.parity,
        stopbits=settings.stop,
        rtscts=settings.rtscts,
        xonxoff=settings.xonxoff,
        timeout=0,
        exclusive=True,
    )
