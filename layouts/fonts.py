"""The real fonts: found, shaped by HarfBuzz, drawn by FreeType.

Noto Sans shapes the combining tilde of G̃/g̃ right, others do not (facts on faces, "Text").
Widths are in em, so one measure serves every size and resolution.
"""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import uharfbuzz
from PIL import ImageFont

from .errors import LayoutError

ROLES = {
    "regular": ("NotoSans-Regular.ttf", "fonts-noto-core"),
    "bold": ("NotoSans-Bold.ttf", "fonts-noto-core"),
    "italic": ("NotoSans-Italic.ttf", "fonts-noto-core"),
    "mrz": ("OCRB.otf", "fonts-ocr-b"),
}
"""Font role of a face file → (file, Debian package that brings it)."""

_DIRECTORIES = (
    "/usr/share/fonts/truetype/noto",
    "/usr/share/fonts/opentype/ocr-b",
    "/usr/local/share/fonts",
)
# Ligatures would join letters that a reader compares one by one with another document.
_FEATURES = {"liga": False, "clig": False, "kern": True}


@dataclass(frozen=True, slots=True)
class Cluster:
    """One letter with its marks: its text and the pen's place in em from the line's start."""

    text: str
    at_em: float


@dataclass(frozen=True, slots=True)
class Shaped:
    """A shaped line: clusters and the whole advance in em."""

    clusters: tuple[Cluster, ...]
    width_em: float


def font_path(role: str) -> Path:
    """The file of a font role. Raises LayoutError ("font_missing") naming the package.

    ``FEDATARIO_FONTS`` (directories parted by colons) is looked at first.
    """
    name, package = ROLES[role]
    own = [d for d in os.environ.get("FEDATARIO_FONTS", "").split(":") if d]
    for directory in (*own, *_DIRECTORIES):
        path = Path(directory, name)
        if path.is_file():
            return path
    raise LayoutError(
        "font_missing",
        f"Falta la fuente {name}; instale el paquete: apt-get install {package}",
        f"The font {name} is missing; install the package: apt-get install {package}",
    )


@lru_cache(maxsize=256)
def font(role: str, size_px: float) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels, with complex shaping."""
    return ImageFont.truetype(str(font_path(role)), size_px, layout_engine=ImageFont.Layout.RAQM)


@lru_cache(maxsize=8)
def _harfbuzz(role: str) -> uharfbuzz.Font:
    face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(font_path(role))))
    return uharfbuzz.Font(face)


@lru_cache(maxsize=8192)
def shape(role: str, text: str) -> Shaped:
    """Shapes one line (NFC first). Raises LayoutError ("glyph_missing") rather than draw a box."""
    line = unicodedata.normalize("NFC", text)
    if not line:
        return Shaped((), 0.0)
    hb = _harfbuzz(role)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(line)
    buffer.guess_segment_properties()
    uharfbuzz.shape(hb, buffer, _FEATURES)
    em = float(hb.face.upem)
    starts: list[tuple[int, float]] = []
    pen = 0.0
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        if info.codepoint == 0:
            raise _no_glyph(line[info.cluster])
        if not starts or starts[-1][0] != info.cluster:
            starts.append((info.cluster, pen))
        pen += position.x_advance
    ends = [start for start, _ in starts[1:]] + [len(line)]
    clusters = tuple(
        Cluster(line[start:end], at / em) for (start, at), end in zip(starts, ends, strict=True)
    )
    return Shaped(clusters, pen / em)


def width_mm(role: str, text: str, pt: float) -> float:
    """The advance of one line in millimetres at a size in points."""
    return shape(role, text).width_em * pt * 25.4 / 72


def _no_glyph(character: str) -> LayoutError:
    name = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
    return LayoutError(
        "glyph_missing",
        f"La fuente no tiene el signo {name}; escriba el dato en alfabeto latino.",
        f"The font lacks the sign {name}; write the value in the Latin alphabet.",
    )
