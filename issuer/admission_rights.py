"""Checks of what the person holds, is entitled to, and has paid. See admission_checks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from .admission_case import Case
from .domain import Reason
from .rules import Charge, age_on


def earlier(case: Case) -> Iterator[Reason]:
    """A renewal or replacement has something to renew; a new one does not stand beside another."""
    application, document = case.application, case.document
    if not document.unique:
        return
    if application.kind != "new" and not case.earlier:
        yield Reason(
            "no_earlier_document",
            f"No consta una {document.name_es} anterior; solicítela como nueva.",
            f"No earlier {document.name_en} is known; ask for a new one.",
        )
    in_force = [p for p in case.earlier if p.valid_until is None or p.valid_until >= case.today]
    if application.kind == "new" and in_force:
        yield Reason(
            "already_issued",
            f"Ya tiene una {document.name_es} vigente; pida renovación o reposición.",
            f"A {document.name_en} in force exists; ask for a renewal or replacement.",
        )
    lost = application.lost
    if (
        lost
        and lost.document_number
        and lost.document_number not in {prior.number for prior in case.earlier}
    ):
        yield Reason(
            "lost_card_unknown",
            "El documento declarado extraviado no figura a su nombre; revise el número.",
            "The card declared lost is not on record for this person; check its number.",
        )


def portrait(case: Case) -> Iterator[Reason]:
    """The portrait is there and usable; its own check says what is wrong with it."""
    if not case.document.portrait:
        return
    if case.application.portrait is None:
        yield Reason(
            "missing_portrait", "Falta la fotografía.", "The portrait is missing; take one."
        )
    elif problem := case.facts.portrait_problem:
        yield Reason("portrait_broken", problem.es, problem.en)


def permit(case: Case) -> Iterator[Reason]:
    """A foreigner's permit of stay is known and still runs."""
    if not case.document.permit_statuses:
        return
    permit = case.application.permit
    if permit is None:
        yield Reason(
            "missing_permit",
            "Falta el permiso de permanencia.",
            "The permit of stay is missing.",
        )
        return
    if permit.status not in case.document.permit_statuses:
        yield Reason(
            "unknown_permit_status",
            "La clase de permanencia no da derecho a este documento; consulte a Migración.",
            "This kind of stay gives no right to the document; ask the migration office.",
        )
    if permit.department not in case.profile.departments:
        yield Reason(
            "unknown_department",
            "El departamento del permiso no existe; corríjalo.",
            "The permit's department does not exist; correct it.",
        )
    if permit.since <= permit.until < case.today:
        yield Reason(
            "permit_expired",
            f"Su permiso de permanencia venció el {permit.until:%d/%m/%Y}; renuévelo primero.",
            f"The permit of stay ended on {permit.until:%d/%m/%Y}; renew it first.",
        )


def categories(case: Case) -> Iterator[Reason]:
    """The categories exist, stand once each, and the person is old enough for them."""
    application, document = case.application, case.document
    known = {category.code: category for category in document.categories}
    asked = [category.code for category in application.categories]
    if known and not asked:
        yield Reason("no_category", "Falta la categoría.", "No category was asked for.")
    if len(set(asked)) != len(asked):
        yield Reason("category_twice", "Una categoría está repetida.", "A category stands twice.")
    birth = application.person.birth_date
    for code in dict.fromkeys(asked):
        if code not in known:
            yield Reason(
                "unknown_category",
                f"La categoría {code} no existe para este documento.",
                f"There is no category {code} for this document.",
            )
        elif birth <= case.today and age_on(birth, case.today) < known[code].min_age:
            least = known[code].min_age
            yield Reason(
                "under_age",
                f"Para la categoría {code} debe tener {least} años cumplidos.",
                f"Category {code} asks for a completed age of {least} years.",
            )


def requirements(case: Case) -> Iterator[Reason]:
    """Documents that this one rests on are held and in force."""
    for code in case.document.requires:
        if required_until(case, code) is None:
            other = case.profile.document(code)
            yield Reason(
                "needs_document",
                f"Necesita antes una {other.name_es} vigente.",
                f"A {other.name_en} in force is needed first.",
            )


def required_until(case: Case, code: str) -> date | None:
    """The last day of a document that is held and in force; None if there is none."""
    ends = [
        prior.valid_until or date.max
        for prior in case.facts.prior
        if prior.document_type == code and prior.state == "valid"
    ]
    last = max(ends, default=date.min)
    return last if last >= case.today else None


def payment(case: Case, charge: Charge) -> Iterator[Reason]:
    """The slip exists, pays exactly what is due, for this person and document, and only once."""
    application, paid, due = case.application, case.facts.payment, charge.due
    money = f"{case.profile.currency} {due}"
    if not due:
        return
    if application.payment is None:
        yield Reason("unpaid", f"Falta pagar {money}.", f"Not paid yet: {money} is due.")
        return
    if paid is None:
        yield Reason(
            "payment_not_found",
            f"El banco no conoce esta boleta; pague {money} o corrija su número.",
            f"The bank does not know this slip; pay {money} or correct its number.",
        )
        return
    if paid.amount != due:
        got = f"{case.profile.currency} {paid.amount}"
        yield Reason(
            "wrong_amount",
            f"La boleta es por {got} y corresponde {money}.",
            f"The slip is for {got}; {money} is due.",
        )
    used_by = case.facts.payment_used_by or paid.used_by
    if used_by is not None and used_by != application.request_id:
        yield Reason(
            "payment_used",
            "Esta boleta ya se usó en otro trámite; presente otra.",
            "This slip has already paid for another request; bring another one.",
        )
    for_person = paid.person_id in (None, application.person.person_id)
    if not for_person or paid.document_type not in (None, case.document.code):
        yield Reason(
            "payment_for_other",
            "La boleta se pagó para otra persona u otro documento; presente la suya.",
            "The slip was paid for another person or document; bring the right one.",
        )
    if paid.paid_on > case.today:
        yield Reason(
            "payment_in_future",
            "La boleta tiene una fecha futura; consulte con el banco.",
            "The slip is dated in the future; ask the bank.",
        )
