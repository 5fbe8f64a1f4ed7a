"""The answer of a verifier: a state, its reason, a sentence for people, and the lists' dates."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .document import Claims


class State(StrEnum):
    """What can be said of a document. Only the first means "accept it"."""

    VALID = "valid"
    VALID_LISTS_OLD = "valid_lists_old"  # valid when the lists at hand were made
    EXPIRED = "expired"
    REPLACED = "replaced"
    SUSPENDED = "suspended"
    VOID = "void"
    ALTERED = "altered"
    ISSUER_UNKNOWN = "issuer_unknown"
    NOT_OURS = "not_ours"
    UNREADABLE = "unreadable"
    # The signature is good, but something that "valid" needs could not be looked up: no status
    # list at hand, or this clock is behind the document. Saying "valid" here would be a guess.
    UNCHECKED = "unchecked"


# By reason where one needs its own words, else by state.
_SENTENCES: dict[str, tuple[str, str]] = {
    "valid": ("Documento válido.", "Valid document."),
    "valid_lists_old": (
        "Documento válido según listas del {date}. Actualice las listas.",
        "Valid document according to lists of {date}. Update the lists.",
    ),
    "expired": ("Documento vencido el {end}.", "Document expired on {end}."),
    "replaced": (
        "Documento reemplazado por otro más nuevo: ya no sirve.",
        "Document replaced by a newer one: no longer good.",
    ),
    "suspended": (
        "Documento suspendido: extraviado o en averiguación.",
        "Document suspended: lost or under inquiry.",
    ),
    "void": ("Documento anulado o revocado.", "Document void or revoked."),
    "altered": (
        "Los datos fueron alterados: la firma no corresponde.",
        "The data were altered: the signature does not match.",
    ),
    "issuer_unknown": (
        "No se conoce al emisor. Actualice la lista de confianza.",
        "The issuer is unknown. Update the trust list.",
    ),
    "not_ours": (
        "Este código no es de nuestros documentos.",
        "This code is not one of our documents.",
    ),
    "unreadable": (
        "No se pudo leer el código. Escanéelo otra vez.",
        "The code could not be read. Scan it again.",
    ),
    "no_list": (
        "Firma auténtica, pero falta la lista de estado: no se sabe si sigue vigente. "
        "Actualice las listas.",
        "Authentic signature, but its status list is missing: it may no longer stand. "
        "Update the lists.",
    ),
    "not_in_list": (
        "Firma auténtica, pero la lista de estado no contiene el documento. Actualice las listas.",
        "Authentic signature, but the status list does not hold the document. Update the lists.",
    ),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One answer. ``claims`` and ``kid`` are None unless the signature was good and trusted.

    ``reason`` is a stable machine code finer than the state (docs/wire-format.md). The dates are
    those of the lists that were asked: None where none was, or where the list is kept live here.
    """

    state: State
    reason: str
    at: datetime
    claims: Claims | None = None
    kid: bytes | None = None
    status_issued_at: datetime | None = None
    trust_issued_at: datetime | None = None
    said: tuple[str, str] | None = None  # sentences that a failed step brought along

    @property
    def valid(self) -> bool:
        """Whether to accept the document without a second thought: ``State.VALID`` alone."""
        return self.state is State.VALID

    @property
    def es(self) -> str:
        """A whole sentence in Spanish."""
        return self._sentence(0)

    @property
    def en(self) -> str:
        """The same in English."""
        return self._sentence(1)

    @property
    def status_age(self) -> timedelta | None:
        """Age of the status list at ``at``."""
        return self.at - self.status_issued_at if self.status_issued_at else None

    @property
    def trust_age(self) -> timedelta | None:
        """Age of the trust list at ``at``."""
        return self.at - self.trust_issued_at if self.trust_issued_at else None

    def to_json(self, *, claims: bool = False) -> dict[str, Any]:
        """JSON-able form. Personal data only with ``claims=True`` (the photograph in Base64)."""
        found: dict[str, Any] = {
            "state": self.state.value,
            "valid": self.valid,
            "reason": self.reason,
            "es": self.es,
            "en": self.en,
            "at": _text(self.at),
            "kid": self.kid.hex() if self.kid else None,
            "status_issued_at": _text(self.status_issued_at),
            "trust_issued_at": _text(self.trust_issued_at),
        }
        if claims:
            found["claims"] = claims_json(self.claims) if self.claims else None
        return found

    def _sentence(self, language: int) -> str:
        if self.said is not None:
            return self.said[language]
        words = _SENTENCES.get(self.reason) or _SENTENCES[self.state.value]
        oldest = min(filter(None, (self.status_issued_at, self.trust_issued_at)), default=None)
        end = self.claims.expires_at if self.claims else None
        return words[language].format(
            date=f"{oldest:%Y-%m-%d}" if oldest else "?", end=f"{end:%Y-%m-%d}" if end else "?"
        )


def claims_json(claims: Claims) -> dict[str, Any]:
    """All claims in a JSON-able form: dates as ISO 8601, bytes in Base64."""
    national = claims.national
    return {
        "issuer": claims.issuer,
        "issued_at": _text(claims.issued_at),
        "expires_at": _text(claims.expires_at),
        "person_id": claims.person_id,
        "full_name": claims.full_name,
        "first_name": claims.first_name,
        "middle_name": claims.middle_name,
        "last_name": claims.last_name,
        "birth_date": claims.birth_date.isoformat(),
        "gender": claims.gender,
        "nationality": claims.nationality,
        "country": claims.country,
        "photo": _plain(claims.photo),
        "photo_format": claims.photo_format,
        "document_type": national.document_type,
        "document_number": national.document_number,
        "blank_serial": national.blank_serial,
        "office": national.office,
        "categories": {
            name: [start.isoformat(), end.isoformat()]
            for name, (start, end) in national.categories.items()
        },
        "restrictions": list(national.restrictions),
        "extra": _plain(dict(national.extra)),
        "status": {"index": claims.status.index, "uri": claims.status.uri},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
