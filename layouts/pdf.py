"""Paper: card forms at true size, the international permit's page, the certificate.

The form's K layer is a 1-bit stencil painted in pure black on top of the colour: no resampling,
no composite black, modules exactly as composed.
"""

from __future__ import annotations

import io
import json
import re
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from PIL import Image
from pypdfium2 import PdfDocument
from reportlab.pdfbase.pdfdoc import PDFImageXObject, PDFName, PDFStream
from reportlab.pdfgen.canvas import Canvas

from .errors import LayoutError
from .fonts import shape
from .qr import matrix, svg
from .raster import Raster
from .typeset import read_template, typeset
from .values import Values, missing

__all__ = ["certificate_pdf", "form_pdf", "permit_pdf"]

_KEPT_GROUNDS = 32
_HAIR = 0.001  # points
_grounds: dict[int, tuple[Image.Image, bytes]] = {}


def form_pdf(rasters: Sequence[Raster], size_mm: tuple[float, float]) -> bytes:
    """One page per side at true size; the same rasters give the same bytes. Blocking, ~4 ms.

    A canvas larger than ``size_mm`` is centred and cut by the page's edge. Raises LayoutError
    ("no_pages") without rasters.
    """
    if not rasters:
        raise LayoutError(
            "no_pages",
            "El formulario no tiene caras que imprimir.",
            "The form has no sides to print.",
        )
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=0, invariant=1)
    for number, raster in enumerate(rasters):
        _page(canvas, raster, size_mm, number)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def certificate_pdf(values: Values, template: Path, *, issued: date) -> bytes:
    """A certificate from the profile's Typst template: A4, PDF/A-2a and PDF/UA-1, QR as vector.

    The template reads ``data.json`` (``fields``, ``categories``, ``issued``), ``portrait.jpg``
    (if there is one) and ``qr.svg`` beside it; ``// requires:`` lines name the fields it cannot
    do without. Blocking, about 0.1 s. Raises LayoutError.
    """
    return _typeset(values, template, issued)


def permit_pdf(values: Values, template: Path, *, issued: date) -> bytes:
    """The holder's page of the international permit, as :func:`certificate_pdf` does it."""
    pdf = _typeset(values, template, issued)
    with PdfDocument(pdf) as document:
        pages = len(document)
    if pages > 1:
        # The booklet has one page for the holder: what runs over would be lost.
        raise LayoutError(
            "text_overflow",
            "Los datos no caben en la página del permiso; abrévielos con la persona titular.",
            "The data do not fit the permit's page; shorten them together with the holder.",
        )
    return pdf


def required(template: Path) -> tuple[str, ...]:
    """Field keys that a template's ``// requires: a, b`` lines name. Raises LayoutError."""
    found = re.findall(r"^// requires: (.+)$", read_template(template), re.MULTILINE)
    return tuple(key.strip() for line in found for key in line.split(","))


def _typeset(values: Values, template: Path, issued: date) -> bytes:
    for key in required(template):
        _require(values, key)
    for text in values.fields.values():
        for line in text.splitlines():
            shape("regular", line)  # a sign that the font lacks is refused, never a box
    data = {
        "fields": dict(values.fields),
        "categories": [[c.code, c.since, c.until, c.restrictions] for c in values.categories],
        "issued": [issued.year, issued.month, issued.day],
        "portrait": values.portrait is not None,
    }
    files = {
        "data.json": json.dumps(data, ensure_ascii=False).encode(),
        "qr.svg": svg(matrix(values.qr_text or "")).encode(),
    }
    if values.portrait is not None:
        files["portrait.jpg"] = values.portrait.jpeg
    return typeset(template, files, issued)


def _require(values: Values, key: str) -> None:
    if key == "portrait":
        if values.portrait is None:
            raise missing(key)
    elif key == "categories":
        if not values.categories:
            raise missing(key)
    else:
        values.text(key)


