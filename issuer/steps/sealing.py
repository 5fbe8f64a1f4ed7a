"""Step 3. Store the unsigned claims, sign in an HSM, verify as the public would, store."""

from __future__ import annotations

from sqlalchemy import Connection

from crypto.signer import Signed, SigningRefused, SigningUnavailable, SignRequest
from issuer.claims import build_claims
from issuer.domain import DocumentState, Job, JobState, Reason
from issuer.services import Rest, Services
from issuer.store import documents, files, jobs
from verifier.claims import encode_claims
from verifier.errors import VerificationError
from verifier.sealing import to_qr_text
from verifier.verify import open_sealed


async def seal(job: Job, at: Services) -> Job:
    """From RESERVED (or SEALING after a crash) to SEALED; later states pass through.

    Raises Rest when no HSM answered (a person is told; the job keeps its blank) or when the
    signature is not what was asked for.
    """
    if job.state is JobState.RESERVED:
        job = await at.store.run(_intend, job, at)
        at.durable("sealing")
    if job.state is not JobState.SEALING:
        return job
    assert job.document_number is not None
    document = await at.store.read(documents.get, job.document_number)
    assert document.claims is not None, "SEALING means that the claims are stored"
    request = SignRequest(document.number, job.document_type, document.claims)
    try:
        signed = await at.signer.sign(request)
        qr_text = _verified(signed, document.claims, at)
    except SigningUnavailable as error:
        raise Rest(await at.store.run(_park, job, at, _unavailable(error))) from error
    except (SigningRefused, VerificationError) as error:
        raise Rest(await at.store.run(_park, job, at, _wrong(error))) from error
    job = await at.store.run(_store, job, at, signed, qr_text)
    at.durable("sealed")
    return job


def _intend(conn: Connection, job: Job, at: Services) -> Job:
    """No signature without a stored intention (invariant 2)."""
    assert job.document_number is not None
    now = at.clock.now()
    document = documents.get(conn, job.document_number)
    claims = build_claims(document, files.get(conn, job.id), at.profile, now)
    documents.change(conn, document.number, claims=encode_claims(claims))
    return jobs.advance(conn, job, JobState.SEALING, now, data={"document": document.number})


def _verified(signed: Signed, claims: bytes, at: Services) -> str:
    """What the public will scan; raises VerificationError unless it says exactly the claims."""
    text = to_qr_text(signed.cose)
    opened = open_sealed(text, at.trust.trust, at.clock.now())
    if encode_claims(opened.claims) != claims or opened.kid != signed.kid:
        raise VerificationError(
            "not_what_was_asked",
            "La firma no corresponde a los datos pedidos.",
            "The signature does not cover the claims that were asked for.",
        )
    return text


def _store(conn: Connection, job: Job, at: Services, signed: Signed, qr_text: str) -> Job:
    assert job.document_number is not None
    now = at.clock.now()
    documents.change(
        conn,
        job.document_number,
        qr_text=qr_text,
        kid=signed.kid,
        hsm=signed.hsm,
        sealed_at=now,
        state=DocumentState.SEALED.value,
    )
    return jobs.advance(
        conn, job, JobState.SEALED, now, data={"kid": signed.kid.hex(), "hsm": signed.hsm}
    )


def _park(conn: Connection, job: Job, at: Services, reason: Reason) -> Job:
    return jobs.park(conn, job, JobState.ATTENTION, reason, at.clock.now())


def _unavailable(error: SigningUnavailable) -> Reason:
    return Reason(
        "no_hsm",
        "Ningún HSM respondió a tiempo: avise a operaciones y reintente.",
        f"No HSM answered in time: tell operations and retry. ({error})",
    )


def _wrong(error: Exception) -> Reason:
    return Reason(
        "seal_refused",
        "El sello fue rechazado: avise a operaciones; no se imprimió nada.",
        f"The seal was refused: tell operations; nothing was printed. ({error})",
    )
