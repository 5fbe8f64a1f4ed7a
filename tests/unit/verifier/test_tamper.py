"""Never valid: every character of a good text, changed; and anything else somebody may show."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vectors import house
from tests.vectors.house import AT
from verifier import base45, sealing
from verifier.errors import VerificationError
from verifier.verdict import State
from verifier.verify import open_sealed, verify

from .fuzz import FUZZ

TRUST = house.trust()
GOOD = house.qr(house.claims())
COSE = sealing.from_qr_text(GOOD)
ALPHABET = base45.ALPHABET
HARMLESS = {State.ALTERED, State.UNREADABLE, State.NOT_OURS, State.ISSUER_UNKNOWN}


def _changed(at: int, step: int) -> str:
    other = ALPHABET[(ALPHABET.index(GOOD[at]) + step) % 45]
    return GOOD[:at] + other + GOOD[at + 1 :]


@pytest.mark.parametrize("step", [1, 7, 22, 32, 44])
def test_no_changed_character_is_valid(step: int) -> None:
    for at in range(len(GOOD)):
        verdict = verify(_changed(at, step), TRUST, at=AT)
        assert verdict.state in HARMLESS, (at, step)
        assert verdict.claims is None


@pytest.mark.long
def test_no_change_at_all_is_valid() -> None:
    for at in range(len(GOOD)):
        for step in range(1, 45):
            assert verify(_changed(at, step), TRUST, at=AT).state in HARMLESS, (at, step)


def test_no_changed_byte_of_the_seal_is_valid() -> None:
    """Past the checksum, which an attacker makes anew: now the signature must hold."""
    for at in range(len(COSE)):
        for flip in (1, 0x80):
            other = COSE[:at] + bytes((COSE[at] ^ flip,)) + COSE[at + 1 :]
            verdict = verify(sealing.to_qr_text(other), TRUST, at=AT)
            assert verdict.state in HARMLESS, (at, flip)


def test_no_cut_is_valid() -> None:
    for size in range(len(GOOD)):
        assert verify(GOOD[:size], TRUST, at=AT).state in HARMLESS
    for extra in ("0", "00", "000", GOOD):
        assert verify(GOOD + extra, TRUST, at=AT).state in HARMLESS


def test_the_good_one_is_good() -> None:
    """Guards the tests above: it is the change that made them fail."""
    assert verify(GOOD, TRUST, at=AT).state is State.VALID


@FUZZ
@given(st.text(max_size=200) | st.text(ALPHABET, max_size=200) | st.binary(max_size=200))
def test_fuzz_raises_nothing(source: str | bytes) -> None:
    assert not verify(source, TRUST, at=AT).valid


@FUZZ
@given(st.binary(max_size=300))
def test_fuzz_behind_the_compression(data: bytes) -> None:
    assert not verify(sealing.to_qr_text(data), TRUST, at=AT).valid


@FUZZ
@given(st.binary(max_size=200))
def test_fuzz_behind_a_good_signature(payload: bytes) -> None:
    assert not verify(sealing.to_qr_text(house.seal(payload)), TRUST, at=AT).valid


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(COSE) - 1))
def test_fuzz_spliced_seals(data: bytes, at: int) -> None:
    spliced = COSE[:at] + data + COSE[at + len(data) :]
    if spliced != COSE:
        assert not verify(sealing.to_qr_text(spliced), TRUST, at=AT).valid


@FUZZ
@given(st.text(ALPHABET, max_size=60))
def test_open_sealed_raises_one_exception(text: str) -> None:
    with pytest.raises(VerificationError):
        open_sealed(text, TRUST, AT)
