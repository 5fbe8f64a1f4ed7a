"""Scans: what a keyboard wedge typed, and the inspection that two scans make."""

from __future__ import annotations

import re

from aiohttp import web

from issuer.domain import Job
from issuer.web import bodies
from issuer.web.parts import Parts, actor_of, parts
from issuer.web.problems import Problem
from issuer.web.routes.jobs import detail
from issuer.web.views import current_document
from verifier.errors import VerificationError


async def scan(request: web.Request) -> web.Response:
    """What a scan is: a preprinted serial, or a QR and then the job that it belongs to.

    Raises VerificationError for a QR that is not good, Conflict for one that is not here.
    """
    at = parts(request)
    text = (await bodies.read(request, bodies.Scan)).text
    if looks_like_serial(at, text):
        return web.json_response({"found": "serial", "serial": text.strip()})
    job = await at.desk.find_by_document(at.sources.document_of(text))
    return web.json_response({"found": "document", "job": await detail(request, job.id)})


async def inspect(request: web.Request) -> web.Response:
    """Both scans of one card. A scan that is plainly no serial is refused before it can stop a
    lane: a misfeed is a serious word."""
    at = parts(request)
    body = await bodies.read(request, bodies.Inspect)
    job = await _job_of(at, body)
    view = await at.desk.job(job.id)
    document = current_document(view)
    serial = body.serial
    if document is not None and document.blank_serial is not None:
        if serial is None:
            raise Problem(
                422,
                "scan_serial",
                "Falta el serial preimpreso: escanee el código de barras del reverso.",
                "The preprinted serial is missing: scan the bar code on the back.",
            )
        if not looks_like_serial(at, serial):
            raise Problem(
                422,
                "not_a_serial",
                "Eso no es un serial de material: escanee otra vez el código de barras.",
                "That is no serial of a blank: scan the bar code again.",
            )
    inspected = await at.desk.inspect(job.id, actor_of(request), body.qr.strip("\r\n"), serial)
    at.hub.poke()
    finding = inspected.finding
    return web.json_response(
        {
            "passed": finding.passed,
            "verdict": finding.verdict,
            "reason": finding.reason.to_json() if finding.reason else None,
            "stops_lane": finding.stops_lane,
            "job": await detail(request, job.id),
        }
    )


async def _job_of(at: Parts, body: bodies.Inspect) -> Job:
    """By the QR itself; one that cannot be opened goes to the job on the screen, so that the
    failed inspection is written down."""
    try:
        number = at.sources.document_of(body.qr)
    except VerificationError:
        if body.job is None:
            raise
        return (await at.desk.job(body.job)).job
    return await at.desk.find_by_document(number)


def looks_like_serial(at: Parts, text: str) -> bool:
    """Whether some material of the profile carries serials of this form."""
    return any(
        material.serial_pattern and re.fullmatch(material.serial_pattern, text.strip())
        for material in at.profile.materials.values()
    )
