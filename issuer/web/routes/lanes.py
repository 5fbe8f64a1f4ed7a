"""Machines: how they are, and what people do at them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from issuer.custody.serials import SerialRange
from issuer.domain import Conflict, Reason
from issuer.web import bodies
from issuer.web.access import allowed
from issuer.web.parts import Parts, actor_of, parts, user_of
from issuer.web.problems import Problem
from issuer.web.views import device_json

LARGEST_STACK = 1000  # blanks that any hopper holds at most; a slip in the last serial is more


async def devices(request: web.Request) -> web.Response:
    """Every machine as it was last seen."""
    return web.json_response(await devices_json(parts(request)))


async def devices_json(at: Parts) -> dict[str, Any]:
    """``{"devices": […]}``, as the stream sends it too."""
    found = await at.desk.devices()
    return {"devices": [device_json(device, at.profile) for device in found]}


async def service(request: web.Request) -> web.Response:
    """HSMs and the age of the lists."""
    return web.json_response(parts(request).desk.describe())


async def stock(request: web.Request) -> web.Response:
    """The balance of every material."""
    lines = await parts(request).desk.stock()
    return web.json_response({"lines": [line.to_json() for line in lines]})


async def me(request: web.Request) -> web.Response:
    """Who is signed in."""
    at, user = parts(request), user_of(request)
    return web.json_response(
        {
            "name": user.name,
            "office": user.office,
            "roles": sorted(role.value for role in user.roles),
            "may": sorted(may.value for may in allowed(user)),
            "zone": at.profile.timezone,
        }
    )


async def stop(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Why)
    await parts(request).desk.stop_lane(_lane(request), actor_of(request), body.reason)
    return await _done(request)


async def resume(request: web.Request) -> web.Response:
    await bodies.read(request, bodies.Nothing)
    await parts(request).desk.resume_lane(_lane(request), actor_of(request))
    return await _done(request)


async def clear(request: web.Request) -> web.Response:
    await bodies.read(request, bodies.Nothing)
    await parts(request).desk.clear_device(_lane(request), actor_of(request))
    return await _done(request)


async def load(request: web.Request) -> web.Response:
    """A stack of blanks by its first and last serial, in the order in which they come out.

    Raises LedgerError if the serials are no range or not in the store.
    """
    at = parts(request)
    body = await bodies.read(request, bodies.Load)
    name = _lane(request)
    material = await _blank_of(at, name)
    serials = SerialRange(body.first, body.last)
    if len(serials) > LARGEST_STACK:
        raise Problem(
            422,
            "stack_too_large",
            f"Son {len(serials)} piezas: revise los seriales o cargue por partes.",
            f"That is {len(serials)} pieces: look at the serials, or load in parts.",
        )
    count = await at.desk.load_hopper(actor_of(request), name, material, list(serials))
    at.hub.poke()
    return web.json_response({**await devices_json(at), "loaded": count})


async def roll(request: web.Request) -> web.Response:
    at = parts(request)
    body = await bodies.read(request, bodies.Roll)
    await at.desk.load_roll(
        actor_of(request), _lane(request), body.material, body.serial, body.prints
    )
    return await _done(request)


async def _blank_of(at: Parts, name: str) -> str:
    for device in await at.desk.devices():
        if device.name == name:
            material = device_json(device, at.profile)["material"]
            if isinstance(material, str):
                return material
    raise Conflict(
        Reason("no_hopper", f"{name} no tiene tolva.", f"{name} has no hopper with blanks.")
    )


def _lane(request: web.Request) -> str:
    return request.match_info["lane"]


async def _done(request: web.Request) -> web.Response:
    parts(request).hub.poke()
    return await devices(request)
