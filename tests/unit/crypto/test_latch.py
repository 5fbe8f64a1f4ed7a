"""The latch survives, keeps its first reason, and fails closed."""

from __future__ import annotations

import stat
from pathlib import Path

from crypto.latch import UNANSWERED_LIMIT, LatchBook


def test_a_latch_survives_and_is_cleared_by_hand(tmp_path: Path) -> None:
    LatchBook(tmp_path / "state").set("hsm-a", "PinIncorrect")
    book = LatchBook(tmp_path / "state")
    latch = book.read("hsm-a")
    assert latch is not None
    assert latch.code == "PinIncorrect"
    assert "PinIncorrect" in latch.remedy
    assert book.read("hsm-b") is None
    assert book.clear("hsm-a")
    assert book.read("hsm-a") is None
    assert not book.clear("hsm-a")


def test_the_first_reason_is_kept(tmp_path: Path) -> None:
    book = LatchBook(tmp_path)
    first = book.set("hsm-a", "PinLocked")
    assert book.set("hsm-a", "PIN refused") == first


def test_what_cannot_be_read_is_a_latch(tmp_path: Path) -> None:
    for content in ("", "{", "[]", "{}"):
        (tmp_path / "hsm-a.latch").write_text(content)
        assert LatchBook(tmp_path).read("hsm-a") is not None
    (tmp_path / "hsm-a.login").write_text("?")
    assert LatchBook(tmp_path).unanswered("hsm-a") == UNANSWERED_LIMIT


def test_logins_are_counted_until_the_token_answers(tmp_path: Path) -> None:
    book = LatchBook(tmp_path)
    book.login_begins("hsm-a")
    book.login_begins("hsm-a")
    assert LatchBook(tmp_path).unanswered("hsm-a") == 2
    book.login_answered("hsm-a")
    assert book.unanswered("hsm-a") == 0


def test_files_are_for_the_service_alone(tmp_path: Path) -> None:
    book = LatchBook(tmp_path / "state")
    book.set("hsm-a", "PinIncorrect")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert [stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "state").iterdir()] == [0o600]
