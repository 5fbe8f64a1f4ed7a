"""The trust list and its directory: only the root's word, only forward, errors name the file."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.vectors import house
from tests.vectors.house import AT
from verifier import sealing
from verifier.errors import VerificationError
from verifier.trust import (
    TRUST_LIST_TYPE,
    Trust,
    TrustEntry,
    build_trust_list,
    certificate_kid,
    compressed_point,
    parse_trust_list,
)

ROOT = house.certificate("root")


def _signed(payload: bytes, name: str = "root", typ: str = TRUST_LIST_TYPE) -> bytes:
    return house.seal(payload, name, {sealing.CONTENT_TYPE: typ})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return house.write_trust(tmp_path / "trust")


def test_round_trip_by_certificate_and_by_key() -> None:
    cose = house.signed_trust_list()
    found = parse_trust_list(cose, ROOT)
    assert found == parse_trust_list(cose, house.key("root").public_key())
    assert (found.version, found.next_update) == (3, house.NEXT_UPDATE)
    entry = found.find(house.kid(house.REVOKED))
    assert entry is not None
    assert entry.revoked
    assert {e.usage for e in found.entries} == {"LIC", "CI", "STATUS"}
    assert found.find(b"\0" * 8) is None


def test_a_key_takes_about_67_bytes() -> None:
    one = len(house.signed_trust_list(names=[house.LIC]))
    assert len(house.signed_trust_list(names=[house.LIC, house.CI])) - one <= 67


def test_only_the_root_signs_it() -> None:
    payload = sealing.split(house.signed_trust_list()).payload
    for cose, code in (
        (_signed(payload, house.LIC), "issuer_unknown"),
        (_signed(payload, typ="application/other"), "trust_list"),
        (house.seal(payload, "root"), "trust_list"),
        (b"", "not_cose"),
    ):
        with pytest.raises(VerificationError) as caught:
            parse_trust_list(cose, ROOT)
        assert caught.value.code == code
    genuine = house.signed_trust_list()
    with pytest.raises(VerificationError) as caught:
        parse_trust_list(genuine[:-1] + bytes((genuine[-1] ^ 1,)), ROOT)
    assert caught.value.code == "altered"
    with pytest.raises(VerificationError) as caught:
        parse_trust_list(genuine, house.key("stranger").public_key())
    assert caught.value.code == "altered"


def _row(**changes: object) -> list[object]:
    row = dict(
        zip(
            ("kid", "key", "usage", "start", "end", "flags"),
            (house.kid("x"), compressed_point(house.key("x").public_key()), "LIC", 1, 2, 0),
            strict=True,
        )
    )
    return list({**row, **changes}.values())


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {1: 0, 2: 1, 3: 2, 4: []},
        {1: 1, 2: 2, 3: 1, 4: []},
        {1: 1, 2: 1, 3: 2, 4: [], 5: "unknown"},
        {1: 1, 2: 1.0, 3: 2, 4: []},
        {1: 1, 2: 1, 3: 2**60, 4: []},
        {1: 1, 2: 1, 3: 2, 4: [[1, 2]]},
        {1: 1, 2: 1, 3: 2, 4: [_row(kid=b"short")]},
        {1: 1, 2: 1, 3: 2, 4: [_row(key=b"\x02" + b"\xff" * 32)]},
        {1: 1, 2: 1, 3: 2, 4: [_row(flags=2)]},
        {1: 1, 2: 1, 3: 2, 4: [_row(usage="")]},
        {1: 1, 2: 1, 3: 2, 4: [_row(), _row()]},
    ],
)
def test_refuses_lists_it_does_not_understand(payload: dict[int, object]) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_trust_list(_signed(cbor2.dumps(payload)), ROOT)
    assert caught.value.code == "trust_list"


def test_does_not_build_what_cannot_be_read() -> None:
    good = house.entry(house.LIC)
    with pytest.raises(VerificationError):
        build_trust_list([good, good], 1, AT, AT + timedelta(days=1))
    with pytest.raises(VerificationError):
        build_trust_list([good], 0, AT, AT + timedelta(days=1))
    with pytest.raises(VerificationError):
        build_trust_list([good], 1, AT, AT)
    with pytest.raises(VerificationError):
        build_trust_list([good], 1, datetime(2026, 1, 1), AT)  # noqa: DTZ001


def test_entry_of_a_certificate() -> None:
    entry = TrustEntry.from_certificate(house.certificate(house.LIC), "LIC")
    assert entry.kid == certificate_kid(house.certificate(house.LIC))
    assert (entry.not_before, entry.not_after) == (house.START, house.END)
    for key in (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(VerificationError) as caught:
            compressed_point(key.public_key())
        assert caught.value.code == "key"


def test_load(directory: Path) -> None:
    trust = Trust.load(directory, AT)
    assert trust.trust_list.version == 3
    assert trust.status_list(house.STATUS_URI) is not None
    assert trust.status_list("urn:none") is None
    assert Trust.load(str(directory), AT.astimezone(timezone(timedelta(hours=-4))))


def test_load_refuses_a_rollback(directory: Path) -> None:
    assert Trust.load(directory, AT, minimum_version=3)
    with pytest.raises(VerificationError) as caught:
        Trust.load(directory, AT, minimum_version=4)
    assert caught.value.code == "rollback"


def test_load_refuses_lists_from_the_future(directory: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        Trust.load(directory, AT - timedelta(days=3))
    assert caught.value.code == "clock"


def test_load_wants_an_aware_time(directory: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        Trust.load(directory, datetime(2026, 6, 15))  # noqa: DTZ001
    assert caught.value.code == "call"


def _other_signer(base: Path) -> None:
    name = f"{house.kid(house.LIC).hex()}.pem"
    pem = house.certificate(house.CI).public_bytes(Encoding.PEM)
    (base / "signers" / name).write_bytes(pem)


def _alien_signer(base: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    key = house.key("alien")
    alien = (
        x509.CertificateBuilder()
        .subject_name(ROOT.subject)
        .issuer_name(ROOT.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(house.START)
        .not_valid_after(house.END)
        .sign(key, hashes.SHA256())
    )
    path = base / "signers" / f"{certificate_kid(alien).hex()}.pem"
    path.write_bytes(alien.public_bytes(Encoding.PEM))


DAMAGE = {
    "no-root": ("root.pem", lambda b: (b / "root.pem").unlink()),
    "root-is-text": ("root.pem", lambda b: (b / "root.pem").write_text("hello")),
    "no-list": ("trust-list.cbor", lambda b: (b / "trust-list.cbor").unlink()),
    "list-cut": ("trust-list.cbor", lambda b: (b / "trust-list.cbor").write_bytes(b"\xd2\x84")),
    "huge-pem": ("root.pem", lambda b: (b / "root.pem").write_bytes(b"A" * 70_000)),
    "status-garbage": (
        "2026-01.cbor",
        lambda b: (b / "status" / "2026-01.cbor").write_bytes(b"x" * 100),
    ),
    "status-renamed": (
        "other.cbor",
        lambda b: (b / "status" / "2026-01.cbor").rename(b / "status" / "other.cbor"),
    ),
    "status-is-a-directory": ("dir.cbor", lambda b: (b / "status" / "dir.cbor").mkdir()),
    "signer-under-another-name": (house.kid(house.LIC).hex(), _other_signer),
    "signer-of-another-root": (".pem", _alien_signer),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_load_names_the_damaged_file(name: str, directory: Path) -> None:
    file, damage = DAMAGE[name]
    damage(directory)
    with pytest.raises(VerificationError) as caught:
        Trust.load(directory, AT)
    assert caught.value.code == "trust_file"
    assert file in caught.value.en
    assert "Fetch the issuer's trust directory again" in caught.value.en
    assert "Descargue de nuevo" in caught.value.es


def test_replacing_only_goes_forward() -> None:
    trust = house.trust()
    newer, older = house.trust_list(version=4), house.trust_list(version=2)
    trust.replace_trust_list(newer)
    with pytest.raises(VerificationError) as caught:
        trust.replace_trust_list(older)
    assert caught.value.code == "rollback"
    assert trust.trust_list is newer
