"""The static layer of a face: background, ornaments, captions, labels, table rules. Kept."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from .boxes import (
    Area,
    CaptionBox,
    CategoriesBox,
    Label,
    MrzBox,
    Ornament,
    PortraitBox,
    QrBox,
    ReservedBox,
    Rgb,
    TextBox,
)
from .face import Face, FaceError
from .fonts import font, width_mm
from .ink import line
from .patterns import paint
from .surface import Grid, Surface, grid
from .text import ASCENT, LEADING, MM_PER_PT, wrap

_SMOOTH = 4


@lru_cache(maxsize=64)
def static(face: Face, dpi: int) -> Surface:
    """What never changes on a face at a resolution: drawn once, copied for every document.

    Raises FaceError where a caption does not fit its box: that is the face's mistake.
    """
    net = grid(face.size_mm, face.canvas_300, dpi)
    size = net.size_px[0] // net.scale, net.size_px[1] // net.scale
    per_mm = dpi / 25.4 / net.scale
    origin = -net.offset_px[0] / net.px(1), -net.offset_px[1] / net.px(1)
    colour = paint(face.ground, size, origin, per_mm)
    surface = Surface(net, colour, Image.new("L", net.size_px, 255))
    for box in face.boxes:
        if isinstance(box, Ornament):
            _ornament(surface, box)
    for box in face.boxes:
        if isinstance(box, QrBox | MrzBox | ReservedBox):
            surface.colour.paste((255, 255, 255), net.colour_box(box.area))
    for box in face.boxes:
        if isinstance(box, CaptionBox):
            _caption(surface, face, box)
        elif isinstance(box, TextBox) and box.label:
            _label(surface, face, box)
        elif isinstance(box, PortraitBox):
            _frame(surface, box)
        elif isinstance(box, CategoriesBox):
            _table(surface, face, box)
    return surface


def _ornament(surface: Surface, box: Ornament) -> None:
    count = len(box.colours)
    for index, colour in enumerate(box.colours):
        area = box.area
        if count > 1 and box.across:
            area = Area(area.x + area.w * index / count, area.y, area.w / count, area.h)
        elif count > 1:
            area = Area(area.x, area.y + area.h * index / count, area.w, area.h / count)
        _fill(surface, area, colour, box.radius_mm, box.opacity)


def _fill(surface: Surface, area: Area, colour: Rgb, radius_mm: float, opacity: float) -> None:
    left, top, right, bottom = surface.grid.colour_box(area)
    size = (right - left) * _SMOOTH, (bottom - top) * _SMOOTH
    radius = surface.grid.px(radius_mm) / surface.grid.scale * _SMOOTH
    mask = Image.new("L", size, 0)
    edge = (0, 0, size[0] - 1, size[1] - 1)
    ImageDraw.Draw(mask).rounded_rectangle(edge, radius, fill=round(255 * opacity))
    surface.colour.paste(colour, (left, top), mask.reduce(_SMOOTH))


def _frame(surface: Surface, box: PortraitBox) -> None:
    left, top, right, bottom = surface.grid.colour_box(box.area)
    edge = left - 2, top - 2, right + 1, bottom + 1
    # Filled: a portrait may be a pixel smaller than its box where millimetres are no pixels.
    ImageDraw.Draw(surface.colour).rectangle(edge, fill=box.frame)


def _caption(surface: Surface, face: Face, box: CaptionBox) -> None:
    pitch = LEADING * box.pt * MM_PER_PT
    lines: list[str] = []
    for paragraph in box.text.split("\n"):
        wrapped = wrap(paragraph, box.role, box.area.w / (box.pt * MM_PER_PT))
        if wrapped is None:
            raise FaceError(face.path, box.line, f"the caption is wider than its {box.area.w:g} mm")
        lines.extend(wrapped or [""])
    if len(lines) * pitch > box.area.h + 0.05:
        raise FaceError(
            face.path,
            box.line,
            f"the caption needs {len(lines)} lines, {len(lines) * pitch:.1f} mm; the box has "
            f"{box.area.h:g} mm",
        )
    for index, words in enumerate(lines):
        left = aligned(box.area, box.align, width_mm(box.role, words, box.pt))
        top = box.area.y + index * pitch
        if box.ink == "k":
            stamp_line(surface, words, box.role, box.pt, left, top)
        else:
            _words(surface, words, box.role, box.pt, box.colour, left, top)


def _label(surface: Surface, face: Face, box: TextBox) -> None:
    assert box.label is not None
    width = label_parts(surface, box.label, box.area, box.align)
    if width > box.area.w + 0.05:
        raise FaceError(
            face.path, box.line, f"the label is {width:.1f} mm wide, its box {box.area.w:g} mm"
        )


def label_parts(surface: Surface, label: Label, area: Area, align: str) -> float:
    """Number bold, Spanish, English in italics; gives back the width in mm."""
    parts = [
        (f"{label.number}. " if label.number else "", "bold"),
        (label.es, "regular"),
        (f" / {label.en}" if label.en else "", "italic"),
    ]
    width = sum(width_mm(role, words, label.pt) for words, role in parts if words)
    left = aligned(area, align, width)
    for words, role in parts:
        if words:
            _words(surface, words, role, label.pt, label.colour, left, area.y)
            left += width_mm(role, words, label.pt)
    return width


def _words(surface: Surface, words: str, role: str, pt: float, colour: Rgb, left: float,
           top: float) -> None:  # fmt: skip
    """Smooth text in the colour layer; its top left in mm."""
    net = surface.grid
    size = pt * net.dpi / 72 / net.scale
    x = (net.offset_px[0] + net.px(left)) / net.scale
    y = (net.offset_px[1] + net.px(top + ASCENT * pt * MM_PER_PT)) / net.scale
    ImageDraw.Draw(surface.colour).text(
        (x, y), words, fill=colour, font=font(role, size), anchor="ls", features=["-liga"]
    )


def stamp_line(surface: Surface, words: str, role: str, pt: float, left: float, top: float) -> None:
    """One line in pure K; the top left of its line box in mm."""
    net = surface.grid
    x = net.offset_px[0] + net.px(left)
    y = net.offset_px[1] + net.px(top + ASCENT * pt * MM_PER_PT)
    surface.stamp(line(role, words, pt * net.dpi / 72), x, y)


def aligned(area: Area, align: str, width: float) -> float:
    """The left edge in mm of something ``width`` mm wide inside an area."""
    free = area.w - width
    return area.x + {"left": 0.0, "centre": free / 2, "right": free}[align]


def columns(box: CategoriesBox) -> list[Area]:
    """The four columns of the table, in mm."""
    total = sum(box.shares)
    found, left = [], box.area.x
    for share in box.shares:
        width = box.area.w * share / total
        found.append(Area(left, box.area.y, width, box.area.h))
        left += width
    return found


def row_areas(box: CategoriesBox) -> list[Area]:
    """Head row first, then one row per category, in mm."""
    height = box.area.h / (len(box.codes) + 1)
    return [
        Area(box.area.x, box.area.y + index * height, box.area.w, height)
        for index in range(len(box.codes) + 1)
    ]


def _table(surface: Surface, face: Face, box: CategoriesBox) -> None:
    draw = ImageDraw.Draw(surface.colour)
    rows = row_areas(box)
    for row in rows[1:]:
        left, top, right, _ = surface.grid.colour_box(row)
        draw.line((left, top, right, top), fill=box.rule, width=1)
    left, top, right, bottom = surface.grid.colour_box(box.area)
    draw.rectangle((left, top, right, bottom), outline=box.rule, width=2)
    for column, head in zip(columns(box), box.heads, strict=True):
        edge = surface.grid.colour_box(column)[0]
        draw.line((edge, top, edge, bottom), fill=box.rule, width=1)
        width = width_mm("bold", head, box.label.pt)
        if width > column.w - 0.6:
            raise FaceError(face.path, box.line, f"the head '{head}' is wider than its column")
        height = rows[0].h - LEADING * box.label.pt * MM_PER_PT
        _words(surface, head, "bold", box.label.pt, box.label.colour,
               aligned(column, "centre", width), rows[0].y + height / 2)  # fmt: skip


__all__ = ["Grid", "aligned", "columns", "row_areas", "stamp_line", "static"]
