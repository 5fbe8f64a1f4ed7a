"""The trust list: which keys may sign which documents, and when. Signed by the root alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .cbor import dumps, loads_map, malformed
from .errors import VerificationError
from .sealing import CONTENT_TYPE, KID_LENGTH, Sealed, signature_to_der, split

TRUST_LIST_TYPE = "application/fedatario-trust-list+cbor"
_VERSION, _ISSUED, _NEXT, _ENTRIES = 1, 2, 3, 4
_REVOKED = 1  # flag bit
_ALGORITHM = ec.ECDSA(hashes.SHA256())
_MAX_TIME = 253402300799


@dataclass(frozen=True, slots=True)
class TrustEntry:
    """One signing key. ``usage`` is a document type or "STATUS"; the times are inclusive."""

    kid: bytes  # 8 bytes
    public_key: bytes  # P-256 point, compressed, 33 bytes
    usage: str
    not_before: datetime
    not_after: datetime
    revoked: bool = False  # nothing that this key ever signed is believed

    @classmethod
    def from_certificate(
        cls, certificate: x509.Certificate, usage: str, *, revoked: bool = False
    ) -> TrustEntry:
        """The entry of a signer certificate: its kid, key and validity."""
        return cls(
            certificate_kid(certificate),
            compressed_point(certificate.public_key()),
            usage,
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            revoked,
        )

    def allows(self, usage: str, signed_at: datetime) -> None:
        """Raises VerificationError unless this key might sign ``usage`` at ``signed_at``."""
        if self.usage != usage:
            raise _unknown(
                "usage_mismatch", "no está autorizada para este tipo", "not for this type"
            )
        if not self.not_before <= signed_at <= self.not_after:
            raise _unknown("signer_window", "no estaba vigente en esa fecha", "not at that date")


@dataclass(frozen=True, slots=True)
class TrustList:
    """All keys. ``version`` only ever rises; after ``next_update`` the list is old."""

    version: int
    issued_at: datetime
    next_update: datetime
    entries: tuple[TrustEntry, ...]
    _by_kid: dict[bytes, TrustEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_kid = {entry.kid: entry for entry in self.entries}
        if len(by_kid) != len(self.entries):
            raise malformed("trust_list", "kid")
        object.__setattr__(self, "_by_kid", by_kid)

    def find(self, kid: bytes) -> TrustEntry | None:
        """The entry of ``kid``, revoked or not."""
        return self._by_kid.get(kid)

    def check(self, sealed: Sealed) -> TrustEntry:
        """The entry whose key made ``sealed``'s signature.

        Raises VerificationError: "issuer_unknown", "signer_revoked", "altered". Usage and dates
        stand in the payload: see :meth:`TrustEntry.allows`.
        """
        entry = self._by_kid.get(sealed.kid)
        if entry is None:
            raise VerificationError(
                "issuer_unknown",
                "No se conoce al emisor. Actualice la lista de confianza.",
                "The issuer is unknown. Update the trust list.",
            )
        if entry.revoked:
            # Whoever stole the key can sign any date, so not even old signatures are believed.
            raise _unknown("signer_revoked", "fue revocada", "it was revoked")
        check_signature(sealed, import_key(entry.public_key))
        return entry


def build_trust_list(
    entries: Iterable[TrustEntry], version: int, issued_at: datetime, next_update: datetime
) -> bytes:
    """The payload that the root signs.

    The seal's protected header must carry the root certificate's kid and
    ``{CONTENT_TYPE: TRUST_LIST_TYPE}``. Dates are aware; version is positive.
    """
    rows = [_row(entry) for entry in entries]
    payload = dumps(
        {
            _VERSION: version,
            _ISSUED: _epoch(issued_at),
            _NEXT: _epoch(next_update),
            _ENTRIES: sorted(rows),
        }
    )
    _decode(payload)  # what is built can be read, or the caller hears of it now
    return payload


def parse_trust_list(cose: bytes, root: x509.Certificate | ec.EllipticCurvePublicKey) -> TrustList:
    """The list in a seal of ``root``: its certificate (whose kid must agree) or bare key.

    Raises VerificationError: "not_cose", "issuer_unknown" (another root), "altered",
    "trust_list" (structure).
    """
    sealed = split(cose)
    if sealed.types.get(CONTENT_TYPE) != TRUST_LIST_TYPE:
        raise malformed("trust_list", "content type")
    key = root
    if isinstance(root, x509.Certificate):
        if sealed.kid != certificate_kid(root):
            raise VerificationError(
                "issuer_unknown",
                "La lista de confianza es de otra raíz. Obtenga la raíz que le corresponde.",
                "The trust list belongs to another root. Get the root it was signed by.",
            )
        key = import_key(compressed_point(root.public_key()))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    check_signature(sealed, key)
    return _decode(sealed.payload)


def check_signature(sealed: Sealed, key: ec.EllipticCurvePublicKey) -> None:
    """Raises VerificationError "altered" unless ``key`` made the signature."""
    try:
        key.verify(signature_to_der(sealed.signature), sealed.signed, _ALGORITHM)
    except InvalidSignature:
        raise VerificationError(
            "altered",
            "Los datos fueron alterados: la firma no corresponde.",
            "The data were altered: the signature does not match.",
        ) from None


def certificate_kid(certificate: x509.Certificate) -> bytes:
    """The first 8 bytes of SHA-256 over the certificate in DER."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()[:KID_LENGTH]


