"""PKCS#11 behind four verbs: wait for the token, log in once, find keys, sign 32 bytes.

Only worker processes import this. One process, one thread, one module: python-pkcs11 calls
C_Initialize(NULL), after which SoftHSM does without its mutexes (facts: HSM, traps 1 and 2).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, Mechanism, ObjectClass, Session, Token
from pkcs11 import exceptions as p11

from .latch import UNANSWERED_LIMIT, LatchBook

# A polling pause that costs a core a few per cent: p11-kit's reinitialisation takes 10 ms.
_POLL_S = 0.15

# The token has said, or will say, that this PIN is no good: another attempt only burns it.
PIN_TROUBLE = (
    p11.PinIncorrect,
    p11.PinLocked,
    p11.PinExpired,
    p11.PinInvalid,
    p11.PinLenRange,
)


class OpenError(Exception):
    """An HSM that cannot serve. ``code``: module, token, pin, latched, key; text has a remedy."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def find_token(module: str, label: str, wait_s: float) -> Token:
    """The token called ``label``, waiting up to ``wait_s`` seconds for it to appear.

    p11-kit answers OK with no tokens while its server is down (facts: HSM, trap 5), so an empty
    list means: look again. Raises OpenError.
    """
    if not Path(module).is_file():
        raise OpenError(
            "module", f"PKCS#11 module {module} is not there: install it or correct `module`"
        )
    until = time.monotonic() + wait_s
    library: Any = None
    reason = "no token has this label"
    while True:
        try:
            if library is None:
                library = pkcs11.lib(module)
            else:
                library.reinitialize()
            return _only_token(library, label)
        except p11.NoSuchToken:
            reason = "no token has this label"
        except p11.PKCS11Error as error:
            # The library says only PKCS11Error, with a text, where the loader refuses a module.
            reason = f"the module answers {type(error).__name__} {error}".strip()
        if time.monotonic() >= until:
            raise OpenError(
                "token",
                f"token {label!r} not found ({reason}): check that the HSM is on and reachable, "
                "the token label, and its configuration file",
            )
        time.sleep(_POLL_S)


def _only_token(library: Any, label: str) -> Token:
    tokens: list[Token] = list(library.get_tokens(token_label=label))
    if not tokens:
        raise p11.NoSuchToken
    if len(tokens) > 1:
        raise OpenError("token", f"{len(tokens)} tokens are labelled {label!r}: rename one")
    return tokens[0]


def login(token: Token, pin: str, name: str, latches: LatchBook, *, rw: bool = False) -> Session:
    """Logs in, once. PIN trouble latches the HSM before it is raised as OpenError("pin")."""
    if latch := latches.read(name):
        raise OpenError("latched", latch.remedy)
    if (begun := latches.unanswered(name)) >= UNANSWERED_LIMIT:
        latch = latches.set(name, f"{begun} logins without an answer")
        raise OpenError("latched", latch.remedy)
    latches.login_begins(name)
    try:
        session = token.open(rw=rw, user_pin=pin)
    except PIN_TROUBLE as error:
        latch = latches.set(name, type(error).__name__)
        latches.login_answered(name)
        # The cause is dropped: nothing that may quote the PIN travels further.
        raise OpenError("pin", latch.remedy) from None
    except p11.PKCS11Error as error:
        latches.login_answered(name)
        raise OpenError("token", f"login answers {type(error).__name__}: see the HSM") from error
    latches.login_answered(name)
    return session


def public_point(session: Session, label: str) -> bytes:
    """The public point (65 bytes) of the key called ``label``. Raises NoSuchKey and kin."""
    public = session.get_key(object_class=ObjectClass.PUBLIC_KEY, label=label)
    raw = bytes(public[Attribute.EC_POINT])
    # PKCS#11 2.40 wraps the point in an OCTET STRING; some modules give it bare.
    return raw.removeprefix(b"\x04\x41") if len(raw) == 67 else raw


def private_keys(session: Session, wanted: Mapping[str, bytes]) -> dict[str, Any]:
    """Handles by label, looked up once (a look-up costs three signatures), points compared.

    ``wanted`` maps a label to the point that its certificate carries. Raises OpenError("key").
    """
    found = {}
    for label, point in wanted.items():
        try:
            if public_point(session, label) != point:
                raise OpenError("key", f"key {label!r} in the HSM is not its certificate's key")
            found[label] = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        except (p11.NoSuchKey, p11.MultipleObjectsReturned) as error:
            raise OpenError(
                "key", f"key {label!r}: {type(error).__name__} in the token: run the ceremony"
            ) from error
    return found


def sign_digest(key: Any, digest: bytes) -> bytes:
    """r‖s (64 bytes) over a SHA-256 digest. Raises ValueError, or PKCS11Error from the module.

    CKM_ECDSA takes whatever it gets (33 bytes were signed without complaint; facts: HSM, trap 3),
    and the library's default mechanism for EC is another one: both are settled here.
    """
    if len(digest) != 32:
        raise ValueError(f"digest of {len(digest)} bytes: CKM_ECDSA gets exactly 32")
    signature: bytes = key.sign(digest, mechanism=Mechanism.ECDSA, buffer_size=64)
    if len(signature) != 64:
        raise p11.DeviceError
    return signature
