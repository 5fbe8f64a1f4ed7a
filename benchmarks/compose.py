"""Both faces of a card with QR and read-back, on one core, against a naive rendering.

The naive one does what a first attempt would: it fits the camera's picture for every card, draws
each line anew four times larger, and takes the QR from a pure Python writer. Both get the same
kept background. Times are processor time of this process: "a core", whatever else runs beside.
"""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import segno
from PIL import Image, ImageDraw

from layouts.boxes import CategoriesBox, MrzBox, PortraitBox, QrBox, TextBox
from layouts.compose import compose
from layouts.face import Face, load_face
from layouts.fonts import font
from layouts.pdf import form_pdf
from layouts.portrait import prepare
from layouts.samples import NAMES, sample
from layouts.statics import columns, row_areas, static
from layouts.text import ASCENT, LEADING, MM_PER_PT, fit
from layouts.values import Values
from verifier.pictures import read_codes

FACES = Path(__file__).parent.parent / "issuer/profiles/bolivia/faces"
_SECONDS = 2.0
TARGET_CARDS = 40.0


def run() -> list[dict[str, Any]]:
    """Rows of the bench "compose"."""
    people = [sample(kind) for kind in NAMES]
    rows = []
    for kind, dpi in (("LIC", 300), ("CI", 300), ("LIC", 600)):
        faces = [load_face(FACES / f"{kind}-{side}.toml") for side in ("front", "back")]
        ours = _rate(lambda v, f=faces, d=dpi: _card(f, v, d), people)
        naive = _rate(lambda v, f=faces, d=dpi: _naive_card(f, v, d), people)
        rows.append(_row(f"{kind} both faces, QR read back by two readers, {dpi} dpi", ours, naive))
    form = [load_face(FACES / f"CI-{side}.toml") for side in ("front", "back")]
    ours = _rate(lambda v: form_pdf([compose(f, v, 300) for f in form], (85, 55)), people)
    naive = _rate(lambda v: _naive_pdf(form, v), people)
    rows.append(_row("CI both faces as PDF", ours, naive))
    return rows


def _row(name: str, value: float, reference: float) -> dict[str, Any]:
    return {
        "bench": "compose",
        "name": name,
        "value": round(value, 1),
        "unit": "cards/s a core",
        "reference": "naive rendering in the same run",
        "reference_value": round(reference, 1),
        "ratio": round(value / reference, 2),
        "target": TARGET_CARDS,
        "holds": value >= TARGET_CARDS,
    }


def _rate(work: Callable[[Values], object], people: list[Values]) -> float:
    for values in people:
        work(values)
    began = time.process_time()
    for done, values in enumerate(itertools.cycle(people), start=1):
        work(_another(values, done))
        spent = time.process_time() - began
        if spent >= _SECONDS:
            return done / spent
    raise AssertionError("the cycle has no end")


def _another(values: Values, number: int) -> Values:
    """The next card's own numbers, dates, names and seal: nothing kept by text may flatter."""
    day, text = f"{number % 28 + 1:02d}/{number % 12 + 1:02d}/19{number % 90 + 10}", values.qr_text
    assert text is not None
    own = {
        "document_number": f"B-{number:07d}",
        "person_id": f"{4000000 + number * 7}",
        "birth_date": day,
        "surname": f"{values.fields['surname']} {_SURNAMES[number % len(_SURNAMES)]}",
        "residence": f"C. AYACUCHO Nº {number}, ZONA CENTRAL, SUCRE",
    }
    turned = text[number % 400 :] + text[: number % 400]
    return replace(values, fields={**values.fields, **own}, qr_text=turned)


_SURNAMES = ("ROJAS", "CRUZ", "VARGAS", "CHOQUE", "ÑANDÚ", "FLORES", "PEÑA")


def _card(faces: list[Face], values: Values, dpi: int) -> None:
    for face in faces:
        raster = compose(face, values, dpi)
        crop = raster.qr_crop()
        if crop is not None:
            assert read_codes(crop).agreed == values.qr_text


