"""Admission on single requests: each reason, all reasons, and what an admitted one carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from issuer.admission import AdmissionFacts, Admitted, Refused, admit
from issuer.applications import Application, CategoryRequest, LostCard, Permit, Person
from issuer.domain import Reason
from issuer.payments import Payment
from issuer.profile import Profile, load_profile
from issuer.registry import PriorDocument, RegistryRecord

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 20)
PERSON = Person("1234567", "Condori", "Wara", date(1990, 5, 5), "F", "BOL", None, "Sucre", "C. 1")
PERSON = replace(PERSON, occupation="Maestra", civil_status="Soltera", blood_group="O+")


@pytest.fixture(scope="module")
def bolivia() -> Profile:
    return load_profile(ROOT / "issuer" / "profiles" / "bolivia")


@pytest.fixture(scope="module")
def utopia() -> Profile:
    return load_profile(ROOT / "tests" / "profiles" / "utopia")


CARD = PriorDocument("C90000001", "CI", date(2021, 1, 1), date(2031, 1, 1))
REQUEST = Application(
    "A-1", "CH-01", "CI", "replacement", TODAY, PERSON, portrait="p.jpg", payment="B-1"
)
FACTS = AdmissionFacts(
    record=RegistryRecord("1234567", "CONDORI", None, "Wara", PERSON.birth_date, True),
    payment=Payment("B-1", Decimal("17.00"), TODAY, "1234567", "CI"),
    prior=(CARD,),
)


def admitted(request: Application, facts: AdmissionFacts, profile: Profile) -> Admitted:
    found = admit(request, facts, profile, TODAY)
    assert isinstance(found, Admitted), found
    return found


def reasons(request: Application, facts: AdmissionFacts, profile: Profile) -> list[str]:
    found = admit(request, facts, profile, TODAY)
    assert isinstance(found, Refused), found
    for reason in found.reasons:
        assert reason.es
        assert reason.en
        assert "1234567" not in reason.es + reason.en
    return [reason.code for reason in found.reasons]


def test_a_replacement_is_admitted_and_names_the_card_it_replaces(bolivia: Profile) -> None:
    found = admitted(REQUEST, FACTS, bolivia)
    assert (found.valid_from, found.valid_until) == (TODAY, date(2036, 11, 20))
    assert (found.due, found.payment, found.exempt) == (Decimal("17.00"), "B-1", False)
    assert found.replaces == ("C90000001",)
    assert found.suspend_now == ()  # a damaged card is surrendered, not lost


def test_a_card_declared_lost_is_suspended_now(bolivia: Profile) -> None:
    older = replace(CARD, number="C90000000", valid_until=date(2021, 1, 1))
    facts = replace(FACTS, prior=(older, CARD))
    lost = replace(REQUEST, lost=LostCard(TODAY, "C90000001"))
    assert admitted(lost, facts, bolivia).suspend_now == ("C90000001",)
    whichever = replace(REQUEST, lost=LostCard(TODAY))
    assert admitted(whichever, facts, bolivia).suspend_now == ("C90000000", "C90000001")
    assert admitted(lost, facts, bolivia).replaces == ("C90000000", "C90000001")


def test_a_void_or_replaced_card_is_nothing_to_renew(bolivia: Profile) -> None:
    for state in ("void", "replaced"):
        facts = replace(FACTS, prior=(replace(CARD, state=state),))
        assert reasons(REQUEST, facts, bolivia) == ["no_earlier_document"]


Change = Callable[[Application, AdmissionFacts], tuple[Application, AdmissionFacts]]
CASES: list[tuple[str, Change]] = [
    ("unpaid", lambda a, f: (replace(a, payment=None), f)),
    ("payment_not_found", lambda a, f: (a, replace(f, payment=None))),
    ("payment_used", lambda a, f: (a, replace(f, payment_used_by="A-0"))),
    ("unknown_office", lambda a, f: (replace(a, office="XX-1"), f)),
    ("missing_portrait", lambda a, f: (replace(a, portrait=None), f)),
    ("portrait_broken", lambda a, f: (a, replace(f, portrait_problem=Reason("x", "e", "e")))),
    ("on_list828", lambda a, f: (a, replace(f, on_lists=("LIST828",)))),
    ("not_in_registry", lambda a, f: (a, replace(f, record=None))),
    ("lost_in_future", lambda a, f: (replace(a, lost=LostCard(date(2026, 11, 21))), f)),
    ("lost_card_unknown", lambda a, f: (replace(a, lost=LostCard(TODAY, "C1")), f)),
    ("requested_in_future", lambda a, f: (replace(a, requested_on=date(2026, 11, 21)), f)),
    ("unknown_document", lambda a, f: (replace(a, document_type="PASSPORT"), f)),
]


@pytest.mark.parametrize(("code", "change"), CASES, ids=[code for code, _ in CASES])
def test_one_thing_wrong_is_one_reason(bolivia: Profile, code: str, change: Change) -> None:
    assert reasons(*change(REQUEST, FACTS), bolivia) == [code]


def test_a_slip_must_be_exact_for_this_person_and_not_of_tomorrow(bolivia: Profile) -> None:
    paid = FACTS.payment
    assert paid is not None
    for change, code in (
        ({"amount": Decimal("17.01")}, "wrong_amount"),
        ({"amount": Decimal("16.99")}, "wrong_amount"),
        ({"person_id": "7654321"}, "payment_for_other"),
        ({"document_type": "LIC"}, "payment_for_other"),
        ({"paid_on": date(2026, 11, 21)}, "payment_in_future"),
        ({"used_by": "A-0"}, "payment_used"),
    ):
        wrong = Payment(**({name: getattr(paid, name) for name in paid.__slots__} | change))
        assert reasons(REQUEST, replace(FACTS, payment=wrong), bolivia) == [code]


def test_the_same_request_may_ask_again_with_its_own_slip(bolivia: Profile) -> None:
    facts = replace(FACTS, payment_used_by="A-1")
    assert admitted(REQUEST, facts, bolivia).payment == "B-1"


def test_every_reason_is_told_at_once(bolivia: Profile) -> None:
    request = replace(REQUEST, payment=None, person=replace(PERSON, residence=None, person_id="?"))
    record = replace(FACTS.record, observations=("OBS-1",)) if FACTS.record else None
    facts = replace(FACTS, record=record, on_lists=("BLACKLIST",), prior=())
    assert reasons(request, facts, bolivia) == [
        "bad_person_id",
        "missing_field",
        "record_observed",
        "on_blacklist",
        "no_earlier_document",
        "unpaid",
    ]


def test_no_reason_tells_the_citizen_which_list_it_was(bolivia: Profile) -> None:
    found = admit(REQUEST, replace(FACTS, on_lists=("BLACKLIST",)), bolivia, TODAY)
    assert isinstance(found, Refused)
    assert "negra" not in found.reasons[0].es
    assert "black" not in found.reasons[0].en


def test_a_name_with_another_accent_is_another_name(bolivia: Profile) -> None:
    record = replace(FACTS.record, given_names="Wará") if FACTS.record else None
    assert reasons(REQUEST, replace(FACTS, record=record), bolivia) == ["record_differs"]


LICENCE = replace(
    REQUEST, document_type="LIC", kind="new", categories=(CategoryRequest("P"),), payment="B-2"
)
PAID = Payment("B-2", Decimal("190.00"), TODAY, None, None)
LICENCE_FACTS = replace(FACTS, payment=PAID, prior=())


def test_categories_are_checked_one_by_one(bolivia: Profile) -> None:
    def asked(*categories: CategoryRequest) -> list[str]:
        return reasons(replace(LICENCE, categories=categories), LICENCE_FACTS, bolivia)

    assert asked() == ["no_category"]
    assert asked(CategoryRequest("P"), CategoryRequest("P")) == ["category_twice"]
    assert asked(CategoryRequest("Z"), CategoryRequest("Y")) == ["unknown_category"] * 2
    assert asked(CategoryRequest("P", date(1980, 1, 1))) == ["category_since_wrong"]
    assert asked(CategoryRequest("P", date(2026, 11, 21))) == ["category_since_wrong"]


@pytest.mark.parametrize(
    ("birth", "admits"), [(date(2008, 11, 20), True), (date(2008, 11, 21), False)]
)
def test_who_is_eighteen_today_may_drive(bolivia: Profile, birth: date, admits: bool) -> None:
    request = replace(LICENCE, person=replace(PERSON, birth_date=birth))
    assert LICENCE_FACTS.record is not None
    facts = replace(LICENCE_FACTS, record=replace(LICENCE_FACTS.record, birth_date=birth))
    found = admit(request, facts, bolivia, TODAY)
    assert isinstance(found, Admitted) is admits
    if isinstance(found, Refused):
        assert [reason.code for reason in found.reasons] == ["under_age"]


STAY = Permit("t", "1", date(2026, 1, 1), date(2027, 6, 30), "PT", "temporary")


@pytest.mark.parametrize(
    ("stay", "code"),
    [
        (None, "missing_permit"),
        (replace(STAY, status="tourist"), "unknown_permit_status"),
        (replace(STAY, department="XX"), "unknown_department"),
        (replace(STAY, until=date(2026, 11, 19)), "permit_expired"),
        (replace(STAY, since=date(2026, 11, 21)), "permit_dates_wrong"),
        (replace(STAY, until=date(2025, 1, 1)), "permit_dates_wrong"),
    ],
)
def test_a_foreigners_card_needs_a_permit_that_runs(
    bolivia: Profile, stay: Permit | None, code: str
) -> None:
    request = replace(REQUEST, document_type="CIE", kind="new", permit=stay)
    paid = Payment("B-1", Decimal("550.00"), TODAY, None, None)
    assert reasons(request, replace(FACTS, payment=paid, prior=()), bolivia) == [code]


def test_a_permit_that_ends_today_is_good_today(bolivia: Profile) -> None:
    request = replace(REQUEST, document_type="CIE", kind="new", permit=replace(STAY, until=TODAY))
    paid = Payment("B-1", Decimal("550.00"), TODAY, None, None)
    found = admitted(request, replace(FACTS, payment=paid, prior=()), bolivia)
    assert found.valid_until == TODAY


def test_rules_that_do_not_cover_the_day_refuse_and_do_not_crash(bolivia: Profile) -> None:
    late = PriorDocument("E1", "CIE", date(2018, 1, 1), date(2020, 1, 1))
    request = replace(REQUEST, document_type="CIE", kind="renewal", permit=STAY)
    assert reasons(request, replace(FACTS, prior=(late,)), bolivia) == ["rule_missing"]


def test_an_expired_earlier_card_does_not_hinder_a_new_one(bolivia: Profile) -> None:
    request = replace(REQUEST, kind="new")
    assert reasons(request, FACTS, bolivia) == ["already_issued"]
    old = replace(CARD, valid_until=date(2026, 11, 19))
    assert admitted(request, replace(FACTS, prior=(old,)), bolivia).replaces == (old.number,)


def test_certificates_stand_beside_each_other(bolivia: Profile) -> None:
    other = PriorDocument("Q1", "CERTQR", date(2026, 1, 1), date(2027, 12, 31))
    request = replace(REQUEST, document_type="CERTQR", kind="new")
    paid = Payment("B-1", Decimal("20.00"), TODAY, None, None)
    found = admitted(request, replace(FACTS, payment=paid, prior=(other,)), bolivia)
    assert found.replaces == ()


def test_an_agency_of_files_alone_admits_by_its_own_rules(utopia: Profile) -> None:
    """Another country, currency, number, list, field, price by kind, and no portrait."""
    sailor = replace(PERSON, person_id="U123456", birth_date=date(1969, 3, 3))
    request = Application(
        "S-1",
        "AMA-1",
        "SEA",
        "new",
        TODAY,
        sailor,
        payment="D-1",
        categories=(CategoryRequest("DECK"), CategoryRequest("ENGINE")),
        extra={"ship": "Argo"},
    )
    facts = AdmissionFacts(payment=Payment("D-1", Decimal("4.25"), TODAY, None, None))
    found = admitted(request, facts, utopia)
    # Deck: four years. Engine: cut on the day before the sixtieth birthday. The earliest ends it.
    assert [row.until for row in found.categories] == [date(2030, 11, 20), date(2029, 3, 2)]
    assert found.valid_until == date(2029, 3, 2)
    assert reasons(replace(request, extra={}), facts, utopia) == ["missing_field"]
    assert reasons(replace(request, kind="renewal"), facts, utopia)[0] == "kind_not_offered"
    assert "on_deserters" in reasons(request, replace(facts, on_lists=("DESERTERS",)), utopia)
    before = admit(request, facts, utopia, date(2026, 6, 30))
    assert isinstance(before, Refused)
    assert "Ducat 3.50" in before.reasons[-1].es or "Ducat 3.50" in str(before.reasons)
