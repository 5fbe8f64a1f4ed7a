"""Strangers verify our documents with their own software and the trust directory alone."""

from pathlib import Path

import claim169
import cwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors import house
from verifier import sealing

TEXT = house.qr(house.claims())


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return house.write_trust(tmp_path_factory.mktemp("trust"))


def _signer(directory: Path, kid: bytes) -> x509.Certificate:
    pem = (directory / "signers" / f"{kid.hex()}.pem").read_bytes()
    return x509.load_pem_x509_certificate(pem)


def test_claim169(directory: Path) -> None:
    kid = claim169.inspect(TEXT).key_id
    key = _signer(directory, kid).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    found = claim169.decode_with_ecdsa_p256(TEXT, point, validate_timestamps=False)
    assert found.is_verified()
    person = found.claim169
    assert (person.id, person.full_name) == ("1234567-1A", house.claims().full_name)
    assert (person.date_of_birth, person.gender) == ("19900228", 2)
    assert (person.nationality, person.country_of_issuance) == ("BO", "BO")
    assert found.cwt_meta.issuer == "urn:fedatario:PRUEBA:LIC"
    assert found.cwt_meta.expires_at == int(house.claims().expires_at.timestamp())


def test_claim169_refuses_another_key() -> None:
    key = house.key("stranger").public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    with pytest.raises(claim169.SignatureError):
        claim169.decode_with_ecdsa_p256(TEXT, point, validate_timestamps=False)


def test_claim169_reads_the_photograph(directory: Path) -> None:
    photo = bytes(range(256)) * 2
    text = house.qr(house.claims(photo=photo, photo_format=4))
    key = _signer(directory, house.kid(house.LIC)).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    found = claim169.decode_with_ecdsa_p256(text, point, validate_timestamps=False).claim169
    assert (found.photo, found.photo_format) == (photo, 4)


def _cose_key(directory: Path, kid: bytes) -> cwt.COSEKey:
    pem = (
        _signer(directory, kid)
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return cwt.COSEKey.from_pem(pem, kid=kid)


def test_cwt(directory: Path) -> None:
    cose = sealing.from_qr_text(TEXT)
    found = cwt.decode(cose, _cose_key(directory, house.kid(house.LIC)))
    assert found[1] == "urn:fedatario:PRUEBA:LIC"
    assert found[169][75][2] == "LIC-0000123"
    forged = cose[:-1] + bytes((cose[-1] ^ 1,))
    with pytest.raises(cwt.VerifyError):
        cwt.decode(forged, _cose_key(directory, house.kid(house.LIC)))


def test_cwt_reads_our_status_list(directory: Path) -> None:
    cose = (directory / "status" / "2026-01.cbor").read_bytes()
    key = _cose_key(directory, house.kid(house.STATUS))
    found = cwt.CWT.new().decode(cose, key, no_verify=True)  # its exp is that of the test's date
    assert found[2] == house.STATUS_URI
    assert found[65533]["bits"] == 2


def test_cose_library_verifies_the_trust_list(directory: Path) -> None:
    root = x509.load_pem_x509_certificate((directory / "root.pem").read_bytes())
    pem = root.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key = cwt.COSEKey.from_pem(pem, kid=house.kid("root"))
    payload = cwt.COSE.new().decode((directory / "trust-list.cbor").read_bytes(), key)
    assert isinstance(payload, bytes)
    assert house.kid(house.LIC) in payload
