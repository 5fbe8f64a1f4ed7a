"""What a document will say when it is scanned: the claims, from the stored case."""

from __future__ import annotations

from datetime import datetime

from issuer.profile import Profile
from issuer.store.documents import Document
from issuer.store.files import CaseFile
from issuer.trust import status_uri
from verifier.claims import Claims, National, StatusRef

_GENDER = {"M": 1, "F": 2, "X": 3}  # claim 169, key 9
# Keys of the national map from 7 on (docs/wire-format.md).
KIND_OF_STAY, MISSION = 7, 8


def build_claims(document: Document, case: CaseFile, profile: Profile, now: datetime) -> Claims:
    """The claims of a reserved document. ``now`` becomes the moment of issue (whole seconds).

    Only what a verifier needs: each byte more makes the modules of the QR smaller (facts: QR),
    and what the face shows need not be said twice.
    """
    person = case.application.person
    admitted = case.admitted
    assert admitted is not None, "only what was admitted is sealed"
    extra = {
        KIND_OF_STAY: case.application.permit.status if case.application.permit else None,
        MISSION: case.application.mission,
    }
    return Claims(
        authority=profile.authority,
        issued_at=now.replace(microsecond=0),
        expires_at=document.valid_until,
        person_id=person.person_id,
        full_name=person.full_name,
        birth_date=person.birth_date,
        gender=_GENDER.get(person.sex),
        nationality=person.nationality,
        country=profile.country,
        language=profile.language,
        national=National(
            document_type=document.type,
            document_number=document.number,
            blank_serial=document.blank_serial,
            office=document.office,
            categories={c.code: (c.since, c.until) for c in admitted.categories},
            restrictions=case.application.restrictions,
            extra={key: value for key, value in extra.items() if value},
        ),
        status=StatusRef(document.status_index, status_uri(profile, document.status_list)),
    )
