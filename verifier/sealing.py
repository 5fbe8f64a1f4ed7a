"""The seal: COSE_Sign1 with ES256 (RFC 9052), and its text for the QR.

The frame is so small that it is read here byte by byte in the one form that our issuer writes
(shortest lengths, empty unprotected header): nothing unsigned reaches a CBOR library, and no
second spelling of one seal exists at this layer.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from . import base45
from .cbor import dumps
from .errors import VerificationError

ES256 = -7
ALGORITHM, CONTENT_TYPE, KEY_ID, TYPE = 1, 3, 4, 16  # RFC 9052 table 2; RFC 9596 for 16
KID_LENGTH = 8  # first 8 bytes of SHA-256 of the signer certificate (facts)
SIGNATURE_LENGTH = 64  # r‖s of P-256, RFC 9053 section 2.1
MAX_QR_TEXT = 4296  # alphanumeric capacity of QR version 40-L: no scanned text is longer
MAX_SEALED = 8192  # inflated bytes: three times what such a QR holds

_FRAME = b"\xd2\x84"  # tag 18, array of four
_SIG_STRUCTURE = b"\x84\x6aSignature1"
_END_OF_FRAME = b"\x58\x40"  # byte string of 64: the signature
_ZLIB_HEADER = b"\x78\x01"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A COSE_Sign1 taken apart; nothing in it is checked yet."""

    protected: bytes
    payload: bytes
    signature: bytes  # 64 bytes, r‖s
    kid: bytes  # 8 bytes
    types: Mapping[int, str]  # labels 3 (content type) and 16 (type), where present
    signed: bytes  # Sig_structure: the bytes that the signature covers


_NO_TYPES: Mapping[int, str] = MappingProxyType({})


def protected_header(kid: bytes, extra: Mapping[int, str] = _NO_TYPES) -> bytes:
    """The protected header: ES256, ``kid`` (8 bytes) and ``extra`` (labels 3 and 16, text).

    ``kid`` is protected because a seal without one is refused by other libraries (facts).
    Raises VerificationError "encode" for anything that :func:`split` would refuse.
    """
    if len(kid) != KID_LENGTH:
        raise _not_encodable(f"kid must have {KID_LENGTH} bytes, not {len(kid)}")
    for label, value in extra.items():
        if label not in (CONTENT_TYPE, TYPE) or type(value) is not str:
            raise _not_encodable(f"protected label {label}: only text in labels 3 and 16")
    return dumps({ALGORITHM: ES256, KEY_ID: kid, **extra})


