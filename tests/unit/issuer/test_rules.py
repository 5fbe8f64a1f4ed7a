"""Dated rules as arithmetic: both sides of every limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.profile import CalendarEnds, Profile, ValidityRule, load_profile
from issuer.rules import (
    NoRule,
    add_years,
    age_on,
    birthday,
    charge,
    overdue_days,
    rule_for,
    term,
    term_by_age,
)

BOLIVIA = Path(__file__).parents[3] / "issuer" / "profiles" / "bolivia"
TODAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def bolivia() -> Profile:
    return load_profile(BOLIVIA)


def born(age: int, today: date = TODAY) -> date:
    """Whoever completes ``age`` today."""
    return today.replace(year=today.year - age)


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2000, 2, 29), date(2026, 2, 28), 25),
        (date(2000, 2, 29), date(2026, 3, 1), 26),
        (date(2000, 2, 29), date(2028, 2, 28), 27),
        (date(2000, 2, 29), date(2028, 2, 29), 28),
        (date(1961, 11, 20), date(2026, 11, 19), 64),
        (date(1961, 11, 20), date(2026, 11, 20), 65),
        (date(2026, 11, 20), date(2026, 11, 20), 0),
    ],
)
def test_ages_by_the_calendar(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


def test_29_february_never_lengthens_a_term() -> None:
    assert add_years(date(2024, 2, 29), 5) == date(2029, 2, 28)
    assert add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)
    assert add_years(date(2024, 2, 28), 5) == date(2029, 2, 28)


def test_who_was_born_on_29_february_passes_a_limit_on_1_march() -> None:
    assert birthday(date(1956, 2, 29), 70) == date(2026, 3, 1)
    assert birthday(date(1956, 2, 29), 72) == date(2028, 2, 29)
    rule = limit("above")  # 65 in 2021, an ordinary year
    birth = date(1956, 2, 29)
    assert term_by_age(rule, birth, date(2021, 2, 28)) == date(2026, 2, 28)
    assert term_by_age(rule, birth, date(2021, 3, 1)) == date(2024, 3, 1)


@given(
    st.dates(date(1900, 1, 1), date(2020, 12, 31)),
    st.integers(min_value=0, max_value=79),
)
def test_the_age_changes_on_the_birthday(birth: date, age: int) -> None:
    day = birthday(birth, age)
    assert age_on(birth, day) == age
    assert age == 0 or age_on(birth, day - timedelta(days=1)) == age - 1


@pytest.mark.parametrize("category", ["A", "P", "M"])
@pytest.mark.parametrize(("age", "years"), [(18, 5), (64, 5), (65, 5), (69, 5), (70, 3), (71, 3)])
def test_a_p_m_run_five_years_while_under_70(
    bolivia: Profile, category: str, age: int, years: int
) -> None:
    span = term(bolivia.document("LIC"), born(age), TODAY, categories=[(category, None)])
    assert span.until == date(2026 + years, 11, 20)


@pytest.mark.parametrize("category", ["B", "C", "T"])
@pytest.mark.parametrize(("age", "years"), [(21, 5), (64, 5), (65, 5), (66, 3), (70, 3)])
def test_b_c_t_run_five_years_up_to_65(
    bolivia: Profile, category: str, age: int, years: int
) -> None:
    span = term(bolivia.document("LIC"), born(age), TODAY, categories=[(category, None)])
    assert span.until == date(2026 + years, 11, 20)


def test_the_day_before_the_birthday_still_counts_as_younger(bolivia: Profile) -> None:
    licence = bolivia.document("LIC")
    tomorrow = born(70) + timedelta(days=1)
    assert term(licence, tomorrow, TODAY, categories=[("P", None)]).until.year == 2031
    assert term(licence, born(70), TODAY, categories=[("P", None)]).until.year == 2029


def limit(at_limit: str, crossing: str = "full") -> ValidityRule:
    return ValidityRule(
        valid_from=date(2020, 1, 1),
        valid_to=None,
        source="",
        assumed=True,
        method="by_age",
        limit_age=65,
        years_below=5,
        years_above=3,
        at_limit=at_limit,
        crossing=crossing,
    )


@pytest.mark.parametrize(
    ("at_limit", "age", "years"),
    [("below", 65, 5), ("below", 66, 3), ("above", 64, 5), ("above", 65, 3)],
)
def test_the_table_decides_who_is_exactly_65(at_limit: str, age: int, years: int) -> None:
    until = term_by_age(limit(at_limit), born(age), TODAY)
    assert until == date(2026 + years, 11, 20)


@pytest.mark.parametrize(
    ("crossing", "age", "until"),
    [
        ("full", 64, date(2031, 11, 20)),
        ("shorter", 64, date(2029, 11, 20)),
        # Passes the limit on turning 66: two years on, so the shorter term holds at least.
        ("cut", 64, date(2029, 11, 20)),
        ("cut", 62, date(2030, 11, 19)),
        ("cut", 60, date(2031, 11, 20)),
        ("shorter", 60, date(2031, 11, 20)),
    ],
)
def test_the_table_decides_what_crossing_the_limit_does(
    crossing: str, age: int, until: date
) -> None:
    assert term_by_age(limit("below", crossing), born(age), TODAY) == until


def test_each_category_has_its_own_end_and_the_card_the_latest(bolivia: Profile) -> None:
    licence = bolivia.document("LIC")
    asked = [("P", date(1990, 5, 2)), ("C", None)]
    span = term(licence, born(67), TODAY, categories=asked)
    assert [(row.code, row.since, row.until.year) for row in span.categories] == [
        ("P", date(1990, 5, 2), 2031),
        ("C", TODAY, 2029),
    ]
    assert span.until.year == 2031
    earliest = term(replace(licence, card_until="earliest"), born(67), TODAY, categories=asked)
    assert earliest.until.year == 2029


@pytest.mark.parametrize(
    ("day", "years"), [(date(2011, 6, 26), 5), (date(2011, 6, 27), 6), (date(2020, 1, 1), 10)]
)
def test_the_identity_cards_term_is_the_one_of_its_day(
    bolivia: Profile, day: date, years: int
) -> None:
    assert term(bolivia.document("CI"), date(1970, 1, 1), day).until == add_years(day, years)


def test_before_the_first_rule_there_is_none(bolivia: Profile) -> None:
    with pytest.raises(NoRule, match="validity of CI"):
        rule_for(bolivia.document("CI"), date(1989, 12, 31))


def test_other_ends(bolivia: Profile) -> None:
    birth, end = date(1990, 1, 1), date(2027, 3, 15)
    cie = term(bolivia.document("CIE"), birth, TODAY, permit_until=end)
    assert cie.until == end
    assert term(bolivia.document("CERTQR"), birth, TODAY).until == date(2027, 12, 31)
    assert term(bolivia.document("PIC"), birth, TODAY, required_until=end).until == end
    with pytest.raises(NoRule, match="permit"):
        term(bolivia.document("CIE"), birth, TODAY)


def test_a_replacement_keeps_the_earlier_end_where_the_rule_says_so(bolivia: Profile) -> None:
    card = bolivia.document("CI")
    earlier, birth = date(2030, 5, 5), date(1990, 1, 1)
    assert term(card, birth, TODAY, earlier_until=earlier).until == date(2036, 11, 20)
    rules = tuple(replace(rule, replacement="remaining") for rule in card.validity)
    remaining = replace(card, validity=rules)
    assert term(remaining, birth, TODAY, earlier_until=earlier).until == earlier
    assert term(remaining, birth, TODAY).until == date(2036, 11, 20)


def test_overdue_days_by_hand() -> None:
    until, day = date(2026, 10, 30), date(2026, 11, 20)
    assert overdue_days(until, day, frozenset()) == 21
    assert overdue_days(until, day, frozenset({date(2026, 11, 2), date(2026, 11, 10)})) == 19
    assert overdue_days(until, day, frozenset({until, date(2026, 11, 21)})) == 21
    assert overdue_days(until, day, frozenset(), weekends=False) == 15
    assert overdue_days(day, day, frozenset()) == 0
    assert overdue_days(day, until, frozenset()) == 0


@pytest.mark.parametrize(
    ("department", "fine"), [("PT", "19.00"), ("BN", "19.00"), ("CH", "20.00")]
)
def test_only_the_departments_own_holidays_do_not_count(
    bolivia: Profile, department: str, fine: str
) -> None:
    costs = charge(
        bolivia,
        bolivia.document("CIE"),
        "renewal",
        TODAY,
        status="temporary",
        department=department,
        overdue_since=date(2026, 10, 30),
    )
    assert costs.fine == Decimal(fine)
    assert costs.due == Decimal("550.00") + Decimal(fine)
    assert not costs.exempt


@pytest.mark.parametrize("status", ["asylum", "refugee", "temporary_humanitarian"])
def test_protected_stay_is_free_of_price_and_fine(bolivia: Profile, status: str) -> None:
    late = date(2026, 1, 1)
    costs = charge(
        bolivia,
        bolivia.document("CIE"),
        "renewal",
        TODAY,
        status=status,
        department="CH",
        overdue_since=late,
    )
    assert (costs.due, costs.exempt) == (Decimal(0), True)
    assert costs.overdue_days > 300


def test_no_fine_without_a_rule_of_fines(bolivia: Profile) -> None:
    costs = charge(
        bolivia, bolivia.document("CI"), "renewal", TODAY, overdue_since=date(2020, 1, 1)
    )
    assert (costs.price, costs.fine, costs.overdue_days) == (Decimal("17.00"), Decimal(0), 0)


def test_days_outside_the_calendar_are_not_guessed(bolivia: Profile) -> None:
    with pytest.raises(CalendarEnds):
        charge(
            bolivia,
            bolivia.document("CIE"),
            "renewal",
            TODAY,
            department="CH",
            overdue_since=date(2022, 6, 1),
        )
