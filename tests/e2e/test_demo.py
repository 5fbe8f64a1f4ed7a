"""The demonstration: the whole house once, as a stranger runs it, judged by strangers' libraries.

One run for all tests here, with an HSM lost on the way. What it wrote is then the only evidence:
nothing of the daemon is asked.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import subprocess
import sys
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import claim169
import cwt
import numpy as np
import pytest
import segno
import zxingcpp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from PIL import Image

from verifier import sealing

ROOT = Path(__file__).resolve().parents[2]
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# Pixels of what the machines lay: cards at their own resolution, paper as the sheet at 300 dpi.
SIZES = {"LIC": (2032, 1296), "LCC": (2032, 1296), "CIE": (1016, 648), "CI": (1004, 650),
         "PIC": (1241, 1749)}  # fmt: skip
BLANKS = {"LIC": "PVC-LIC", "LCC": "PVC-LCC", "CIE": "PVC-CIE", "CI": "CI-PAPELETA",
          "PIC": "PIC-FOLIO"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Demo:  # what the demonstration left
    out: Path
    code: int
    said: str
    summary: dict[str, Any]

    @property
    def documents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.summary["documents"]
        return found

    def folder(self, document: dict[str, Any]) -> Path:
        return self.out / document["path"]

    def qr(self, document: dict[str, Any]) -> str:
        return (self.folder(document) / "qr.txt").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One run, which test processes that run side by side share."""
    base = tmp_path_factory.getbasetemp()
    base = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demonstration"
    base.mkdir(exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "ran.json").exists():
            (base / "ran.json").write_text(json.dumps(_run(base)), encoding="utf-8")
    code, said = json.loads((base / "ran.json").read_text(encoding="utf-8"))
    summary = base / "out" / "summary.json"
    assert summary.is_file(), said
    return Demo(base / "out", code, said, json.loads(summary.read_text(encoding="utf-8")))


