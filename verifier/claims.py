"""What a document says: the CWT claims set (RFC 8392) around MOSIP claim 169, as it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from .cbor import dumps, malformed
from .document import (
    EXP,
    IAT,
    ISS,
    MODELLED,
    NATIONAL,
    PERSON,
    STATUS,
    STATUS_USAGE,
    WEBP,
    Claims,
    National,
    StatusRef,
)
from .errors import VerificationError
from .reading import decode_claims, payload_usage

__all__ = [
    "STATUS_USAGE",
    "WEBP",
    "Claims",
    "National",
    "StatusRef",
    "decode_claims",
    "encode_claims",
    "payload_usage",
]


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


def _person_map(claims: Claims) -> dict[int, Any]:
    clash = MODELLED & claims.other.keys()
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
