"""Words and pages: Spanish is the source, English a catalogue that Babel reads in memory.

No .mo is committed: 2 ms at start (facts).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from issuer.web.parts import USER

HERE = Path(__file__).parent
LANGUAGES = ("es", "en")
COOKIE = "fedatario-language"

_pages = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Spanish source text → text; empty for Spanish itself."""
    if language == "es":
        return {}
    with (HERE / "locale" / f"{language}.po").open("rb") as file:
        found = read_po(file, locale=language)
    return {str(m.id): str(m.string) for m in found if m.id and m.string and not m.fuzzy}


def translator(language: str) -> Callable[[str], str]:
    """``_`` of the pages."""
    words = catalogue(language)
    return lambda text: words.get(text, text)


def language_of(request: web.Request) -> str:
    """What the person chose; Spanish first."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else "es"


def page(request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
    """A page in the person's language."""
    language = language_of(request)
    text = _pages.get_template(name).render(
        _=translator(language), language=language, user=request.get(USER), **values
    )
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
