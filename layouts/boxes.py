"""What can stand on a face: one frozen value per kind of box. Millimetres from the top left."""

from __future__ import annotations

from dataclasses import dataclass

from .text import Room

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle in millimetres: left, top, width, height."""

    x: float
    y: float
    w: float
    h: float

    def overlaps(self, other: Area) -> bool:
        """Whether the two share more than an edge."""
        slack = 0.01
        return (
            self.x + slack < other.x + other.w
            and other.x + slack < self.x + self.w
            and self.y + slack < other.y + other.h
            and other.y + slack < self.y + self.h
        )

    def inside(self, other: Area) -> bool:
        """Whether no part of this lies outside of the other."""
        return (
            self.x >= other.x - 0.01
            and self.y >= other.y - 0.01
            and self.x + self.w <= other.x + other.w + 0.01
            and self.y + self.h <= other.y + other.h + 0.01
        )


@dataclass(frozen=True, slots=True)
class Label:
    """A bilingual caption: Spanish, then English small; ``number`` as in ISO 18013-1 ("4a")."""

    es: str
    en: str = ""
    number: str = ""
    pt: float = 4.6
    colour: Rgb = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class TextBox:
    """A variable field in pure K under its static label."""

    area: Area
    line: int
    field: str
    room: Room
    label: Label | None
    align: str  # "left", "centre", "right"
    valign: str  # "top", "bottom"
    optional: bool
    blank: str  # printed where an optional field is absent


@dataclass(frozen=True, slots=True)
class CaptionBox:
    """Static words; ``ink`` "k" prints them in pure black, "colour" in ``colour``."""

    area: Area
    line: int
    text: str
    role: str
    pt: float
    colour: Rgb
    ink: str
    align: str


@dataclass(frozen=True, slots=True)
class PortraitBox:
    """The holder's picture; ``frame`` is the colour of a hairline around it."""

    area: Area
    line: int
    frame: Rgb


@dataclass(frozen=True, slots=True)
class QrBox:
    """The QR with its quiet zone inside the box, on white."""

    area: Area
    line: int


@dataclass(frozen=True, slots=True)
class MrzBox:
    """Lines of OCR-B in cells of 2.54 mm, on white; ``fields`` name the lines."""

    area: Area
    line: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CategoriesBox:
    """The table of driving categories (ISO 18013-1 fields 9 to 12)."""

    area: Area
    line: int
    codes: tuple[str, ...]
    heads: tuple[str, ...]  # four column heads
    shares: tuple[float, ...]  # four column widths, any unit
    pt: float
    min_pt: float
    label: Label
    rule: Rgb


@dataclass(frozen=True, slots=True)
class Ornament:
    """Static colour under everything else: "panel" (one colour) or "flag" (stripes)."""

    area: Area
    line: int
    kind: str
    colours: tuple[Rgb, ...]
    radius_mm: float
    opacity: float
    across: bool  # stripes side by side instead of one above the other


@dataclass(frozen=True, slots=True)
class ReservedBox:
    """A zone that stays white and free, e.g. where the blank carries its barcode."""

    area: Area
    line: int
    name: str


Box = TextBox | CaptionBox | PortraitBox | QrBox | MrzBox | CategoriesBox | Ornament | ReservedBox


@dataclass(frozen=True, slots=True)
class Wave:
    """Parallel undulating hairlines over the whole face; lengths in mm, ``angle`` in degrees."""

    colour: Rgb
    period_mm: float
    width_mm: float
    swing_mm: float
    wave_mm: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Rosette:
    """Closed undulating hairlines around a centre."""

    colour: Rgb
    x: float
    y: float
    inner_mm: float
    outer_mm: float
    period_mm: float
    width_mm: float
    swing_mm: float
    petals: int


@dataclass(frozen=True, slots=True)
class Ground:
    """The calm background: paper tint from left to right, hairlines, rosettes."""

    paper: Rgb
    paper_to: Rgb
    waves: tuple[Wave, ...]
    rosettes: tuple[Rosette, ...]
