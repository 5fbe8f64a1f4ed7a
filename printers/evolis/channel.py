"""Commands and their replies over one open line: the only place that waits for a device."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any

from printers.codecs.evolis import CR, Frame, FrameError
from printers.codecs.evolis_replies import Link, Refusal, Reply, ReplyParser
from printers.ports import DeviceError, Gate
from printers.transports import Transport

CHUNK_BYTES = 64 * 1024  # what may still leave between a lost lease and the gate that sees it


class Refused(DeviceError):  # noqa: N818
    """The device answered with a refusal: it is alive, and did not do the command."""

    def __init__(self, frame: Frame, refusal: Refusal) -> None:
        super().__init__(f"device refuses {frame.command}: code {refusal.value} ({refusal.name})")
        self.refusal = refusal


class Channel:
    """One conversation. After a DeviceError other than Refused it is ``broken``: open another.

    ``inside_frame`` tells that a raster was begun and not ended: no command gets through then.
    """

    def __init__(self, transport: Transport) -> None:
        self.broken = False
        self.inside_frame = False
        self._transport = transport
        self._parser = ReplyParser(Link(transport.kind))
        self._replies: deque[Reply] = deque()

    async def ask(self, frame: Frame, timeout_s: float) -> str:
        """Sends one small frame; the value of a read, "" for a done command.

        Raises Refused, or DeviceError when no whole reply comes in ``timeout_s``.
        """
        await self._guarded(self._transport.write(frame.to_bytes()), frame, timeout_s)
        return await self.reply(frame, timeout_s)

    async def send_raster(self, frame: Frame, gate: Gate, timeout_s: float) -> None:
        """Sends a raster in chunks, ``gate`` before each. What gate raises passes through.

        ``timeout_s`` is for each chunk. The reply is still to be waited for: :meth:`reply`.
        """
        gate()
        self.inside_frame = True
        await self._guarded(self._transport.write(frame.head()), frame, timeout_s)
        view = memoryview((frame.data or b"") + bytes([CR]))
        for start in range(0, len(view), CHUNK_BYTES):
            gate()
            part = view[start : start + CHUNK_BYTES]
            await self._guarded(self._transport.write(part), frame, timeout_s)
        self.inside_frame = False

    async def reply(self, frame: Frame, timeout_s: float) -> str:
        """Waits for the reply to ``frame``. Raises Refused or DeviceError."""
        await self._guarded(self._receive(), frame, timeout_s)
        reply = self._replies.popleft()
        if reply.refusal is not None:
            raise Refused(frame, reply.refusal)
        return reply.value or ""

    async def drain(self, quiet_s: float) -> None:
        """Throws away what arrives until the line was quiet for ``quiet_s``."""
        self._replies.clear()
        self._parser = ReplyParser(Link(self._transport.kind))
        try:
            while True:
                async with asyncio.timeout(quiet_s):
                    await self._transport.read()
        except TimeoutError:
            return

    async def close(self) -> None:
        """Drops the line."""
        self.broken = True
        await self._transport.close()

    async def _receive(self) -> None:
        while not self._replies:
            data = await self._transport.read()
            try:
                self._replies.extend(self._parser.feed(data))
            except FrameError as error:
                raise DeviceError(f"device answers what is no reply: {error}") from error

    async def _guarded(
        self, step: Coroutine[Any, Any, None], frame: Frame, timeout_s: float
    ) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await step
        except TimeoutError as error:
            self.broken = True
            raise DeviceError(f"no answer to {frame.command} in {timeout_s:g} s") from error
        except BaseException:
            self.broken = True  # cancelled as well: a reply may still be on its way
            raise
