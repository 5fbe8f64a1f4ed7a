"""The session's cookie: a random token, unreadable for scripts, sent to this origin alone."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from issuer.people import User
from issuer.web.parts import parts

PLAIN = "fedatario-session"
SECURE = "__Host-fedatario-session"  # the prefix: browsers accept it over TLS only, for "/" only


def over_tls(request: web.Request) -> bool:
    """Whether the browser talks TLS, to us or to the proxy on this machine.

    The header is believed from loopback alone; a lie there only makes the cookie stricter.
    """
    if request.secure:
        return True
    try:
        near = request.remote is not None and ip_address(request.remote).is_loopback
    except ValueError:
        near = False
    return near and request.headers.get("X-Forwarded-Proto", "").lower() == "https"


def token_of(request: web.Request) -> str | None:
    """The token that the browser sent, if any."""
    return request.cookies.get(SECURE if over_tls(request) else PLAIN)


async def current_user(request: web.Request) -> User | None:
    """Who is signed in, of this office."""
    token = token_of(request)
    if not token:
        return None
    user = await parts(request).people.whose(token)
    return user if user is not None and user.office == parts(request).desk.office else None


def give(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Sets the cookie of a new session."""
    tls = over_tls(request)
    response.set_cookie(
        SECURE if tls else PLAIN,
        token,
        max_age=parts(request).config.web.session_hours * 3600,
        path="/",
        httponly=True,
        secure=tls,
        samesite="Strict",
    )


def take(response: web.StreamResponse) -> None:
    """Removes the cookie, under both names."""
    response.del_cookie(PLAIN, path="/")
    response.del_cookie(SECURE, path="/", secure=True)
