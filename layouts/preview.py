"""Proof sheets: ``python -m layouts.preview FACE_DIR OUT_DIR`` draws every face of a profile.

For each face one PNG per invented person (what the eye sees), and one sheet of all faces; for each
Typst template its first page.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from PIL import Image
from pypdfium2 import PdfDocument

from .compose import compose
from .errors import LayoutError
from .face import Face, FaceError, load_face
from .pdf import certificate_pdf
from .raster import Raster
from .samples import NAMES, sample

_GAP = 24
_PAGE = (214, 214, 210)


def main(arguments: list[str] | None = None) -> int:
    """The command; gives back 0, or 1 when a face or a proof is wrong."""
    parser = argparse.ArgumentParser(prog="python -m layouts.preview", description=__doc__)
    parser.add_argument("faces", type=Path, help="directory with the face files (*.toml)")
    parser.add_argument("out", type=Path, help="where the PNG files go")
    parser.add_argument("--dpi", type=int, default=300, help="300 or 600 (default 300)")
    parser.add_argument(
        "--person", choices=(*NAMES, "all"), default="all", help="which invented person"
    )
    options = parser.parse_args(arguments)
    people = list(NAMES) if options.person == "all" else [options.person]
    try:
        written = preview(options.faces, options.out, options.dpi, people)
    except (FaceError, LayoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in written))
    return 0


def preview(faces: Path, out: Path, dpi: int, people: list[str]) -> list[Path]:
    """Draws the proofs; gives back the files written. Raises FaceError, LayoutError."""
    found = [load_face(path) for path in sorted(faces.glob("*.toml"))]
    if not found:
        raise FaceError(faces, 1, "no face files (*.toml) in this directory")
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for person in people:
        proofs = [proof(face, compose(face, sample(person), dpi)) for face in found]
        for face, picture in zip(found, proofs, strict=True):
            written.append(out / f"{face.name}-{person}.png")
            picture.save(written[-1], compress_level=3)
        written.append(out / f"sheet-{person}.png")
        sheet(proofs).save(written[-1], compress_level=3)
        for template in sorted(faces.glob("*.typ")):
            written.append(out / f"{template.stem}-{person}.png")
            paper(template, person).save(written[-1])
    return written


def paper(template: Path, person: str) -> Image.Image:
    """The first page of a typeset document at 150 dpi."""
    pdf = certificate_pdf(sample(person), template, issued=date(2025, 3, 14))
    with PdfDocument(pdf) as document:
        picture: Image.Image = document[0].render(scale=150 / 72).to_pil()
    return picture


def proof(face: Face, raster: Raster) -> Image.Image:
    """The card as cut: without the strip that is printed over the edge."""
    whole = raster.proof()
    size = tuple(round(side * raster.dpi / 25.4) for side in face.size_mm)
    left, top = (whole.width - size[0]) // 2, (whole.height - size[1]) // 2
    return whole.crop((left, top, left + size[0], top + size[1]))


def sheet(pictures: list[Image.Image]) -> Image.Image:
    """All pictures on one page, two a row."""
    width = max(p.width for p in pictures) + _GAP
    height = max(p.height for p in pictures) + _GAP
    rows = (len(pictures) + 1) // 2
    page = Image.new("RGB", (2 * width + _GAP, rows * height + _GAP), _PAGE)
    for index, picture in enumerate(pictures):
        page.paste(picture, (_GAP + index % 2 * width, _GAP + index // 2 * height))
    return page


if __name__ == "__main__":
    raise SystemExit(main())
