"""What an inspection finds: the QR verifies, it is this document's, and both serials agree.

The QR alone always shows the *expected* serial: only the blank's own preprinted serial tells a
misfeed, which shifts every card after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from issuer.domain import Reason
from issuer.store.documents import Document
from verifier.trust import Trust
from verifier.verdict import State
from verifier.verify import verify


@dataclass(frozen=True, slots=True)
class Finding:
    """``stops_lane``: the serials disagree, so nothing more may be printed on that hopper."""

    passed: bool
    verdict: str
    reason: Reason | None = None
    stops_lane: bool = False


def examine(
    document: Document, qr_text: str, scanned_serial: str | None, trust: Trust, now: datetime
) -> Finding:
    """Pure but for the cryptography. ``scanned_serial`` None only for documents without blank."""
    verdict = verify(qr_text, trust, at=now)
    state = verdict.state
    if state not in (State.VALID, State.VALID_LISTS_OLD):
        return Finding(False, state.value, Reason(f"qr_{state.value}", verdict.es, verdict.en))
    claims = verdict.claims
    assert claims is not None, "a valid verdict carries its claims"
    if claims.national.document_number != document.number:
        return Finding(
            False,
            state.value,
            Reason(
                "other_document",
                f"El QR es de otro documento ({claims.national.document_number}); "
                f"se esperaba {document.number}.",
                f"The QR is of another document ({claims.national.document_number}); "
                f"{document.number} was expected.",
            ),
            stops_lane=True,
        )
    if document.blank_serial is not None and scanned_serial != document.blank_serial:
        return Finding(
            False,
            state.value,
            Reason(
                "misfeed",
                f"El serial preimpreso {scanned_serial or '—'} no es el firmado "
                f"{document.blank_serial}: la tolva se corrió. El carril se detiene.",
                f"The preprinted serial {scanned_serial or '—'} is not the signed "
                f"{document.blank_serial}: the hopper slipped. The lane stops.",
            ),
            stops_lane=True,
        )
    return Finding(True, state.value)
