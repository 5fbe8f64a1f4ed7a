"""Reading a claims set: strict about types and lengths.

Ignored are only CWT claims we do not know, as RFC 8392 section 3 wants; unknown keys of claim
169 are kept in ``Claims.other``, as that specification wants. Speed matters here: this is the
largest part of a verification after the signature itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from .cbor import MAX_DEPTH, loads_map, malformed
from .document import (
    EXP,
    IAT,
    ISS,
    ISSUER_PREFIX,
    MODELLED,
    NATIONAL,
    NBF,
    PERSON,
    STATUS,
    STATUS_LIST,
    STATUS_USAGE,
    Claims,
    National,
    StatusRef,
)

_NAME = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,15}").fullmatch
_MAX_TIME = 253402300799  # end of the year 9999, the last that datetime holds
_NOTHING: Mapping[Any, Any] = MappingProxyType({})
# The longest text (characters) of each key that is a text.
_PERSON_TEXTS = {1: 32, 2: 8, 3: 3, 4: 200, 5: 100, 6: 100, 7: 100, 8: 8, 13: 8, 23: 8}
_PERSON_REQUIRED = frozenset({1, 2, 3, 4, 8})
_NATIONAL_TEXTS = {1: 16, 2: 40, 3: 40, 4: 40}
_NATIONAL_REQUIRED = frozenset({1, 2})
_NATIONAL_KEYS = frozenset({1, 2, 3, 4, 5, 6})


def decode_claims(payload: bytes) -> Claims:
    """Reads a claims set. Raises VerificationError "claims" naming the key that is wrong."""
    root = loads_map(payload, "claims")
    person = _get(root, PERSON, dict)
    _check_person(person)
    if NBF in root:
        raise malformed("claims", "nbf")  # never issued, and overlooking one would be wrong
    issued_at = _time(root.get(IAT))
    expires_at = _time(root[EXP]) if EXP in root else None
    if expires_at is not None and expires_at <= issued_at:
        raise malformed("claims", "exp")
    national = _national(_get(person, NATIONAL, dict))
    get = person.get
    return Claims(  # by position: twice as fast as by name, with these many
        _authority(root.get(ISS), national.document_type),
        issued_at,
        expires_at,
        person[1],
        person[4],
        _day_text(person[8]),
        national,
        _status(_get(root, STATUS, dict)),
        get(5),
        get(6),
        get(7),
        get(9),
        get(13),
        get(23),
        get(16),
        get(17),
        person[3],
        person[2],
        _rest(person, MODELLED, 0) if not person.keys() <= MODELLED else _NOTHING,
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
    _check_texts(national, _NATIONAL_TEXTS, _NATIONAL_REQUIRED)
    document_type: str = national[1]
    _authority(root.get(ISS), document_type)
    return document_type


def _check_person(person: dict[Any, Any]) -> None:
    _check_texts(person, _PERSON_TEXTS, _PERSON_REQUIRED)
    if 9 in person and (type(person[9]) is not int or not 1 <= person[9] <= 3):
        raise malformed("claims", "169/9")
    if 16 in person or 17 in person:
        _check_photo(person.get(16), person.get(17))


def _check_photo(photo: object, photo_format: object) -> None:
    if type(photo) is not bytes or type(photo_format) is not int or not 1 <= photo_format <= 4:
        raise malformed("claims", "169/16, 169/17")


def _check_texts(
    found: dict[Any, Any], longest: Mapping[int, int], required: frozenset[int]
) -> None:
    """One pass over a map: the texts in it are texts within their lengths, none is missing."""
    for key, value in found.items():
        most = longest.get(key)
        if most is not None and (type(value) is not str or not 0 < len(value) <= most):
            raise malformed("claims", str(key))
    if not required <= found.keys():
        raise malformed("claims", f"{min(required - found.keys())} missing")


def _national(found: dict[Any, Any]) -> National:
    _check_texts(found, _NATIONAL_TEXTS, _NATIONAL_REQUIRED)
    return National(
        found[1],
        found[2],
        found.get(3),
        found.get(4),
        _categories(_get(found, 5, dict)) if 5 in found else _NOTHING,
        _restrictions(_get(found, 6, list)) if 6 in found else (),
        _rest(found, _NATIONAL_KEYS, 7) if not found.keys() <= _NATIONAL_KEYS else _NOTHING,
    )


def _categories(found: dict[Any, Any]) -> Mapping[str, tuple[date, date]]:
    categories = {}
    for name, span in found.items():
        if type(name) is not str or not 0 < len(name) <= 8:
            raise malformed("claims", "75/5")
        if type(span) is not list or len(span) != 2 or any(type(n) is not int for n in span):
            raise malformed("claims", "75/5")
        start, end = _day(span[0]), _day(span[1])
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
    index, uri = entry.get("idx"), entry.get("uri")
    if type(index) is not int or not 0 <= index < 2**32:
        raise malformed("claims", "idx")
    if type(uri) is not str or not 0 < len(uri) <= 200:
        raise malformed("claims", "uri")
    return StatusRef(index, uri)


@lru_cache(maxsize=256)
def _authority(issuer: object, document_type: str) -> str:
    """The authority in ``iss``, whose type must be that of key 75; few pairs exist."""
    if type(issuer) is not str or not issuer.startswith(ISSUER_PREFIX):
        raise malformed("claims", "iss")
    authority, _, named = issuer[len(ISSUER_PREFIX) :].partition(":")
    if named != document_type or not _NAME(authority) or not _NAME(document_type):
        raise malformed("claims", "iss")
    return authority


def _rest(found: dict[Any, Any], known: frozenset[int], least: int) -> Mapping[int, Any]:
    """The keys we give no meaning, if their values are plain (no tags, no floats)."""
    rest = {key: value for key, value in found.items() if key not in known}
    if any(type(key) is not int or key < least or not _plain(v) for key, v in rest.items()):
        raise malformed("claims", "169")
    return MappingProxyType(rest)


def _plain(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Bounded, because a shared reference (tag 29) can make a list hold itself."""
    if depth == 0:
        return False
    if type(value) is list:
        return all(_plain(item, depth - 1) for item in value)
    if type(value) is dict:
        return all(type(k) in (int, str) and _plain(v, depth - 1) for k, v in value.items())
    return value is None or type(value) in (int, str, bytes, bool)


def _get(found: dict[Any, Any], key: int | str, kind: type[Any]) -> Any:
    value = found.get(key)
    if type(value) is not kind:
        raise malformed("claims", str(key))
    return value


def _time(seconds: object) -> datetime:
    if type(seconds) is not int or not 0 <= seconds <= _MAX_TIME:
        raise malformed("claims", "iat, exp")
    return datetime.fromtimestamp(seconds, UTC)


def _day_text(text: str) -> date:
    """YYYYMMDD; ``date.fromisoformat`` would also take week dates of eight characters."""
    if len(text) != 8 or not text.isascii() or not text.isdecimal():
        raise malformed("claims", "YYYYMMDD")
    return _day(int(text))


def _day(number: int) -> date:
    try:
        return date(number // 10000, number // 100 % 100, number % 100)
    except (ValueError, OverflowError):
        raise malformed("claims", "YYYYMMDD") from None
