"""Blanks as they come from the store: white, with their preprinted serial on the back.

The serial is a Code 128 with its digits below, in the zone x 50.0–82.0 mm, y 2.5–9.5 mm from the
card's top left corner (see docs/architecture.md). The simulator draws it *before* any panel is
laid, so that a misfeed shows on the card as it would in a real office.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

ZONE_MM = (50.0, 2.5, 82.0, 9.5)
MARGIN_MM = 0.4
BAR_SHARE = 0.62  # of the zone's height; the rest carries the digits


def draw_serial(
    picture: Image.Image, serial: str, dpi: int, origin: tuple[int, int] = (0, 0)
) -> None:
    """Draws ``serial`` as Code 128 and digits into ``picture`` ("RGB" or "L"), in place.

    ``origin`` is the pixel of the card's top left corner in the picture (a printer's canvas may
    reach over the edge). Raises ValueError if the serial does not fit at one pixel a module.
    """
    left, top, right, bottom = _zone(dpi, origin)
    modules = _code128(serial)
    scale = (right - left) // len(modules)
    if scale < 1:
        raise ValueError(f"serial {serial!r} is too long for the {right - left} px of its zone")
    height = round((bottom - top) * BAR_SHARE)
    bars = np.where(np.repeat(modules, scale), 0, 255).astype(np.uint8)
    strip = Image.fromarray(np.tile(bars, (height, 1)))
    picture.paste(strip.convert(picture.mode), (left + (right - left - strip.width) // 2, top))
    _digits(picture, serial, (left, top + height, right, bottom))


def _zone(dpi: int, origin: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = ZONE_MM
    x, y = origin
    scale = dpi / 25.4
    return (
        x + round((left + MARGIN_MM) * scale),
        y + round((top + MARGIN_MM) * scale),
        x + round((right - MARGIN_MM) * scale),
        y + round((bottom - MARGIN_MM) * scale),
    )


@lru_cache(maxsize=512)
def _code128(serial: str) -> tuple[bool, ...]:
    code = zxingcpp.create_barcode(serial, zxingcpp.BarcodeFormat.Code128)
    row = np.asarray(code.to_image(scale=1, add_quiet_zones=False))[0]
    return tuple(bool(dark) for dark in row == 0)


def _digits(picture: Image.Image, serial: str, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw = ImageDraw.Draw(picture)
    size = bottom - top - 1
    font = ImageFont.load_default(size)
    while draw.textlength(serial, font=font) > right - left and size > 6:
        size -= 1
        font = ImageFont.load_default(size)
    centre = ((left + right) // 2, (top + bottom) // 2)
    draw.text(centre, serial, fill="black", font=font, anchor="mm")