class _Picture(PDFImageXObject):
    """An image with a stream of our own: reportlab's takes neither a kept one nor a stencil."""

    def __init__(self, name: str, stream: bytes, entries: dict[str, object], kind: str) -> None:
        super().__init__(name)
        self._stream = stream
        self._entries = entries
        self._filter = kind

    def format(self, document: object) -> bytes:
        stream = PDFStream(content=self._stream)
        entries = {
            "Type": PDFName("XObject"),
            "Subtype": PDFName("Image"),
            "Filter": PDFName(self._filter),
            "Length": len(self._stream),
            **self._entries,
        }
        for key, value in entries.items():
            stream.dictionary[key] = value
        formatted: bytes = stream.format(document)
        return formatted


def _page(canvas: Canvas, raster: Raster, size_mm: tuple[float, float], number: int) -> None:
    point = 72 / raster.dpi
    width, height = raster.black.width * point, raster.black.height * point
    page = [side * 72 / 25.4 for side in size_mm]
    # A page that differs by less than a pixel takes the raster's size, and the raster lies a hair
    # inside: renderers that round outwards would else make it a pixel larger and resample it.
    if abs(page[0] - width) < point and abs(page[1] - height) < point:
        page = [width - _HAIR, height - _HAIR]
        width, height = width - 2 * _HAIR, height - 2 * _HAIR
    canvas.setPageSize((page[0], page[1]))
    left, bottom = (page[0] - width) / 2, (page[1] - height) / 2
    # K alone carries black where both layers print; where there is a ground, it is the kept one.
    picture = raster.colour if raster.ground is None else raster.ground
    _place(canvas, _colour(f"G{number}", picture), left, bottom, width, height)
    if raster.ground is not None and raster.portrait is not None:
        portrait, box = raster.portrait
        entries = {**_size(portrait.size), "BitsPerComponent": 8, "ColorSpace": _RGB}
        image = _Picture(f"P{number}", portrait.jpeg, entries, "DCTDecode")
        x, y = left + box[0] * point, bottom + height - box[3] * point
        w, h = (box[2] - box[0]) * point, (box[3] - box[1]) * point
        inset = 2 * _HAIR
        _place(canvas, image, x + inset, y + inset, w - 2 * inset, h - 2 * inset)
    canvas.setFillGray(0)
    _place(canvas, _stencil(f"K{number}", raster.black), left, bottom, width, height)


_RGB = PDFName("DeviceRGB")


def _size(size: tuple[int, int]) -> dict[str, object]:
    return {"Width": size[0], "Height": size[1]}


def _colour(name: str, picture: Image.Image) -> _Picture:
    entries = {**_size(picture.size), "BitsPerComponent": 8, "ColorSpace": _RGB}
    return _Picture(name, _deflated(picture), entries, "FlateDecode")


def _deflated(picture: Image.Image) -> bytes:
    """Compressed pixels; a face's ground is the same picture for every document, so it is kept."""
    kept = _grounds.get(id(picture))
    if kept is not None and kept[0] is picture:
        return kept[1]
    stream = zlib.compress(picture.tobytes(), 6)
    while len(_grounds) >= _KEPT_GROUNDS:
        _grounds.pop(next(iter(_grounds)))
    _grounds[id(picture)] = picture, stream
    return stream


def _stencil(name: str, black: Image.Image) -> _Picture:
    # In a stencil a sample of 0 paints (ISO 32000-1, 8.9.6.2): the layer's own 0 = ink.
    stream = zlib.compress(black.convert("1", dither=Image.Dither.NONE).tobytes(), 2)
    entries = {**_size(black.size), "BitsPerComponent": 1, "ImageMask": "true"}
    return _Picture(name, stream, entries, "FlateDecode")


def _place(
    canvas: Canvas, image: _Picture, x: float, y: float, width: float, height: float
) -> None:
    inner: Any = canvas  # what Canvas.drawImage does, with a picture of ours
    name = inner._doc.getXObjectName(image.name)
    inner._doc.Reference(image, name)
    inner._doc.addForm(image.name, image)
    inner._formsinuse.append(image.name)
    inner._currentPageHasImages = 1
    inner._code.append(f"q {width:.5f} 0 0 {height:.5f} {x:.5f} {y:.5f} cm /{name} Do Q")
