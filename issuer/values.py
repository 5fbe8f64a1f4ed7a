"""What the faces show: the stored case in the words and formats that people read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from issuer.profile import Profile
from issuer.store.documents import Document
from issuer.store.files import CaseFile
from layouts.mrz import td1
from layouts.portrait import Portrait
from layouts.values import CategoryRow, Values


def build_values(document: Document, case: CaseFile, profile: Profile, *, mrz: bool) -> Values:
    """Values for every face of a sealed document. ``mrz``: whether a face wants the TD1 lines.

    Raises LayoutError ("mrz_invalid") for what no machine-readable zone can hold, and
    PortraitError if the stored portrait was damaged.
    """
    admitted = case.admitted
    assert admitted is not None, "only what was admitted is drawn"
    fields = _fields(document, case, profile)
    restrictions = fields["restrictions"]  # the agency's are of the holder, so of every category
    if mrz:
        fields |= zip(("mrz1", "mrz2", "mrz3"), _mrz(document, case, profile), strict=True)
    return Values(
        fields={key: text for key, text in fields.items() if text},
        categories=tuple(
            CategoryRow(c.code, day(c.since), day(c.until), restrictions)
            for c in admitted.categories
        ),
        portrait=Portrait.from_bytes(case.portrait) if case.portrait else None,
        qr_text=document.qr_text,
    )


def day(value: date | None) -> str:
    """DD/MM/AAAA, as every form of the agency writes it."""
    return f"{value:%d/%m/}{value.year:04d}" if value else ""


def _fields(document: Document, case: CaseFile, profile: Profile) -> dict[str, str]:
    application, admitted = case.application, case.admitted
    assert admitted is not None
    person, permit = application.person, application.permit
    office = profile.offices.get(document.office)
    return {
        "surname": person.surnames,
        "given_names": person.given_names,
        "full_name": person.full_name,
        "person_id": person.person_id,
        "document_number": document.number,
        "blank_serial": document.blank_serial or "",
        "birth_date": day(person.birth_date),
        "birth_place": person.birth_place or "",
        "sex": person.sex,
        "nationality": person.nationality,
        "issue_date": day(admitted.valid_from),
        "expiry_date": day(admitted.valid_until),
        "authority": profile.code,
        "office": office.name if office else document.office,
        "residence": person.residence or "",
        "occupation": person.occupation or "",
        "civil_status": person.civil_status or "",
        "blood_group": person.blood_group or "",
        "restrictions": ", ".join(application.restrictions),
        "category_codes": " ".join(c.code for c in admitted.categories),
        "permit_type": _words(permit.type) if permit else "",
        "permit_expiry": day(permit.until) if permit else "",
        "mission": application.mission or "",
        "rank": application.rank or "",
        "verification_url": profile.verification_url,
        **_certified(case.application.extra),
    }


def _certified(extra: Mapping[str, str]) -> dict[str, str]:
    """Fields that a profile adds, under their own names."""
    return dict(extra)


def _words(code: str) -> str:
    return code.replace("_", " ").replace("-", " ")


def _mrz(document: Document, case: CaseFile, profile: Profile) -> tuple[str, str, str]:
    person, admitted = case.application.person, case.admitted
    assert admitted is not None
    return td1(
        document_code="I",
        issuer=profile.country,
        document_number=document.number,
        birth_date=person.birth_date,
        sex=person.sex if person.sex in ("M", "F") else "",
        expiry_date=admitted.valid_until,
        nationality=person.nationality,
        surname=person.surnames,
        given_names=person.given_names,
        optional1=person.person_id.replace("-", "<"),
    )
