"""Pure black text: glyphs drawn four times larger, then thresholded; never grey, never dithered.

Composite black is dark grey and not machine readable (facts on printers, "Raster"), and 1-bit
text is nearest its outline when oversampled 4 × (facts on faces, "Text"). Glyphs are kept by
letter, size and quarter-pixel phase: a name costs pastes, not rasterising.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

from .fonts import font, shape

OVERSAMPLE = 4
_THRESHOLD = 128  # of 255 coverage: half a pixel of ink is a pixel of ink


@dataclass(frozen=True, slots=True)
class Stamp:
    """A mask (mode "L", only 0/255, 255 = ink) and its place relative to pen and baseline, px."""

    mask: Image.Image
    dx: int
    dy: int


@lru_cache(maxsize=16384)
def glyph(role: str, text: str, size_px: float, phase: int) -> Stamp | None:
    """One cluster at a quarter-pixel phase (0–3); None where there is no ink (a space)."""
    face = font(role, size_px * OVERSAMPLE)
    left, top, right, bottom = (int(v) for v in face.getbbox(text, anchor="ls"))
    if right <= left or bottom <= top:
        return None
    # The large picture is cut on whole device pixels, so that reducing keeps the phase.
    x0 = (left + phase - 1) // OVERSAMPLE
    y0 = (top - 1) // OVERSAMPLE
    width = (right + phase + 1) // OVERSAMPLE + 1 - x0
    height = (bottom + 1) // OVERSAMPLE + 1 - y0
    large = Image.new("L", (width * OVERSAMPLE, height * OVERSAMPLE), 0)
    origin = (phase - x0 * OVERSAMPLE, -y0 * OVERSAMPLE)
    ImageDraw.Draw(large).text(origin, text, fill=255, font=face, anchor="ls")
    small = large.reduce(OVERSAMPLE).point([255 * (v >= _THRESHOLD) for v in range(256)])
    box = small.getbbox()
    if box is None:
        return None
    return Stamp(small.crop(box), x0 + box[0], y0 + box[1])


@lru_cache(maxsize=256)
def line(role: str, text: str, size_px: float) -> Stamp | None:
    """A shaped line as one mask, its pen starting at x = 0 on the baseline y = 0.

    Kept for a while: a card repeats its dates and dashes.
    """
    placed: list[tuple[int, int, Image.Image]] = []
    for cluster in shape(role, text).clusters:
        quarters = round(cluster.at_em * size_px * OVERSAMPLE)
        stamp = glyph(role, cluster.text, size_px, quarters % OVERSAMPLE)
        if stamp is not None:
            placed.append((quarters // OVERSAMPLE + stamp.dx, stamp.dy, stamp.mask))
    return joined(placed)


def cells(role: str, text: str, size_px: float, pitch_px: int) -> Stamp | None:
    """Text in fixed cells of whole pixels, each character centred: what an MRZ reader expects."""
    placed: list[tuple[int, int, Image.Image]] = []
    for index, character in enumerate(text):
        offset = (pitch_px - shape(role, character).width_em * size_px) / 2
        quarters = round((index * pitch_px + offset) * OVERSAMPLE)
        stamp = glyph(role, character, size_px, quarters % OVERSAMPLE)
        if stamp is not None:
            placed.append((quarters // OVERSAMPLE + stamp.dx, stamp.dy, stamp.mask))
    return joined(placed)


def joined(placed: list[tuple[int, int, Image.Image]]) -> Stamp | None:
    """Several masks at (x, y) as one; overlapping ink adds up."""
    if not placed:
        return None
    left = min(x for x, _, _ in placed)
    top = min(y for _, y, _ in placed)
    right = max(x + mask.width for x, _, mask in placed)
    bottom = max(y + mask.height for _, y, mask in placed)
    whole = Image.new("L", (right - left, bottom - top), 0)
    for x, y, mask in placed:
        whole.paste(255, (x - left, y - top), mask)
    return Stamp(whole, left, top)
