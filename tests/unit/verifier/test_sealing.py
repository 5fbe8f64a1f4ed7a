"""The frame and its text: third parties read it, and nobody can spell one seal twice."""

import os
import zlib

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.vectors import house
from verifier import base45, sealing
from verifier.claims import encode_claims
from verifier.errors import VerificationError

from .fuzz import FUZZ


@FUZZ
@given(st.binary(max_size=300))
def test_frame_is_what_a_cbor_library_writes(payload: bytes) -> None:
    protected = sealing.protected_header(b"12345678")
    mine = sealing.assemble(protected, payload, bytes(64))
    assert mine == cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, bytes(64)]))
    found = sealing.split(mine)
    assert (found.protected, found.payload, found.kid) == (protected, payload, b"12345678")
    assert found.signed == cbor2.dumps(["Signature1", protected, b"", payload])
    assert found.signed == sealing.to_be_signed(protected, payload)


@pytest.mark.parametrize("size", [0, 23, 24, 255, 256, 65535, 65536])
def test_every_form_of_length(size: int) -> None:
    payload = os.urandom(size)
    protected = sealing.protected_header(b"12345678", {16: "application/statuslist+cwt"})
    cose = sealing.assemble(protected, payload, bytes(64))
    assert cose == cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, bytes(64)]))
    assert sealing.split(cose).payload == payload
    assert sealing.split(cose).types == {16: "application/statuslist+cwt"}


@FUZZ
@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
def test_der_both_ways(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert sealing.signature_to_der(raw) == encode_dss_signature(r, s)
    assert sealing.signature_to_raw(encode_dss_signature(r, s)) == raw


def test_der_of_small_numbers() -> None:
    for r, s in ((1, 2**255), (127, 128), (2**248, 1), (0, 0)):
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        assert sealing.signature_to_der(raw) == encode_dss_signature(r, s)


@FUZZ
@given(st.one_of(st.binary(max_size=600), st.binary(min_size=1, max_size=8).map(lambda b: b * 60)))
def test_text_round_trip_in_one_fixed_block(data: bytes) -> None:
    text = sealing.to_qr_text(data)
    packed = base45.decode(text)
    assert zlib.decompress(packed) == data  # any inflate reads it
    assert packed[2] & 7 == 0b011  # final block, fixed Huffman: never stored (facts)
    assert sealing.from_qr_text(text) == data


def test_what_does_not_compress_is_not_stored() -> None:
    """zlib stores it even under Z_FIXED, and another decoder crashes on that."""
    data = os.urandom(800)
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FIXED)
    assert (packer.compress(data) + packer.flush())[2] & 6 == 0  # zlib's choice: a stored block
    packed = base45.decode(sealing.to_qr_text(data))
    assert packed[2] & 7 == 0b011
    assert len(packed) < 870


def test_refuses_to_make_what_it_would_not_read() -> None:
    with pytest.raises(VerificationError):
        sealing.protected_header(b"short")
    with pytest.raises(VerificationError):
        sealing.protected_header(b"12345678", {2: "x"})
    with pytest.raises(VerificationError):
        sealing.assemble(b"", b"", b"short")
    with pytest.raises(VerificationError):
        sealing.signature_to_raw(b"not DER")
    with pytest.raises(VerificationError) as caught:
        sealing.to_qr_text(os.urandom(3000))
    assert caught.value.code == "too_large"


def test_size_of_a_licence_stays_printable() -> None:
    """22 mm at 300 dpi and 3 pixels a module hold version 15 (facts): 535 characters at level M."""
    text = house.qr(house.claims())
    assert len(text) < 535
    assert len(encode_claims(house.claims())) < 300


@FUZZ
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\xd2\x84", b"\xd2\x84\x4e\xa2\x01\x26\x04\x48"]),
)
def test_split_raises_one_exception(data: bytes, start: bytes) -> None:
    with pytest.raises(VerificationError, match="not_cose"):
        sealing.split(start + data)  # no signature of 64 bytes stands at its end by chance
