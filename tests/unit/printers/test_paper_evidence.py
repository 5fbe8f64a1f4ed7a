"""What a paper printer's record proves, case by case, and what its state reasons mean."""

from __future__ import annotations

from typing import Any

import pytest

from printers.codecs.ipp import Group, JobState, Tag, attribute
from printers.paper import PaperPrinter
from printers.paper_conditions import conditions_of, supplies_of
from printers.paper_evidence import (
    NOTHING,
    Course,
    JobView,
    Why,
    decide_listed,
    decide_unlisted,
    same_boot,
)
from printers.ports import DeviceConfig, DeviceError, Outcome, Severity, Snapshot, Supply

P, N, U = Outcome.PRINTED, Outcome.NOT_PRINTED, Outcome.UNDETERMINED


def snap(boot: str = "1000", position: str = "none", **counters: int) -> Snapshot:
    return Snapshot("p", "ipp", "", {"last_job": 3} | counters, position, boot)


def view(state: JobState, impressions: int = 0, **more: Any) -> JobView:
    facts = {"job_id": 4, "name": "J", "user": "u", "reasons": ("none",), "expected": 2}
    return JobView(**(facts | {"state": state, "impressions": impressions, "begun": True} | more))


IDLE = snap(impressions=10)
WORKED = snap(impressions=12)


@pytest.mark.parametrize(
    ("found", "after", "outcome"),
    [
        (view(JobState.COMPLETED, 2), WORKED, P),
        (view(JobState.COMPLETED, -1), WORKED, P),  # a printer that does not count
        (view(JobState.COMPLETED, 1), WORKED, U),  # one side of two
        (view(JobState.COMPLETED, 2, reasons=("job-completed-with-errors",)), WORKED, U),
        (view(JobState.COMPLETED, 2), snap(position="inside", impressions=12), U),
        (view(JobState.CANCELED, 0, begun=False), IDLE, N),
        (view(JobState.CANCELED, 0), IDLE, U),  # begun: a form may have been touched
        (view(JobState.CANCELED, 2), WORKED, U),
        (view(JobState.ABORTED, 0, reasons=("submission-interrupted",)), IDLE, N),
        (view(JobState.ABORTED, 0, reasons=("submission-interrupted",)), WORKED, U),
        (view(JobState.ABORTED, 0, begun=False), snap(boot="1100", impressions=10), U),
        (view(JobState.ABORTED, -1), IDLE, U),
        (view(JobState.PROCESSING, 0), IDLE, U),  # it could not be ended
    ],
)
def test_a_listed_job_after_a_crash(found: JobView, after: Snapshot, outcome: Outcome) -> None:
    result = decide_listed(Course(found, False, False), IDLE, after, NOTHING)
    assert result.outcome is outcome
    assert bool(result.reason_es and result.reason_en) is (outcome is not P)


@pytest.mark.parametrize(
    ("found", "jammed", "outcome"),
    [
        (view(JobState.CANCELED, 0), False, N),  # watched throughout: the tray was empty
        (view(JobState.CANCELED, -1), False, N),
        (view(JobState.CANCELED, 0), True, U),
        (view(JobState.COMPLETED, 2), True, U),  # recovered by itself: two forms may be spent
    ],
)
def test_a_job_that_was_watched(found: JobView, jammed: bool, outcome: Outcome) -> None:
    assert decide_listed(Course(found, jammed, True), IDLE, IDLE, NOTHING).outcome is outcome


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [
        (IDLE, IDLE, N),
        (IDLE, snap(boot="1002", impressions=10), N),  # the clock's waver
        (IDLE, snap(boot="1003", impressions=10), U),
        (IDLE, WORKED, U),
        (IDLE, snap(impressions=10, last_job=4), U),
        (snap(), snap(), N),  # no counters, but the list still shows earlier jobs
        (snap(last_job=0), snap(last_job=0), U),  # neither counters nor history
        (snap(last_job=0, impressions=0), snap(last_job=0, impressions=0), N),
        (snap(boot="", impressions=10), snap(boot="1000", impressions=10), U),
    ],
)
def test_a_job_that_is_not_listed(before: Snapshot, after: Snapshot, outcome: Outcome) -> None:
    assert decide_unlisted(before, after, NOTHING).outcome is outcome


def test_the_reason_given_is_kept_and_the_form_is_in_the_tray() -> None:
    why = Why("ocupada", "busy")
    result = decide_unlisted(IDLE, IDLE, why)
    assert (result.reason_es, result.reason_en, result.blank_at) == ("ocupada", "busy", "hopper")


def test_a_refusal_is_proof_enough_for_a_printer_without_history() -> None:
    empty, why = snap(last_job=0), Why("no admite dos caras", "cannot do two sides")
    assert decide_unlisted(empty, empty, why, refused=True).outcome is N
    doubtful = decide_unlisted(empty, empty, why)
    assert doubtful.outcome is U
    assert doubtful.reason_es.startswith("no admite dos caras La impresora ya no conoce")


def test_only_an_earlier_empty_attempt_is_settled() -> None:
    assert view(JobState.CANCELED, 0, job_id=3).settled(IDLE)
    assert not view(JobState.CANCELED, 0, job_id=4).settled(IDLE)
    assert not view(JobState.COMPLETED, 2, job_id=3).settled(IDLE)
    assert not view(JobState.CANCELED, -1, job_id=3).settled(IDLE)


def test_a_job_group_without_a_known_state_is_refused() -> None:
    for state in (None, 2, 10):
        values = () if state is None else (attribute("job-state", Tag.ENUM, state),)
        with pytest.raises(DeviceError, match="firmware"):
            JobView.of(Group(Tag.JOB, values))
    group = Group(
        Tag.JOB,
        (
            attribute("job-state", Tag.ENUM, 5),
            attribute("time-at-processing", Tag.NO_VALUE, None),
        ),
    )
    assert JobView.of(group).begun is False
    assert JobView.of(Group(Tag.JOB, group.attributes[:1])).begun is True


def test_boot_marks() -> None:
    assert same_boot("", "")
    assert same_boot("100", "98")
    assert not same_boot("100", "97")


def test_reasons_become_conditions_with_remedies() -> None:
    found = conditions_of(
        ["none", "media-empty-error", "media-needed", "media-jam-warning", "toner-low-report"]
    )
    assert [(c.code, c.severity) for c in found] == [
        ("hopper_empty", Severity.ATTENTION),
        ("jam", Severity.FAULT),
        ("toner_low", Severity.INFO),
    ]
    assert all(":" in c.es or c.severity is Severity.INFO for c in found)
    (strange,) = conditions_of(["opc-life-over-error"])
    assert (strange.code, strange.severity) == ("opc_life_over", Severity.ATTENTION)
    assert "opc-life-over" in strange.es
    assert conditions_of(["none"]) == ()


def test_supplies_leave_out_what_is_unknown() -> None:
    found = supplies_of(["negro", "tambor"], [40, -2])
    assert found == (Supply("TONER", "negro", 100, 40),)


@pytest.mark.parametrize("url", ["http://127.0.0.1/ipp", "ipp:///ipp/print", "papel"])
def test_a_wrong_url_names_the_right_form(url: str) -> None:
    with pytest.raises(ValueError, match="ipp://HOST:PORT/ipp/print"):
        PaperPrinter(DeviceConfig("papel-1", "ipp", url))
