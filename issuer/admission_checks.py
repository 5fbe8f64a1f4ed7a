"""The checks of admission: pure functions, each returning its reasons, none knowing the others.

The words are for the citizen at the counter: what is wrong and what to do about it. They name no
list and no observation, which are not the counter's to tell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from .applications import Application
from .domain import Reason
from .payments import Payment
from .profile import DocumentType, Profile
from .registry import PriorDocument, RegistryRecord
from .rules import Charge, age_on

OLDEST = 130  # years; nobody is known to have lived longer
REPLACEABLE = frozenset({"valid", "suspended"})


@dataclass(frozen=True, slots=True)
class AdmissionFacts:
    """What the outside systems and the house know, gathered before the decision.

    ``prior`` are the person's earlier documents from the registry and from the house's own
    store, one per number; ``payment_used_by`` the request that used the slip already, as the
    store or the bank knows; ``portrait_problem`` what the portrait's check found, or None.
    """

    record: RegistryRecord | None = None
    payment: Payment | None = None
    payment_used_by: str | None = None
    on_lists: tuple[str, ...] = ()
    prior: tuple[PriorDocument, ...] = ()
    portrait_problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One request with everything that a check may look at."""

    application: Application
    facts: AdmissionFacts
    profile: Profile
    document: DocumentType
    today: date

    @property
    def earlier(self) -> tuple[PriorDocument, ...]:
        """Earlier documents of the same type that a new one takes the place of."""
        return tuple(
            prior
            for prior in self.facts.prior
            if prior.document_type == self.document.code and prior.state in REPLACEABLE
        )


def kind(case: Case) -> Iterator[Reason]:
    """The office is the agency's and the document is issued for this kind of request."""
    application, document = case.application, case.document
    if application.office not in case.profile.offices:
        yield Reason("unknown_office", "La oficina no existe.", "There is no such office.")
    if application.kind not in document.kinds:
        yield Reason(
            "kind_not_offered",
            f"{document.name_es}: no se ofrece este tipo de trámite.",
            f"{document.name_en}: this kind of request is not offered.",
        )


def form(case: Case) -> Iterator[Reason]:
    """Every field that the document needs is there, and the number has the agency's form."""
    person_id = case.application.person.person_id
    if not re.fullmatch(case.profile.person_id_pattern, person_id):
        yield Reason(
            "bad_person_id",
            "El número de identidad está mal escrito; revíselo con su documento.",
            "The identity number is not well written; check it against the document.",
        )
    for name in case.document.fields:
        if case.application.value(name) is None:
            label = case.profile.fields[name]
            yield Reason("missing_field", f"Falta: {label.es}.", f"Missing: {label.en}.")


def dates(case: Case) -> Iterator[Reason]:
    """No day comes before the one that it needs."""
    application, today = case.application, case.today
    birth = application.person.birth_date
    if birth > today:
        yield Reason(
            "birth_in_future",
            "La fecha de nacimiento está en el futuro; corríjala.",
            "The date of birth lies in the future; correct it.",
        )
    elif age_on(birth, today) > OLDEST:
        yield Reason(
            "birth_too_long_ago",
            f"La fecha de nacimiento es de hace más de {OLDEST} años; corríjala.",
            f"The date of birth is over {OLDEST} years ago; correct it.",
        )
    if application.requested_on > today:
        yield Reason(
            "requested_in_future",
            "La fecha de la solicitud está en el futuro; corríjala.",
            "The date of the request lies in the future; correct it.",
        )
    if birth <= today and any(prior.issued_on < birth for prior in case.facts.prior):
        yield Reason(
            "issued_before_birth",
            "Un documento anterior figura emitido antes del nacimiento; revise las fechas.",
            "An earlier document is dated before the birth; check the dates.",
        )
    yield from _permit_dates(case)
    if application.lost and application.lost.declared_on > today:
        yield Reason(
            "lost_in_future",
            "La declaración de extravío tiene una fecha futura; corríjala.",
            "The declaration of loss is dated in the future; correct it.",
        )
    if any(c.since and not birth < c.since <= today for c in application.categories):
        yield Reason(
            "category_since_wrong",
            "La fecha desde la que tiene una categoría no es posible; corríjala.",
            "The day since which a category is held is not possible; correct it.",
        )


def _permit_dates(case: Case) -> Iterator[Reason]:
    permit = case.application.permit
    if permit and (permit.until < permit.since or permit.since > case.today):
        yield Reason(
            "permit_dates_wrong",
            "Las fechas del permiso de permanencia están invertidas o en el futuro; corríjalas.",
            "The dates of the permit of stay are inverted or in the future; correct them.",
        )


def registry(case: Case) -> Iterator[Reason]:
    """The record exists, agrees with the request, and nothing holds it up."""
    record = case.facts.record
    if record is None:
        if case.application.kind in case.document.record_for:
            yield Reason(
                "not_in_registry",
                "No figura en el registro de personas; pase primero por registro.",
                "Not found in the registry of persons; go to registration first.",
            )
        return
    if record.observations:
        yield Reason(
            "record_observed",
            "Su registro tiene observaciones; pase por saneamiento antes de volver.",
            "The record has observations; they must be settled first.",
        )
    if case.document.consolidated and not record.consolidated:
        yield Reason(
            "not_consolidated",
            "Su registro no está consolidado; aún no se puede certificar.",
            "The record is not consolidated; it cannot be certified yet.",
        )
    if different := _differences(case.application, record):
        labels = [case.profile.fields.get(f"person.{name}") for name in different]
        es = ", ".join(la.es if la else n for la, n in zip(labels, different, strict=True))
        en = ", ".join(la.en if la else n for la, n in zip(labels, different, strict=True))
        yield Reason(
            "record_differs",
            f"No coincide con el registro: {es}. Corrija la solicitud o el registro.",
            f"Does not agree with the registry: {en}. Correct the request or the record.",
        )


def _same(one: str | None, other: str | None) -> bool:
    """Names agree whatever their case; an accent or a tilde makes another name."""
    first, second = (unicodedata.normalize("NFC", text or "").casefold() for text in (one, other))
    return first == second


def _differences(application: Application, record: RegistryRecord) -> list[str]:
    person = application.person
    names = ("surname1", "surname2", "given_names")
    found = [name for name in names if not _same(getattr(person, name), getattr(record, name))]
    return found + (["birth_date"] if person.birth_date != record.birth_date else [])


def lists(case: Case) -> Iterator[Reason]:
    """The person is on none of the lists that this document asks."""
    for code in case.facts.on_lists:
        if code in case.document.lists:
            words = case.profile.lists[code]
            yield Reason(f"on_{code.lower()}", words.es, words.en)


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


CHECKS: tuple[Callable[[Case], Iterator[Reason]], ...] = (
    kind,
    form,
    dates,
    registry,
    lists,
    earlier,
    portrait,
    permit,
    categories,
    requirements,
)
"""All checks but the payment's, which needs the charge first."""


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
