"""A keyed bijection over 0 … size − 1: what is counted one by one comes out scattered. Pure."""

from __future__ import annotations

from hashlib import blake2b

ROUNDS = 4  # Luby and Rackoff 1988: four rounds of a keyed function make a strong permutation


def permute(value: int, size: int, key: bytes) -> int:
    """Where ``value`` goes. A balanced Feistel network over the next even number of bits.

    Results beyond ``size`` are sent through again until one fits (cycle walking, Black and
    Rogaway 2002), which keeps it a bijection. Raises ValueError if value is not in the range.
    """
    if not 0 <= value < size:
        raise ValueError(f"{value} is not in 0 … {size - 1}")
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    while True:
        value = _feistel(value, half, key)
        if value < size:
            return value


def _feistel(value: int, half: int, key: bytes) -> int:
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for number in range(ROUNDS):
        data = bytes((number,)) + right.to_bytes(8, "big")
        digest = blake2b(data, key=key, digest_size=8, person=b"status-index").digest()
        left, right = right, left ^ (int.from_bytes(digest, "big") & mask)
    return left << half | right
