"""Jobs: the queue, one job, its pictures, and what people do to it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from issuer.domain import FINAL, Job, JobState
from issuer.web import bodies
from issuer.web.access import May, allowed, require
from issuer.web.parts import actor_of, parts, user_of
from issuer.web.problems import Problem
from issuer.web.views import current_document, detail_json, job_json
from layouts.portrait import Portrait

_OPEN = [state for state in JobState if state not in FINAL]
RECENT = 30  # refusals shown with the queue: their holder stands at the counter


async def queue(request: web.Request) -> web.Response:
    """The queue, what needs a person first; and the latest refusals."""
    at = parts(request)
    waiting = await at.desk.queue(_OPEN)
    refused = await at.desk.queue([JobState.REFUSED])
    refused.sort(key=lambda job: job.updated_at, reverse=True)
    shown = [*waiting, *refused[:RECENT]]
    return web.json_response({"jobs": [job_json(job, at.profile) for job in shown]})


async def one(request: web.Request) -> web.Response:
    """One job with its person and what may be done next."""
    return web.json_response(await detail(request, request.match_info["job"]))


async def detail(request: web.Request, job_id: str) -> dict[str, Any]:
    """The view of a job as JSON. Raises Conflict."""
    at = parts(request)
    view = await at.desk.job(job_id)
    return detail_json(view, at.profile, allowed(user_of(request)))


async def faces(request: web.Request) -> web.Response:
    """Both faces as PNG in Base64: one answer, so that front and back are of one moment."""
    pictures = await parts(request).desk.preview(request.match_info["job"])
    return web.json_response({"faces": [base64.b64encode(png).decode() for png in pictures]})


async def portrait(request: web.Request) -> web.Response:
    """The prepared portrait, to compare the face with before handing over."""
    view = await parts(request).desk.job(request.match_info["job"])
    picture = view.case.portrait
    if picture is None:
        raise Problem(404, "no_portrait", "No hay fotografía.", "There is no portrait.")
    return web.Response(body=Portrait.from_bytes(picture).jpeg, content_type="image/jpeg")


async def file(request: web.Request) -> web.Response:
    """The PDF of a document that is a file."""
    view = await parts(request).desk.job(request.match_info["job"])
    document = current_document(view)
    if document is None or document.file is None:
        raise Problem(404, "no_file", "No hay archivo.", "There is no file.")
    pdf = await parts(request).desk.file_of(document.number)
    name = f'attachment; filename="{view.job.ticket}.pdf"'
    return web.Response(
        body=pdf, content_type="application/pdf", headers={"Content-Disposition": name}
    )


# Acts. Each answers with the job as it then stands.


async def order_print(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Print)
    return await _act(
        request, lambda job: parts(request).desk.order_print(job, actor_of(request), body.lane)
    )


async def cancel(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Why)
    return await _act(
        request, lambda job: parts(request).desk.cancel(job, actor_of(request), body.reason)
    )


async def deliver(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Deliver)
    return await _act(
        request,
        lambda job: parts(request).desk.deliver(
            job,
            actor_of(request),
            receiver_kind=body.receiver_kind,
            receiver=body.receiver,
            earlier=body.earlier,
        ),
    )


async def spoil(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Spoil)
    return await _act(
        request, lambda job: parts(request).desk.spoil(job, actor_of(request), body.cause)
    )


async def reprint(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Why)
    return await _act(
        request, lambda job: parts(request).desk.reprint(job, actor_of(request), body.reason)
    )


async def resolve(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Resolve)
    if body.found == "spoiled":
        require(request, May.SPOIL)
    return await _act(
        request, lambda job: parts(request).desk.resolve(job, actor_of(request), body.found)
    )


async def lamination(request: web.Request) -> web.Response:
    body = await bodies.read(request, bodies.Lamination)
    return await _act(
        request,
        lambda job: parts(request).desk.resolve_lamination(job, actor_of(request), body.passed),
    )


async def retry(request: web.Request) -> web.Response:
    await bodies.read(request, bodies.Nothing)
    return await _act(request, lambda job: parts(request).desk.retry(job, actor_of(request)))


async def _act(request: web.Request, act: Callable[[str], Awaitable[Job]]) -> web.Response:
    job_id = request.match_info["job"]
    await parts(request).desk.job(job_id)  # another office's job is not there
    await act(job_id)
    parts(request).hub.poke()
    return web.json_response(await detail(request, job_id))
