"""Composing in a process pool: drawing is pure CPU and must never run in the event loop.

A worker draws the faces and reads the QR back from the raster with two independent readers;
what comes out of it may be printed.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import pypdfium2
from PIL import Image

from layouts.boxes import MrzBox
from layouts.compose import Raster
from layouts.compose import compose as draw
from layouts.errors import LayoutError
from layouts.face import Face, load_face
from layouts.pdf import certificate_pdf, form_pdf, permit_pdf
from layouts.portrait import PortraitError, prepare
from layouts.values import Values
from verifier.pictures import read_codes

A = TypeVar("A")
T = TypeVar("T")
READ_BACK_DPI = 300


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be drawn. ``kind``: "card" (rasters), "form" (PDF of rasters), "permit",
    "certificate" (PDF from a template). ``faces``: one or two files."""

    kind: str
    faces: tuple[Path, ...]
    values: Values
    issued: date
    dpi: int = 300


@dataclass(frozen=True, slots=True)
class Composed:
    """What was drawn and read back. ``pages`` of the PDF; ``rasters`` only for cards."""

    rasters: tuple[Raster, ...] = ()
    pdf: bytes | None = None
    pages: int = 1


class ComposeFailed(Exception):  # noqa: N818
    """A document cannot be drawn; code and words as in LayoutError."""

    def __init__(self, code: str, es: str, en: str) -> None:
        super().__init__(code, es, en)  # all in args: it crosses processes by pickle
        self.code, self.es, self.en = code, es, en


@lru_cache(maxsize=64)
def _face(path: Path) -> Face:
    return load_face(path)


def wants_mrz(path: Path) -> bool:
    """Whether a face file has a machine-readable zone (templates of whole pages have none)."""
    return path.suffix == ".toml" and _has_mrz(path)


@lru_cache(maxsize=64)
def _has_mrz(path: Path) -> bool:
    return _face(path).wants(MrzBox)


def compose_now(order: Order) -> Composed:
    """Draws and reads back, here and now (runs in a worker). Raises ComposeFailed."""
    try:
        return _DRAW[order.kind](order)
    except LayoutError as error:
        raise ComposeFailed(error.code, error.es, error.en) from error


def _card(order: Order) -> Composed:
    return Composed(tuple(_rasters(order)))


def _form(order: Order) -> Composed:
    rasters = _rasters(order)
    return Composed(pdf=form_pdf(rasters, _face(order.faces[0]).size_mm), pages=len(rasters))


def _permit(order: Order) -> Composed:
    return _checked_pdf(permit_pdf(order.values, order.faces[0], issued=order.issued), order)


def _certificate(order: Order) -> Composed:
    return _checked_pdf(certificate_pdf(order.values, order.faces[0], issued=order.issued), order)


_DRAW = {"card": _card, "form": _form, "permit": _permit, "certificate": _certificate}


def _rasters(order: Order) -> list[Raster]:
    rasters = [draw(_face(path), order.values, order.dpi) for path in order.faces]
    crops = [crop for raster in rasters if (crop := raster.qr_crop()) is not None]
    if not crops:
        raise ComposeFailed("no_qr", "La cara no lleva QR.", "No face carries a QR.")
    for crop in crops:
        _read_back(crop, order.values.qr_text)
    return rasters


def _checked_pdf(pdf: bytes, order: Order) -> Composed:
    """Reads the QR back from the rendered pages, as a scanner of the print would."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = len(document)
        found: set[str | None] = set()
        for page in document:
            picture = page.render(scale=READ_BACK_DPI / 72).to_pil()
            readings = read_codes(picture.convert("L"))
            found |= {readings.zxing, readings.pyzbar}
    finally:
        document.close()
    if found - {None} != {order.values.qr_text}:
        raise _unreadable()
    return Composed(pdf=pdf, pages=pages)


def _read_back(picture: Image.Image, expected: str | None) -> None:
    """Both readers must find the text. One that finds nothing is asked again at twice the size
    (zbar misses about one perfect symbol in a thousand); one that finds another text is not."""
    found: set[str | None] = set()
    for size in (1, 2):
        larger = (
            picture
            if size == 1
            else picture.resize(
                (picture.width * size, picture.height * size), Image.Resampling.NEAREST
            )
        )
        readings = read_codes(larger)
        found = {readings.zxing, readings.pyzbar}
        if found == {expected}:
            return
        if found - {None, expected}:
            break
    raise _unreadable()


def _unreadable() -> ComposeFailed:
    return ComposeFailed(
        "qr_unreadable",
        "El QR compuesto no se lee con los dos lectores; no se imprime.",
        "The composed QR is not read by both readers; nothing is printed.",
    )


def preview_now(order: Order) -> list[bytes]:
    """PNG pictures of what :func:`compose_now` draws (runs in a worker)."""
    composed = compose_now(order)
    if composed.pdf is None:
        pictures = [raster.proof() for raster in composed.rasters]
    else:
        document = pypdfium2.PdfDocument(composed.pdf)
        try:
            pictures = [page.render(scale=READ_BACK_DPI / 72).to_pil() for page in document]
        finally:
            document.close()
    return [_png(picture) for picture in pictures]


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def prepare_now(data: bytes) -> bytes:
    """Prepares a portrait (runs in a worker: pictures from outside are not decoded in the daemon).

    Raises ComposeFailed with the reason to tell the citizen.
    """
    try:
        return prepare(data).to_bytes()
    except PortraitError as error:
        raise ComposeFailed(error.code, error.es, error.en) from error


class Composer:
    """A pool of spawned workers. A worker that dies costs one retry, not the daemon."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_warm)

    async def compose(self, order: Order) -> Composed:
        """Raises ComposeFailed."""
        return await self._call(compose_now, order)

    async def preview(self, order: Order) -> list[bytes]:
        """PNG pictures of the faces. Raises ComposeFailed."""
        return await self._call(preview_now, order)

    async def prepare(self, data: bytes) -> bytes:
        """A prepared portrait for the store. Raises ComposeFailed."""
        return await self._call(prepare_now, data)

    async def _call(self, fn: Callable[[A], T], argument: A) -> T:
        loop = asyncio.get_running_loop()
        pool = self._pool
        try:
            return await loop.run_in_executor(pool, fn, argument)
        except BrokenProcessPool:
            if self._pool is pool:  # whoever sees it first replaces it
                self._pool = self._new()
            return await loop.run_in_executor(self._pool, fn, argument)

    def close(self) -> None:
        """Ends the workers."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _warm() -> None:
    """Imports what the first document would otherwise wait for; leaves Ctrl-C to the daemon."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Image.init()
