"""The stream of an open page. One connection serves all tabs (a shared worker holds it)."""

from __future__ import annotations

import asyncio

from aiohttp import hdrs, web

from issuer.web.parts import parts, user_of
from issuer.web.session import current_user
from issuer.web.stream import Line, Listener, parse_id

PULSE_S = 3.0  # the page calls the connection lost after three of them
RECHECK_S = 15.0  # how long a revoked session may still listen
RETRY_MS = 1000


async def events(request: web.Request) -> web.StreamResponse:
    """Server-sent events after ``Last-Event-ID`` (or ``?after=``: a new EventSource cannot set
    the header)."""
    at = parts(request)
    last = parse_id(request.headers.get("Last-Event-ID") or request.query.get("after"))
    async with at.hub.listen(last) as listener:
        response = web.StreamResponse(
            headers={hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"}
        )
        await response.prepare(request)
        await response.write(f"retry: {RETRY_MS}\n\n".encode())
        at.metrics.streams.inc()
        try:
            await _send(request, response, listener)
        except ConnectionResetError:
            pass  # the page was closed: nothing is lost, it replays when it comes back
        finally:
            at.metrics.streams.dec()
    return response


async def _send(request: web.Request, response: web.StreamResponse, listener: Listener) -> None:
    loop = asyncio.get_running_loop()
    user, checked = user_of(request), loop.time()
    while True:
        try:
            line = await asyncio.wait_for(listener.queue.get(), PULSE_S)
        except TimeoutError:
            line = Line("pulse", {})
        if line is None:
            return
        if loop.time() - checked > RECHECK_S:
            checked = loop.time()
            if await current_user(request) != user:
                await response.write(Line("signed-out", {}).to_bytes())
                return
        await response.write(line.to_bytes())
