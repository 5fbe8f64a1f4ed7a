"""What the page is shown, as JSON. Both languages go along; the page picks.

The signed serial of a card that awaits inspection is never shown: whoever can read it on the
screen need not look at the card.
"""

from __future__ import annotations

from typing import Any

from issuer.acts import LAMINATION_REASONS, SPOILABLE
from issuer.desk import DeviceView, JobView
from issuer.domain import DocumentState, Job, JobState
from issuer.profile import Profile
from issuer.store.documents import Document
from issuer.web.access import May

_SHOWS_SERIAL = frozenset({JobState.INSPECTED, JobState.SETTLED, JobState.DELIVERED})
_UNTOUCHED = frozenset({DocumentState.RESERVED, DocumentState.SEALED})
_NEEDS = {
    "print": May.PRINT,
    "retry": May.PRINT,
    "cancel": May.CANCEL,
    "inspect": May.INSPECT,
    "deliver": May.DELIVER,
    "spoil": May.SPOIL,
    "reprint": May.REPRINT,
    "resolve": May.RESOLVE,
    "lamination": May.RESOLVE,
}


def job_json(job: Job, profile: Profile) -> dict[str, Any]:
    """A line of the queue: nothing personal."""
    kind = profile.documents.get(job.document_type)
    return {
        "id": job.id,
        "ticket": job.ticket,
        "type": job.document_type,
        "type_es": kind.name_es if kind else job.document_type,
        "type_en": kind.name_en if kind else job.document_type,
        "kind": job.kind,
        "state": job.state.value,
        "priority": job.priority,
        "released": job.released,
        "lane": job.lane,
        "created_at": job.created_at.isoformat(),
        "updated_at": job.updated_at.isoformat(),
        "reasons": [reason.to_json() for reason in job.reasons],
        "reprint_reason": job.reprint_reason,
    }


def detail_json(view: JobView, profile: Profile, may: frozenset[May]) -> dict[str, Any]:
    """One job with its person: only for those who may look at the queue."""
    job, case = view.job, view.case
    person = case.application.person
    document = current_document(view)
    kind = profile.documents.get(job.document_type)
    return {
        **job_json(job, profile),
        "acts": [act for act in acts(view) if _NEEDS[act] in may],
        "person": {
            "full_name": person.full_name,
            "person_id": person.person_id,
            "birth_date": person.birth_date.isoformat(),
            "nationality": person.nationality,
        },
        "requested_on": case.application.requested_on.isoformat(),
        "categories": [category.code for category in case.application.categories],
        "has_portrait": case.portrait is not None,
        "has_faces": document is not None and document.qr_text is not None,
        "has_file": document is not None and document.file is not None,
        "needs_serial": document is not None and document.blank_serial is not None,
        "laminated": kind.laminated if kind else False,
        "document": None if document is None else _document_json(document, job),
        "earlier_documents": [
            _document_json(old, job) for old in view.documents if old is not document
        ],
    }


def current_document(view: JobView) -> Document | None:
    """The document that the job works on now; None before one is reserved or after it is void."""
    for document in view.documents:
        if document.number == view.job.document_number:
            return document
    return None


def _document_json(document: Document, job: Job) -> dict[str, Any]:
    known = job.state in _SHOWS_SERIAL or document.state is DocumentState.VOID
    return {
        "number": document.number,
        "state": document.state.value,
        "serial": document.blank_serial if known else None,
        "valid_until": document.valid_until.isoformat() if document.valid_until else None,
    }


def acts(view: JobView) -> list[str]:
    """What may be done next, the usual one first. The acts themselves check again."""
    job = view.job
    found: list[str] = []
    if job.state is JobState.ADMITTED and not job.released:
        found.append("print")
    elif job.state is JobState.TO_INSPECT:
        found.append("inspect")
    elif job.state is JobState.SETTLED:
        found.append("deliver")
    elif job.state is JobState.UNDETERMINED:
        found.append("resolve")
    elif job.state is JobState.SPOILED:
        found += ["reprint", "cancel"]
    elif job.state is JobState.ATTENTION:
        found += _attention(view)
    if job.state in SPOILABLE and job.document_number and job.state is not JobState.UNDETERMINED:
        found.append("spoil")
    if job.state in (JobState.RECEIVED, JobState.ADMITTED):
        found.append("cancel")
    return found


def _attention(view: JobView) -> list[str]:
    reasons = view.job.reasons
    if reasons and reasons[0].code in LAMINATION_REASONS:
        return ["lamination"]
    document = current_document(view)
    return ["retry", "cancel"] if document is None or document.state in _UNTOUCHED else []


def device_json(device: DeviceView, profile: Profile) -> dict[str, Any]:
    """A machine. ``material`` is what its hopper takes; ``supplies`` what its rolls have left."""
    kinds = [profile.documents[code] for code in device.documents if code in profile.documents]
    blank = next((kind.blank_material for kind in kinds if kind.blank_material), None)
    material = profile.materials.get(blank) if blank else None
    return {
        "name": device.name,
        "role": device.role,
        "model": device.model,
        "documents": list(device.documents),
        "state": device.state,
        "reason": device.reason.to_json() if device.reason else None,
        "phase": device.phase,
        "done": round(device.done, 3),
        "current_job": device.current_job,
        "blanks": device.blanks,
        "material": blank,
        "material_es": material.name_es if material else None,
        "material_en": material.name_en if material else None,
        "supplies": [
            {"material": name, "remaining": remaining, "capacity": capacity}
            for name, remaining, capacity in device.supplies
        ],
        "temperature_c": device.temperature_c,
    }
