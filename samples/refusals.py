"""Requests of the sample day that must be refused, each with its reasons."""

from __future__ import annotations

from collections.abc import Iterator

from .cases import Case, ci, licence, permit
from .people import People


def refused_cards(people: People) -> Iterator[Case]:
    """Identity cards that may not be issued."""

    def case(
        number: int, note: str, *reasons: str, kind: str = "replacement", **given: str
    ) -> Case:
        found = Case(f"R-{number:03d}", "CI", kind, people.person(**given), note, reasons)
        if kind != "new":
            found.prior = (ci(300 + number, "2021-06-15", "2031-06-15"),)
        return found

    unpaid = case(1, "no slip", "unpaid")
    unpaid.paid = None
    unknown = case(2, "a slip that the bank does not know", "payment_not_found")
    unknown.paid = ""
    used = case(3, "a slip that paid for another request", "payment_used")
    used.slip = {"used_by": "2026-10-02-0031"}
    other = case(4, "a slip paid for somebody else", "payment_for_other")
    other.slip = {"person_id": "7000001"}
    observed = case(5, "record with observations", "record_observed")
    observed.record = {"observations": "OBS-12"}
    black = case(6, "on the black list", "on_blacklist")
    black.lists = ("BLACKLIST",)
    listed = case(7, "on list 828", "on_list828")
    listed.lists = ("LIST828",)
    broken = case(8, "portrait file cut off in the middle", "portrait_broken")
    broken.portrait = "broken"
    future = case(9, "born after the request", "birth_in_future", kind="new")
    future.person["birth_date"] = "2027-05-20"
    before = case(10, "an earlier card dated before the birth", "issued_before_birth")
    before.person["birth_date"] = "2022-03-03"
    twin = case(11, "a new card though one is in force", "already_issued", kind="new")
    twin.prior = (ci(311, "2023-02-02", "2033-02-02"),)
    differs = case(12, "birth date unlike the registry's", "record_differs")
    differs.record = {"birth_date": "1971-07-17"}
    several = case(
        13,
        "several reasons at once",
        "record_observed",
        "on_list828",
        "portrait_broken",
        "wrong_amount",
    )
    several.record = {"observations": "OBS-03;OBS-07"}
    several.lists, several.portrait, several.paid = ("LIST828",), "broken", "10.00"
    stranger = case(14, "not in the registry", "not_in_registry", "no_earlier_document")
    stranger.prior, stranger.record = (), None
    yield from (unpaid, unknown, used, other, observed, black, listed, broken, future, before)
    yield from (twin, differs, several, stranger)


def refused_others(people: People) -> Iterator[Case]:
    """Licences, permits, foreigners' cards and certificates that may not be issued."""
    young = Case("R-020", "LIC", "new", people.aged(17), "seventeen, category B", ("under_age",))
    young.request["categories"] = [licence("B")]
    yield young
    no_card = Case("R-021", "LIC", "renewal", people.aged(33), "renewal of a licence never issued")
    no_card.refused = ("no_earlier_document",)
    no_card.request["categories"] = [licence("P")]
    yield no_card
    odd = Case("R-022", "LIC", "new", people.aged(33), "a category that does not exist")
    odd.refused = ("unknown_category",)
    odd.request["categories"] = [licence("Z")]
    yield odd
    alone = Case("R-023", "PIC", "new", people.person(), "international permit without a licence")
    alone.refused = ("needs_document",)
    yield alone
    expired = Case("R-024", "CIE", "new", people.foreigner("COL"), "permit expired the day before")
    expired.refused, expired.request["permit"] = (
        ("permit_expired",),
        permit("temporary", "2026-11-19"),
    )
    yield expired
    turned = Case("R-025", "CIE", "new", people.foreigner("CHL"), "permit dates inverted")
    turned.refused = ("permit_dates_wrong",)
    turned.request["permit"] = permit("temporary", "2025-01-11", since="2026-01-12")
    yield turned
    short = Case("R-026", "CIE", "renewal", people.foreigner("PRY"), "overdue, but the fine unpaid")
    short.refused, short.due, short.paid = ("wrong_amount",), "570.00", "550.00"
    short.request["permit"] = permit("temporary", "2028-01-11")
    short.prior = ("E90000026/CIE/2024-10-30/2026-10-30/valid",)
    yield short
    loose = Case("R-027", "CERTQR", "new", people.person(), "record not consolidated")
    loose.refused, loose.record = ("not_consolidated",), {"consolidated": "no"}
    yield loose
    blank = Case("R-028", "LCC", "new", people.foreigner("ITA"), "courtesy licence, rank left out")
    blank.refused, blank.record = ("missing_field",), None
    blank.request["mission"] = "Embajada ITA"
    yield blank
