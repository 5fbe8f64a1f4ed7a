"""Two-bit lists: the draft's own packing, signatures, bounds."""

import zlib
from datetime import timedelta

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import house
from tests.vectors.house import AT, STATUS_URI
from verifier import sealing
from verifier.errors import VerificationError
from verifier.statuslist import (
    MAX_LIST_BYTES,
    STATUS_LIST_TYPE,
    Status,
    StatusList,
    encode_status_claims,
    list_id,
    parse_status_list,
)
from verifier.trust import Trust

from .fuzz import FUZZ

TRUST_LIST = house.trust_list()


def test_packing_of_the_draft() -> None:
    """draft-ietf-oauth-status-list section 4.1, its example of two bits."""
    values = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    found = StatusList.empty(STATUS_URI, 12)
    for index, value in enumerate(values):
        found.set(index, Status(value))
    assert found.bits == bytearray.fromhex("c944f9")
    assert zlib.decompress(found.compressed()) == bytes.fromhex("c944f9")
    assert [found.get(i) for i in range(12)] == values


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 63), st.sampled_from(list(Status))), max_size=80))
def test_set_changes_one_entry(changes: list[tuple[int, Status]]) -> None:
    found, wanted = StatusList.empty(STATUS_URI, 64), [Status.VALID] * 64
    for index, status in changes:
        found.set(index, status)
        wanted[index] = status
    assert [found.get(i) for i in range(64)] == wanted


@pytest.mark.parametrize("index", [-1, 64, 2**40])
def test_outside_is_an_error_and_never_valid(index: int) -> None:
    found = StatusList.empty(STATUS_URI, 64)
    with pytest.raises(VerificationError) as caught:
        found.get(index)
    assert caught.value.code == "status_index"
    with pytest.raises(VerificationError):
        found.set(index, Status.VOID)


@pytest.mark.parametrize("size", [0, -4, 3, 6])
def test_sizes_that_would_leave_unassigned_entries(size: int) -> None:
    with pytest.raises(VerificationError):
        StatusList.empty(STATUS_URI, size)


def test_list_ids_are_file_names() -> None:
    assert list_id("urn:fedatario:SEGIP:status:2026-01") == "2026-01"
    assert list_id("https://example.org/status/a.b_c") == "a.b_c"
    for uri in ("", "urn:", "https://example.org/..", "urn:x:a b", "urn:x:a\n", "urn:x:../etc"):
        if uri == "urn:x:../etc":
            assert list_id(uri) == "etc"
            continue
        with pytest.raises(VerificationError):
            list_id(uri)


def test_signed_form() -> None:
    cose = house.signed_status_list()
    found = parse_status_list(cose, TRUST_LIST)
    assert found.bits == house.status_list().bits
    assert (found.uri, found.issued_at) == (STATUS_URI, AT - timedelta(hours=2))
    payload = cbor2.loads(sealing.split(cose).payload)
    assert set(payload) == {2, 4, 6, 65533, 65534}
    assert payload[65533]["bits"] == 2
    assert sealing.split(cose).types == {16: "application/statuslist+cwt"}


def test_only_a_status_key_signs_it_at_its_date() -> None:
    late = AT - timedelta(days=365)
    cases = [
        (house.signed_status_list(name=house.LIC), "usage_mismatch"),
        (house.signed_status_list(name="stranger"), "issuer_unknown"),
        (house.signed_status_list(typ="application/other"), "status_list"),
        (house.signed_status_list(issued_at=late), "signer_window"),
        (house.seal(b"\xa0", house.STATUS, {16: STATUS_LIST_TYPE}), "status_list"),
    ]
    for cose, code in cases:
        with pytest.raises(VerificationError) as caught:
            parse_status_list(cose, TRUST_LIST)
        assert caught.value.code == code
    cose = house.signed_status_list()
    with pytest.raises(VerificationError) as caught:
        parse_status_list(cose[:-1] + bytes((cose[-1] ^ 1,)), TRUST_LIST)
    assert caught.value.code == "altered"


def _with_list(body: object) -> bytes:
    payload = {2: STATUS_URI, 4: 1781700000, 6: 1781520000, 65533: body}
    return house.seal(cbor2.dumps(payload), house.STATUS, {16: STATUS_LIST_TYPE})


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"bits": 1, "lst": zlib.compress(b"\0")},
        {"bits": 2},
        {"bits": 2, "lst": "text"},
        {"bits": 2, "lst": b"garbage"},
        {"bits": 2, "lst": zlib.compress(b"")},
        {"bits": 2, "lst": zlib.compress(b"\0\0")[:-1]},
        {"bits": 2, "lst": zlib.compress(b"\0\0") + b"x"},
        {"bits": 2, "lst": zlib.compress(bytes(MAX_LIST_BYTES + 1))},
    ],
)
def test_malformed_lists_and_bombs(body: object) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_status_list(_with_list(body), TRUST_LIST)
    assert caught.value.code == "status_list"


def test_dates_of_a_list_are_checked_before_it_is_signed() -> None:
    for issued, expires in ((AT, AT), (AT.replace(tzinfo=None), AT)):
        with pytest.raises(VerificationError):
            encode_status_claims(house.status_list(), issued, expires)


def test_replacing_a_list_only_goes_forward() -> None:
    old = parse_status_list(house.signed_status_list(issued_at=AT - timedelta(days=1)), TRUST_LIST)
    new = parse_status_list(house.signed_status_list(), TRUST_LIST)
    trust = Trust(TRUST_LIST, [old])
    trust.replace_status_list(new)
    assert trust.status_list(STATUS_URI) is new
    with pytest.raises(VerificationError) as caught:
        trust.replace_status_list(old)
    assert caught.value.code == "rollback"
    assert trust.status_list(STATUS_URI) is new
