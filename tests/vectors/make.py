"""Writes the vectors: ``python -m tests.vectors.make DIR``. Same bytes on every run.

``DIR/good/*.json`` and ``DIR/bad/*.json``, each bad one named for its defect, each with the QR
text, the moment of verification and the verdict wanted; ``DIR/trust/``, all that a verifier
needs to judge them. Shared by every verifier of this format, in whatever language.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import cbor2

from verifier import base45, sealing
from verifier.claims import StatusRef, encode_claims
from verifier.statuslist import STATUS_LIST_TYPE, Status
from verifier.verdict import claims_json
from verifier.verify import verify

from . import house
from .house import AT, CI, ENTRIES, LIC, OLD_STATUS_URI, RETIRED, REVOKED, STATUS, STATUS_URI

Vector = dict[str, Any]


def good() -> dict[str, Vector]:
    """Documents that verify as valid."""
    photo = bytes(i * 7919 >> 3 & 0xFF for i in range(580))  # does not compress, like a WebP
    return {
        "licence": _wanted(house.qr(house.claims()), "valid"),
        "licence-with-photo": _wanted(house.qr(house.claims(photo=photo, photo_format=4)), "valid"),
        "card-without-end-date": _wanted(
            house.qr(
                house.claims(
                    expires_at=None,
                    national=house.national(document_type="CI", categories={}, restrictions=()),
                ),
                CI,
            ),
            "valid",
        ),
        "no-blank-serial": _wanted(
            house.qr(house.claims(national=house.national(blank_serial=None))), "valid"
        ),
        "extra-national-keys": _wanted(
            house.qr(house.claims(national=house.national(extra={7: "AB+", 8: [1, {"x": b"y"}]}))),
            "valid",
        ),
        "unknown-cwt-claim-is-ignored": _wanted(_with(lambda p: p.update({40000: "x"})), "valid"),
        "born-on-29-february": _wanted(
            house.qr(house.claims(birth_date=date(2004, 2, 29))), "valid"
        ),
        "issued-within-clock-skew": _wanted(
            house.qr(house.claims(issued_at=AT + timedelta(minutes=9))), "valid"
        ),
    }


def bad() -> dict[str, Vector]:
    """Everything that must not verify as valid, by defect."""
    return {
        **{f"status-{k}": v for k, v in _standing().items()},
        **{f"key-{k}": v for k, v in _keys().items()},
        **{f"claims-{k}": v for k, v in _claims().items()},
        **{f"frame-{k}": v for k, v in _frames().items()},
        **{f"text-{k}": v for k, v in _texts().items()},
    }


def _standing() -> dict[str, Vector]:
    def at_entry(status: Status) -> str:
        return house.qr(house.claims(status=StatusRef(ENTRIES[status], STATUS_URI)))

    expired = house.claims(expires_at=AT)
    lists_old = house.claims(status=StatusRef(5, OLD_STATUS_URI))
    no_list = house.claims(status=StatusRef(5, "urn:fedatario:PRUEBA:status:none"))
    outside = house.claims(status=StatusRef(1024, STATUS_URI))
    return {
        "void": _wanted(at_entry(Status.VOID), "void"),
        "suspended": _wanted(at_entry(Status.SUSPENDED), "suspended"),
        "replaced": _wanted(at_entry(Status.REPLACED), "replaced"),
        "expired": _wanted(house.qr(expired), "expired"),
        "list-old": _wanted(house.qr(lists_old), "valid_lists_old"),
        "no-list": _wanted(house.qr(no_list), "unchecked", "no_list"),
        "index-outside-list": _wanted(house.qr(outside), "unchecked", "not_in_list"),
        "issued-in-the-future": _wanted(
            house.qr(house.claims(issued_at=AT + timedelta(minutes=11))), "unchecked", "clock"
        ),
    }


def _keys() -> dict[str, Vector]:
    late = house.claims(issued_at=datetime(2026, 3, 1, tzinfo=UTC))
    payload = encode_claims(house.claims())
    typed = house.seal(payload, LIC, {sealing.TYPE: STATUS_LIST_TYPE})
    forged = sealing.assemble(
        sealing.protected_header(house.kid(LIC)), payload, house.sign("stranger", payload)
    )
    unknown = "issuer_unknown"
    return {
        "unknown": _wanted(house.qr(house.claims(), "stranger"), unknown),
        "revoked": _wanted(house.qr(house.claims(), REVOKED), unknown, "signer_revoked"),
        "outside-its-window": _wanted(house.qr(late, RETIRED), unknown, "signer_window"),
        "of-another-type": _wanted(house.qr(house.claims(), CI), unknown, "usage_mismatch"),
        "of-status-lists": _wanted(house.qr(house.claims(), STATUS), unknown, "usage_mismatch"),
        "header-of-a-status-list": _wanted(sealing.to_qr_text(typed), unknown, "usage_mismatch"),
        "forged": _wanted(sealing.to_qr_text(forged), "altered"),
    }


def _claims() -> dict[str, Vector]:
    def person(key: int, value: Any) -> Callable[[dict[Any, Any]], None]:
        return lambda p: p[169].update({key: value})

    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    # [itself]: a shared list (tag 28) whose only item refers to it (tag 29).
    cycle = cbor2.CBORTag(28, [cbor2.CBORTag(29, 0)])
    changes: dict[str, Callable[[dict[Any, Any]], None]] = {
        "no-issuer": lambda p: p.pop(1),
        "issuer-of-another-type": lambda p: p.update({1: "urn:fedatario:PRUEBA:CI"}),
        "issuer-not-ours": lambda p: p.update({1: "https://example.org"}),
        "expiry-before-issue": lambda p: p.update({4: p[6]}),
        "time-is-a-float": lambda p: p.update({6: float(p[6])}),
        "time-is-tagged": lambda p: p.update({6: cbor2.CBORTag(1, p[6])}),
        "time-past-year-9999": lambda p: p.update({4: 2**60}),
        "not-before": lambda p: p.update({5: p[6]}),
        "no-status": lambda p: p.pop(65535),
        "negative-index": lambda p: p[65535]["status_list"].update({"idx": -1}),
        "index-is-true": lambda p: p[65535]["status_list"].update({"idx": True}),
        "no-person": lambda p: p.pop(169),
        "no-name": lambda p: p[169].pop(4),
        "empty-name": person(4, ""),
        "name-too-long": person(4, "Ñ" * 201),
        "name-is-bytes": person(4, b"MARIA"),
        "birth-on-30-february": person(8, "19900230"),
        "birth-as-week-date": person(8, "1990-W05"),
        "birth-in-other-digits": person(8, "١٩٩٠٠٢٢٨"),
        "gender-4": person(9, 4),
        "photo-without-format": person(16, b"RIFF"),
        "no-national-map": lambda p: p[169].pop(75),
        "category-ends-before-it-begins": lambda p: p[169][75].update(
            {5: {"B": [20310504, 20260504]}}
        ),
        "extra-holds-a-float": lambda p: p[169][75].update({7: 1.5}),
        "extra-holds-itself": lambda p: p[169][75].update({7: cycle}),
        "nested-too-deep": lambda p: p[169][75].update({7: nested}),
    }
    vectors = {
        name: _wanted(_with(change), "unreadable", "claims") for name, change in changes.items()
    }
    encoded = encode_claims(house.claims())
    for name, payload in {
        "bytes-after-the-map": encoded + b"\x00",
        "map-cut-short": encoded[:-1],
        "not-a-map": cbor2.dumps([1, 2, 3]),
        "empty": b"",
        "a-giant-length": b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff",
        "a-huge-number": b"\xa1\x01\xc2\x59\x08\x00" + b"\xff" * 2048,
    }.items():
        text = sealing.to_qr_text(house.seal(payload))
        vectors[name] = _wanted(text, "unreadable", "claims")
    return vectors


def _frames() -> dict[str, Vector]:
    payload = encode_claims(house.claims())
    protected = sealing.protected_header(house.kid(LIC))
    signature = house.sign(LIC, sealing.to_be_signed(protected, payload))
    whole = sealing.assemble(protected, payload, signature)

    def frame(header: Any, unprotected: Any = None, tag: int = 18, sig: bytes = signature) -> bytes:
        return cbor2.dumps(cbor2.CBORTag(tag, [header, unprotected or {}, payload, sig]))

    frames = {
        "without-tag": whole[1:],
        "other-tag": frame(protected, tag=17),
        "no-kid": frame(cbor2.dumps({1: -7})),
        "kid-unprotected": frame(cbor2.dumps({1: -7}), {4: house.kid(LIC)}),
        "short-kid": frame(cbor2.dumps({1: -7, 4: b"1234"})),
        "eddsa": frame(cbor2.dumps({1: -8, 4: house.kid(LIC)})),
        "critical-header": frame(cbor2.dumps({1: -7, 2: [99], 4: house.kid(LIC)})),
        "unprotected-header": frame(protected, {99: 1}),
        "empty-header": frame(b""),
        "detached-payload": cbor2.dumps(cbor2.CBORTag(18, [protected, {}, None, signature])),
        "short-signature": frame(protected, sig=signature[:-1]),
        "bytes-after": whole + b"\x00",
        "long-form-of-a-length": b"\xd2\x84"
        + cbor2.dumps(protected)
        + b"\xa0\x5a"
        + len(payload).to_bytes(4, "big")
        + payload
        + cbor2.dumps(signature),
        "nested-arrays": b"\x81" * 4000,
    }
    return {k: _wanted(sealing.to_qr_text(v), "not_ours", "not_cose") for k, v in frames.items()}


def _texts() -> dict[str, Vector]:
    text = house.qr(house.claims())
    cose, packed = sealing.from_qr_text(text), base45.decode(text)
    stored = zlib.compressobj(0, zlib.DEFLATED, 15)
    raws = {
        "cut-short": (packed[:-9], "unreadable", "damaged"),
        "wrong-checksum": (packed[:-1] + bytes((packed[-1] ^ 1,)), "unreadable", "damaged"),
        "bytes-after-the-stream": (packed + b"\0\0", "unreadable", "damaged"),
        "dirty-padding": (_dirty(), "unreadable", "damaged"),
        "bomb": (_bomb(), "unreadable", "damaged"),
        "stored-block": (stored.compress(cose) + stored.flush(), "not_ours", "not_compressed"),
        "dynamic-huffman": (zlib.compress(cose * 2, 9), "not_ours", "not_compressed"),
        "not-compressed": (cose, "not_ours", "not_compressed"),
    }
    vectors = {k: _wanted(base45.encode(v), s, r) for k, (v, s, r) in raws.items()}
    strings = {
        "lower-case": text.lower(),
        "url": "https://example.org/verify?id=1",
        "length-of-no-encoder": text[: len(text) // 3 * 3 - 2],
        "group-too-large": ":::" + text[3:],
        "not-ascii": "Ñ" + text[1:],
        "empty": "",
        "longer-than-any-qr": "0" * 4299,
    }
    wanted = {"empty": "not_compressed"}
    for name, value in strings.items():
        vectors[name] = _wanted(value, "not_ours", wanted.get(name, "not_base45"))
    return vectors


def _dirty() -> bytes:
    """A stream whose unused last bits are set: inflate overlooks them, so the data are good."""
    for number in range(1, 99):
        claims = house.claims(national=house.national(document_number=f"LIC-{'0' * number}"))
        packed = base45.decode(house.qr(claims))
        dirty = packed[:-5] + bytes((packed[-5] | 0x80,)) + packed[-4:]
        try:
            if zlib.decompress(dirty) == zlib.decompress(packed):
                return dirty
        except zlib.error:
            continue  # the last code ends exactly with its byte
    raise AssertionError("no stream with unused bits")


def _bomb() -> bytes:
    """One fixed-Huffman block: a zero, then 1,700 times "258 bytes as before" (440 kB)."""
    repeat = "11000101" + "00000"  # length 258, distance 1 (RFC 1951 section 3.2.5)
    bits = "110" + "00110000" + repeat * 1700 + "0000000"
    body = int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")
    return b"\x78\x01" + body + zlib.adler32(bytes(1 + 258 * 1700)).to_bytes(4, "big")


def _with(change: Callable[[dict[Any, Any]], Any]) -> str:
    """The text of a good document whose claims set was changed before it was signed."""
    payload = cbor2.loads(encode_claims(house.claims()))
    change(payload)
    return sealing.to_qr_text(house.seal(cbor2.dumps(payload)))


def _wanted(text: str, state: str, reason: str | None = None) -> Vector:
    return {"text": text, "at": "2026-06-15T12:00:00Z", "state": state, "reason": reason or state}


def write(directory: Path) -> int:
    """Writes all vectors; returns how many."""
    trust = house.trust()
    count = 0
    for kind, vectors in (("good", good()), ("bad", bad())):
        (directory / kind).mkdir(parents=True, exist_ok=True)
        for name, vector in vectors.items():
            if kind == "good":
                found = verify(vector["text"], trust, at=AT).claims
                vector["claims"] = claims_json(found) if found else None
            path = directory / kind / f"{name}.json"
            text = json.dumps(vector, ensure_ascii=False, indent=1, sort_keys=True)
            path.write_text(text + "\n", encoding="utf-8")
            count += 1
    house.write_trust(directory / "trust")
    return count


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.vectors.make DIR")
    print(write(Path(sys.argv[1])), "vectors")
