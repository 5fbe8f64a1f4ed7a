"""Base45 (RFC 9285) by tables: the alphabet of a QR code's alphanumeric mode.

PyPI ``base45`` is the bottleneck of a verification (facts): this one decodes with one
translation table and one big integer, whose 24-bit lanes are the triplets of characters.
"""

from __future__ import annotations

from functools import cache, lru_cache

from .errors import VerificationError

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_NONE = 255  # no value: the character is outside the alphabet
_VALUES = bytes(ALPHABET.index(chr(i)) if chr(i) in ALPHABET else _NONE for i in range(256))


@cache
def _triplets() -> list[str]:
    """The three characters of each of the 65,536 values of two bytes; 4 MB, made once."""
    a = ALPHABET
    return [a[n % 45] + a[n // 45 % 45] + a[n // 2025] for n in range(65536)]


def encode(data: bytes) -> str:
    """Text of ``data``: two bytes become three characters, a last single byte two."""
    table = _triplets()
    pairs = memoryview(data)[: len(data) & ~1]
    text = "".join(
        [table[high << 8 | low] for high, low in zip(pairs[::2], pairs[1::2], strict=True)]
    )
    if len(data) % 2:
        text += ALPHABET[data[-1] % 45] + ALPHABET[data[-1] // 45]
    return text


def decode(text: str) -> bytes:
    """Bytes of ``text``.

    Raises VerificationError "not_base45" for a character outside the alphabet, a length that
    no encoder makes, or a group whose value does not fit its bytes (RFC 9285 section 4.3).
    """
    values = _values(text)
    count, rest = divmod(len(values), 3)
    if rest == 1:
        raise _refused("la longitud no corresponde", "the length is none that an encoder makes")
    body = _decode_triplets(values[: 3 * count], count)
    if not rest:
        return body
    last = values[-2] + 45 * values[-1]
    if last > 0xFF:
        raise _overflow()
    return body + bytes((last,))


def _values(text: str) -> bytes:
    """The value of each character, 0–44."""
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise _refused("contiene un carácter ajeno", "it holds a foreign character") from None
    if _NONE in values:
        raise _refused("contiene un carácter ajeno", "it holds a foreign character")
    return values


def _decode_triplets(values: bytes, count: int) -> bytes:
    """All whole triplets at once: c + 45 d + 2025 e in ``count`` lanes of 24 bits."""
    lane, overflow = _masks(count)
    digits = int.from_bytes(values, "little")
    total = (digits & lane) + 45 * (digits >> 8 & lane) + 2025 * (digits >> 16 & lane)
    if total & overflow:
        raise _overflow()
    sums = total.to_bytes(3 * count, "little")
    out = bytearray(2 * count)
    out[::2] = sums[1::3]
    out[1::2] = sums[::3]
    return bytes(out)


@lru_cache(maxsize=64)
def _masks(count: int) -> tuple[int, int]:
    """The lowest and the highest byte of each of ``count`` lanes."""
    lane = int.from_bytes(b"\xff\0\0" * count, "little")
    return lane, lane << 16


def _refused(es: str, en: str) -> VerificationError:
    return VerificationError("not_base45", f"El texto no es Base45: {es}.", f"Not Base45: {en}.")


def _overflow() -> VerificationError:
    return _refused("un grupo es demasiado grande", "a group is too large for its bytes")
