"""Typst: tagged PDF/A-2a and PDF/UA-1 from a profile's template, offline, fonts by path.

Typst makes both standards together with no failures (facts on faces, "PDF"). What varies
reaches the template as JSON: nothing a person's name contains can become code.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import typst

from .errors import LayoutError
from .fonts import font_path


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    # Scanning the directory takes 0.2 s: once per process.
    directory = font_path("regular").parent
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[directory]
    )


def typeset(template: Path, files: Mapping[str, bytes], issued: date) -> bytes:
    """Compiles ``template`` with ``files`` beside it. Raises LayoutError ("typesetting").

    The template sees only a directory of its own: itself and ``files``.
    """
    text = read_template(template)
    moment = datetime(issued.year, issued.month, issued.day, tzinfo=UTC)
    with tempfile.TemporaryDirectory(prefix="fedatario-typst-") as place:
        room = Path(place)
        main = room / "main.typ"
        main.write_text(text, encoding="utf-8")
        for name, content in files.items():
            (room / name).write_bytes(content)
        try:
            compiler = typst.Compiler(
                str(main), root=str(room), font_paths=_fonts(), ignore_system_fonts=True
            )
            pdf = compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=moment)
        except typst.TypstError as error:
            raise _refused(template, _where(error)) from error
    if not isinstance(pdf, bytes):
        raise _refused(template, "no PDF came out")
    return pdf


def read_template(template: Path) -> str:
    """The template's source. Raises LayoutError ("typesetting") if it cannot be read."""
    try:
        return template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(template, f"cannot be read ({type(error).__name__})") from error


def _where(error: typst.TypstError) -> str:
    """The message with its line; the diagnostic's quoted source could hold personal data."""
    place = re.search(r"main\.typ:(\d+)", error.diagnostic)
    return f"line {place[1]}: {error.message}" if place else error.message


def _refused(template: Path, why: str) -> LayoutError:
    return LayoutError(
        "typesetting",
        f"La plantilla {template.name} no se pudo componer: {why}",
        f"The template {template.name} could not be typeset: {why}",
    )