def to_be_signed(protected: bytes, payload: bytes) -> bytes:
    """Sig_structure with an empty external_aad (RFC 9052 section 4.4): hash this, sign that."""
    return _SIG_STRUCTURE + _byte_string(protected) + b"\x40" + _byte_string(payload)


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The tagged COSE_Sign1. ``signature`` is r‖s, 64 bytes (what CKM_ECDSA gives)."""
    if len(signature) != SIGNATURE_LENGTH:
        raise _not_encodable("the signature must be r‖s in 64 bytes; see signature_to_raw")
    return (
        _FRAME
        + _byte_string(protected)
        + b"\xa0"
        + _byte_string(payload)
        + _END_OF_FRAME
        + signature
    )


def split(cose: bytes) -> Sealed:
    """Takes a COSE_Sign1 apart. Raises VerificationError "not_cose" for any other bytes."""
    try:
        if cose[:2] != _FRAME:
            raise _not_cose("tag")
        protected, at = _read_string(cose, 2, 0x40)
        if cose[at] != 0xA0:
            raise _not_cose("unprotected header")
        payload, end = _read_string(cose, at + 1, 0x40)
    except IndexError:
        raise _not_cose("length") from None
    if cose[end : end + 2] != _END_OF_FRAME or len(cose) != end + 2 + SIGNATURE_LENGTH:
        raise _not_cose("signature")
    kid, types, before = _read_protected(protected)
    # The payload's length and bytes stand in Sig_structure exactly as they stand here.
    signed = before + cose[at + 1 : end]
    return Sealed(protected, payload, cose[end + 2 :], kid, types, signed)


def to_qr_text(cose: bytes) -> str:
    """Text for the QR: zlib with the fixed Huffman code, then Base45; no prefix.

    Raises VerificationError "too_large" when no QR code can hold it.
    """
    text = base45.encode(_deflate(cose))
    if len(text) > MAX_QR_TEXT or len(cose) > MAX_SEALED:
        raise VerificationError(
            "too_large",
            "Los datos no caben en un QR: use una fotografía menor o menos campos.",
            f"{len(text)} characters do not fit a QR: use a smaller photo or fewer fields.",
        )
    return text


def from_qr_text(text: str) -> bytes:
    """The COSE_Sign1 bytes of a QR text (checked no further; see :func:`split`).

    Raises VerificationError: "not_base45" or "not_compressed" (not one of ours), "damaged" (ours
    by its beginning, but incomplete or with a wrong checksum).
    """
    if len(text) > MAX_QR_TEXT:
        raise VerificationError(
            "not_base45",
            "El texto es más largo que cualquier QR.",
            f"The text has {len(text)} characters; no QR holds more than {MAX_QR_TEXT}.",
        )
    return _inflate(base45.decode(text))


def signature_to_raw(der: bytes) -> bytes:
    """r‖s (64 bytes) of a P-256 signature in DER, as most libraries give it."""
    try:
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError):
        raise _not_encodable("not a DER signature of P-256") from None


def signature_to_der(raw: bytes) -> bytes:
    """DER of r‖s (64 bytes); by hand, because integers would cost twice the time."""
    r, s = raw[:32], raw[32:]
    if not r[0] or not s[0]:
        r, s = r.lstrip(b"\0") or b"\0", s.lstrip(b"\0") or b"\0"
    first, second = _DER_INTEGER[len(r)][r[0] >> 7], _DER_INTEGER[len(s)][s[0] >> 7]
    return b"\x30" + bytes((len(first) + len(second) + len(r) + len(s),)) + first + r + second + s


# What stands before a positive INTEGER of n bytes, without and with its highest bit set.
_DER_INTEGER = [(bytes((2, n)), bytes((2, n + 1, 0))) for n in range(33)]


def _byte_string(data: bytes) -> bytes:
    """A CBOR byte string with its shortest length."""
    size = len(data)
    if size < 24:
        return bytes((0x40 | size,)) + data
    if size < 0x100:
        return b"\x58" + bytes((size,)) + data
    if size < 0x10000:
        return b"\x59" + size.to_bytes(2, "big") + data
    return b"\x5a" + size.to_bytes(4, "big") + data


def _read_string(data: bytes, at: int, major: int) -> tuple[bytes, int]:
    """A string of CBOR major type ``major`` (its high bits) at ``at``, and where it ends."""
    short = data[at] - major
    if 0 <= short < 24:
        size, start = short, at + 1
    elif 24 <= short <= 26:
        start = at + 1 + (1 << (short - 24))
        size = int.from_bytes(data[at + 1 : start], "big")
        if size < (24, 0x100, 0x10000)[short - 24]:
            raise _not_cose("length")
    else:
        raise _not_cose("string")
    end = start + size
    if end > len(data):
        raise _not_cose("length")
    return data[start:end], end


@lru_cache(maxsize=256)
def _read_protected(protected: bytes) -> tuple[bytes, Mapping[int, str], bytes]:
    """``kid``, text labels, and what Sig_structure has before the payload; a key has few headers.

    Labels we do not know are refused, so that a critical one (label 2) cannot be overlooked.
    """
    kid: bytes | None = None
    types: dict[int, str] = {}
    try:
        at, last = 3, ALGORITHM
        if not 0xA2 <= protected[0] <= 0xA4 or protected[1:3] != b"\x01\x26":
            raise _not_cose("algorithm")
        for _ in range(protected[0] - 0xA1):
            label = protected[at]
            value, at = _read_string(protected, at + 1, 0x40 if label == KEY_ID else 0x60)
            if label <= last or label not in (CONTENT_TYPE, KEY_ID, TYPE):
                raise _not_cose("header label")
            if label == KEY_ID:
                kid = value
            else:
                types[label] = value.decode("utf-8")
            last = label
    except (IndexError, UnicodeDecodeError):
        raise _not_cose("header") from None
    if at != len(protected) or kid is None or len(kid) != KID_LENGTH:
        raise _not_cose("kid")
    return kid, MappingProxyType(types), _SIG_STRUCTURE + _byte_string(protected) + b"\x40"


def _deflate(data: bytes) -> bytes:
    """One block with the fixed Huffman code.

    Another decoder crashes on stored blocks (facts), and zlib stores what does not compress
    even when asked for the fixed code: then literals are written here.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_FIXED)
    packed = packer.compress(data) + packer.flush()
    return packed if _is_one_fixed_block(packed) else _deflate_literals(data)


def _deflate_literals(data: bytes) -> bytes:
    """RFC 1951 section 3.2.6 without any match: 8 or 9 bits a byte."""
    bits = "011"[::-1] + "".join(map(_LITERALS.__getitem__, data)) + "0000000"
    body = int(bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")
    return _ZLIB_HEADER + body + zlib.adler32(data).to_bytes(4, "big")


# RFC 1951 section 3.2.6: 0–143 in 8 bits from 00110000, 144–255 in 9 bits from 110010000.
_LITERALS = [f"{0x30 + n:08b}" if n < 144 else f"{0x190 + n - 144:09b}" for n in range(256)]


def _is_one_fixed_block(packed: bytes) -> bool:
    """Whether a zlib stream is one final block of the fixed code, its padding zero.

    The end-of-block code is seven zero bits, so the last byte before the checksum is 0, or 1 if
    exactly one bit of an earlier code reaches into it: anything else is dirty padding, which
    inflate overlooks and which would give one seal several texts.
    """
    return (
        len(packed) > 7
        and packed[:2] == _ZLIB_HEADER
        and packed[2] & 7 == 0b011
        and packed[-5] in (0, 1)
    )


def _inflate(packed: bytes) -> bytes:
    """Bounded: stops at MAX_SEALED bytes, whatever the stream promises."""
    if packed[:2] != _ZLIB_HEADER or len(packed) < 8 or packed[2] & 7 != 0b011:
        raise VerificationError(
            "not_compressed",
            "Este código no es de nuestros documentos.",
            "This code is not one of our documents: it is not compressed as ours are.",
        )
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, MAX_SEALED)
    except zlib.error:
        raise _damaged() from None
    if not inflater.eof or inflater.unused_data or not _is_one_fixed_block(packed):
        raise _damaged()
    return data


def _damaged() -> VerificationError:
    return VerificationError(
        "damaged",
        "El código está incompleto o mal leído. Escanéelo otra vez.",
        "The code is incomplete or was misread. Scan it again.",
    )


def _not_cose(detail: str) -> VerificationError:
    return VerificationError(
        "not_cose",
        "Este código no es de nuestros documentos.",
        f"This code is not one of our documents: not a COSE_Sign1 of our form ({detail}).",
    )


def _not_encodable(en: str) -> VerificationError:
    return VerificationError("encode", "No se puede codificar el sello.", f"Cannot encode: {en}.")
