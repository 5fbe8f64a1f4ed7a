"""What each key may sign. Runs in the worker, next to the key, on the bytes that get hashed.

A document key signs claims of its own type, the STATUS key status lists, the TEST key health
messages, and nothing else: whoever reaches the pool with a wrong payload cannot turn a courtesy
licence's key into an identity card's.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import cbor2

from .config import STATUS_USAGE, TEST_USAGE

# The wire's own numbers (docs/architecture.md; RFC 8392 section 3.1; MOSIP claim 169; Token
# Status List), spelled out: what guards a key shall not change because a decoder was rearranged.
ISS, PERSON, STATUS_LIST = 1, 169, 65533
NATIONAL, DOCUMENT_TYPE = 75, 1
ISSUER_PREFIX = "urn:fedatario:"

# Kept, since making one takes as long as encoding; a worker has one thread.
_ENCODER = cbor2.CBOREncoder(BytesIO())

_HEALTH_KEY = "fedatario-health"
_NONCE = range(16, 65)


class NotForThisKey(Exception):  # noqa: N818
    """The payload is not what this key signs."""


def health_payload(nonce: bytes) -> bytes:
    """What a TEST key signs: 16–64 random bytes under a name that no claims set has."""
    return cbor2.dumps({_HEALTH_KEY: nonce})


def check(usage: str, payload: bytes) -> None:
    """Raises NotForThisKey unless ``payload`` is what the key of ``usage`` is for."""
    claims = _strict(payload)
    if usage == TEST_USAGE:
        _check_health(claims)
    elif usage == STATUS_USAGE:
        _check_status(claims)
    else:
        _check_document(usage, claims)


def _strict(payload: bytes) -> dict[Any, Any]:
    try:
        claims = cbor2.loads(payload)
        # A repeated key, or bytes after the end, would let two readers see two documents. What
        # re-encodes to the same bytes has neither (the decoder keeps the order of a map).
        same = _ENCODER.encode_to_bytes(claims) == payload
    except (ValueError, TypeError, cbor2.CBORError) as error:
        raise NotForThisKey("the payload is not a CBOR claims set") from error
    if not isinstance(claims, dict):
        raise NotForThisKey("the payload is not a CBOR map")
    if not same:
        raise NotForThisKey("the payload repeats a key or is not in its shortest encoding")
    return claims


def _check_health(claims: dict[Any, Any]) -> None:
    nonce = claims.get(_HEALTH_KEY)
    if len(claims) != 1 or not isinstance(nonce, bytes) or len(nonce) not in _NONCE:
        raise NotForThisKey("the TEST key signs health messages only")


def _check_status(claims: dict[Any, Any]) -> None:
    if not isinstance(claims.get(STATUS_LIST), dict) or PERSON in claims:
        raise NotForThisKey("the STATUS key signs status lists only")


def _check_document(usage: str, claims: dict[Any, Any]) -> None:
    identity = claims.get(PERSON)
    national = identity.get(NATIONAL) if isinstance(identity, dict) else None
    found = national.get(DOCUMENT_TYPE) if isinstance(national, dict) else None
    issuer = claims.get(ISS)
    if found != usage or STATUS_LIST in claims:
        raise NotForThisKey(
            f"the claims are not of type {usage!r}, the only one that this key signs"
        )
    if (
        not isinstance(issuer, str)
        or not issuer.startswith(ISSUER_PREFIX)
        or issuer.rpartition(":")[2] != usage
    ):
        raise NotForThisKey(f"the issuer does not end in the key's type {usage!r}")
