"""What the embedded HSM cannot show: locked PINs, and which mechanism is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pkcs11 import Mechanism, Token
from pkcs11 import exceptions as p11

from crypto import session
from crypto.latch import LatchBook
from crypto.session import OpenError


class FakeKey:
    def __init__(self, answer: bytes = bytes(64)) -> None:
        self.calls: list[tuple[bytes, dict[str, Any]]] = []
        self._answer = answer

    def sign(self, data: bytes, **options: Any) -> bytes:
        self.calls.append((data, options))
        return self._answer


@pytest.mark.parametrize("length", [0, 20, 31, 33, 48, 64])
def test_only_32_bytes_reach_the_hsm(length: int) -> None:
    """CKM_ECDSA signs 33 bytes without complaint (facts: HSM, trap 3)."""
    key = FakeKey()
    with pytest.raises(ValueError, match="exactly 32"):
        session.sign_digest(key, bytes(length))
    assert key.calls == []


def test_the_mechanism_is_named() -> None:
    key = FakeKey()
    session.sign_digest(key, bytes(32))
    assert key.calls[0][1]["mechanism"] is Mechanism.ECDSA


def test_a_signature_of_another_length_is_the_hsms_failure() -> None:
    with pytest.raises(p11.DeviceError):
        session.sign_digest(FakeKey(bytes(70)), bytes(32))


class FakeToken:
    def __init__(self, error: type[p11.PKCS11Error] | None) -> None:
        self.logins = 0
        self._error = error

    def open(self, **options: Any) -> object:
        self.logins += 1
        if self._error:
            raise self._error
        return object()


def log_in(token: FakeToken, book: LatchBook) -> object:
    return session.login(cast(Token, token), "123456", "hsm-a", book)


@pytest.mark.parametrize("error", session.PIN_TROUBLE)
def test_pin_trouble_latches_at_the_first_attempt(
    tmp_path: Path, error: type[p11.PKCS11Error]
) -> None:
    """SoftHSM never locks (facts: HSM, trap 7), so the answers are made here."""
    token, book = FakeToken(error), LatchBook(tmp_path)
    for code in ("pin", "latched", "latched"):
        with pytest.raises(OpenError) as raised:
            log_in(token, LatchBook(tmp_path))
        assert raised.value.code == code
        assert "123456" not in str(raised.value)
    assert token.logins == 1
    latch = book.read("hsm-a")
    assert latch is not None
    assert latch.code == error.__name__


def test_other_trouble_does_not_latch(tmp_path: Path) -> None:
    token, book = FakeToken(p11.DeviceError), LatchBook(tmp_path)
    for _ in range(5):
        with pytest.raises(OpenError, match="DeviceError"):
            log_in(token, book)
    assert book.read("hsm-a") is None
    assert token.logins == 5


def test_the_login_is_counted_before_it_is_made(tmp_path: Path) -> None:
    book = LatchBook(tmp_path)

    class Hangs(FakeToken):
        def open(self, **options: Any) -> object:
            assert book.unanswered("hsm-a") == 1
            return super().open(**options)

    log_in(Hangs(None), book)
    assert book.unanswered("hsm-a") == 0
