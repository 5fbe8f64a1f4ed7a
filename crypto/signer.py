"""The Signer port: bytes in, COSE_Sign1 out. Who signs, and with which key, is not the caller's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class SignRequest:
    """One thing to sign.

    ``usage`` names the key: a document type of the profile ("LIC", "CI", …) or "STATUS".
    ``payload`` is the CBOR claims set (CWT), not a digest: the worker reads the document type in
    it, refuses another than its key's, hashes, and gives CKM_ECDSA exactly 32 bytes.
    ``protected`` are further protected header parameters (the algorithm and ``kid`` are added
    by the pool, since each HSM has its own key: a re-dispatch rebuilds the signed bytes).
    """

    request_id: str
    usage: str
    payload: bytes
    protected: Mapping[int, Any] = field(default_factory=dict)
    deadline_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Signed:
    """A tagged COSE_Sign1 (CBOR tag 18), the key that made it and the HSM it came from."""

    cose: bytes
    kid: bytes
    hsm: str


class SigningError(Exception):
    """Signing failed; see the subclasses for what to do."""


class SigningUnavailable(SigningError):  # noqa: N818
    """No HSM answered before the deadline. Transient: the same request may be made again."""


class SigningRefused(SigningError):  # noqa: N818
    """The request itself is wrong (unknown usage, claims of another type). Do not retry."""


@dataclass(frozen=True, slots=True)
class HsmStatus:
    """One HSM as the operator sees it. ``state``: up, down, suspect, drained, latched, starting."""

    name: str
    state: str
    signatures: int
    in_flight: int
    failovers: int
    detail: str = ""


class Signer(Protocol):
    """Signs through whatever stands behind it: a pool of HSMs here, the centre by mutual TLS."""

    async def sign(self, request: SignRequest) -> Signed:
        """Raises SigningUnavailable or SigningRefused."""

    def status(self) -> tuple[HsmStatus, ...]:
        """Every HSM in the pool, in configured order."""
