"""Who may do what: every route has a rule here, and a route without one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from ipaddress import ip_address

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from issuer.people import Role, User
from issuer.web.metrics import route_of
from issuer.web.parts import USER, parts
from issuer.web.problems import Problem
from issuer.web.session import current_user

log = structlog.get_logger(__name__)


class May(StrEnum):
    """What a role allows."""

    LOOK = "look"
    PRINT = "print"
    INSPECT = "inspect"
    DELIVER = "deliver"
    RESOLVE = "resolve"  # say what was found in the machine
    STOP = "stop"
    SPOIL = "spoil"
    REPRINT = "reprint"
    CANCEL = "cancel"
    RESUME = "resume"
    LOAD = "load"
    STOCK = "stock"


class Open(Enum):
    """Rules that name no role."""

    PUBLIC = "public"
    LOCAL = "local"  # from this machine, not through a proxy: for the operator's collector
    ACCOUNT = "account"  # signed in, even if the password must still be set


Rule = May | Open

_COUNTER = {May.LOOK, May.PRINT, May.INSPECT, May.DELIVER, May.RESOLVE, May.STOP}
GRANTS: Mapping[Role, frozenset[May]] = {
    Role.COUNTER: frozenset(_COUNTER),
    Role.SUPERVISOR: frozenset(
        _COUNTER | {May.SPOIL, May.REPRINT, May.CANCEL, May.RESUME, May.STOCK}
    ),
    Role.CUSTODIAN: frozenset({May.LOOK, May.STOP, May.LOAD, May.STOCK}),
}

RULES: Mapping[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Open.PUBLIC,
    ("GET", "/metrics"): Open.LOCAL,
    ("GET", "/trust/{name}"): Open.PUBLIC,
    ("GET", "/trust/{room}/{name}"): Open.PUBLIC,
    ("GET", "/static"): Open.PUBLIC,
    ("GET", "/words/{language}.json"): Open.PUBLIC,
    ("GET", "/language/{language}"): Open.PUBLIC,
    ("GET", "/sign-in"): Open.PUBLIC,
    ("POST", "/sign-in"): Open.PUBLIC,
    ("POST", "/sign-out"): Open.ACCOUNT,
    ("GET", "/password"): Open.ACCOUNT,
    ("POST", "/password"): Open.ACCOUNT,
    ("GET", "/"): May.LOOK,
    ("GET", "/api/me"): May.LOOK,
    ("GET", "/api/queue"): May.LOOK,
    ("GET", "/api/devices"): May.LOOK,
    ("GET", "/api/service"): May.LOOK,
    ("GET", "/api/events"): May.LOOK,
    ("GET", "/api/stock"): May.STOCK,
    ("GET", "/api/jobs/{job}"): May.LOOK,
    ("GET", "/api/jobs/{job}/faces"): May.LOOK,
    ("GET", "/api/jobs/{job}/portrait"): May.LOOK,
    ("GET", "/api/jobs/{job}/file"): May.LOOK,
    ("POST", "/api/jobs/{job}/print"): May.PRINT,
    ("POST", "/api/jobs/{job}/cancel"): May.CANCEL,
    ("POST", "/api/jobs/{job}/deliver"): May.DELIVER,
    ("POST", "/api/jobs/{job}/spoil"): May.SPOIL,
    ("POST", "/api/jobs/{job}/reprint"): May.REPRINT,
    ("POST", "/api/jobs/{job}/resolve"): May.RESOLVE,
    ("POST", "/api/jobs/{job}/lamination"): May.RESOLVE,
    ("POST", "/api/jobs/{job}/retry"): May.PRINT,
    ("POST", "/api/scan"): May.INSPECT,
    ("POST", "/api/inspect"): May.INSPECT,
    ("POST", "/api/lanes/{lane}/stop"): May.STOP,
    ("POST", "/api/lanes/{lane}/resume"): May.RESUME,
    ("POST", "/api/lanes/{lane}/clear"): May.RESUME,
    ("POST", "/api/lanes/{lane}/load"): May.LOAD,
    ("POST", "/api/lanes/{lane}/roll"): May.LOAD,
}


def allowed(user: User) -> frozenset[May]:
    """Everything that a person's roles allow; nothing before the password is set."""
    if user.must_change:
        return frozenset()
    return frozenset().union(*(GRANTS[role] for role in user.roles))


def require(request: web.Request, may: May) -> None:
    """For an act whose rule depends on its body. Raises Problem 403."""
    if may not in allowed(request[USER]):
        raise _denied(request, "role", _FORBIDDEN)


def rule_of(request: web.Request) -> Rule | None:
    """The rule of a request's route; HEAD is what GET is."""
    method = "GET" if request.method == "HEAD" else request.method
    return RULES.get((method, route_of(request)))


@web.middleware
async def authorise(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Lets a request through if its rule says so; a page sends to the sign-in instead."""
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception  # no such path or method: nothing to guard
    rule = rule_of(request)
    if rule is None:
        raise _denied(request, "no_rule", _FORBIDDEN)
    if rule is Open.PUBLIC:
        return await handler(request)
    if rule is Open.LOCAL:
        if not _from_here(request):
            raise _denied(request, "not_local", _FORBIDDEN)
        return await handler(request)
    user = await current_user(request)
    if user is None:
        if _is_page(request):
            raise web.HTTPSeeOther("/sign-in")
        raise _denied(request, "not_signed_in", _SIGN_IN)
    request[USER] = user
    if isinstance(rule, May) and rule not in allowed(user):
        if user.must_change and _is_page(request):
            raise web.HTTPSeeOther("/password")
        raise _denied(request, "role", _FORBIDDEN)
    return await handler(request)


_FORBIDDEN = Problem(
    403,
    "forbidden",
    "Su cuenta no permite ese paso: pídalo a quien corresponda.",
    "Your account does not allow that step: ask whoever may.",
)
_SIGN_IN = Problem(
    401,
    "not_signed_in",
    "Su sesión terminó: ingrese de nuevo.",
    "Your session has ended: sign in again.",
)


def _denied(request: web.Request, why: str, problem: Problem) -> Problem:
    """Every refusal leaves a line with the route's pattern, never with its path or body."""
    user = request.get(USER)
    log.warning(
        "access.denied",
        method=request.method,
        route=route_of(request),
        why=why,
        account=user.name if user else None,
    )
    parts(request).metrics.denied.labels(why).inc()
    return problem.again()


def _is_page(request: web.Request) -> bool:
    return request.method == "GET" and not route_of(request).startswith("/api/")


def _from_here(request: web.Request) -> bool:
    """A proxy on this machine says so in a header; then it is somebody else's request."""
    if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP")):
        return False
    try:
        return request.remote is not None and ip_address(request.remote).is_loopback
    except ValueError:
        return False
