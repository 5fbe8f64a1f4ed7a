"""The two layers being drawn, and the way from millimetres to their pixels."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image, ImageChops

from .boxes import Area
from .errors import LayoutError
from .ink import Stamp
from .raster import PxBox

_FINEST_COLOUR_DPI = 400
_ANY = 0.125  # 16 times: a quarter of a pixel of ink already is white below


@dataclass(frozen=True, slots=True)
class Grid:
    """Pixels of one face at one resolution; ``scale`` black pixels make one colour pixel."""

    dpi: int
    size_px: tuple[int, int]
    offset_px: tuple[int, int]  # of the nominal card's corner on the canvas
    scale: int

    def px(self, mm: float) -> float:
        """A length in black pixels."""
        return mm * self.dpi / 25.4

    def box(self, area: Area) -> PxBox:
        """An area in whole black pixels."""
        left, top = self.offset_px
        return (
            left + round(self.px(area.x)),
            top + round(self.px(area.y)),
            left + round(self.px(area.x + area.w)),
            top + round(self.px(area.y + area.h)),
        )

    def colour_box(self, area: Area) -> PxBox:
        """An area in whole colour pixels, outwards so that a white zone is white to its edge."""
        left, top, right, bottom = self.box(area)
        s = self.scale
        return left // s, top // s, -(-right // s), -(-bottom // s)


def grid(size_mm: tuple[float, float], canvas_300: tuple[int, int], dpi: int) -> Grid:
    """The grid of a face. Raises LayoutError ("resolution")."""
    if not 200 <= dpi <= 1200 or (canvas_300[0] * dpi) % 300:
        raise LayoutError(
            "resolution",
            f"No se puede componer a {dpi} ppp; use 300 o 600.",
            f"Cannot compose at {dpi} dpi; use 300 or 600.",
        )
    scale = 2 if dpi > _FINEST_COLOUR_DPI else 1
    width, height = (round(side * dpi / 300 / scale) * scale for side in canvas_300)
    card = [side * dpi / 25.4 for side in size_mm]
    offset = round((width - card[0]) / 2), round((height - card[1]) / 2)
    return Grid(dpi, (width, height), offset, scale)


@dataclass(slots=True)
class Surface:
    """Colour (RGB) and black ("L", 0 = ink) while a side is drawn."""

    grid: Grid
    colour: Image.Image
    black: Image.Image

    def stamp(self, stamp: Stamp | None, x: float, y: float) -> None:
        """Pure K at a pen position in black pixels; the colour below is knocked out."""
        if stamp is None:
            return
        left, top = round(x) + stamp.dx, round(y) + stamp.dy
        self.black.paste(0, (left, top), stamp.mask)
        self.knock_out(stamp.mask, left, top)

    def knock_out(self, mask: Image.Image, left: int, top: int) -> None:
        """White in the colour layer wherever the mask has ink, at least."""
        s = self.grid.scale
        if s > 1:
            # Grow to whole colour pixels; any ink in one makes it white.
            pad_x, pad_y = left % s, top % s
            grown = Image.new("L", (mask.width + pad_x, mask.height + pad_y), 0)
            grown.paste(mask, (pad_x, pad_y))
            shares = grown.reduce(s)
            mask = ImageChops.add(shares, shares, _ANY)
        self.colour.paste((255, 255, 255), (left // s, top // s), mask)
