"""What a document says: the CWT claims set (RFC 8392) around MOSIP claim 169.

Keys, lengths and the CDDL are in docs/wire-format.md. Decoding is strict about types and
lengths; it ignores only CWT claims it does not know, as RFC 8392 section 3 wants, and keeps
unknown keys of claim 169 in ``Claims.other``, as that specification wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from .cbor import dumps, loads_map, malformed
from .errors import VerificationError

ISSUER_PREFIX = "urn:fedatario:"
STATUS_USAGE = "STATUS"
ISS, EXP, NBF, IAT, PERSON, STATUS_LIST, STATUS = 1, 4, 5, 6, 169, 65533, 65535
NATIONAL = 75
WEBP = 4

_NAME = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}").fullmatch
_MODELLED = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17, 23, NATIONAL})
_MAX_TIME = 253402300799  # end of the year 9999, the last that datetime holds
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


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


def encode_claims(claims: Claims) -> bytes:
    """Deterministic CBOR of ``claims``: what is signed.

    Raises VerificationError ("claims" or "encode") for what :func:`decode_claims` would refuse,
    so that nothing is sealed that no verifier reads.
    """
    payload = {
        ISS: claims.issuer,
        EXP: _epoch(claims.expires_at) if claims.expires_at else None,
        IAT: _epoch(claims.issued_at),
        PERSON: _person_map(claims),
        STATUS: {"status_list": {"idx": claims.status.index, "uri": claims.status.uri}},
    }
    encoded = dumps(_without_none(payload))
    decode_claims(encoded)
    return encoded


def decode_claims(payload: bytes) -> Claims:
    """Reads a claims set. Raises VerificationError "claims" naming the key that is wrong."""
    root = loads_map(payload, "claims")
    person = _get(root, PERSON, dict)
    national = _national(_get(person, NATIONAL, dict))
    if NBF in root:
        raise malformed("claims", "nbf")  # never issued, and overlooking one would be wrong
    issued_at = _time(root, IAT)
    expires_at = _time(root, EXP) if EXP in root else None
    if expires_at is not None and expires_at <= issued_at:
        raise malformed("claims", "exp")
    return Claims(
        authority=_authority(_text(root, ISS, 80), national.document_type),
        issued_at=issued_at,
        expires_at=expires_at,
        national=national,
        status=_status(_get(root, STATUS, dict)),
        **_person(person),
    )


def payload_usage(payload: bytes) -> str:
    """The usage that a key must have to sign ``payload``: a document type, or "STATUS".

    Reads only what names it; raises VerificationError "claims" where neither stands.
    """
    root = loads_map(payload, "claims")
    if STATUS_LIST in root:
        if PERSON in root:
            raise malformed("claims", str(STATUS_LIST))
        return STATUS_USAGE
    national = _get(_get(root, PERSON, dict), NATIONAL, dict)
    document_type = _text(national, 1, 16)
    _authority(_text(root, ISS, 80), document_type)
    return document_type


def _person_map(claims: Claims) -> dict[int, Any]:
    clash = _MODELLED & claims.other.keys()
    if clash:
        raise malformed("claims", f"169/{min(clash)}")
    modelled = {
        1: claims.person_id,
        2: claims.version,
        3: claims.language,
        4: claims.full_name,
        5: claims.first_name,
        6: claims.middle_name,
        7: claims.last_name,
        8: f"{claims.birth_date:%Y%m%d}".zfill(8),
        9: claims.gender,
        13: claims.nationality,
        16: claims.photo,
        17: claims.photo_format,
        23: claims.country,
        NATIONAL: _national_map(claims.national),
    }
    return {**_without_none(modelled), **claims.other}


def _national_map(national: National) -> dict[int, Any]:
    if any(type(key) is not int or key < 7 for key in national.extra):
        raise malformed("claims", "75: extra keys begin at 7")
    return {
        **_without_none(
            {
                1: national.document_type,
                2: national.document_number,
                3: national.blank_serial,
                4: national.office,
                5: {k: [_ymd(a), _ymd(b)] for k, (a, b) in national.categories.items()} or None,
                6: list(national.restrictions) or None,
            }
        ),
        **national.extra,
    }


def _person(person: dict[Any, Any]) -> dict[str, Any]:
    """Keyword arguments of Claims out of claim 169, without key 75."""
    photo_format = _number(person, 17, 1, 4)
    photo = _get(person, 16, bytes) if 16 in person else None
    if (photo is None) != (photo_format is None):
        raise malformed("claims", "169/16 169/17")
    return {
        "person_id": _text(person, 1, 32),
        "version": _text(person, 2, 8),
        "language": _text(person, 3, 3),
        "full_name": _text(person, 4, 200),
        "first_name": _text_or_none(person, 5, 100),
        "middle_name": _text_or_none(person, 6, 100),
        "last_name": _text_or_none(person, 7, 100),
        "birth_date": _day_text(_text(person, 8, 8)),
        "gender": _number(person, 9, 1, 3),
        "nationality": _text_or_none(person, 13, 8),
        "country": _text_or_none(person, 23, 8),
        "photo": photo,
        "photo_format": photo_format,
        "other": _rest(person, _MODELLED) if not person.keys() <= _MODELLED else _NOTHING,
    }


_NATIONAL_KEYS = frozenset({1, 2, 3, 4, 5, 6})


def _national(found: dict[Any, Any]) -> National:
    document_type = _text(found, 1, 16)
    if not _NAME(document_type):
        raise malformed("claims", "75/1")
    return National(
        document_type,
        _text(found, 2, 40),
        _text_or_none(found, 3, 40),
        _text_or_none(found, 4, 40),
        _categories(_get(found, 5, dict)) if 5 in found else _NOTHING,
        _restrictions(_get(found, 6, list)) if 6 in found else (),
        _rest(found, _NATIONAL_KEYS) if not found.keys() <= _NATIONAL_KEYS else _NOTHING,
    )


def _categories(found: dict[Any, Any]) -> Mapping[str, tuple[date, date]]:
    categories = {}
    for name, span in found.items():
        if type(name) is not str or not 0 < len(name) <= 8:
            raise malformed("claims", "75/5")
        if type(span) is not list or len(span) != 2 or any(type(n) is not int for n in span):
            raise malformed("claims", "75/5")
        start, end = (_day_text(f"{n:08d}") for n in span)
        if end < start:
            raise malformed("claims", "75/5")
        categories[name] = (start, end)
    return MappingProxyType(categories)


def _restrictions(found: list[Any]) -> tuple[str, ...]:
    if any(type(item) is not str or not 0 < len(item) <= 80 for item in found):
        raise malformed("claims", "75/6")
    return tuple(found)


def _status(found: dict[Any, Any]) -> StatusRef:
    entry = _get(found, "status_list", dict)
    index = _number(entry, "idx", 0, 2**32 - 1)
    if index is None:
        raise malformed("claims", "idx")
    return StatusRef(index, _text(entry, "uri", 200))


def _authority(issuer: str, document_type: str) -> str:
    """The authority in ``iss``, whose type must be that of key 75."""
    if not issuer.startswith(ISSUER_PREFIX):
        raise malformed("claims", "iss")
    authority, _, named = issuer[len(ISSUER_PREFIX) :].partition(":")
    if named != document_type or not _NAME(authority):
        raise malformed("claims", "iss")
    return authority


def _rest(found: dict[Any, Any], known: frozenset[int]) -> Mapping[int, Any]:
    """The keys we give no meaning, if their values are plain (no tags, no floats)."""
    rest = {key: value for key, value in found.items() if key not in known}
    if any(type(key) is not int or key < 0 or not _plain(v) for key, v in rest.items()):
        raise malformed("claims", "169")
    return MappingProxyType(rest)


def _plain(value: Any) -> bool:
    if type(value) is list:
        return all(_plain(item) for item in value)
    if type(value) is dict:
        return all(type(k) in (int, str) and _plain(v) for k, v in value.items())
    return value is None or type(value) in (int, str, bytes, bool)


def _get(found: dict[Any, Any], key: int | str, kind: type[Any]) -> Any:
    value = found.get(key)
    if type(value) is not kind:
        raise malformed("claims", str(key))
    return value


def _text(found: dict[Any, Any], key: int | str, longest: int) -> str:
    value = found.get(key)
    if type(value) is not str or not 0 < len(value) <= longest:
        raise malformed("claims", str(key))
    return value


def _text_or_none(found: dict[Any, Any], key: int, longest: int) -> str | None:
    return _text(found, key, longest) if key in found else None


def _number(found: dict[Any, Any], key: int | str, least: int, most: int) -> int | None:
    if key not in found:
        return None
    value = found[key]
    if type(value) is not int or not least <= value <= most:
        raise malformed("claims", str(key))
    return value


def _time(found: dict[Any, Any], key: int) -> datetime:
    seconds = _number(found, key, 0, _MAX_TIME)
    if seconds is None:
        raise malformed("claims", str(key))
    return datetime.fromtimestamp(seconds, UTC)


def _day_text(text: str) -> date:
    """YYYYMMDD; ``date.fromisoformat`` alone would also take week dates of eight characters."""
    if len(text) != 8 or not text.isascii() or not text.isdecimal():
        raise malformed("claims", "YYYYMMDD")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise malformed("claims", "YYYYMMDD") from None


def _ymd(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def _epoch(moment: datetime) -> int:
    """Whole seconds; a fraction is dropped, as RFC 8392 dates in documents never need one."""
    if moment.tzinfo is None:
        raise VerificationError(
            "encode",
            "La fecha y hora no tiene zona horaria: use UTC.",
            "The date and time has no zone: use aware UTC.",
        )
    return int(moment.timestamp())


def _without_none(fields: Mapping[int, Any]) -> dict[int, Any]:
    return {key: value for key, value in fields.items() if value is not None}
