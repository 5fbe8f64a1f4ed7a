"""Lines by URL: what opens, what is refused, and that a stalled line stops nobody."""

import asyncio
import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from printers import open_laminator, open_printer
from printers.ports import DeviceConfig, DeviceError
from printers.transports import open_transport
from printers.transports.line import LineSettings


@contextmanager
def pty() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(slave)
        os.close(master)


async def test_tcp_moves_bytes_and_tells_the_end() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readexactly(4))[::-1])
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        line = await open_transport(f"tcp://127.0.0.1:{port}")
        await line.write(b"abcd")
        assert await line.read() == b"dcba"
        with pytest.raises(DeviceError, match="closed the connection"):
            await line.read()
        await line.close()


async def test_nobody_there_is_a_device_error_with_a_remedy() -> None:
    with pytest.raises(DeviceError, match="is the device on"):
        await open_transport("tcp://127.0.0.1:1", 2)
    with pytest.raises(DeviceError, match="plugged in"):
        await open_transport("serial:///dev/does-not-exist", 2)


async def test_settings_that_the_line_refuses_are_a_device_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(settings: LineSettings) -> None:
        raise termios.error(22, "Invalid argument")  # a pty and parity E, facts

    monkeypatch.setattr("printers.transports.line._open", refuse)
    with pytest.raises(DeviceError, match="Invalid argument"):
        await open_transport("serial:///dev/ttyUSB0?parity=E")


async def test_serial_moves_bytes_over_a_pty() -> None:
    with pty() as (master, path):
        line = await open_transport(f"serial://{path}?baud=38400")
        await line.write(b"\x1bRfv\r")
        assert os.read(master, 100) == b"\x1bRfv\r"
        os.write(master, b"1.0\r")
        assert await line.read() == b"1.0\r"
        await line.close()


async def test_a_stalled_serial_line_stops_nobody_else() -> None:
    with pty() as (master, path):
        line = await open_transport(f"serial://{path}")
        ticks = 0
        send = asyncio.create_task(line.write(bytes(100_000)))  # a pty takes a few KB unread
        for _ in range(20):
            await asyncio.sleep(0.005)
            ticks += 1
        assert ticks == 20
        assert not send.done()
        read = 0
        os.set_blocking(master, False)
        while read < 100_000:
            with suppress(BlockingIOError):
                read += len(os.read(master, 65536))
            await asyncio.sleep(0)
        await asyncio.wait_for(send, 5)
        assert read == 100_000
        await line.close()


async def test_a_stalled_line_closes_at_once() -> None:
    with pty() as (_, path):
        line = await open_transport(f"serial://{path}")
        send = asyncio.create_task(line.write(bytes(100_000)))
        await asyncio.sleep(0.05)
        send.cancel()
        await asyncio.wait_for(line.close(), 2)


async def test_a_second_owner_of_a_serial_line_is_told() -> None:
    with pty() as (_, path):
        first = await open_transport(f"serial://{path}")
        with pytest.raises(DeviceError, match="and free"):
            await open_transport(f"serial://{path}")
        await first.close()
        again = await open_transport(f"serial://{path}")
        await again.close()


async def test_the_end_of_a_serial_line_is_told() -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    line = await open_transport(f"serial://{path}")
    os.close(slave)
    os.close(master)
    with pytest.raises(DeviceError, match="line"):
        await asyncio.wait_for(line.read(), 2)
    await line.close()


def test_line_settings() -> None:
    found = LineSettings.from_url("serial:///dev/ttyUSB0?baud=38400&parity=e&rtscts=1")
    assert found == LineSettings("/dev/ttyUSB0", 38400, "E", rtscts=True)
    assert LineSettings.from_url("serial:///dev/ttyS0").baud == 9600


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("serial://dev/ttyUSB0", "three slashes"),
        ("serial:///dev/ttyUSB0?bauds=1", "known: baud"),
        ("serial:///dev/ttyUSB0?baud=fast", "baud"),
        ("serial:///dev/ttyUSB0?parity=X", "N, E or O"),
        ("tcp://127.0.0.1", "HOST:PORT"),
        ("usb://0x0f49", "not usb"),
        ("printer", "not nothing"),
    ],
)
async def test_wrong_urls_name_the_remedy(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        await open_transport(url)


def test_models_choose_the_driver() -> None:
    printer = open_printer(DeviceConfig("p1", "evolis-agilia", "tcp://127.0.0.1:9"))
    assert (printer.name, printer.dpi, printer.canvas) == ("p1", 600, (2032, 1296))
    with pytest.raises(ValueError, match="evolis-primacy2"):
        open_printer(DeviceConfig("p1", "evolis-primacy9", "tcp://127.0.0.1:9"))
    with pytest.raises(ValueError, match="ipp"):
        open_printer(DeviceConfig("p1", "hp", "tcp://127.0.0.1:9"))
    with pytest.raises(ValueError, match="omron"):
        open_laminator(DeviceConfig("l1", "gmp", "serial:///dev/x"))
