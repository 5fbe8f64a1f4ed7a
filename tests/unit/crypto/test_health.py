"""Only the right bytes, under the right key, with a signature that verifies, are health."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from crypto.config import KeyRef
from crypto.health import HealthCheck
from verifier import sealing

PRIVATE = ec.generate_private_key(ec.SECP256R1())
POINT = PRIVATE.public_key().public_bytes(
    serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
)
KEY = KeyRef("TEST-1", hashlib.sha256(b"certificate").digest()[:8], POINT)


def sealed(payload: bytes, kid: bytes = KEY.kid) -> bytes:
    header = sealing.protected_header(kid)
    der = PRIVATE.sign(sealing.to_be_signed(header, payload), ec.ECDSA(hashes.SHA256()))
    return sealing.assemble(header, payload, sealing.signature_to_raw(der))


def test_a_good_signature_is_health() -> None:
    check = HealthCheck(KEY)
    assert check.accepts(sealed(check.payload))


def test_nothing_else_is() -> None:
    check = HealthCheck(KEY)
    good = sealed(check.payload)
    assert not check.accepts(sealed(HealthCheck(KEY).payload))  # an answer kept from before
    assert not check.accepts(sealed(check.payload, bytes(8)))
    assert not check.accepts(good[:-1] + bytes([good[-1] ^ 1]))
    assert not check.accepts(good[:-64] + bytes(64))
    assert not check.accepts(b"")
    assert not check.accepts(b"OK")
