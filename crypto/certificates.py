"""Certificates whose signing key is in an HSM.

``cryptography`` accepts a subclass of its private key (facts: HSM); only ``sign`` is ever called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import NameOID

from verifier import sealing


def public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """The P-256 key of an uncompressed or compressed point. Raises ValueError."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def point_of(certificate: x509.Certificate) -> bytes:
    """The certificate's key as an uncompressed point (65 bytes). Raises ValueError."""
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("the certificate's key is not P-256")
    return key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


class HsmPrivateKey(ec.EllipticCurvePrivateKey):
    """A private key that cannot leave its HSM; ``sign_digest`` turns 32 bytes into r‖s."""

    def __init__(self, point: bytes, sign_digest: Callable[[bytes], bytes]) -> None:
        self._public = public_key(point)
        self._sign_digest = sign_digest

    @property
    def curve(self) -> ec.EllipticCurve:
        """P-256."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """256."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        """DER signature; SHA-256 only, hashed here. Raises ValueError for another algorithm."""
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, utils.Prehashed) or algorithm.name != "sha256":
            raise ValueError("this key signs ECDSA with SHA-256 only")
        return sealing.signature_to_der(self._sign_digest(hashlib.sha256(data).digest()))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Never: the key is for signing."""
        raise self._inside()

    def private_numbers(self) -> NoReturn:
        """Never."""
        raise self._inside()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """Never."""
        raise self._inside()

    def __copy__(self) -> HsmPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> HsmPrivateKey:
        return self

    def _inside(self) -> ValueError:
        return ValueError("the key is inside an HSM and stays there")


def root_certificate(
    key: HsmPrivateKey, authority: str, begins: datetime, ends: datetime
) -> x509.Certificate:
    """Self-signed; it certifies signers and signs the trust list, hence digitalSignature."""
    name = _name(authority, f"{authority} Root")
    builder = _builder(name, name, key.public_key(), begins, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(ca=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def signer_certificate(
    root: x509.Certificate,
    root_key: HsmPrivateKey,
    point: bytes,
    common_name: str,
    begins: datetime,
    ends: datetime,
) -> x509.Certificate:
    """For one key in one HSM; ``common_name`` says usage and HSM. Signing period = validity."""
    authority = root.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    subject = _name(str(authority), common_name)
    builder = _builder(subject, root.subject, public_key(point), begins, ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
    )
    return builder.sign(root_key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(authority: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, authority),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
