"""Policy: which verdict wins, how old lists may be, and what is shown with it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.vectors import house
from tests.vectors.house import AT, ENTRIES, STATUS_URI
from verifier.claims import StatusRef
from verifier.errors import VerificationError
from verifier.statuslist import Status, StatusList, parse_status_list
from verifier.trust import Trust
from verifier.verdict import State
from verifier.verify import open_sealed, verify

GOOD = house.qr(house.claims())


def _expired(status: Status) -> str:
    ref = StatusRef(ENTRIES[status], STATUS_URI)
    return house.qr(house.claims(expires_at=AT - timedelta(days=1), status=ref))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.VALID, State.EXPIRED),
        (Status.VOID, State.VOID),
        (Status.SUSPENDED, State.SUSPENDED),
        (Status.REPLACED, State.REPLACED),
    ],
)
def test_what_the_list_says_weighs_more_than_expiry(status: Status, state: State) -> None:
    assert verify(_expired(status), house.trust(), at=AT).state is state


def test_expired_without_its_list_is_expired() -> None:
    """Lists go when all their documents have ended."""
    assert verify(_expired(Status.VALID), Trust(house.trust_list()), at=AT).state is State.EXPIRED


def test_expiry_is_the_first_moment_it_no_longer_holds() -> None:
    text = house.qr(house.claims(expires_at=AT))
    assert verify(text, house.trust(), at=AT - timedelta(seconds=1)).state is State.VALID
    assert verify(text, house.trust(), at=AT).state is State.EXPIRED


@pytest.mark.parametrize("lists", [[], [StatusList.empty(STATUS_URI, 100)]])
def test_never_valid_without_the_entry(lists: list[StatusList]) -> None:
    verdict = verify(GOOD, Trust(house.trust_list(), lists), at=AT)
    assert verdict.state is State.UNCHECKED
    assert not verdict.valid
    assert verdict.claims is not None  # the signature was good
    assert "status list" in verdict.en


def _dated(**fields: Any) -> Trust:
    trust_list = house.trust_list(**fields)
    return Trust(trust_list, [parse_status_list(house.signed_status_list(), trust_list)])


def test_age_of_the_lists() -> None:
    trust = _dated()
    fresh = verify(GOOD, trust, at=AT)
    assert fresh.state is State.VALID
    assert (fresh.status_age, fresh.trust_age) == (timedelta(hours=2), timedelta(days=1))
    assert verify(GOOD, trust, at=AT + timedelta(days=1)).state is State.VALID
    old = verify(GOOD, trust, at=AT + timedelta(days=1, seconds=1))  # past the list's exp
    assert old.state is State.VALID_LISTS_OLD
    assert not old.valid
    assert "2026-06-14" in old.es
    assert "2026-06-14" in old.en


def test_an_old_trust_list_is_old_too() -> None:
    trust = house.trust(next_update=AT - timedelta(minutes=1))
    assert verify(GOOD, trust, at=AT).state is State.VALID_LISTS_OLD


def test_callers_may_want_younger_lists() -> None:
    trust = _dated(issued_at=AT - timedelta(hours=1))
    for hours, state in ((3, State.VALID), (1, State.VALID_LISTS_OLD)):
        found = verify(GOOD, trust, at=AT, max_list_age=timedelta(hours=hours))
        assert found.state is state


def test_an_old_list_still_voids() -> None:
    text = house.qr(house.claims(status=StatusRef(ENTRIES[Status.VOID], STATUS_URI)))
    assert verify(text, _dated(), at=AT + timedelta(days=300)).state is State.VOID


def test_a_live_list_changes_the_answer_at_once() -> None:
    live = house.status_list()
    trust = Trust(house.trust_list(), [live])
    assert verify(GOOD, trust, at=AT).valid
    live.set(ENTRIES[Status.VALID], Status.REPLACED)
    assert verify(GOOD, trust, at=AT).state is State.REPLACED


def test_open_sealed_asks_no_list() -> None:
    opened = open_sealed(GOOD, Trust(house.trust_list()), AT)
    assert opened.claims == house.claims()
    assert (opened.usage, opened.kid) == ("LIC", house.kid(house.LIC))
    old = house.qr(house.claims(expires_at=AT - timedelta(days=1)))
    assert open_sealed(old, Trust(house.trust_list()), AT).claims.expires_at is not None


def test_revoking_a_key_takes_back_what_it_signed() -> None:
    entries = tuple(replace(e, revoked=e.usage == "LIC") for e in house.trust_list().entries)
    verdict = verify(GOOD, house.trust(entries=entries), at=AT)
    assert (verdict.state, verdict.reason) == (State.ISSUER_UNKNOWN, "signer_revoked")
    assert verdict.claims is None


def test_a_naive_time_is_the_callers_error() -> None:
    for call in (verify, open_sealed):
        with pytest.raises(VerificationError) as caught:
            call(GOOD, house.trust(), at=datetime(2026, 6, 15))  # noqa: DTZ001
        assert caught.value.code == "call"


def test_text_files_and_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "qr.txt"
    path.write_text(GOOD + "\n")
    for source in (GOOD, GOOD + "\r\n", GOOD.encode(), path):
        assert verify(source, house.trust(), at=AT).valid
    for source in (tmp_path / "none.txt", tmp_path, b"", b"\x00\xff"):
        assert verify(source, house.trust(), at=AT).state is State.UNREADABLE


def test_json_holds_no_personal_data_unless_asked() -> None:
    verdict = verify(GOOD, house.trust(), at=AT)
    plain = json.dumps(verdict.to_json(), ensure_ascii=False)
    claims = house.claims()
    for secret in (claims.full_name, claims.person_id, claims.national.document_number):
        assert secret not in plain
        assert secret in json.dumps(verdict.to_json(claims=True), ensure_ascii=False)


def test_every_state_and_error_speaks_both_languages() -> None:
    from verifier.verdict import Verdict

    for state in State:
        verdict = Verdict(state, state.value, AT)
        if state is not State.UNCHECKED:  # always with a reason of its own
            assert verdict.es != verdict.en
    for reason in ("no_list", "not_in_list"):
        assert "lista" in Verdict(State.UNCHECKED, reason, AT).es
