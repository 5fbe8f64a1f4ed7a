"""RFC 9285: its own examples, and every way a text can fail to be Base45."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier import base45
from verifier.errors import VerificationError

from .fuzz import FUZZ

# RFC 9285 sections 4.3 and 4.4.
RFC = [
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
]


@pytest.mark.parametrize(("data", "text"), RFC)
def test_examples_of_the_rfc(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@FUZZ
@given(st.binary(max_size=400))
def test_round_trip(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


def test_extremes_of_every_group() -> None:
    for data in (b"", b"\0", b"\xff", b"\0\0", b"\xff\xff", b"\xff\xff\xff", bytes(65)):
        assert base45.decode(base45.encode(data)) == data


@pytest.mark.parametrize(
    "text",
    ["A", "ABCD", "GGW", "::", ":::", "AB\u00d1", "abc", "AB8\n", "\x00AB", "BB8GGW", "GGWBB8"],
)
def test_refuses_what_no_encoder_makes(text: str) -> None:
    # "GGW" is 65536, one more than two bytes hold (RFC 9285 section 4.3).
    with pytest.raises(VerificationError) as caught:
        base45.decode(text)
    assert caught.value.code == "not_base45"


def test_largest_group_that_fits() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"