def compressed_point(key: object) -> bytes:
    """33 bytes of a P-256 public key. Raises VerificationError "key" for any other."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise VerificationError(
            "key", "La clave debe ser P-256.", "The key must be P-256: make it again as such."
        )
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


@lru_cache(maxsize=1024)
def import_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The key of a compressed point; cached by its bytes, never by kid (facts)."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise malformed("trust_list", "public key") from None


def _row(entry: TrustEntry) -> list[Any]:
    return [
        entry.kid,
        entry.public_key,
        entry.usage,
        _epoch(entry.not_before),
        _epoch(entry.not_after),
        _REVOKED if entry.revoked else 0,
    ]


def _decode(payload: bytes) -> TrustList:
    root = loads_map(payload, "trust_list")
    version, rows = root.get(_VERSION), root.get(_ENTRIES)
    if set(root) != {_VERSION, _ISSUED, _NEXT, _ENTRIES}:
        raise malformed("trust_list", "keys")
    if type(version) is not int or version < 1 or type(rows) is not list:
        raise malformed("trust_list", "version")
    issued, following = _moment(root[_ISSUED]), _moment(root[_NEXT])
    if following <= issued:
        raise malformed("trust_list", "next update")
    return TrustList(version, issued, following, tuple(_entry(row) for row in rows))


def _entry(row: object) -> TrustEntry:
    if type(row) is not list or len(row) != 6:
        raise malformed("trust_list", "entry")
    kid, point, usage, start, end, flags = row
    if type(kid) is not bytes or len(kid) != KID_LENGTH or type(point) is not bytes:
        raise malformed("trust_list", "entry")
    if len(point) != 33 or type(usage) is not str or not 0 < len(usage) <= 16:
        raise malformed("trust_list", "entry")
    # An unknown flag might narrow what the key may do: refused, not ignored.
    if type(flags) is not int or flags not in (0, _REVOKED):
        raise malformed("trust_list", "flags")
    import_key(point)
    return TrustEntry(kid, point, usage, _moment(start), _moment(end), bool(flags & _REVOKED))


def _moment(seconds: object) -> datetime:
    if type(seconds) is not int or not 0 <= seconds <= _MAX_TIME:
        raise malformed("trust_list", "time")
    return datetime.fromtimestamp(seconds, UTC)


def _epoch(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise malformed("encode", "time zone")
    return int(moment.timestamp())


def _unknown(code: str, es: str, en: str) -> VerificationError:
    return VerificationError(
        code,
        f"La clave que firmó no es de confianza: {es}.",
        f"The signing key is not trusted: {en}.",
    )
