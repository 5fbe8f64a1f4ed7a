"""The steps of a verification, and the policy that turns what they find into one verdict.

Order of the checks (docs/wire-format.md): frame → key → signature → claims → usage and dates of
the key → status → expiry. Nothing unsigned is shown, and nothing unchecked is called valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from .document import Claims
from .errors import VerificationError
from .reading import decode_claims
from .sealing import from_qr_text, split
from .statuslist import Status, StatusList
from .trust import CLOCK_SKEW, Trust
from .verdict import State, Verdict

# What each failed step means for the person in front of the verifier. A wrong checksum is
# unreadable, not altered: a misread must not accuse an honest card (facts).
_STATES = {
    "not_base45": State.NOT_OURS,
    "not_compressed": State.NOT_OURS,
    "not_cose": State.NOT_OURS,
    "damaged": State.UNREADABLE,
    "claims": State.UNREADABLE,
    "no_code": State.UNREADABLE,
    "several_codes": State.UNREADABLE,
    "picture": State.UNREADABLE,
    "file": State.UNREADABLE,
    "altered": State.ALTERED,
    "issuer_unknown": State.ISSUER_UNKNOWN,
    "signer_revoked": State.ISSUER_UNKNOWN,
    "signer_window": State.ISSUER_UNKNOWN,
    "usage_mismatch": State.ISSUER_UNKNOWN,
    "clock": State.UNCHECKED,
}
_BY_STATUS = (State.VALID, State.VOID, State.SUSPENDED, State.REPLACED)
assert [Status.VALID, Status.VOID, Status.SUSPENDED, Status.REPLACED] == [0, 1, 2, 3]

Source = str | bytes | Path | Image.Image


@dataclass(frozen=True, slots=True)
class Opened:
    """A seal whose signature, signer and claims are good; its status was not asked."""

    claims: Claims
    kid: bytes
    usage: str  # the document type
    cose: bytes


def open_sealed(text: str, trust: Trust, at: datetime) -> Opened:
    """Checks everything but status and expiry: for a seal that no list knows of yet.

    ``at`` (aware) is the present of the caller: a document issued later is refused with code
    "clock". Raises VerificationError with one of the codes of docs/wire-format.md.
    """
    _aware(at)
    cose = from_qr_text(text)
    sealed = split(cose)
    entry = trust.trust_list.check(sealed)
    claims = decode_claims(sealed.payload)
    if sealed.types:
        raise VerificationError(
            "usage_mismatch",
            "Esta firma no es de un documento.",
            "This signature is not that of a document: its header names another type.",
        )
    entry.allows(claims.national.document_type, claims.issued_at)
    if claims.issued_at > at + CLOCK_SKEW:
        raise VerificationError(
            "clock",
            "El documento tiene fecha futura: revise el reloj de este equipo.",
            "The document is dated in the future: check the clock of this machine.",
        )
    return Opened(claims, sealed.kid, entry.usage, cose)


def verify(
    source: Source,
    trust: Trust,
    *,
    at: datetime | None = None,
    max_list_age: timedelta | None = None,
) -> Verdict:
    """The verdict on one document.

    ``source``: a QR text (str); a file to read (Path) or its bytes: text, PNG, JPEG or PDF, read
    in a child process with limits; or a PIL image of our own. ``at`` is aware, the present by
    default. Lists are old after their own dates, and after ``max_list_age`` where it is given.
    Raises VerificationError only for a wrong call (code "call"); what is wrong with the document
    or the picture is in the verdict.
    """
    at = at or datetime.now(UTC)
    _aware(at)
    try:
        opened = open_sealed(_text_of(source), trust, at)
    except VerificationError as error:
        state = _STATES.get(error.code)
        if state is None:
            raise
        issued = trust.trust_list.issued_at
        return Verdict(state, error.code, at, trust_issued_at=issued, said=(error.es, error.en))
    return _judge(opened, trust, at, max_list_age)


def _judge(opened: Opened, trust: Trust, at: datetime, max_list_age: timedelta | None) -> Verdict:
    """Status first, since "void" weighs more than "expired"; a missing list last, since an
    expired document is expired without one (lists go when their documents have ended)."""
    claims = opened.claims
    status_list = trust.status_list(claims.status.uri)
    state, reason = _standing(claims, status_list)
    if state in (State.VALID, State.UNCHECKED) and claims.expires_at and claims.expires_at <= at:
        state, reason = State.EXPIRED, "expired"
    if state is State.VALID and _old(trust, status_list, at, max_list_age):
        state, reason = State.VALID_LISTS_OLD, "valid_lists_old"
    return Verdict(
        state,
        reason,
        at,
        claims,
        opened.kid,
        status_list.issued_at if status_list else None,
        trust.trust_list.issued_at,
    )


def _standing(claims: Claims, status_list: StatusList | None) -> tuple[State, str]:
    if status_list is None:
        return State.UNCHECKED, "no_list"
    if claims.status.index >= status_list.size:
        return State.UNCHECKED, "not_in_list"
    state = _BY_STATUS[status_list.get(claims.status.index)]
    return state, state._value_


def _old(
    trust: Trust, status_list: StatusList | None, at: datetime, max_age: timedelta | None
) -> bool:
    if at > trust.trust_list.next_update:
        return True
    if status_list is None or status_list.issued_at is None:
        return False  # kept live by whoever asks
    if status_list.expires_at is not None and at > status_list.expires_at:
        return True
    oldest = min(status_list.issued_at, trust.trust_list.issued_at)
    return max_age is not None and at - oldest > max_age


def _text_of(source: Source) -> str:
    if isinstance(source, str):
        return source.strip("\r\n")
    from .sources import qr_text  # pictures only when asked: their libraries take 0.2 s to load

    return qr_text(source)


def _aware(at: datetime) -> None:
    if at.tzinfo is None:
        raise VerificationError(
            "call",
            "La hora de verificación no tiene zona horaria.",
            "The time of verification has no zone: use aware UTC.",
        )
