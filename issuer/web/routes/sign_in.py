"""Signing in and out, as plain forms: they work before any script does."""

from __future__ import annotations

import structlog
from aiohttp import web

from issuer.domain import Conflict
from issuer.people import SignInRefused
from issuer.web.parts import parts, user_of
from issuer.web.session import current_user, give, take, token_of
from issuer.web.words import language_of, page, translator

log = structlog.get_logger(__name__)

TOO_MANY = "Demasiados intentos. Espere {s} segundos."


async def sign_in_page(request: web.Request) -> web.Response:
    """The form; whoever is signed in already goes to the counter."""
    if await current_user(request) is not None:
        raise web.HTTPSeeOther("/")
    return _form(request, 200, "", "")


async def sign_in(request: web.Request) -> web.Response:
    """Checks name and password. The name stays in the form after an error."""
    at, form = parts(request), await request.post()
    name, password = str(form.get("name", "")).strip().lower(), str(form.get("password", ""))
    _ = translator(language_of(request))
    key = f"name:{name[:64]}"
    wait = at.throttle.begin(key)
    if wait > 0:
        log.warning("sign_in.throttled")
        answer = _form(request, 429, name, _(TOO_MANY).format(s=_up(wait)))
        answer.headers["Retry-After"] = str(_up(wait))
        return answer
    try:
        _user, token = await at.people.sign_in(at.desk.office, name, password)
    except SignInRefused:
        log.warning("sign_in.refused")
        return _form(request, 401, name, _("El nombre o la contraseña no son correctos."))
    at.throttle.succeeded(key)
    raise _inside(request, token)


async def sign_out(request: web.Request) -> web.Response:
    """Ends the session on the server; the cookie is worth nothing afterwards."""
    token = token_of(request)
    if token:
        await parts(request).people.sign_out(token)
    answer = web.HTTPSeeOther("/sign-in")
    take(answer)
    raise answer


async def password_page(request: web.Request) -> web.Response:
    """The form for another password."""
    return page(request, "password.html", error="", must=user_of(request).must_change)


async def change_password(request: web.Request) -> web.Response:
    """Sets a password; every other session of the account ends."""
    at, user, form = parts(request), user_of(request), await request.post()
    _ = translator(language_of(request))
    old, new, again = (str(form.get(name, "")) for name in ("old", "new", "again"))
    error, token = "", ""
    wait = at.throttle.begin(f"change:{user.name}")
    if wait > 0:
        error = _(TOO_MANY).format(s=_up(wait))
    elif new != again:
        error = _("Las dos contraseñas nuevas no son iguales.")
    else:
        try:
            _user, token = await at.people.change_password(user, old, new)
        except SignInRefused:
            error = _("La contraseña actual no es correcta.")
        except Conflict as conflict:
            reason = conflict.reason
            error = reason.es if language_of(request) == "es" else reason.en
    if error:
        return page(request, "password.html", status=422, error=error, must=user.must_change)
    at.throttle.succeeded(f"change:{user.name}")
    raise _inside(request, token)


async def counter(request: web.Request) -> web.Response:
    """The counter's page; what it shows comes by the API."""
    at = parts(request)
    return page(request, "counter.html", office=_office(request), zone=at.profile.timezone)


def _form(request: web.Request, status: int, account: str, error: str) -> web.Response:
    office = _office(request)
    return page(request, "sign_in.html", status=status, account=account, error=error, office=office)


def _inside(request: web.Request, token: str) -> web.HTTPSeeOther:
    answer = web.HTTPSeeOther("/")
    give(request, answer, token)
    return answer


def _up(seconds: float) -> int:
    return int(seconds) + 1


def _office(request: web.Request) -> str:
    at = parts(request)
    office = at.profile.offices.get(at.desk.office)
    return office.name if office else at.desk.office
