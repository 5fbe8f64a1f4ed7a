"""The judge of outcomes: what is not proven is UNDETERMINED."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.codecs.evolis_status import Error, Laminator, Status, Warn
from printers.evolis.conditions import _TABLE, conditions
from printers.evolis.evidence import decide
from printers.evolis.settings import Settings
from printers.ports import Condition, Outcome, Severity, Snapshot

COUNTERS = {"inserted": 10, "panels": 100, "completed": 9, "rejected": 1}
BEFORE = Snapshot("p1", "evolis-primacy2", "SN1", COUNTERS, boot="3")
JAM = Condition("jam", Severity.FAULT, "Atasco", "Jam")
RESTARTED = Condition("restarted", Severity.INFO, "Reinicio", "Restart")


def after(**moved: int) -> Snapshot:
    counters = {name: count + moved.get(name, 0) for name, count in COUNTERS.items()}
    return replace(BEFORE, counters=counters)


PRINTED = after(inserted=1, panels=10, completed=1)
CASES = {
    "untouched": (after(), Outcome.NOT_PRINTED, "hopper"),
    "printed": (PRINTED, Outcome.PRINTED, "tray"),
    "printed, then switched off": (replace(PRINTED, boot="4"), Outcome.PRINTED, "tray"),
    "untouched, but restarted": (replace(after(), boot="4"), Outcome.UNDETERMINED, "unknown"),
    "inside": (replace(after(inserted=1), position="inside"), Outcome.UNDETERMINED, "inside"),
    "inside, never counted": (replace(after(), position="inside"), Outcome.UNDETERMINED, "inside"),
    "position unknown": (replace(after(), position="unknown"), Outcome.UNDETERMINED, "inside"),
    "busy": (replace(PRINTED, busy=True), Outcome.UNDETERMINED, "inside"),
    "rejected": (after(inserted=1, panels=4, rejected=1), Outcome.UNDETERMINED, "rejected"),
    "inserted and gone": (after(inserted=1), Outcome.UNDETERMINED, "unknown"),
    "two cards": (after(inserted=2, completed=2), Outcome.UNDETERMINED, "unknown"),
    "completed without insertion": (after(completed=1), Outcome.UNDETERMINED, "unknown"),
    "printed with an error flag": (
        replace(PRINTED, conditions=(JAM,)),
        Outcome.UNDETERMINED,
        "unknown",
    ),
    "another machine": (replace(after(), serial="SN2"), Outcome.UNDETERMINED, "unknown"),
    "counters went back": (after(inserted=-1), Outcome.UNDETERMINED, "unknown"),
    "no counters": (replace(BEFORE, counters={}), Outcome.UNDETERMINED, "unknown"),
}


@pytest.mark.parametrize("name", CASES)
def test_evidence(name: str) -> None:
    snapshot, outcome, blank_at = CASES[name]
    result = decide(BEFORE, snapshot)
    assert (result.outcome, result.blank_at) == (outcome, blank_at)
    if outcome is Outcome.UNDETERMINED:
        assert result.reason_es
        assert result.reason_en


def test_without_a_completed_counter_only_a_watched_job_is_printed() -> None:
    known = {"inserted": 10, "panels": 100}
    before = replace(BEFORE, counters=known)
    moved = replace(BEFORE, counters={"inserted": 11, "panels": 110})
    assert decide(before, moved).outcome is Outcome.UNDETERMINED
    assert decide(before, moved, watched=True).outcome is Outcome.PRINTED
    assert decide(before, replace(moved, boot="4"), watched=True).outcome is Outcome.UNDETERMINED


def test_without_a_boot_mark_a_restart_seen_now_spoils_the_proof() -> None:
    before = replace(BEFORE, boot="", conditions=(RESTARTED,))
    assert decide(before, replace(BEFORE, boot="")).outcome is Outcome.NOT_PRINTED
    assert decide(before, before).outcome is Outcome.UNDETERMINED


@given(
    st.fixed_dictionaries({name: st.integers(-1, 3) for name in COUNTERS}),
    st.sampled_from(["none", "inside", "unknown"]),
    st.booleans(),
    st.booleans(),
)
def test_certainty_is_never_claimed_lightly(
    moved: dict[str, int], position: str, busy: bool, fault: bool
) -> None:
    conditions = (JAM,) if fault else ()
    found = replace(after(**moved), position=position, busy=busy, conditions=conditions)
    outcome = decide(BEFORE, found).outcome
    if outcome is Outcome.PRINTED:
        assert (moved["inserted"], moved["completed"], fault) == (1, 1, False)
    if outcome is Outcome.NOT_PRINTED:
        assert not any(moved.values())
    if outcome is not Outcome.UNDETERMINED:
        assert (position, busy) == ("none", False)


def test_conditions_have_words_remedies_and_order() -> None:
    status = Status(
        warning=Warn.COVER_OPEN | Warn.FEEDER_EMPTY,
        error=Error.MECHANICAL,
        laminator=Laminator.LAMINATE_ENDED,
    )
    assert [item.code for item in conditions(status)] == [
        "jam",
        "cover_open",
        "hopper_empty",
        "laminate_ended",
    ]
    for _, condition in _TABLE:
        assert condition.es.endswith(".")
        assert condition.en.endswith(".")


def test_every_error_flag_is_a_fault_even_one_without_a_name() -> None:
    for flag in (*Error, Error(0x00000001), Error(0x40000000)):
        assert conditions(Status(error=flag))[0].severity is Severity.FAULT
    for flag in (Laminator.ERR_COVER_OPEN, Laminator.ERR_TEMPERATURE):
        assert conditions(Status(laminator=flag))[0].severity is Severity.FAULT


def test_settings_are_typed() -> None:
    found = Settings.from_options("p1", {"poll_s": "0.5", "connect_attempts": "2"})
    assert (found.poll_s, found.connect_attempts) == (0.5, 2)
    with pytest.raises(ValueError, match="known: backoff_s"):
        Settings.from_options("p1", {"pol_s": "1"})
    with pytest.raises(ValueError, match="positive number"):
        Settings.from_options("p1", {"poll_s": "-1"})
