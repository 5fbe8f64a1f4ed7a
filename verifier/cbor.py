"""CBOR for this room: deterministic out, bounded in.

Bytes that nobody signed never come here: the COSE frame is read by ``sealing`` without a CBOR
library, and only a payload whose signature was good is decoded. The bounds stay anyway, since
``decode_claims`` may be called by anybody.
"""

from __future__ import annotations

import os
import threading
from io import BytesIO
from typing import Any

import cbor2

from .errors import VerificationError

MAX_DEPTH = 12  # the deepest of our maps has 6 levels (claims → 169 → 75 → 5 → list)
# Read after the item: whatever else follows the item in the input cannot equal it, since nobody
# outside this process knows it; cbor2 does not say how far it read in a byte string.
_MARK = os.urandom(16)
_END = b"\x50" + _MARK
# What cbor2 5.9 lets escape for hostile input besides its own error: huge big numbers
# (ValueError), lengths past ssize_t (OverflowError), decimal tags (ArithmeticError), keys that
# cannot be hashed (TypeError).
_ESCAPES = (
    cbor2.CBORDecodeError,
    ValueError,
    ArithmeticError,
    TypeError,
    RecursionError,
    MemoryError,
)


class _Decoders(threading.local):
    """One decoder a thread: making one costs as much as a whole payload."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """A decoder that failed keeps its state (lists come out as tuples): never used again."""
        self.decoder = cbor2.CBORDecoder(BytesIO(), read_size=4096, max_depth=MAX_DEPTH + 1)


_decoders = _Decoders()


def dumps(value: Any) -> bytes:
    """Deterministic CBOR (RFC 8949 section 4.2.1; our map keys are unsigned or text, never both).

    Raises VerificationError "encode" for values that have no CBOR form.
    """
    try:
        return cbor2.dumps(value, canonical=True)
    except (cbor2.CBOREncodeError, ValueError, TypeError, RecursionError) as error:
        raise VerificationError(
            "encode",
            "Un valor no se puede codificar en CBOR.",
            f"A value cannot be encoded as CBOR: {type(error).__name__}.",
        ) from None


def loads_map(data: bytes, what: str) -> dict[Any, Any]:
    """The one map that ``data`` is. Raises VerificationError with code ``what`` otherwise."""
    try:
        found = _decoders.decoder.decode_from_bytes(b"\x82" + data + _END)
    except _ESCAPES:
        _decoders.renew()
        raise malformed(what) from None
    if type(found) is not list or len(found) != 2 or found[1] != _MARK:
        raise malformed(what)
    value = found[0]
    if type(value) is not dict:
        raise malformed(what)
    return value


def malformed(what: str, detail: str = "CBOR") -> VerificationError:
    """The error for a structure this version cannot read; ``detail`` names the place in it."""
    return VerificationError(
        what,
        f"La estructura no es la esperada ({detail}). Actualice el verificador.",
        f"The structure is not the expected one ({detail}). Update the verifier.",
    )
