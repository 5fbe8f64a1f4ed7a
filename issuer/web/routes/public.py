"""What needs no account: health, metrics, trust and status lists, words, static files."""

from __future__ import annotations

import hashlib
import json
import re

from aiohttp import hdrs, web

from issuer.web.parts import parts
from issuer.web.problems import Problem
from issuer.web.words import COOKIE, LANGUAGES, catalogue

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,80}\.(pem|cbor)")
_TYPES = {"pem": "application/x-pem-file", "cbor": "application/cbor"}
_ROOMS = frozenset({"signers", "status"})


async def health(request: web.Request) -> web.Response:
    """200 while the service answers and its stream lives; 503 tells a supervisor to restart."""
    alive = parts(request).hub.alive
    return web.json_response({"ok": alive}, status=200 if alive else 503)


async def metrics(request: web.Request) -> web.Response:
    """For the operator's collector on this machine."""
    at = parts(request)
    text = at.metrics.text(await at.desk.counts())
    return web.Response(
        body=text, headers={hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}
    )


async def trust(request: web.Request) -> web.StreamResponse:
    """A file of the trust directory: all that a verifier needs, for anybody, with an ETag."""
    room, name = request.match_info.get("room", ""), request.match_info["name"]
    found = _FILE.fullmatch(name)
    path = parts(request).config.trust_dir / room / name
    if found is None or (room and room not in _ROOMS) or not path.is_file():
        raise Problem(404, "no_such_list", "No existe ese archivo.", "There is no such file.")
    return web.FileResponse(
        path,
        headers={
            hdrs.CONTENT_TYPE: _TYPES[found[1]],
            hdrs.CACHE_CONTROL: "public, max-age=60",
            hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",  # verifiers run in browsers elsewhere
            "Cross-Origin-Resource-Policy": "cross-origin",
        },
    )


async def words(request: web.Request) -> web.Response:
    """The page's words in one language; Spanish is the source and has none."""
    language = request.match_info["language"]
    if language not in LANGUAGES:
        raise Problem(404, "no_such_language", "No hay ese idioma.", "There is no such language.")
    body = json.dumps(dict(catalogue(language)), ensure_ascii=False).encode()
    tag = hashlib.sha256(body).hexdigest()[:20]
    headers = {hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: f'"{tag}"'}
    if any(etag.value == tag for etag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type="application/json", headers=headers)


async def language(request: web.Request) -> web.Response:
    """Remembers the language and goes back to the page. Changes nothing but that preference."""
    chosen = request.match_info["language"]
    if chosen not in LANGUAGES:
        raise Problem(404, "no_such_language", "No hay ese idioma.", "There is no such language.")
    answer = web.HTTPSeeOther("/")
    answer.set_cookie(COOKIE, chosen, max_age=31_536_000, samesite="Lax", httponly=True, path="/")
    raise answer