def _run(base: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "issuer.cli", "demo", "--lose-hsm"]
    ran = subprocess.run(
        [*command, "--out", str(base / "out"), "--bench", str(base / "bench")],
        cwd=ROOT, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


pytestmark = pytest.mark.timeout(700)  # the run is one minute of a quiet machine


def rows(name: str) -> list[dict[str, str]]:
    with (ROOT / "samples" / "day" / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_it_ends_well_and_says_so(demo: Demo) -> None:
    assert demo.code == 0, demo.said
    assert demo.summary["problems"] == []
    assert "Todo verifica y el material cuadra" in demo.said
    wanted = {"documents", "refused", "ledger", "hsms", "timings"}
    assert wanted <= demo.summary.keys()
    assert {"type", "number", "serial", "path", "verdict"} <= demo.documents[0].keys()
    assert all(seconds >= 0 for seconds in demo.summary["timings"].values())


def test_every_request_of_the_day_ends_as_expected(demo: Demo) -> None:
    """Outcome and reasons request by request; what was admitted became one document each."""
    expected = {row["request_id"]: row for row in rows("expected.csv")}
    assert len(expected) >= 60
    refused = {row["request"]: row["reasons"] for row in demo.summary["refused"]}
    wanted = {
        request: set(row["reasons"].split(";"))
        for request, row in expected.items()
        if row["outcome"] == "refused"
    }
    codes = {request: {r["code"] for r in reasons} for request, reasons in refused.items()}
    assert codes == wanted
    assert all(reason["es"] and reason["en"] for found in refused.values() for reason in found)
    assert len(demo.documents) == len(expected) - len(wanted)
    assert {d["type"] for d in demo.documents} == {"CI", "LIC", "LCC", "PIC", "CIE", "CERTQR"}


def test_every_document_is_valid_and_none_shares_a_number_or_a_blank(demo: Demo) -> None:
    assert {document["verdict"] for document in demo.documents} == {"valid"}
    numbers = [document["number"] for document in demo.documents]
    serials = [d["serial"] for d in demo.documents if d["type"] != "CERTQR"]
    assert len(set(numbers)) == len(numbers)
    assert len(set(serials)) == len(serials)
    assert None not in serials


def test_the_stock_balances_in_every_material(demo: Demo) -> None:
    lines = {line["material"]: line for line in demo.summary["ledger"]}
    assert {"POUCH", "RIBBON", "RETRANSFER", "DURAGARD", *BLANKS.values()} <= lines.keys()
    for name, line in lines.items():
        left = line["opening"] + line["received"] - line["issued"] - line["spoiled"]
        assert left == line["closing"] == line["counted"], f"{name}: {line}"
    for kind, material in BLANKS.items():
        count = sum(document["type"] == kind for document in demo.documents)
        assert lines[material]["issued"] == count, material
    assert lines["POUCH"]["issued"] == lines["CI-PAPELETA"]["issued"]
    # The first licence was found smeared: a spoiled blank, and a second one issued.
    assert lines["PVC-LIC"]["spoiled"] == 1


def test_both_hsms_signed_and_losing_one_changed_nothing(demo: Demo) -> None:
    signatures = {hsm["name"]: hsm["signatures"] for hsm in demo.summary["hsms"]}
    assert len(signatures) == 2
    assert all(count > 0 for count in signatures.values()), signatures
    assert demo.summary["lost_hsm"] in signatures
    assert {document["hsm"] for document in demo.documents} == signatures.keys()


@cache
def looked_at(path: Path) -> tuple[tuple[int, int], bool, frozenset[str]]:
    """(size, whether anything is on it, what zxing-cpp reads) of a picture."""
    formats = zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"))
    texts = frozenset(code.text for code in zxingcpp.read_barcodes(grey, formats=formats))
    return (grey.shape[1], grey.shape[0]), bool(grey[::8, ::8].std() > 5), texts


def test_the_pictures_are_there_at_the_size_of_the_machine(demo: Demo) -> None:
    for document in demo.documents:
        folder = demo.folder(document)
        if document["type"] == "CERTQR":
            assert (folder / "certqr.pdf").read_bytes()[:5] == b"%PDF-"
            continue
        for name in ("front.png", "back.png"):
            size, anything, _ = looked_at(folder / name)
            assert size == SIZES[document["type"]], folder / name
            assert anything, f"{folder / name} is blank"


def test_what_a_scanner_reads_off_the_pictures_is_what_was_sealed(demo: Demo) -> None:
    """The QR, and the blank's own serial, from what the machine laid."""
    for document in demo.documents:
        if document["type"] != "CERTQR":
            folder = demo.folder(document)
            texts = looked_at(folder / "front.png")[2] | looked_at(folder / "back.png")[2]
            assert texts == {demo.qr(document), document["serial"]}, document


@pytest.fixture(scope="module")
def signers(demo: Demo) -> dict[bytes, x509.Certificate]:
    """Certificates by kid, and nothing else: what a stranger takes from the trust directory."""
    return {
        bytes.fromhex(path.stem): x509.load_pem_x509_certificate(path.read_bytes())
        for path in (demo.out / "trust" / "signers").glob("*.pem")
    }


def test_claim169_verifies_every_qr_with_the_signers_alone(
    demo: Demo, signers: dict[bytes, x509.Certificate]
) -> None:
    for document in demo.documents:
        text = demo.qr(document)
        key = signers[claim169.inspect(text).key_id].public_key()
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        found = claim169.decode_with_ecdsa_p256(text, point, validate_timestamps=False)
        assert found.is_verified(), document
        assert found.cwt_meta.issuer.endswith(f":{document['type']}"), document
        assert found.claim169.full_name, document


def unwrapped(text: str) -> bytes:
    """The COSE bytes of a QR text, by RFC 9285 and zlib: none of our code."""
    digits = [BASE45.index(sign) for sign in text]
    out = bytearray()
    for start in range(0, len(digits), 3):
        part = digits[start : start + 3]
        value = sum(digit * 45**place for place, digit in enumerate(part))
        out += value.to_bytes(len(part) - 1, "big")
    return zlib.decompress(bytes(out))


def test_cwt_verifies_every_qr_with_the_signers_alone(
    demo: Demo, signers: dict[bytes, x509.Certificate]
) -> None:
    keys = [
        cwt.COSEKey.from_pem(
            signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            kid=kid,
        )
        for kid, signer in signers.items()
    ]
    for document in demo.documents:
        cose = unwrapped(demo.qr(document))
        claims = cwt.decode(cose, keys)
        national = claims[169][75]
        found = national[1], national[2], national.get(3)
        assert found == (document["type"], document["number"], document["serial"])
        forged = cose[:-1] + bytes((cose[-1] ^ 1,))
        with pytest.raises(cwt.VerifyError):
            cwt.decode(forged, keys)


def test_nothing_secret_is_in_the_trust_directory(demo: Demo) -> None:
    trust = demo.out / "trust"
    found = {str(path.relative_to(trust)) for path in trust.rglob("*") if path.is_file()}
    status = {name for name in found if name.startswith("status/")}
    certificates = {name for name in found if name.startswith("signers/")}
    assert found - status - certificates == {"root.pem", "trust-list.cbor"}
    assert status
    assert len(certificates) >= 2
    assert not any(b"PRIVATE" in (trust / name).read_bytes() for name in found)


def fedatario_verify(demo: Demo, *files: Path) -> tuple[int, list[dict[str, Any]]]:
    ran = subprocess.run(
        [sys.executable, "-m", "issuer.cli", "verify", "--trust", str(demo.out / "trust"),
         *map(str, files)],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert not ran.stderr, ran.stderr
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]


def one_of_each(demo: Demo) -> list[dict[str, Any]]:
    return list({document["type"]: document for document in demo.documents}.values())


def test_our_own_command_verifies_one_of_each(demo: Demo) -> None:
    # The permit has its QR on the first page, cards on the back.
    side = {"CERTQR": "certqr.pdf", "PIC": "front.png"}
    one_of_each = {document["type"]: document for document in demo.documents}
    files = [
        demo.folder(document) / side.get(kind, "back.png") for kind, document in one_of_each.items()
    ]
    code, lines = fedatario_verify(demo, *files)
    assert [line["state"] for line in lines] == ["valid"] * 6, lines
    assert code == 0


def test_a_tampered_card_is_refused(demo: Demo, tmp_path: Path) -> None:
    """A QR drawn anew with another number, under the same signature, over the one on the card."""
    document = next(d for d in demo.documents if d["type"] == "LIC")
    cose = bytearray(unwrapped(demo.qr(document)))
    cose[cose.index(document["number"].encode()) + len(document["number"]) - 1] ^= 1
    text = sealing.to_qr_text(bytes(cose))
    with Image.open(demo.folder(document) / "back.png") as back:
        picture = back.convert("RGB")
    (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    corner, end = code.position.top_left, code.position.bottom_right
    forged = io.BytesIO()
    segno.make_qr(text).save(forged, kind="png", scale=8, border=4)
    with Image.open(forged) as qr:
        square = qr.convert("RGB").resize((end.x - corner.x + 80, end.y - corner.y + 80))
    picture.paste(square, (corner.x - 40, corner.y - 40))
    picture.save(tmp_path / "back.png")
    exit_code, (line,) = fedatario_verify(demo, tmp_path / "back.png")
    assert (exit_code, line["state"]) == (1, "altered")


def test_nobody_is_named_in_log_and_summary(demo: Demo) -> None:
    said = (demo.out / "log.jsonl").read_text(encoding="utf-8") + demo.said
    said += json.dumps(demo.summary, ensure_ascii=False)
    for row in rows("requests.csv"):
        names = row["person.surname1"], row["person.given_names"], row["person.person_id"]
        assert [name for name in names if len(name) > 4 and name in said] == []
