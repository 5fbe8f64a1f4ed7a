"""Everything that can be read from an Evolis machine, as one snapshot."""

from __future__ import annotations

from printers.codecs import evolis_replies as replies
from printers.codecs.evolis import Frame, FrameError
from printers.codecs.evolis_models import EvolisModel
from printers.codecs.evolis_status import Status
from printers.evolis.channel import Channel, Refused
from printers.evolis.conditions import conditions
from printers.ports import DeviceError, Snapshot, Supply


class Reader:
    """Reads over one channel; every wait is at most ``timeout_s``. Raises DeviceError."""

    def __init__(self, channel: Channel, timeout_s: float) -> None:
        self._channel = channel
        self._timeout_s = timeout_s

    async def status(self) -> Status:
        """The status words."""
        text = await self._channel.ask(replies.READ_STATUS, self._timeout_s)
        try:
            return Status.from_text(text)
        except FrameError as error:
            raise DeviceError(f"device answers no status: {error}") from error

    async def snapshot(self, device: str, model: EvolisModel) -> Snapshot:
        """Identity, counters, rolls, position and conditions.

        The status is read before and after the counters: counters that move in between show as
        busy or as a card inside, never as a machine at rest with old counters.
        """
        first = await self.status()
        serial = await self.text(replies.READ_SERIAL)
        counters = {}
        for name, frame in replies.COUNTERS.items():
            count = await self._number(frame)
            if count is not None:
                counters[name] = count
        boots = await self._number(replies.READ_BOOTS)
        supplies = await self._supplies(model)
        last = await self.status()
        return Snapshot(
            device=device,
            model=model.name,
            serial=serial,
            counters=counters,
            position="inside" if first.card_inside or last.card_inside else "none",
            boot="" if boots is None else str(boots),
            supplies=supplies,
            conditions=conditions(last),
            busy=first.busy or last.busy,
        )

    async def text(self, frame: Frame) -> str:
        """One read as text."""
        return await self._channel.ask(frame, self._timeout_s)

    async def _number(self, frame: Frame) -> int | None:
        try:
            text = await self.text(frame)
        except Refused:
            return None  # this model has no such counter; the evidence goes without
        if not text.isdigit():
            raise DeviceError(f"device answers {frame.command} with {text!r}, not a number")
        return int(text)

    async def _supplies(self, model: EvolisModel) -> tuple[Supply, ...]:
        found = []
        for roll in model.rolls:
            try:
                tag = replies.RollTag.from_text(await self.text(roll.read))
            except Refused:
                continue  # no roll fitted: the status words say so
            except FrameError as error:
                raise DeviceError(f"device answers no tag for {roll.material}: {error}") from error
            found.append(Supply(roll.material, tag.serial, tag.capacity, tag.remaining))
        return tuple(found)
