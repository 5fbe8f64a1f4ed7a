"""Two-bit status lists (IETF draft "Token Status List", sections 4 and 5, CWT form).

A list says of every document of a shard whether it still stands. It is signed by a key of usage
STATUS; a document's own key cannot vouch for its status.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from .cbor import dumps, loads_map, malformed
from .document import EXP, IAT, STATUS_LIST, STATUS_USAGE
from .errors import VerificationError
from .sealing import TYPE, split
from .trustlist import TrustList

STATUS_LIST_TYPE = "application/statuslist+cwt"
MAX_LIST_BYTES = 8 << 20  # inflated: 32 M documents, far above a shard of 1 M
_SUBJECT, _TTL = 2, 65534
_BITS = 2
_LIST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Status(IntEnum):
    """The values of the list: 0–2 are the draft's own (section 7.1), 3 is application specific."""

    VALID = 0
    VOID = 1
    SUSPENDED = 2
    REPLACED = 3


_STATUSES = tuple(Status)  # calling the enumeration costs ten times as much


@dataclass(slots=True)
class StatusList:
    """A list in memory: ``size`` entries of two bits, lowest bits first (section 4.1).

    ``issued_at`` and ``expires_at`` are those of the signed form; both None for a list that is
    being kept here and is therefore never old. ``size`` is a multiple of 4, because the wire
    form only knows whole bytes and an entry that nobody assigned must not read as valid.
    """

    uri: str
    size: int
    bits: bytearray
    issued_at: datetime | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.size <= 0 or self.size % 4 or len(self.bits) * 4 != self.size:
            raise VerificationError(
                "status_list",
                "El tamaño de una lista de estado debe ser múltiplo de 4.",
                "The size of a status list must be a positive multiple of 4 and fit its bits.",
            )
        list_id(self.uri)  # refused here, not when the file is written

    @classmethod
    def empty(cls, uri: str, size: int) -> StatusList:
        """A list of ``size`` entries, all valid."""
        return cls(uri, size, bytearray(max(size, 0) // 4))

    @property
    def list_id(self) -> str:
        """The last part of the URI: the name of its file, ``status/<list id>.cbor``."""
        return list_id(self.uri)

    def get(self, index: int) -> Status:
        """The status of entry ``index``. Raises VerificationError "status_index" outside."""
        return _STATUSES[self.bits[self._byte(index)] >> 2 * (index & 3) & 3]

    def set(self, index: int, status: Status) -> None:
        """Sets entry ``index``. Raises VerificationError "status_index" outside."""
        at, shift = self._byte(index), 2 * (index & 3)
        self.bits[at] = self.bits[at] & ~(3 << shift) & 0xFF | status << shift

    def compressed(self) -> bytes:
        """``lst`` of the wire form: zlib at the best level, as section 4.1 recommends."""
        return zlib.compress(self.bits, 9)

    def _byte(self, index: int) -> int:
        if not 0 <= index < self.size:
            raise VerificationError(
                "status_index",
                f"La lista {self.list_id} no tiene la entrada {index}.",
                f"The list {self.list_id} has no entry {index}.",
            )
        return index >> 2


def list_id(uri: str) -> str:
    """The last part of a list's URI (after the last ``:`` or ``/``), safe as a file name."""
    name = re.split(r"[:/]", uri)[-1]
    if not _LIST_ID.match(name):
        raise VerificationError(
            "status_list",
            "El URI de la lista de estado debe terminar en un nombre simple.",
            "The URI of a status list must end in a plain name (letters, digits, . _ -).",
        )
    return name


def encode_status_claims(
    status_list: StatusList,
    issued_at: datetime,
    expires_at: datetime,
    ttl_s: int | None = None,
) -> bytes:
    """The claims set of a list: what a key of usage STATUS signs.

    The protected header of the seal must carry ``{TYPE: STATUS_LIST_TYPE}``. After
    ``expires_at`` (aware) verifiers call the list old; ``ttl_s`` is how long a cache may keep it.
    """
    if issued_at.tzinfo is None or expires_at.tzinfo is None or expires_at <= issued_at:
        raise VerificationError(
            "encode",
            "Las fechas de la lista deben tener zona horaria y orden.",
            "The dates of a list must be aware, the expiry after the issue.",
        )
    payload: dict[int, Any] = {
        _SUBJECT: status_list.uri,
        EXP: int(expires_at.timestamp()),
        IAT: int(issued_at.timestamp()),
        STATUS_LIST: {"bits": _BITS, "lst": status_list.compressed()},
    }
    if ttl_s is not None:
        payload[_TTL] = ttl_s
    return dumps(payload)


def parse_status_list(cose: bytes, trust_list: TrustList) -> StatusList:
    """A signed list whose signer ``trust_list`` knows for STATUS, at the list's date.

    Raises VerificationError: "status_list" (structure), or what ``TrustList.check`` raises.
    """
    sealed = split(cose)
    if sealed.types.get(TYPE) != STATUS_LIST_TYPE:
        raise malformed("status_list", "typ")
    entry = trust_list.check(sealed)
    root = loads_map(sealed.payload, "status_list")
    issued_at = _moment(root.get(IAT))
    expires_at = _moment(root.get(EXP))
    entry.allows(STATUS_USAGE, issued_at)
    uri = root.get(_SUBJECT)
    body = root.get(STATUS_LIST)
    if type(uri) is not str or type(body) is not dict or body.get("bits") != _BITS:
        raise malformed("status_list", "status_list")
    bits = bytearray(_inflate(body.get("lst")))
    return StatusList(uri, 4 * len(bits), bits, issued_at, expires_at)


def _inflate(packed: object) -> bytes:
    if type(packed) is not bytes:
        raise malformed("status_list", "lst")
    inflater = zlib.decompressobj()
    try:
        bits = inflater.decompress(packed, MAX_LIST_BYTES)
    except zlib.error:
        raise malformed("status_list", "lst") from None
    if not inflater.eof or inflater.unused_data:
        raise malformed("status_list", "lst")
    return bits


def _moment(seconds: object) -> datetime:
    if type(seconds) is not int or not 0 <= seconds <= 253402300799:
        raise malformed("status_list", "iat, exp")
    return datetime.fromtimestamp(seconds, UTC)
