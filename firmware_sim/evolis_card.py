"""From received panels to the picture of a card: the way back, written apart from the driver's.

A panel's row is a column of the landscape card, and its columns run from the card's bottom edge
to its top: card pixel (x, y) is at row x, column height − 1 − y (guide A5013). Inks multiply on
what is there already: the blank shows its preprinted serial before any panel is laid.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from firmware_sim.blanks import draw_serial
from firmware_sim.body import write_durably

Plane = npt.NDArray[np.uint8]
BASE = (1016, 648)  # 300 dpi, over-edge
# ID-1 is 1011 × 638 at 300 dpi, centred in the over-edge canvas (facts, "Raster").
ORIGIN = (2, 5)


def ink_plane(raw: bytes, canvas: tuple[int, int]) -> Plane:
    """A panel as (height, width) ink, 0…255. One bit a pixel when ``raw`` is that short."""
    width, height = canvas
    flat = np.frombuffer(raw, np.uint8)
    if flat.size == width * height // 8:
        flat = np.unpackbits(flat) * np.uint8(255)
    return flat.reshape(width, height).T[::-1]


def lay(blank: Image.Image, panels: Mapping[str, bytes]) -> Image.Image:
    """The RGB picture of ``blank`` under the panels (y, m, c, k; overlay shows nothing)."""
    picture = np.asarray(blank.convert("RGB")).copy()
    for channel, name in enumerate("cmy"):  # cyan takes red, magenta green, yellow blue
        if name in panels:
            light = 255 - ink_plane(panels[name], blank.size).astype(np.uint16)
            under = picture[:, :, channel]
            picture[:, :, channel] = (under * light // 255).astype(np.uint8)
    if "k" in panels:
        picture[ink_plane(panels["k"], blank.size) > 0] = 0
    return Image.fromarray(picture)


def blank_side(serial: str, side: str, canvas: tuple[int, int]) -> Image.Image:
    """A side of a fresh blank: white, with the serial on the back."""
    picture = Image.new("RGB", BASE, "white")
    if side == "back":
        draw_serial(picture, serial, 300, ORIGIN)
    return picture.resize(canvas, Image.Resampling.NEAREST)


def write_card(directory: Path, facts: Mapping[str, Any], sides: Mapping[str, Image.Image]) -> None:
    """Writes front.png, back.png and, last and durably, card.json: a card with one is whole."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, picture in sides.items():
        picture.save(directory / f"{name}.png", compress_level=1)
    write_durably(directory / "card.json", json.dumps(dict(facts), indent=1).encode())
