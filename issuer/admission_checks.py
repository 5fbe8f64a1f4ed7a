"""The checks of admission: pure functions, each returning its reasons, none knowing the others.

The words are for the citizen at the counter: what is wrong and what to do about it. They name no
list and no observation, which are not the counter's to tell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from .admission_case import Case
from .admission_rights import categories, earlier, permit, portrait, requirements
from .applications import Application
from .domain import Reason
from .registry import RegistryRecord
from .rules import age_on

LONGEST_NAME = 200  # docs/wire-format.md, claim 169 key 4
OLDEST = 130  # years; nobody is known to have lived longer


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


def names(case: Case) -> Iterator[Reason]:
    """The full name can be sealed: claim 169 holds so many characters, and nothing is cut."""
    if len(case.application.person.full_name) > LONGEST_NAME:
        yield Reason(
            "name_too_long",
            f"El nombre completo tiene más de {LONGEST_NAME} caracteres; consulte a supervisión.",
            f"The full name has more than {LONGEST_NAME} characters; ask the supervisor.",
        )


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


CHECKS: tuple[Callable[[Case], Iterator[Reason]], ...] = (
    kind,
    form,
    names,
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
