"""From a side's two layers to the panels of a ribbon: RGB + K → Y, M, C, K and O.

Composite black is dark grey and no machine reads it (Zebra ZXP8 manual p. 86), so K is a plane of
its own and colour is knocked out under it. Panels travel rotated: design pixel (x, y) goes to
row x, column height − 1 − y (guide A5013; PIL ROTATE_270).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from printers.ports import Side


class PanelError(ValueError):
    """A side that cannot be split; the message says what the device wants."""


@dataclass(frozen=True, slots=True)
class Panels:
    """Raw panels of one side, rotated, without padding.

    ``y``, ``m``, ``c``: a byte a pixel, 0 no ink … 255. ``k``, ``o``: a bit a pixel, most
    significant first, 1 = ink.
    """

    y: bytes
    m: bytes
    c: bytes
    k: bytes
    o: bytes

    def __getitem__(self, name: str) -> bytes:
        found: bytes = getattr(self, name)
        return found


def split(side: Side, canvas: tuple[int, int]) -> Panels:
    """Splits a side for a device of ``canvas`` (width, height) pixels, landscape.

    ``side.black`` must have the canvas's size; ``side.colour`` may have half of it. Overlay
    covers the whole card. Raises PanelError.
    """
    ink = _ink(side.black, canvas)
    yellow, magenta, cyan = _colour(side.colour, canvas, ink)
    black = np.packbits(np.asarray(ink) != 0).tobytes()
    return Panels(yellow, magenta, cyan, black, b"\xff" * (canvas[0] * canvas[1] // 8))


def _ink(black: Image.Image, canvas: tuple[int, int]) -> Image.Image:
    """The K plane, rotated, as mode "L": 255 where ink goes, 0 elsewhere."""
    if black.size != canvas:
        raise PanelError(f"black layer is {black.size}, the device wants {canvas} pixels")
    if black.mode == "L":
        counts = black.histogram()
        if counts[0] + counts[255] != canvas[0] * canvas[1]:
            raise PanelError("black layer holds greys: threshold it, K is never dithered")
    elif black.mode != "1":
        raise PanelError(f'black layer has mode {black.mode!r}: give "1" or "L", 0 = ink')
    return ImageChops.invert(black.convert("L")).transpose(Image.Transpose.ROTATE_270)


def _colour(colour: Image.Image, canvas: tuple[int, int], ink: Image.Image) -> list[bytes]:
    if colour.mode != "RGB":
        raise PanelError(f'colour layer has mode {colour.mode!r}: give "RGB"')
    half = (canvas[0] // 2, canvas[1] // 2)
    if colour.size not in (canvas, half):
        raise PanelError(f"colour layer is {colour.size}, the device wants {canvas} or {half}")
    red, green, blue = colour.split()
    return [_plane(band, ink) for band in (blue, green, red)]


def _plane(band: Image.Image, ink: Image.Image) -> bytes:
    turned = band.transpose(Image.Transpose.ROTATE_270)
    if turned.size != ink.size:
        turned = turned.resize(ink.size, Image.Resampling.NEAREST)
    # Inks are complements; subtracting K's 255 stops at 0, which is the knock-out.
    return ImageChops.subtract(ImageChops.invert(turned), ink).tobytes()
