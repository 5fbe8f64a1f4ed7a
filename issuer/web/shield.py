"""What protects the pages in the browser: headers on every answer, and no act from elsewhere."""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from issuer.web.metrics import route_of
from issuer.web.problems import Problem
from issuer.web.session import over_tls

log = structlog.get_logger(__name__)

# From the facts on browsers; no inline script or style, and strings become code only through
# the one policy "fedatario" (the shared worker's address).
CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types fedatario",
    )
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), serial=()",
    "Cache-Control": "no-store",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, errors and streams too; what a handler set stays."""
    if route_of(request) == "/static":
        response.headers.setdefault("Cache-Control", "no-cache")  # kept, but asked for each time
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if over_tls(request):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers["Server"] = "fedatario"


def same_origin(request: web.Request) -> bool:
    """Sec-Fetch-Site, which scripts cannot set; from browsers that do not send it (plain http on
    a LAN), the exact Origin; else no."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    scheme = "https" if over_tls(request) else "http"
    return origin is not None and origin == f"{scheme}://{request.host}"


@web.middleware
async def no_forgery(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses whatever changes something and does not come from our own pages."""
    if request.method not in _SAFE and not same_origin(request):
        log.warning("access.denied", method=request.method, route=route_of(request), why="forgery")
        raise Problem(
            403,
            "other_origin",
            "El pedido no viene de esta página: recárguela e intente de nuevo.",
            "The request does not come from this page: reload it and try again.",
        )
    return await handler(request)
