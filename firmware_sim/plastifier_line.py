"""The serial side of a simulated plastifier: Modbus RTU on a pty.

The Modbus server is pymodbus, which wants a port by name; so there are two ptys, the host's and
the server's, with this wire between them. The wire is where bytes can be slowed to one at a time.
"""

from __future__ import annotations

import asyncio
import os
import tty
from collections import deque
from pathlib import Path

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from firmware_sim.plastifier_machine import PlastifierMachine
from printers.codecs.plastifier import counter_words


class Wire:
    """Two ptys joined: ``host`` is the path for the host, ``device`` that for the server."""

    def __init__(self, byte_s: float | None = None) -> None:
        self._byte_s = byte_s
        self._masters: list[int] = []
        self._slaves: list[int] = []
        for _ in range(2):
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self._masters.append(master)
            # Held open, so that a host that closes its end does not hang the line up (EIO).
            self._slaves.append(slave)
        self.host, self.device = (os.ttyname(slave) for slave in self._slaves)
        self._queues: tuple[deque[int], deque[int]] = (deque(), deque())
        self._trickle: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Carries bytes both ways from now on."""
        loop = asyncio.get_running_loop()
        for side in (0, 1):
            loop.add_reader(self._masters[side], self._carry, side)
            if self._byte_s is not None:
                self._trickle.append(asyncio.create_task(self._drip(side)))

    def close(self) -> None:
        """Cuts the wire."""
        for task in self._trickle:
            task.cancel()
        loop = asyncio.get_running_loop()
        for master in self._masters:
            loop.remove_reader(master)
        for handle in (*self._masters, *self._slaves):
            os.close(handle)

    def _carry(self, side: int) -> None:
        data = os.read(self._masters[side], 4096)
        if self._byte_s is None:
            self._put(1 - side, data)
        else:
            self._queues[side].extend(data)

    def _put(self, side: int, data: bytes) -> None:
        try:
            os.write(self._masters[side], data)
        except BlockingIOError:
            return  # nobody reads on that side: a real line loses the bytes as well

    async def _drip(self, side: int) -> None:
        while True:
            await asyncio.sleep(self._byte_s or 0)
            if self._queues[side]:
                self._put(1 - side, bytes([self._queues[side].popleft()]))


class ModbusUnits:
    """The units on the bus: the controller, and the pouch counter if it has a unit of its own."""

    def __init__(self, machine: PlastifierMachine, unit: int) -> None:
        self._machine, self._at = machine, machine.at
        self._controller = unit
        self._counter = unit + machine.at.counter_unit_offset
        self._server: ModbusSerialServer | None = None

    async def start(self, port: str, baud: int) -> None:
        """Serves on the pty ``port``."""
        self._server = ModbusSerialServer(
            self._devices(), port=port, baudrate=baud, trace_packet=self._hush
        )
        await self._server.serve_forever(background=True)

    async def stop(self) -> None:
        """Stops serving."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    def _devices(self) -> list[SimDevice]:
        start, count = self._at.block
        monitored = SimData(start, count=count, datatype=DataType.REGISTERS, readonly=True)
        target = SimData(self._at.registers["set_point"], datatype=DataType.REGISTERS)
        passes = SimData(
            self._at.counter_address, count=2, datatype=DataType.REGISTERS, readonly=True
        )
        if self._counter == self._controller:
            blocks = [monitored, target, passes]
            return [SimDevice(self._controller, blocks, action=self._on_controller)]
        return [
            SimDevice(self._controller, [monitored, target], action=self._on_controller),
            SimDevice(self._counter, [passes], action=self._on_counter),
        ]

    async def _on_controller(
        self, code: int, start: int, address: int, count: int, registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:  # fmt: skip
        if values:
            if not 0 <= int(values[0]) * self._at.decic_per_count <= 5000:
                return ExcCodes.ILLEGAL_VALUE
            await self._machine.set_point(int(values[0]) * self._at.decic_per_count)
            return None
        words = self._at.words(self._machine.reading())
        words[self._at.registers["set_point"]] = words[self._at.registers["internal_set_point"]]
        for where, word in words.items():
            registers[where - start] = word
        if self._counter == self._controller:
            self._fill(start, registers)
        return None

    async def _on_counter(
        self, code: int, start: int, address: int, count: int, registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:  # fmt: skip
        self._fill(start, registers)
        return None

    def _fill(self, start: int, registers: list[int]) -> None:
        at = self._at.counter_address - start
        registers[at : at + 2] = counter_words(self._machine.state["passes"])

    def _hush(self, sending: bool, packet: bytes) -> bytes:
        # pymodbus answers exception 4 for a unit that is absent; a real RS-485 line is silent
        # (facts, "Plastifiers").
        absent = sending and packet[:1] and packet[0] not in {self._controller, self._counter}
        return b"" if absent or (sending and self._machine.has("silent")) else packet


def link(path: Path, target: str) -> None:
    """Makes the symlink ``path`` to the host's pty; replaces a stale one."""
    if path.is_symlink():
        path.unlink()
    path.symlink_to(target)
