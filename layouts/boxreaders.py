"""From one ``[[box]]`` table of a face file to its value: one reader per kind."""

from __future__ import annotations

from .boxes import (
    Area,
    Box,
    CaptionBox,
    CategoriesBox,
    Label,
    MrzBox,
    Ornament,
    PortraitBox,
    QrBox,
    ReservedBox,
    TextBox,
)
from .facefile import Table
from .fonts import ROLES
from .text import STEPS, Room

SMALLEST_PT = 4.0  # below it 300 dpi has fewer than 12 px of capital height and breaks up
LABEL_SHARE = 0.46  # mm of box height that a label takes, per point of its size
_TEXT_ROLES = tuple(role for role in ROLES if role != "mrz")
_MRZ_PITCH_MM = 2.54  # ICAO 9303-3: OCR-B size 1, ten characters to the inch


def read_box(table: Table, labels: Label) -> Box:
    """Reads one box. Raises FaceError at the line of the key that is wrong."""
    kind = table.choice("kind", tuple(_READERS))
    area = Area(*table.numbers("at", 4))
    if area.w <= 0 or area.h <= 0:
        raise table.wrong("'at' is [left, top, width, height]; both sizes above 0", "at")
    box = _READERS[kind](table, area, labels)
    table.close()
    return box


def _text(table: Table, area: Area, labels: Label) -> Box:
    label = None
    if table.has("label"):
        label = _label(table, labels)
    taken = label.pt * LABEL_SHARE if label else 0.0
    max_pt = table.number("max_pt", 8.0, SMALLEST_PT, 60)
    steps = table.texts("overflow", ("shrink",))
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise table.wrong(f"'overflow' knows {', '.join(STEPS)}, not '{unknown[0]}'", "overflow")
    room = Room(
        width_mm=area.w,
        height_mm=round(area.h - taken, 3),
        role=table.choice("role", _TEXT_ROLES, "regular"),
        max_pt=max_pt,
        min_pt=table.number("min_pt", min(6.0, max_pt), SMALLEST_PT, max_pt),
        max_lines=table.whole("lines", 1, 1, 40),
        overflow=steps,
    )
    if room.min_pt * 1.2 * 25.4 / 72 > room.height_mm + 0.01:
        raise table.wrong(
            f"the box leaves {room.height_mm:g} mm for the text, less than a line of "
            f"'min_pt' {room.min_pt:g}; make it higher",
            "at",
        )
    return TextBox(
        area,
        table.line,
        table.text("field"),
        room,
        label,
        table.choice("align", ("left", "centre", "right"), "left"),
        table.choice("valign", ("top", "bottom"), "top"),
        table.flag("optional", False),
        table.text("blank", "—"),
    )


def _label(table: Table, labels: Label) -> Label:
    return Label(
        table.text("label"),
        table.text("label_en", ""),
        table.text("label_no", ""),
        labels.pt,
        labels.colour,
    )


def _caption(table: Table, area: Area, labels: Label) -> Box:
    return CaptionBox(
        area,
        table.line,
        table.text("text"),
        table.choice("role", _TEXT_ROLES, "regular"),
        table.number("pt", labels.pt, SMALLEST_PT, 60),
        table.colour("colour", "#{:02X}{:02X}{:02X}".format(*labels.colour)),
        table.choice("ink", ("colour", "k"), "colour"),
        table.choice("align", ("left", "centre", "right"), "left"),
    )


def _portrait(table: Table, area: Area, labels: Label) -> Box:
    return PortraitBox(area, table.line, table.colour("frame", "#FFFFFF"))


def _qr(table: Table, area: Area, labels: Label) -> Box:
    if abs(area.w - area.h) > 0.01:
        raise table.wrong("a 'qr' box must be square", "at")
    return QrBox(area, table.line)


def _mrz(table: Table, area: Area, labels: Label) -> Box:
    if area.w < 30 * _MRZ_PITCH_MM:
        raise table.wrong("an 'mrz' box must be at least 76.2 mm wide (30 characters)", "at")
    return MrzBox(area, table.line, table.texts("fields", ("mrz1", "mrz2", "mrz3")))


def _categories(table: Table, area: Area, labels: Label) -> Box:
    heads = table.texts("heads")
    if len(heads) != 4:
        raise table.wrong("'heads' must name four columns (9, 10, 11, 12)", "heads")
    pt = table.number("pt", 7, SMALLEST_PT, 20)
    codes = table.texts("codes")
    if not codes or len(set(codes)) != len(codes):
        raise table.wrong("'codes' must list each category once", "codes")
    return CategoriesBox(
        area,
        table.line,
        codes,
        heads,
        tuple(table.numbers("shares", 4, (1, 2, 2, 2))),
        pt,
        table.number("min_pt", min(pt, 5.0), SMALLEST_PT, pt),
        labels,
        table.colour("rule", "#7F9A90"),
    )


def _panel(table: Table, area: Area, labels: Label) -> Box:
    colours = (table.colour("colour"),)
    radius = table.number("radius_mm", 0.001, 0, 20)
    return Ornament(
        area, table.line, "panel", colours, radius, table.number("opacity", 1.0, 0, 1), False
    )


def _flag(table: Table, area: Area, labels: Label) -> Box:
    colours = table.colours("colours")
    if not colours:
        raise table.wrong("'colours' needs at least one stripe", "colours")
    across = table.flag("across", False)
    return Ornament(area, table.line, "flag", colours, 0.0, 1.0, across)


def _reserved(table: Table, area: Area, labels: Label) -> Box:
    return ReservedBox(area, table.line, table.text("name"))


_READERS = {
    "text": _text,
    "caption": _caption,
    "portrait": _portrait,
    "qr": _qr,
    "mrz": _mrz,
    "categories": _categories,
    "panel": _panel,
    "flag": _flag,
    "reserved": _reserved,
}
