"""Frames between a daemon and its HSM workers: four bytes of length, then one CBOR item.

The peer is our own child over a socketpair; the limit guards against a broken stream, not
against an attacker.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import cbor2

_HEAD = struct.Struct(">I")
# A status list of a large shard is a few megabytes (facts: QR, about 4 MB at the worst density).
LARGEST = 64 * 1024 * 1024


class FrameError(Exception):
    """The stream is not made of our frames: the connection is lost."""


def encode(message: list[Any]) -> bytes:
    """One frame. Raises FrameError if the message is larger than 64 MiB."""
    body = cbor2.dumps(message)
    if len(body) > LARGEST:
        raise FrameError(f"frame of {len(body)} bytes, at most {LARGEST} fit: split the request")
    return _HEAD.pack(len(body)) + body


class FrameReader:
    """Bytes in, messages out; keeps what is left of an unfinished frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[list[Any]]:
        """Every message completed by ``data``, oldest first. Raises FrameError."""
        self._buffer += data
        while len(self._buffer) >= _HEAD.size:
            (length,) = _HEAD.unpack_from(self._buffer)
            if length > LARGEST:
                raise FrameError(f"frame announces {length} bytes")
            end = _HEAD.size + length
            if len(self._buffer) < end:
                return
            body = bytes(memoryview(self._buffer)[_HEAD.size : end])
            del self._buffer[:end]
            yield _decode(body)


def _decode(body: bytes) -> list[Any]:
    try:
        message = cbor2.loads(body)
    except (cbor2.CBORDecodeError, ValueError) as error:
        raise FrameError("frame is not CBOR") from error
    if not isinstance(message, list) or not message:
        raise FrameError("frame is not a message")
    return message
