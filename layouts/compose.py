"""A face and the values of one document → the colour and black layers a printer wants.

Only what varies is drawn: the static layer is copied, the portrait pasted, the text stamped.
"""

from __future__ import annotations

from PIL import Image

from .boxes import (
    Area,
    CategoriesBox,
    MrzBox,
    PortraitBox,
    QrBox,
    ReservedBox,
    TextBox,
)
from .errors import LayoutError
from .face import Face
from .fonts import width_mm
from .ink import cells
from .portrait import Portrait
from .qr import matrix, module_px
from .raster import PxBox, Raster
from .statics import aligned, columns, row_areas, stamp_line, static
from .surface import Surface
from .text import LEADING, MM_PER_PT, Room, fit
from .values import CategoryRow, Values, missing

__all__ = ["CategoryRow", "LayoutError", "Raster", "Values", "compose"]

# OCR-B size 1 at ten characters to the inch is 41.494 px at 300 dpi (facts on faces, "OCR-B").
_OCR_PX_300 = 41.494
_OCR_PITCH_MM = 2.54
_MRZ_LINE_MM = 6.35  # ICAO 9303-5: pitch of the three lines


def compose(face: Face, values: Values, dpi: int) -> Raster:
    """One side of one document at 300 or 600 dpi. Blocking, about 4 ms: call it off the loop.

    Raises LayoutError: a field is missing, a text does not fit, a sign has no glyph, the QR does
    not fit, a category is not on the face. FaceError if the face's own captions do not fit.
    """
    base = static(face, dpi)
    surface = Surface(base.grid, base.colour.copy(), base.black.copy())
    qr_box: PxBox | None = None
    barcode_box: PxBox | None = None
    picture: tuple[Portrait, PxBox] | None = None
    short: list[str] = []
    for box in face.boxes:
        if isinstance(box, TextBox):
            short += _text(surface, box, values)
        elif isinstance(box, PortraitBox):
            picture = _portrait(surface, box, values)
        elif isinstance(box, QrBox):
            qr_box = _qr(surface, box, values)
        elif isinstance(box, MrzBox):
            _mrz(surface, box, values)
        elif isinstance(box, CategoriesBox):
            _categories(surface, box, values)
        elif isinstance(box, ReservedBox):
            barcode_box = surface.grid.box(box.area)
    return Raster(
        surface.colour, surface.black, dpi, qr_box, barcode_box, tuple(short), base.colour, picture
    )


def _text(surface: Surface, box: TextBox, values: Values) -> list[str]:
    text = values.text(box.field, box.optional) or box.blank
    if not text:
        return []
    fitted = fit(text, box.room, box.field)
    pitch = LEADING * fitted.pt * MM_PER_PT
    top = box.area.y + box.area.h - box.room.height_mm
    if box.valign == "bottom":
        top += box.room.height_mm - pitch * len(fitted.lines)
    for index, words in enumerate(fitted.lines):
        left = aligned(box.area, box.align, width_mm(box.room.role, words, fitted.pt))
        stamp_line(surface, words, box.room.role, fitted.pt, left, top + index * pitch)
    return [box.field] if fitted.abbreviated else []


def _portrait(surface: Surface, box: PortraitBox, values: Values) -> tuple[Portrait, PxBox]:
    if values.portrait is None:
        raise missing("portrait")
    left, top, right, bottom = surface.grid.colour_box(box.area)
    picture = values.portrait.image()
    width, height = right - left, bottom - top
    if max(abs(picture.width - width), abs(picture.height - height)) > 1:
        # One pixel off is rounding of millimetres: resampling would only blur, and take 2 ms.
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    surface.colour.paste(picture, (left, top))
    s = surface.grid.scale
    return values.portrait, (
        left * s,
        top * s,
        (left + picture.width) * s,
        (top + picture.height) * s,
    )


def _qr(surface: Surface, box: QrBox, values: Values) -> PxBox:
    symbol = matrix(values.qr_text or "")
    area = surface.grid.box(box.area)
    side = min(area[2] - area[0], area[3] - area[1])
    module = module_px(symbol, side, surface.grid.dpi)
    picture = symbol.image(module)
    margin = (side - picture.width) // 2
    # The box is white in the colour layer already: nothing to knock out.
    surface.black.paste(picture, (area[0] + margin, area[1] + margin))
    return area


def _mrz(surface: Surface, box: MrzBox, values: Values) -> None:
    net = surface.grid
    pitch = round(net.px(_OCR_PITCH_MM))
    size = _OCR_PX_300 * net.dpi / 300
    lines = [values.text(key) for key in box.fields]
    if any(len(words) != 30 for words in lines):
        raise LayoutError(
            "mrz_invalid",
            "Cada línea de la zona de lectura mecánica debe tener 30 signos.",
            "Each line of the machine readable zone must have 30 characters.",
        )
    left, top, right, bottom = net.box(box.area)
    x = left + (right - left - 30 * pitch) / 2
    gap = min(net.px(_MRZ_LINE_MM), (bottom - top) / len(lines))
    first = top + (bottom - top - gap * (len(lines) - 1)) / 2 + size * 0.35
    for index, words in enumerate(lines):
        surface.stamp(cells("mrz", words, size, pitch), x, first + index * gap)


def _categories(surface: Surface, box: CategoriesBox, values: Values) -> None:
    held = {row.code: row for row in values.categories}
    unknown = sorted(set(held) - set(box.codes))
    if unknown or not held:
        names = ", ".join(unknown) or "—"
        raise LayoutError(
            "category_unknown",
            f"La licencia lleva al menos una categoría de {', '.join(box.codes)}; trae {names}.",
            f"A licence has at least one category of {', '.join(box.codes)}; it brings {names}.",
        )
    for code, row in zip(box.codes, row_areas(box)[1:], strict=True):
        mine = held.get(code)
        words = (code, mine.since, mine.until, mine.restrictions) if mine else (code, "", "", "")
        for column, value, role in zip(
            columns(box), words, ("bold", *["regular"] * 3), strict=True
        ):
            _cell(surface, box, Area(column.x, row.y, column.w, row.h), value or "—", role)


def _cell(surface: Surface, box: CategoriesBox, area: Area, words: str, role: str) -> None:
    inner = Area(area.x + 0.4, area.y, area.w - 0.8, area.h)
    room = Room(inner.w, inner.h, role, box.pt, box.min_pt, 2, ("shrink", "break"))
    fitted = fit(words, room, "categories")
    pitch = LEADING * fitted.pt * MM_PER_PT
    top = inner.y + (inner.h - pitch * len(fitted.lines)) / 2
    for index, part in enumerate(fitted.lines):
        left = aligned(inner, "centre", width_mm(role, part, fitted.pt))
        stamp_line(surface, part, role, fitted.pt, left, top + index * pitch)
