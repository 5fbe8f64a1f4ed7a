"""Errors as problem documents (RFC 9457), with words in both languages; the unknown is a bare 500.

HTTP shapes of errors exist here alone.
"""

from __future__ import annotations

import traceback
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from crypto.signer import SigningError
from issuer.composing import ComposeFailed
from issuer.custody.ledger import LedgerError
from issuer.domain import Conflict, Fenced
from issuer.profile import UnknownCode
from issuer.store.errors import CommitFailed, StoreError
from layouts.errors import LayoutError
from layouts.portrait import PortraitError
from printers.ports import DeviceError
from verifier.errors import VerificationError

log = structlog.get_logger(__name__)

NOT_FOUND = frozenset({"no_such_job", "no_such_document", "no_lane", "no_document", "not_sealed"})


class Problem(Exception):  # noqa: N818 - it is the document, raised
    """An answer that is not what was asked for. ``extra``: further members of the document."""

    def __init__(self, status: int, code: str, es: str, en: str, **extra: Any) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.es, self.en, self.extra = status, code, es, en, extra

    def again(self) -> Problem:
        """A fresh one to raise: an exception kept in a module would gather tracebacks."""
        return Problem(self.status, self.code, self.es, self.en, **self.extra)

    def response(self) -> web.Response:
        """The document. ``es`` and ``en`` are whole sentences for people."""
        return web.json_response(
            {
                "type": f"urn:fedatario:problem:{self.code}",
                "title": self.en,
                "status": self.status,
                "code": self.code,
                "es": self.es,
                "en": self.en,
                **self.extra,
            },
            status=self.status,
            content_type="application/problem+json",
        )


def to_problem(error: Exception) -> Problem | None:
    """What a room's error means for the one who asked; None for what nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Conflict):
        reason = error.reason
        status = 404 if reason.code in NOT_FOUND else 409
        return Problem(status, reason.code, reason.es, reason.en)
    if isinstance(error, (VerificationError, ComposeFailed, LayoutError, PortraitError)):
        return Problem(422, error.code, error.es, error.en)
    if isinstance(error, LedgerError):
        return Problem(
            409,
            "books",
            f"Los libros no lo permiten: {error}",
            f"The books do not allow it: {error}",
        )
    return _from_outside(error)


def _from_outside(error: Exception) -> Problem | None:
    if isinstance(error, Fenced):
        return Problem(
            409,
            "moved_on",
            "El trámite cambió mientras tanto; vuelva a mirarlo.",
            "The job changed meanwhile; look at it again.",
        )
    if isinstance(error, UnknownCode):
        return Problem(422, "unknown_code", "Ese código no existe.", str(error))
    if isinstance(error, CommitFailed):
        return Problem(
            503,
            "outcome_unknown",
            "No se sabe si se guardó: mire de nuevo antes de repetir.",
            "It is not known whether it was stored: look again before repeating.",
        )
    if isinstance(error, (StoreError, SigningError)):
        return Problem(
            503,
            "try_again",
            "El servicio está ocupado; no se guardó nada. Intente de nuevo.",
            "The service is busy; nothing was stored. Try again.",
        )
    if isinstance(error, DeviceError):
        return Problem(
            503,
            "unreachable",
            "La máquina no responde: revise que esté encendida y el cable conectado.",
            "The machine does not answer: see that it is on and its cable is plugged in.",
        )
    return None


_PLAIN = {
    404: ("no_such_page", "No existe esa página.", "There is no such page."),
    405: ("method", "Esa página no admite eso.", "That page does not take that method."),
    413: ("too_large", "Es demasiado grande.", "That is too large."),
}


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turns what a handler raises into a document; details of the unknown go to the log only."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        code, es, en = _PLAIN.get(error.status, ("refused", "No se puede.", "Refused."))
        response = Problem(error.status, code, es, en).response()
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:  # noqa: BLE001 - the border of the house: nothing passes unexplained
        problem = to_problem(error)
        if problem is None:
            _report(error)
            problem = Problem(
                500,
                "internal",
                "Ocurrió una falla interna; avise al operador.",
                "Something failed inside; tell the operator.",
            )
        return problem.response()


def _report(error: Exception) -> None:
    """The kind of error and where, not its message: database errors repeat their parameters,
    and those may be personal data (invariant 8)."""
    where = [
        f"{frame.filename}:{frame.lineno}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]
    log.error("web.failed", error=type(error).__name__, where=where)
