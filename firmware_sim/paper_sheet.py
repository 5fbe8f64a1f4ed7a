"""Sheets of a simulated paper printer: pages of a PDF laid on forms that carry their serial."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops

from firmware_sim.blanks import draw_serial
from firmware_sim.body import write_durably

DPI = 300
MAX_PAGES = 40
MAX_PIXELS = 40_000_000  # A3 at 300 dpi is 17.4 million


class DocumentError(ValueError):
    """The document cannot be printed; the printer aborts the job."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet as it leaves the machine. ``back`` is None if nothing was on that side."""

    serial: str
    front: Image.Image
    back: Image.Image | None


def render(pdf: bytes) -> list[Image.Image]:
    """The pages as RGB pictures at 300 dpi. Blocking. Raises DocumentError."""
    try:
        document = pypdfium2.PdfDocument(pdf)
    except pypdfium2.PdfiumError as error:
        raise DocumentError(f"no PDF: {error}") from error
    try:
        if not 0 < len(document) <= MAX_PAGES:
            raise DocumentError(f"{len(document)} pages; 1 to {MAX_PAGES} are printed")
        return [_page(document[index]) for index in range(len(document))]
    except pypdfium2.PdfiumError as error:
        raise DocumentError(f"a page cannot be drawn: {error}") from error
    finally:
        document.close()


def _page(page: pypdfium2.PdfPage) -> Image.Image:
    width, height = page.get_size()
    # The width in points is rounded in the file; a hair less keeps it from growing by one pixel.
    scale = DPI / 72 * (1 - 2e-6)
    if not 0 < width * height * scale * scale <= MAX_PIXELS:
        raise DocumentError(f"a page of {width:.0f} × {height:.0f} pt does not fit the machine")
    picture: Image.Image = page.render(scale=scale).to_pil()
    return picture.convert("RGB")


def lay(pages: Sequence[Image.Image], serial: str, inked: int) -> Sheet:
    """Lays ``pages`` (one or two) on a form; only the first ``inked`` of them got their ink.

    The form shows ``serial`` on its back before any ink, if it has one.
    """
    front = Image.new("RGB", pages[0].size, "white")
    back = Image.new("RGB", (pages[1] if len(pages) > 1 else pages[0]).size, "white")
    if serial:
        draw_serial(back, serial, DPI)
    if inked > 0:
        front = ImageChops.multiply(front, pages[0])
    if inked > 1 and len(pages) > 1:
        back = ImageChops.multiply(back, pages[1])
    return Sheet(serial, front, back if serial or len(pages) > 1 else None)


def write_faces(directory: Path, sheet: Sheet) -> None:
    """Writes front.png and back.png of the sheet in the path as it will be once it has its ink.

    Blocking, durable.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name, picture in (("front", sheet.front), ("back", sheet.back)):
        path = directory / f"{name}.png"
        if picture is None:
            path.unlink(missing_ok=True)
            continue
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", dpi=(DPI, DPI), compress_level=1)
        write_durably(path, buffer.getvalue())


def lay_out(machine: Path, number: int, facts: dict[str, object]) -> None:
    """Moves the sheet in the path to cards/NNNNNN and writes card.json last. Blocking, durable.

    May be repeated after a power cut in the middle of it.
    """
    inside, target = machine / "inside", machine / "cards" / f"{number:06d}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if inside.exists() and not target.exists() and facts["inked"]:
        inside.rename(target)
    target.mkdir(exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    text = json.dumps({**facts, "at": at}, ensure_ascii=False, indent=1)
    write_durably(target / "card.json", text.encode())
