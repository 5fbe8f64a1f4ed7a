"""Claims: round trips, what encoding refuses, and what a hostile payload may cost."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import house
from verifier.claims import StatusRef, decode_claims, encode_claims, payload_usage
from verifier.errors import VerificationError
from verifier.statuslist import encode_status_claims

from .fuzz import FUZZ

TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=60)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**63) | st.binary(max_size=8) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(
    TEXT,
    DAYS,
    st.none() | TEXT.filter(lambda t: len(t) <= 40),
    st.dictionaries(st.integers(7, 400), PLAIN, max_size=3),
    st.dictionaries(st.integers(100, 400), PLAIN, max_size=2),
    st.integers(0, 2**32 - 1),
)
def test_round_trip(
    name: str, born: date, serial: str | None, extra: Any, other: Any, index: int
) -> None:
    claims = house.claims(
        full_name=name,
        birth_date=born,
        other=other,
        national=house.national(blank_serial=serial, extra=extra),
        status=StatusRef(index, house.STATUS_URI),
    )
    encoded = encode_claims(claims)
    assert decode_claims(encoded) == claims
    assert encode_claims(decode_claims(encoded)) == encoded


def test_keys_stand_where_the_format_says() -> None:
    payload = cbor2.loads(encode_claims(house.claims(photo=b"x", photo_format=4)))
    assert payload[1] == "urn:fedatario:PRUEBA:LIC"
    assert payload[6] == int(house.claims().issued_at.timestamp())
    assert payload[65535] == {"status_list": {"idx": 100, "uri": house.STATUS_URI}}
    person = payload[169]
    assert (person[1], person[2], person[3]) == ("1234567-1A", "1.2", "spa")
    assert (person[8], person[9], person[13], person[23]) == ("19900228", 2, "BO", "BO")
    assert (person[16], person[17]) == (b"x", 4)
    assert person[75] == {
        1: "LIC",
        2: "LIC-0000123",
        3: "P00004711",
        4: "CHQ-01",
        5: {"B": [20260504, 20310504]},
        6: ["LENTES"],
    }


def test_what_is_absent_takes_no_key() -> None:
    bare = house.claims(
        expires_at=None,
        gender=None,
        nationality=None,
        country=None,
        national=house.national(blank_serial=None, office=None, categories={}, restrictions=()),
    )
    payload = cbor2.loads(encode_claims(bare))
    assert set(payload) == {1, 6, 169, 65535}
    assert set(payload[169]) == {1, 2, 3, 4, 8, 75}
    assert set(payload[169][75]) == {1, 2}
    assert decode_claims(encode_claims(bare)) == bare


def test_times_are_utc_and_whole_seconds() -> None:
    la_paz = timezone(timedelta(hours=-4))
    moment = datetime(2026, 5, 4, 10, 30, 0, 999_000, tzinfo=la_paz)
    found = decode_claims(encode_claims(house.claims(issued_at=moment)))
    assert found.issued_at == datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
    assert found.issued_at.tzinfo is UTC


@pytest.mark.parametrize(
    "fields",
    [
        {"issued_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"full_name": ""},
        {"full_name": "Ñ" * 201},
        {"photo": b"x"},
        {"gender": 0},
        {"authority": "no spaces"},
        {"other": {4: "clash"}},
        {"other": {100: 1.5}},
        {"status": StatusRef(-1, "urn:x:y")},
        {"national": house.national(document_type="lower")},
        {"national": house.national(extra={6: "clash"})},
        {"national": house.national(extra={7: object()})},
        {"national": house.national(restrictions=("",))},
    ],
)
def test_never_encodes_what_no_verifier_reads(fields: dict[str, Any]) -> None:
    with pytest.raises(VerificationError):
        encode_claims(house.claims(**fields))


HOSTILE = {
    "arrays": b"\x81" * 200_000,
    "tags": b"\xc1" * 200_000,
    "maps": b"\xa1\x01" * 100_000,
    "array-of-2^60": b"\x9b\x10" + bytes(7),
    "string-of-2^60": b"\x5b\x10" + bytes(7),
    "indefinite": b"\xbf" * 1000,
    "bignum": b"\xa1\x01\xc2\x5a\x00\x01\x00\x00" + b"\xff" * 65536,
    "decimal": b"\xa1\x01\xc4\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    "bigfloat": b"\xa1\x01\xc5\x82\x1a\x7f\xff\xff\xff\x03",
    "regex": b"\xa1\x01\xd8\x23\x61(",
    "shared-cycle": b"\xd8\x1c\xa1\x01\xd8\x1d\x00",
    "map-as-key": b"\xa1\xa0\x01",
    "nan-key": b"\xa1\xf9\x7e\x00\x01",
    "bad-utf-8": b"\xa1\x01\x62\xff\xff",
}


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_cbor_costs_little_and_raises_one_exception(payload: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(VerificationError) as caught:
        decode_claims(payload)
    assert caught.value.code == "claims"
    assert time.perf_counter() - started < 1.0


def test_a_hostile_payload_does_not_spoil_the_next() -> None:
    """The decoder is reused; one that failed inside a map key turns later lists into tuples."""
    good = encode_claims(house.claims())
    for payload in HOSTILE.values():
        with pytest.raises(VerificationError):
            decode_claims(payload)
        assert decode_claims(good) == house.claims()


def test_usage_of_a_payload() -> None:
    assert payload_usage(encode_claims(house.claims())) == "LIC"
    listed = encode_status_claims(house.status_list(), house.AT, house.AT + timedelta(days=1))
    assert payload_usage(listed) == "STATUS"
    both = {**cbor2.loads(listed), **cbor2.loads(encode_claims(house.claims()))}
    for wrong in (b"", b"\xa0", cbor2.dumps(both), cbor2.dumps({1: "urn:fedatario:A:LIC"})):
        with pytest.raises(VerificationError):
            payload_usage(wrong)