def _naive_card(faces: list[Face], values: Values, dpi: int) -> None:
    for face in faces:
        _, black, qr_box = _naive(face, values, dpi)
        if qr_box is not None:
            crop = black.crop(qr_box).reduce(dpi // 300)
            assert read_codes(crop).agreed == values.qr_text


def _naive_pdf(faces: list[Face], values: Values) -> bytes:
    out = io.BytesIO()
    pages = []
    for face in faces:
        colour, black, _ = _naive(face, values, 300)
        colour.paste((0, 0, 0), (0, 0), black.point(lambda v: 255 - v))
        pages.append(colour)
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=300)
    return out.getvalue()


def _naive(
    face: Face, values: Values, dpi: int
) -> tuple[Image.Image, Image.Image, tuple[int, int, int, int] | None]:
    kept = static(face, dpi)
    colour, black = kept.colour.copy(), kept.black.copy()
    net, qr_box = kept.grid, None
    for box in face.boxes:
        if isinstance(box, TextBox):
            fitted = fit(values.text(box.field, box.optional) or box.blank, box.room, box.field)
            for index, words in enumerate(fitted.lines):
                top = box.area.y + 2 + index * LEADING * fitted.pt * MM_PER_PT
                base = net.px(top + ASCENT * fitted.pt * MM_PER_PT)
                size = fitted.pt * dpi / 72
                _naive_line(black, words, box.room.role, size, net.px(box.area.x), base)
        elif isinstance(box, MrzBox):
            for index, key in enumerate(box.fields):
                _naive_line(black, values.text(key), "mrz", 41.494 * dpi / 300,
                            net.px(box.area.x), net.px(box.area.y + 5 + 6 * index))  # fmt: skip
        elif isinstance(box, CategoriesBox):
            for row, category in zip(row_areas(box)[1:], values.categories, strict=False):
                for column, words in zip(columns(box), (category.code, category.since, category.until, category.restrictions), strict=True):  # noqa: E501  # fmt: skip
                    _naive_line(black, words or "—", "regular", box.pt * dpi / 72,
                                net.px(column.x), net.px(row.y + 4))  # fmt: skip
        elif isinstance(box, PortraitBox):
            assert values.portrait is not None
            left, top, right, bottom = net.colour_box(box.area)
            picture = prepare(_camera(values)).image().resize((right - left, bottom - top))
            colour.paste(picture, (left, top))
        elif isinstance(box, QrBox):
            qr_box = net.box(box.area)
            out = io.BytesIO()
            symbol = segno.make_qr(values.qr_text or "", error="m", boost_error=False)
            symbol.save(out, kind="png", scale=3 * dpi // 300, border=4)
            black.paste(Image.open(out).convert("L"), qr_box[:2])
    colour.paste((255, 255, 255), (0, 0), black.reduce(net.scale).point(lambda v: 255 * (v < 255)))
    return colour, black, qr_box


_cameras: dict[int, bytes] = {}


def _camera(values: Values) -> bytes:
    """A camera's picture of the portrait: 900 × 1155 px, as files at intake are."""
    assert values.portrait is not None
    if id(values.portrait) not in _cameras:
        out = io.BytesIO()
        values.portrait.image().resize((900, 1155)).save(out, "JPEG", quality=92)
        _cameras[id(values.portrait)] = out.getvalue()
    return _cameras[id(values.portrait)]


def _naive_line(black: Image.Image, words: str, role: str, size: float, x: float, y: float) -> None:
    face = font(role, size * 4)
    left, top, right, bottom = (int(v) for v in face.getbbox(words, anchor="ls"))
    large = Image.new("L", (right - left + 8, bottom - top + 8), 0)
    ImageDraw.Draw(large).text((4 - left, 4 - top), words, fill=255, font=face, anchor="ls")
    mask = large.reduce(4).point(lambda v: 255 * (v >= 128))
    black.paste(0, (round(x) + left // 4, round(y) + top // 4), mask)


if __name__ == "__main__":
    for row in run():
        print(row)
