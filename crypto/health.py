"""A test signature, made by an HSM and checked here: the only thing that counts as health.

A module that answers OK proves nothing (facts: HSM, trap 5).
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from verifier import sealing
from verifier.errors import VerificationError

from .config import KeyRef
from .guard import health_payload


class HealthCheck:
    """One challenge: ``payload`` goes to the worker, :meth:`accepts` judges what comes back."""

    def __init__(self, key: KeyRef) -> None:
        self._key = key
        self.payload = health_payload(secrets.token_bytes(16))

    def accepts(self, cose: bytes) -> bool:
        """True only for this payload, under this key's ``kid``, with a signature that verifies."""
        try:
            sealed = sealing.split(cose)
        except VerificationError:
            return False
        if sealed.payload != self.payload or sealed.kid != self._key.kid:
            return False
        signed = sealing.to_be_signed(sealed.protected, sealed.payload)
        return verifies(self._key.point, signed, sealed.signature)


def verifies(point: bytes, message: bytes, signature: bytes) -> bool:
    """Whether r‖s (64 bytes) is an ES256 signature of ``message`` by the key ``point``."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(sealing.signature_to_der(signature), message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
