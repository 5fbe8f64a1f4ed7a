"""Step 4. Both faces from the stored claims; the QR is read back before anything is printed."""

from __future__ import annotations

from sqlalchemy import Connection

from issuer.composing import Composed, ComposeFailed, Order, wants_mrz
from issuer.domain import Conflict, Job, JobState, Reason
from issuer.lanes import Lane
from issuer.services import Rest, Services
from issuer.steps.undoing import unseal
from issuer.store import documents, files
from issuer.store.documents import Document
from issuer.store.files import CaseFile
from issuer.values import build_values
from layouts.errors import LayoutError
from layouts.portrait import PortraitError


async def compose(job: Job, at: Services, lane: Lane) -> Composed | None:
    """The faces of a SEALED job; None for one that is past printing. Nothing is stored: the same
    claims give the same faces. What cannot be drawn loses its seal, frees its blank, and goes to
    a person (Rest)."""
    if job.state is not JobState.SEALED:
        return None
    document, case = await at.store.read(_load, job)
    try:
        composed = await at.composer.compose(order(document, case, at, lane))
    except (ComposeFailed, LayoutError, PortraitError) as error:
        reason = Reason(error.code, error.es, error.en)
        raise Rest(await at.store.run(unseal, job, at, reason)) from error
    if lane.printer is None:
        await at.store.run(_keep_file, document.number, composed.pdf)
    at.durable("composed")
    return composed


def order(document: Document, case: CaseFile, at: Services, lane: Lane | None) -> Order:
    """What the composer is asked to draw."""
    kind = at.profile.document(document.type)
    faces = tuple(path for path in kind.faces if path is not None)
    dpi = lane.printer.dpi if lane is not None and lane.printer is not None else 300
    shape = {"card": "card", "file": "certificate"}.get(
        kind.produces, "form" if len(faces) == 2 else "permit"
    )
    values = build_values(document, case, at.profile, mrz=any(map(wants_mrz, faces)))
    assert case.admitted is not None
    return Order(shape, faces, values, case.admitted.valid_from, dpi if shape == "card" else 300)


def _load(conn: Connection, job: Job) -> tuple[Document, CaseFile]:
    assert job.document_number is not None
    return documents.get(conn, job.document_number), files.get(conn, job.id)


def _keep_file(conn: Connection, number: str, pdf: bytes | None) -> None:
    documents.change(conn, number, file=pdf)


async def preview(found: tuple[Document, CaseFile], at: Services) -> list[bytes]:
    """PNG pictures of a sealed document's faces, as the counter looks at them before printing.

    Raises Conflict for one that is not sealed yet.
    """
    document, case = found
    if document.qr_text is None:
        raise Conflict(Reason("not_sealed", "Aún no está sellado.", "It is not sealed yet."))
    return await at.composer.preview(order(document, case, at, None))
