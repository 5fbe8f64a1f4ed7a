"""Acts on valued material: receive it, load it into a machine. Serials are scanned."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from issuer.acts import Actor
from issuer.custody import entries
from issuer.custody.entries import Act, Piece
from issuer.services import Services
from issuer.store import custody, outbox
from issuer.store.schema import blanks, rolls


async def receive_blanks(
    at: Services, actor: Actor, material: str, lot: str, serials: Sequence[str], note: str
) -> int:
    """Blanks from the supplier (or a higher store) into the office's store; how many.

    Raises LedgerError if a serial is in the books already; UnknownCode for the material.
    """
    at.profile.material(material)

    def act(conn: Connection) -> int:
        return len(
            custody.post(
                conn,
                entries.receive(_act(at, actor), entries.serialised(material, lot, serials), note),
            )
        )

    return await at.store.run(act)


async def receive_counted(
    at: Services, actor: Actor, material: str, quantity: int, lot: str, note: str
) -> None:
    """Material without serials (pouches), by count."""
    at.profile.material(material)
    piece = Piece(material, None, quantity, lot)
    await at.store.run(
        lambda conn: custody.post(conn, entries.receive(_act(at, actor), [piece], note))
    )


async def load_hopper(
    at: Services, actor: Actor, device: str, material: str, serials: Sequence[str]
) -> int:
    """Blanks from the store into a hopper, in the order in which the machine will take them."""

    def act(conn: Connection) -> int:
        lots = dict(
            conn.execute(
                select(blanks.c.serial, blanks.c.lot).where(
                    blanks.c.material == material, blanks.c.serial.in_(list(serials))
                )
            ).all()
        )
        pieces = [Piece(material, serial, 1, lots.get(serial)) for serial in serials]
        booked = custody.post(conn, entries.load(_act(at, actor), device, pieces))
        outbox.emit(
            conn,
            actor.office,
            "hopper.loaded",
            device,
            {"material": material, "count": len(serials), "by": actor.name},
            at.clock.now(),
        )
        return len(booked)

    return await at.store.run(act)


async def load_roll(
    at: Services, actor: Actor, device: str, material: str, serial: str, prints: int
) -> None:
    """A new roll: received and put into a machine, counted in whole prints."""
    capacity = at.profile.material(material).capacity or prints
    piece = Piece(material, None, prints, serial)

    def act(conn: Connection) -> None:
        doing = _act(at, actor)
        conn.execute(
            rolls.insert(),
            {
                "material": material,
                "serial": serial,
                "office": actor.office,
                "printer": device,
                "capacity": capacity,
                "remaining": prints,
                "loaded_at": at.clock.now(),
            },
        )
        custody.post(conn, entries.receive(doing, [piece], f"roll-{serial}"))
        custody.post(conn, entries.load(doing, device, [piece]))

    await at.store.run(act)


def _act(at: Services, actor: Actor) -> Act:
    return Act(actor.office, actor.name, at.clock.now())
