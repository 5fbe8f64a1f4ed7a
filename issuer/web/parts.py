"""What every handler works with, under one key of the application; nothing global."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from issuer.acts import Actor
from issuer.config import Config
from issuer.people import People, User
from issuer.profile import Profile
from issuer.web.metrics import Metrics
from issuer.web.ports import DeskPort
from issuer.web.sources import Sources
from issuer.web.stream import Hub
from issuer.web.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Parts:
    """Injected once by :func:`issuer.web.app.make_app`."""

    desk: DeskPort
    config: Config
    people: People
    profile: Profile
    sources: Sources
    hub: Hub
    throttle: Throttle
    metrics: Metrics


PARTS = web.AppKey("parts", Parts)
USER = web.RequestKey("user", User)


def parts(request: web.Request) -> Parts:
    """The parts of the application that serves a request."""
    return request.app[PARTS]


def user_of(request: web.Request) -> User:
    """Who is signed in; routes that anybody may use must not ask."""
    return request[USER]


def actor_of(request: web.Request) -> Actor:
    """The signed-in person as the acts want it."""
    user = user_of(request)
    return Actor(user.name, user.office)
