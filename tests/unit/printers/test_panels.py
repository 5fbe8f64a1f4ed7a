"""Splitting into panels, pixel by pixel: an orientation error cannot hide here."""

import numpy as np
import pytest
from PIL import Image

from printers.panels import PanelError, split
from printers.ports import Side

CANVAS = (1016, 648)


def white(size: tuple[int, int] = CANVAS) -> Image.Image:
    return Image.new("RGB", size, "white")


def unprinted(size: tuple[int, int] = CANVAS) -> Image.Image:
    return Image.new("L", size, 255)


def byte_of(panel: bytes, x: int, y: int, canvas: tuple[int, int] = CANVAS) -> int:
    # Guide A5013: pixel (x, y) of the landscape card is row x, column height − 1 − y.
    return panel[x * canvas[1] + canvas[1] - 1 - y]


def bit_of(panel: bytes, x: int, y: int, canvas: tuple[int, int] = CANVAS) -> int:
    at = x * canvas[1] + canvas[1] - 1 - y
    return panel[at // 8] >> (7 - at % 8) & 1


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1015, 0), (0, 647), (1015, 647), (3, 100)])
def test_one_pixel_lands_where_the_guide_says(x: int, y: int) -> None:
    colour, black = white(), unprinted()
    colour.putpixel((x, y), (10, 100, 200))
    other = (x + 5) % 1016
    black.putpixel((other, y), 0)
    panels = split(Side(colour, black), CANVAS)
    assert byte_of(panels.c, x, y) == 245
    assert byte_of(panels.m, x, y) == 155
    assert byte_of(panels.y, x, y) == 55
    assert bit_of(panels.k, other, y) == 1
    for panel in (panels.c, panels.m, panels.y):
        assert len(panel) - panel.count(0) == 1
    assert sum(byte.bit_count() for byte in panels.k) == 1


def test_corners_in_golden_bytes() -> None:
    black = unprinted()
    black.putpixel((0, 647), 0)  # bottom left: first bit of the first row
    black.putpixel((0, 0), 0)  # top left: last bit of the first row
    black.putpixel((1015, 647), 0)  # bottom right: first bit of the last row
    k = split(Side(white(), black), CANVAS).k
    assert k[:81] == b"\x80" + bytes(79) + b"\x01"
    assert k[-81:] == b"\x80" + bytes(80)


def test_sizes_and_overlay() -> None:
    panels = split(Side(white(), unprinted()), CANVAS)
    assert [len(panels[name]) for name in "ymcko"] == [658_368] * 3 + [82_296] * 2
    assert not any(panels[name].strip(b"\0") for name in "ymck")
    assert panels.o == b"\xff" * 82_296


def test_colour_is_knocked_out_under_black() -> None:
    panels = split(Side(Image.new("RGB", CANVAS, "black"), Image.new("L", CANVAS, 0)), CANVAS)
    assert panels.k == b"\xff" * 82_296
    assert not any(panels[name].strip(b"\0") for name in "ymc")


def test_half_size_colour_is_doubled_and_black_is_not_touched() -> None:
    canvas = (2032, 1296)
    colour, black = white(), unprinted(canvas)
    colour.putpixel((7, 3), (255, 255, 0))
    black.putpixel((15, 7), 0)
    panels = split(Side(colour, black), canvas)
    assert [len(panels[name]) for name in "ymck"] == [2_633_472] * 3 + [329_184]
    ink = [(x, y) for x in range(12, 18) for y in range(4, 10) if byte_of(panels.y, x, y, canvas)]
    assert ink == [(14, 6), (14, 7), (15, 6)]  # (15, 7) is knocked out
    assert bit_of(panels.k, 15, 7, canvas) == 1


def test_mode_1_and_mode_l_are_the_same() -> None:
    rng = np.random.default_rng(7)
    dots = Image.fromarray(np.where(rng.random((648, 1016)) < 0.3, 0, 255).astype(np.uint8))
    assert split(Side(white(), dots), CANVAS) == split(Side(white(), dots.convert("1")), CANVAS)


@pytest.mark.parametrize(
    ("colour", "black", "message"),
    [
        (white((1000, 648)), unprinted(), "colour layer is"),
        (white(), unprinted((508, 324)), "black layer is"),
        (white(), Image.new("L", CANVAS, 128), "never dithered"),
        (white(), Image.new("RGB", CANVAS), "0 = ink"),
        (white().convert("CMYK"), unprinted(), 'give "RGB"'),
    ],
)
def test_what_cannot_be_split_is_refused(
    colour: Image.Image, black: Image.Image, message: str
) -> None:
    with pytest.raises(PanelError, match=message):
        split(Side(colour, black), CANVAS)
