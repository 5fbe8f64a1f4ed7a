"""Plastifiers by Modbus RTU: heat, invite one pouch, and believe the counter.

A person feeds the pouch; nothing here can. So a pouch may also be fed before the driver looks or
after it gave up, and only the counter against the journalled one tells (facts, "Printed at most
once"; a plastifier laminates at most once for the same reason).
"""

from __future__ import annotations

import asyncio
import termios
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from printers.codecs.plastifier import Reading, counter_value, load_map
from printers.plastifier_evidence import (
    NOT_FED,
    NOT_WARM,
    SILENT,
    conditions_of,
    decide,
    fault_reason,
    faults_of,
    passes_since,
    state_of,
)
from printers.ports import (
    DeviceConfig,
    DeviceError,
    Gate,
    Outcome,
    PrintResult,
    Progress,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at both units of the line."""

    reading: Reading
    passes: int


class Plastifier:
    """Models with a map in ``codecs/plastifiers``; opened by
    ``serial:///dev/ttyUSB0?baud=9600&unit=1&parity=N&stopbits=1``.

    Options: ``set_point_decic`` and ``band_decic`` (0.1 °C, else the map's), ``heat_timeout_s``
    600, ``feed_timeout_s`` 180, ``settle_s`` 10 (how long a silent machine is asked again),
    ``answer_timeout_s`` 0.5, ``poll_s`` 0.25.
    """

    def __init__(self, config: DeviceConfig) -> None:
        self.name, self._url = config.name, urlsplit(config.url)
        if self._url.scheme != "serial" or not self._url.path:
            raise ValueError(
                f"{config.name}: write the URL as serial:///dev/ttyUSB0?baud=9600&unit=1"
            )
        self._line = {k: v[-1] for k, v in parse_qs(self._url.query).items()}
        self._map = load_map(config.model)
        self._unit = int(self._line.get("unit", "1"))
        options = config.options
        self._set_point = int(options.get("set_point_decic", self._map.set_point_decic))
        self._set_point_word = self._map.set_point_word(self._set_point)
        self._band = int(options.get("band_decic", self._map.band_decic))
        self._heat_timeout_s = float(options.get("heat_timeout_s", "600"))
        self._feed_timeout_s = float(options.get("feed_timeout_s", "180"))
        self._settle_s = float(options.get("settle_s", "10"))
        self._answer_timeout_s = float(options.get("answer_timeout_s", "0.5"))
        self._poll_s = float(options.get("poll_s", "0.25"))
        self._client: AsyncModbusSerialClient | None = None

    async def connect(self) -> None:
        """Opens the line and asks both units once. Raises DeviceError."""
        await self._open()
        await self._look()

    async def snapshot(self) -> Snapshot:
        """Counters ``passes``, ``temperature_decic``, ``set_point_decic``. Raises DeviceError."""
        return self._snapshot_of(await self._look())

    async def laminate(
        self, job_id: str, before: Snapshot, gate: Gate, progress: Progress
    ) -> PrintResult:
        """Heats (phase "heating"), invites one pouch (phase "feed"), waits until it has passed.

        A pouch fed before the call but after ``before`` counts. The gate is asked before the set
        point is written and before the pouch is invited.
        """
        try:
            return await self._laminate(before, gate, progress)
        except DeviceError:
            return await self.determine(job_id, before)

    async def determine(self, job_id: str, before: Snapshot) -> PrintResult:
        """What the counter says now. Asks for ``settle_s`` while the machine is silent, then
        UNDETERMINED with ``after`` None.
        """
        deadline = time.monotonic() + self._settle_s
        while True:
            try:
                look = await self._look()
                return decide(before, self._snapshot_of(look), self._warm(look.reading))
            except DeviceError:
                if time.monotonic() > deadline:
                    return PrintResult(Outcome.UNDETERMINED, None, *SILENT, "unknown")
            await asyncio.sleep(self._poll_s)

    async def close(self) -> None:
        """Gives the line back; the heater stays at its set point."""
        if self._client is not None:
            self._client.close()
            self._client = None

    # -- one pouch -------------------------------------------------------------------------------

    async def _laminate(self, before: Snapshot, gate: Gate, progress: Progress) -> PrintResult:
        look = await self._look()
        if passes_since(before, look.passes) == 0:
            if look.reading.set_point_decic != self._set_point:
                gate()
                await self._write_set_point()
            ready = await self._heated(before, progress)
            if isinstance(ready, PrintResult):
                return ready
            look = ready
        if passes_since(before, look.passes) == 0:
            gate()
            return await self._fed(before, progress)
        return await self._counted(before, self._warm(look.reading))

    async def _heated(self, before: Snapshot, progress: Progress) -> _Look | PrintResult:
        """The look that found it ready (or a pouch gone through); a result if that never comes."""
        deadline = time.monotonic() + self._heat_timeout_s
        start: int | None = None
        while True:
            look = await self._look()
            reading, fresh = look.reading, look.reading.set_point_decic == self._set_point
            start = reading.temperature_decic if start is None else start
            if passes_since(before, look.passes) != 0:
                return look
            if fresh and (stop := self._stopped(before, look)):
                return stop
            if fresh and state_of(reading, self._set_point, self._band) == "ready":
                return look
            if time.monotonic() > deadline:
                return decide(before, self._snapshot_of(look), False, NOT_WARM)
            span = (self._set_point - start) or 1
            progress("heating", min(max((reading.temperature_decic - start) / span, 0.0), 1.0))
            await asyncio.sleep(self._poll_s)

    async def _fed(self, before: Snapshot, progress: Progress) -> PrintResult:
        began, warm = time.monotonic(), True
        while True:
            waited = (time.monotonic() - began) / self._feed_timeout_s
            progress("feed", min(waited, 1.0))
            look = await self._look()
            if passes_since(before, look.passes) != 0:
                return await self._counted(before, warm)
            if stop := self._stopped(before, look):
                return stop
            if waited > 1:
                return decide(before, self._snapshot_of(look), warm, NOT_FED)
            warm = self._warm(look.reading)
            await asyncio.sleep(self._poll_s)

    async def _counted(self, before: Snapshot, warm: bool) -> PrintResult:
        # Looks once more: a counter that bounces shows two, and one pouch must not pass for two.
        await asyncio.sleep(self._poll_s)
        return decide(before, await self.snapshot(), warm)

    def _stopped(self, before: Snapshot, look: _Look) -> PrintResult | None:
        faults = faults_of(look.reading, self._map, self._set_point)
        if not faults:
            return None
        return decide(before, self._snapshot_of(look), False, fault_reason(faults[0]))

    def _warm(self, reading: Reading) -> bool:
        # A passing pouch takes heat away: twice the band is still a sealed pouch (assumed).
        near = state_of(reading, self._set_point, 2 * self._band) == "ready"
        return near and not faults_of(reading, self._map, self._set_point)

    def _snapshot_of(self, look: _Look) -> Snapshot:
        return Snapshot(
            device=self.name,
            model=self._map.model,
            serial="",
            counters={
                "passes": look.passes,
                "temperature_decic": look.reading.temperature_decic,
                "set_point_decic": look.reading.set_point_decic,
            },
            conditions=conditions_of(look.reading, self._map, self._set_point, self._band),
        )

    # -- the line --------------------------------------------------------------------------------

    async def _look(self) -> _Look:
        start, count = self._map.block
        words = await self._read(start, count, self._unit)
        counter = self._unit + self._map.counter_unit_offset
        passes = counter_value(await self._read(self._map.counter_address, 2, counter))
        return _Look(self._map.reading(words), passes)

    async def _read(self, address: int, count: int, unit: int) -> list[int]:
        client = await self._open()
        try:
            answer = await client.read_holding_registers(address, count=count, device_id=unit)
        except (ModbusException, OSError) as error:
            raise self._silent(unit) from error
        words = list(self._checked(answer, unit).registers)
        if len(words) != count:
            raise self._silent(unit)
        return words

    async def _write_set_point(self) -> None:
        client = await self._open()
        address = self._map.registers["set_point"]
        try:
            answer = await client.write_register(
                address, self._set_point_word, device_id=self._unit
            )
        except (ModbusException, OSError) as error:
            raise self._silent(self._unit) from error
        self._checked(answer, self._unit)

    async def _open(self) -> AsyncModbusSerialClient:
        if self._client is None:
            self._client = self._new_client()
        if not self._client.connected:
            try:
                opened = await self._client.connect()
            except (OSError, ValueError, termios.error) as error:
                # A pty refuses parity with termios.error, which is no OSError (facts, "Serial").
                raise DeviceError(f"{self.name}: the line refuses its settings: {error}") from error
            if not opened:
                raise DeviceError(
                    f"{self.name}: {self._url.path} does not open; check the adapter, its name, "
                    "and that no other program has it"
                )
        return self._client

    def _new_client(self) -> AsyncModbusSerialClient:
        return AsyncModbusSerialClient(
            self._url.path,
            baudrate=int(self._line.get("baud", "9600")),
            parity=self._line.get("parity", "N"),
            stopbits=int(self._line.get("stopbits", "1")),
            timeout=self._answer_timeout_s,
            retries=2,
            # The driver reconnects when it next asks; a task that does so behind its back would
            # hold the port after close().
            reconnect_delay=0,
        )

    def _checked(self, answer: ModbusPDU, unit: int) -> ModbusPDU:
        if answer.isError():
            raise DeviceError(
                f"{self.name}: unit {unit} refused (Modbus exception "
                f"{getattr(answer, 'exception_code', '?')}); check model {self._map.model} and unit"
            )
        return answer

    def _silent(self, unit: int) -> DeviceError:
        return DeviceError(
            f"{self.name}: unit {unit} is silent on {self._url.path}; check power, cable, "
            "unit number and baud rate"
        )
