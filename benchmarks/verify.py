"""Verdicts a second on one core, against the signature check alone and against PyPI claim169.

All in one process, in short turns one after the other, so that whatever slows the machine slows
all of them; the ratio is the median over the turns. Times are processor time of this process.
``claim169`` is measured as it comes (its own P-256) and with OpenSSL put behind it by callback;
neither looks up a status, an expiry or a key's dates, which our verdict includes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import claim169
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.vectors import house
from verifier import sealing
from verifier.trust import compressed_point
from verifier.verify import verify

_TURNS, _CALLS = 60, 150
TARGET_OF_RAW = 0.80


def run() -> list[dict[str, Any]]:
    """Rows of the bench "verify": documents a second."""
    contenders = _contenders(house.qr(house.claims()))
    for call in contenders.values():
        call()
    turns = [{name: _rate(call) for name, call in contenders.items()} for _ in range(_TURNS)]
    return [
        _row(turns, "verdict against raw OpenSSL verification", "raw", TARGET_OF_RAW),
        _row(turns, "verdict against claim169", "claim169", 1.0),
        _row(turns, "verdict against claim169 with OpenSSL by callback", "claim169_openssl", 1.0),
    ]


def _contenders(text: str) -> dict[str, Callable[[], object]]:
    trust, key = house.trust(), house.key(house.LIC).public_key()
    sealed = sealing.split(sealing.from_qr_text(text))
    signature = sealing.signature_to_der(sealed.signature)
    algorithm, point = ec.ECDSA(hashes.SHA256()), compressed_point(key)

    def by_openssl(_alg: str, _kid: bytes | None, data: bytes, raw: bytes) -> None:
        key.verify(sealing.signature_to_der(raw), data, algorithm)

    def ours() -> None:
        verdict = verify(text, trust, at=house.AT)
        if not verdict.valid or verdict.claims is None:
            raise RuntimeError(f"the benchmark's own document is {verdict.state}")

    return {
        "raw": lambda: key.verify(signature, sealed.signed, algorithm),
        "ours": ours,
        "claim169": lambda: claim169.decode_with_ecdsa_p256(text, point, validate_timestamps=False),
        "claim169_openssl": lambda: claim169.decode_with_verifier(
            text, by_openssl, validate_timestamps=False
        ),
    }


def _rate(call: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(_CALLS):
        call()
    return _CALLS / (time.process_time() - started)


def _row(turns: list[dict[str, float]], name: str, reference: str, target: float) -> dict[str, Any]:
    ratio = median(turn["ours"] / turn[reference] for turn in turns)
    return {
        "bench": "verify",
        "name": name,
        "value": round(median(turn["ours"] for turn in turns), 1),
        "unit": "documents/s",
        "reference": reference,
        "reference_value": round(median(turn[reference] for turn in turns), 1),
        "ratio": round(ratio, 3),
        "target": target,
        "holds": ratio >= target,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
