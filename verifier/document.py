"""The values of a document's claims. Keys, lengths and the CDDL: docs/wire-format.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

ISSUER_PREFIX = "urn:fedatario:"
STATUS_USAGE = "STATUS"
# Keys of a claims set: RFC 8392 section 4, MOSIP claim 169, IETF Token Status List.
ISS, EXP, NBF, IAT, PERSON, STATUS_LIST, STATUS = 1, 4, 5, 6, 169, 65533, 65535
NATIONAL = 75  # within claim 169
MODELLED = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 23, NATIONAL})
WEBP = 4


@dataclass(frozen=True, slots=True)
class StatusRef:
    """Where the document's status stands: entry ``index`` of the list named ``uri``."""

    index: int
    uri: str


@dataclass(frozen=True, slots=True)
class National:
    """Key 75: what the standard has no key for."""

    document_type: str  # "LIC", "CI", …: also the last part of iss
    document_number: str
    blank_serial: str | None = None  # preprinted on the blank; None: counted by lot
    office: str | None = None
    categories: Mapping[str, tuple[date, date]] = field(default_factory=dict)  # from, until
    restrictions: tuple[str, ...] = ()
    extra: Mapping[int, Any] = field(default_factory=dict)  # keys from 7 on: plain CBOR values


@dataclass(frozen=True, slots=True)
class Claims:
    """One document as it is signed. Times are aware UTC, whole seconds."""

    authority: str
    issued_at: datetime
    expires_at: datetime | None  # None: the document has no end date
    person_id: str  # "1234567-1A"
    full_name: str
    birth_date: date
    national: National
    status: StatusRef
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    gender: int | None = None  # 1 male, 2 female, 3 other
    nationality: str | None = None  # ISO 3166-1
    country: str | None = None  # of issuance, ISO 3166-1
    photo: bytes | None = None
    photo_format: int | None = None  # 1 JPEG, 2 JPEG 2000, 3 AVIF, 4 WebP
    language: str = "spa"  # ISO 639-3
    version: str = "1.2"  # of claim 169
    other: Mapping[int, Any] = field(default_factory=dict)  # further keys of claim 169

    @property
    def document_type(self) -> str:
        """The type that ``iss`` names; decoding has checked that key 75 says the same."""
        return self.national.document_type

    @property
    def issuer(self) -> str:
        """``urn:fedatario:<AUTHORITY>:<TYPE>``, so that strangers see both."""
        return f"{ISSUER_PREFIX}{self.authority}:{self.document_type}"
