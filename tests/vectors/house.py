"""A fictitious issuer with deterministic keys: everything a verifier's tests need to sign.

The private keys are derived from their names and so are public: they sign nothing but tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from verifier import sealing
from verifier.claims import Claims, National, StatusRef, encode_claims
from verifier.statuslist import STATUS_LIST_TYPE, Status, StatusList, encode_status_claims
from verifier.trust import (
    TRUST_LIST_TYPE,
    Trust,
    TrustEntry,
    TrustList,
    build_trust_list,
    certificate_kid,
)

AT = datetime(2026, 6, 15, 12, tzinfo=UTC)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
NEXT_UPDATE = AT + timedelta(days=7)
STATUS_URI = "urn:fedatario:PRUEBA:status:2026-01"
OLD_STATUS_URI = "urn:fedatario:PRUEBA:status:2025-12"  # its list is past its date at AT
# Names of keys; the part before the dash is the usage.
LIC, CI, STATUS, REVOKED, RETIRED = "LIC-a", "CI-a", "STATUS-a", "LIC-revoked", "LIC-retired"
ENTRIES = {Status.VALID: 100, Status.VOID: 101, Status.SUSPENDED: 102, Status.REPLACED: 103}

_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    """The key of a name."""
    secret = int.from_bytes(hashlib.sha256(f"fedatario test key {name}".encode()).digest(), "big")
    return ec.derive_private_key(secret % (2**255), ec.SECP256R1())


@cache
def certificate(name: str) -> x509.Certificate:
    """The certificate of a key, issued by the key "root" (self-signed for that one)."""
    start, end = (START - timedelta(days=365), END + timedelta(days=3650))
    if name != "root":
        start, end = START, END
    if name == RETIRED:
        start, end = START, START + timedelta(days=31)
    serial = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") | 1
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("root"))
        .public_key(key(name).public_key())
        .serial_number(serial)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=name == "root", path_length=None), critical=True)
    )
    return builder.sign(key("root"), hashes.SHA256(), ecdsa_deterministic=True)


def kid(name: str) -> bytes:
    return certificate_kid(certificate(name))


def sign(name: str, signed: bytes) -> bytes:
    """r‖s over ``signed``, deterministic (RFC 6979)."""
    return sealing.signature_to_raw(key(name).sign(signed, _DETERMINISTIC))


def seal(payload: bytes, name: str = LIC, extra: Mapping[int, str] | None = None) -> bytes:
    protected = sealing.protected_header(kid(name), extra or {})
    signature = sign(name, sealing.to_be_signed(protected, payload))
    return sealing.assemble(protected, payload, signature)


def qr(claims: Claims, name: str = LIC) -> str:
    return sealing.to_qr_text(seal(encode_claims(claims), name))


def entry(name: str) -> TrustEntry:
    usage = name.partition("-")[0]
    return TrustEntry.from_certificate(certificate(name), usage, revoked=name == REVOKED)


def signed_trust_list(
    version: int = 3,
    issued_at: datetime = AT - timedelta(days=1),
    next_update: datetime = NEXT_UPDATE,
    names: Iterable[str] = (LIC, CI, STATUS, REVOKED, RETIRED),
) -> bytes:
    payload = build_trust_list((entry(n) for n in names), version, issued_at, next_update)
    return seal(payload, "root", {sealing.CONTENT_TYPE: TRUST_LIST_TYPE})


def trust_list(**fields: Any) -> TrustList:
    fields = {
        "version": 3,
        "issued_at": AT - timedelta(days=1),
        "next_update": NEXT_UPDATE,
        "entries": tuple(entry(n) for n in (LIC, CI, STATUS, REVOKED, RETIRED)),
        **fields,
    }
    return TrustList(**fields)


def status_list(uri: str = STATUS_URI, size: int = 1024) -> StatusList:
    """One document of each status, at the indices of ENTRIES."""
    found = StatusList.empty(uri, size)
    for status, index in ENTRIES.items():
        found.set(index, status)
    return found


def signed_status_list(
    uri: str = STATUS_URI,
    issued_at: datetime = AT - timedelta(hours=2),
    expires_at: datetime = AT + timedelta(days=1),
    name: str = STATUS,
    typ: str = STATUS_LIST_TYPE,
) -> bytes:
    payload = encode_status_claims(status_list(uri), issued_at, expires_at, ttl_s=3600)
    return seal(payload, name, {sealing.TYPE: typ})


def trust(**fields: Any) -> Trust:
    """In memory: the list above and a live status list."""
    return Trust(trust_list(**fields), [status_list()])


def write_trust(directory: Path) -> Path:
    """The trust directory of DESIGN: root, signers, trust list, two status lists."""
    for sub in ("signers", "status"):
        (directory / sub).mkdir(parents=True, exist_ok=True)
    (directory / "root.pem").write_bytes(certificate("root").public_bytes(Encoding.PEM))
    for name in (LIC, CI, STATUS, REVOKED, RETIRED):
        path = directory / "signers" / f"{kid(name).hex()}.pem"
        path.write_bytes(certificate(name).public_bytes(Encoding.PEM))
    (directory / "trust-list.cbor").write_bytes(signed_trust_list())
    (directory / "status" / "2026-01.cbor").write_bytes(signed_status_list())
    old = signed_status_list(OLD_STATUS_URI, START, START + timedelta(days=30))
    (directory / "status" / "2025-12.cbor").write_bytes(old)
    return directory


def claims(**fields: Any) -> Claims:
    """A licence of a person who does not exist."""
    return replace(_SAMPLE, **fields)


def national(**fields: Any) -> National:
    return replace(_SAMPLE.national, **fields)


def _name(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Autoridad de prueba"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


_SAMPLE = Claims(
    authority="PRUEBA",
    issued_at=datetime(2026, 5, 4, 14, 30, tzinfo=UTC),
    expires_at=datetime(2031, 5, 4, 4, tzinfo=UTC),
    person_id="1234567-1A",
    full_name="MARÍA ÑUSTA D'ALENÇON G̃UARAYO",
    birth_date=date(1990, 2, 28),
    national=National(
        "LIC",
        "LIC-0000123",
        "P00004711",
        "CHQ-01",
        {"B": (date(2026, 5, 4), date(2031, 5, 4))},
        ("LENTES",),
    ),
    status=StatusRef(ENTRIES[Status.VALID], STATUS_URI),
    gender=2,
    nationality="BO",
    country="BO",
)
