"""From a URL to a conversation with the machine that was configured, set up for valued stock."""

from __future__ import annotations

import asyncio
import logging

from printers.codecs import evolis_replies as replies
from printers.codecs.evolis_models import EvolisModel
from printers.evolis.channel import Channel, Refused
from printers.evolis.settings import Settings
from printers.ports import DeviceError
from printers.transports import open_transport

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 2.0
QUIET_S = 0.15  # a line on which nothing arrives for so long has no reply under way


async def open_session(url: str, model: EvolisModel, settings: Settings) -> Channel:
    """Opens, greets and sets up, with backoff. Raises DeviceError after the last attempt."""
    pause_s = settings.backoff_s
    for attempt in range(1, settings.connect_attempts + 1):
        try:
            return await _attempt(url, model, settings)
        except DeviceError as error:
            if attempt == settings.connect_attempts:
                raise
            log.info("attempt %d at %s: %s", attempt, model.name, error)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
    raise DeviceError("no attempt to connect was allowed: set connect_attempts to 1 or more")


async def _attempt(url: str, model: EvolisModel, settings: Settings) -> Channel:
    transport = await open_transport(url, settings.connect_timeout_s)
    channel = Channel(transport)
    try:
        await _greet(channel, transport.kind, settings)
        await _set_up(channel, model, settings)
    except BaseException:
        await channel.close()
        raise
    return channel


async def _greet(channel: Channel, kind: str, settings: Settings) -> None:
    """Gets the conversation in step with the machine.

    A serial line has no connections: replies to an earlier owner may still arrive, and half a
    panel of his may swallow our first frames until the machine's time-out (NACK T).
    """
    if kind == "serial":
        await channel.drain(QUIET_S)
    for _ in range(3):
        try:
            if await channel.ask(replies.READ_FIRMWARE, settings.reply_timeout_s):
                return
        except Refused:
            pass  # the time-out of what was there before us
        await channel.drain(QUIET_S)
    raise DeviceError("device answers, but not to what it is asked: is it an Evolis printer?")


async def _set_up(channel: Channel, model: EvolisModel, settings: Settings) -> None:
    timeout_s = settings.reply_timeout_s
    told = await channel.ask(replies.READ_MODEL, timeout_s)
    wanted = model.title.removeprefix("Evolis ")
    if wanted.lower() not in told.lower():
        raise DeviceError(f"configured as {model.title}, but the device is {told!r}: correct one")
    await channel.ask(replies.HOST_HANDLES_ERRORS, timeout_s)
    mode = await channel.ask(replies.READ_ERROR_MODE, timeout_s)
    if mode != "2":
        # In Pem;0 the machine restarts a failed job by itself: a second card of one job.
        raise DeviceError(f"device stays in error mode {mode!r}: it must take Pem;2")
