"""How one HSM is reached and which keys it holds. Values only; nothing is opened here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# Names become file names of latches and directories of stores.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")

TEST_USAGE = "TEST"
STATUS_USAGE = "STATUS"


class ConfigError(ValueError):
    """A configuration that cannot work; the message names the entry and the remedy."""


@dataclass(frozen=True, slots=True)
class KeyRef:
    """One key inside an HSM.

    ``label`` is its CKA_LABEL, ``kid`` the first 8 bytes of SHA-256 of its certificate (DER),
    ``point`` the public key as an uncompressed P-256 point (65 bytes): the worker compares it
    with the token's, the pool verifies test signatures with it.
    """

    label: str
    kid: bytes
    point: bytes

    def __post_init__(self) -> None:
        if len(self.kid) != 8:
            raise ConfigError(f"key {self.label}: kid has {len(self.kid)} bytes, 8 are wanted")
        if len(self.point) != 65 or self.point[0] != 4:
            raise ConfigError(f"key {self.label}: give the public point uncompressed (65 bytes)")


@dataclass(frozen=True, slots=True)
class HsmConfig:
    """One HSM of a pool.

    ``module`` is the absolute path of the PKCS#11 library, ``token_label`` names the token (slot
    numbers move), ``pin_source`` is a file of mode 0400 or an RFC 7512 URI with
    ``pin-source=file:…``, ``env`` is added to the worker's environment (``SOFTHSM2_CONF``), and
    ``keys`` maps a usage (document type, "STATUS", "TEST") to its key. A "TEST" key is required:
    only a verified test signature is health.
    """

    name: str
    module: str
    token_label: str
    pin_source: str
    keys: Mapping[str, KeyRef]
    env: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"HSM name {self.name!r}: use lower-case letters, digits, '.', '-'")
        if TEST_USAGE not in self.keys:
            raise ConfigError(f"HSM {self.name} has no {TEST_USAGE} key: run the key ceremony")


@dataclass(frozen=True, slots=True)
class PoolTimes:
    """Every duration of the pool, in seconds.

    ``hedge_after_s``: silence after which a worker is suspect and its requests go to another.
    ``stall_s``: silence after which a suspect is killed while another HSM is up.
    ``last_resort_s``: the same when no other is up; never a process that is running.
    ``start_s``: from spawning a worker to its verified test signature.
    ``token_wait_s``: how long a worker looks for its token before it gives up.
    ``health_s``: how often an idle worker makes a test signature.
    ``backoff_s``: first and largest pause before a respawn (it doubles in between).
    """

    hedge_after_s: float = 0.05
    stall_s: float = 1.0
    last_resort_s: float = 5.0
    start_s: float = 10.0
    token_wait_s: float = 5.0
    first_token_wait_s: float = 1.0
    health_s: float = 1.0
    backoff_s: tuple[float, float] = (0.1, 0.8)
    settled_s: float = 1.0
