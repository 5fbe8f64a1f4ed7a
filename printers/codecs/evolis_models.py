"""Evolis models as data: geometry, panels and rolls. A new model is an entry here."""

from __future__ import annotations

from dataclasses import dataclass

from printers.codecs import evolis_replies as replies
from printers.codecs.evolis import Frame, raster_size


@dataclass(frozen=True, slots=True)
class Roll:
    """A consumable roll: the material's code in the stock, and how its tag is read."""

    material: str
    read: Frame


@dataclass(frozen=True, slots=True)
class EvolisModel:
    """What the wire needs to know of a model.

    ``canvas`` is landscape (width, height) in pixels; panels travel rotated, height pixels a row.
    ``panels`` in the order of the ribbon. ``retransfer``: inks go to a film first, and to the
    card when its side ends; otherwise straight to the card.
    """

    name: str
    title: str
    dpi: int
    canvas: tuple[int, int]
    prepare: Frame
    panels: tuple[str, ...]
    retransfer: bool
    rolls: tuple[Roll, ...]

    def raster(self, panel: str, data: bytes) -> Frame:
        """The frame that carries one panel. Raises FrameError for a wrong length."""
        return Frame(*self._head(panel), data=data)

    def panel_bytes(self, panel: str) -> int:
        """Raw bytes of a panel: one a pixel for colours, one bit for k and o."""
        return raster_size(*self._head(panel))

    def _head(self, panel: str) -> tuple[str, tuple[str, ...]]:
        levels = "2" if panel in "ko" else "256"
        if self.dpi == 300:
            return "Db", (panel, levels)
        return "Dbx", (panel, levels, str(self.dpi), str(self.dpi))


_RIBBON = Roll("RIBBON", replies.READ_RIBBON)

MODELS = {
    model.name: model
    for model in (
        EvolisModel(
            "evolis-agilia",
            "Evolis Agilia",
            600,
            (2032, 1296),
            Frame("Pr", ("1000", "t")),
            ("y", "m", "c", "k"),
            True,
            (
                _RIBBON,
                Roll("RETRANSFER", replies.READ_FILM),
                Roll("DURAGARD", replies.READ_LAMINATE),
            ),
        ),
        EvolisModel(
            "evolis-primacy2",
            "Evolis Primacy 2",
            300,
            (1016, 648),
            Frame("Pr", ("ymcko",)),
            ("y", "m", "c", "k", "o"),
            False,
            (_RIBBON,),
        ),
    )
}
