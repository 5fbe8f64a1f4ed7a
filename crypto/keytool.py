"""The ceremony's hands: one child process per token that initialises it, makes keys, signs.

``python -m crypto.keytool FD``; frames ["verb", {…}] in, ["ok", value] or ["error", text] out.
One store per process (facts: HSM, trap 2), PINs are read here from their files.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11 import exceptions as p11
from pkcs11.util.ec import encode_named_curve_parameters

from . import frames, session
from .cryptoki import Cryptoki, CryptokiError
from .latch import LatchBook
from .pin import PinError, read_pin
from .session import OpenError
from .worker import harden

# What makes a signature proof of the HSM: born inside, never readable, for signing alone.
_PRIVATE = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}
# Read back after generation: a module may take a template and do something else.
_MUST_BE = {
    Attribute.SENSITIVE: True,
    Attribute.ALWAYS_SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.NEVER_EXTRACTABLE: True,
    Attribute.LOCAL: True,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.UNWRAP: False,
    Attribute.DERIVE: False,
}


class Tool:
    """The verbs. ``open`` comes before ``ensure_key`` and ``sign``."""

    def __init__(self) -> None:
        self._session: Any = None

    def verbs(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """By name, as they stand in a frame."""
        return {
            "init": self.init,
            "open": self.open,
            "ensure_key": self.ensure_key,
            "sign": self.sign,
        }

    def init(self, what: Mapping[str, Any]) -> None:
        """Initialises an empty token, unless one of this label is there; sets the user PIN."""
        module, label = what["module"], what["token_label"]
        so_pin, pin = read_pin(what["so_pin_source"]), read_pin(what["pin_source"])
        library = pkcs11.lib(module)
        present = any(library.get_tokens(token_label=label))
        library.finalize()
        if not present:
            cryptoki = Cryptoki(module)
            cryptoki.init_token(cryptoki.free_slot(), so_pin, label)
            cryptoki.close()
        library.initialize()
        token = library.get_token(token_label=label)
        # A ceremony that was cut off between the two calls is finished here.
        if not token.flags & TokenFlag.USER_PIN_INITIALIZED:
            with token.open(rw=True, so_pin=so_pin) as opened:
                opened.init_pin(pin)

    def open(self, what: Mapping[str, Any]) -> None:
        """Logs in, once; PIN trouble latches as it does for a worker."""
        token = session.find_token(what["module"], what["token_label"], 1.0)
        pin = read_pin(what["pin_source"])
        latches = LatchBook(Path(what["state_dir"]))
        self._session = session.login(token, pin, what["name"], latches, rw=True)

    def ensure_key(self, what: Mapping[str, Any]) -> bytes:
        """The public point (65 bytes) of the key ``label``, generated if there is none."""
        label: str = what["label"]
        try:
            private = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=label)
        except p11.NoSuchKey:
            private = self._generate(label)
        wrong = [a.name for a, wanted in _MUST_BE.items() if private[a] is not wanted]
        if wrong:
            raise OpenError(
                "key", f"key {label!r} is not bound to this HSM ({', '.join(wrong)}): destroy it"
            )
        return session.public_point(self._session, label)

    def _generate(self, label: str) -> Any:
        curve = self._session.create_domain_parameters(
            KeyType.EC,
            {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")},
            local=True,
        )
        _, private = curve.generate_keypair(
            mechanism=Mechanism.EC_KEY_PAIR_GEN,
            id=os.urandom(16),
            label=label,
            store=True,
            private_template=_PRIVATE,
            public_template={Attribute.VERIFY: True, Attribute.TOKEN: True},
        )
        return private

    def sign(self, what: Mapping[str, Any]) -> bytes:
        """r‖s over ``digest`` with the key ``label``."""
        key = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=what["label"])
        return session.sign_digest(key, what["digest"])


def answer(tool: Tool, message: list[Any]) -> list[Any]:
    """One frame's answer; errors of the token, its PIN and its module come back as text."""
    verb, what = message
    try:
        return ["ok", tool.verbs()[verb](what)]
    except (OpenError, PinError, CryptokiError, OSError, ValueError) as error:
        return ["error", f"{verb}: {error}"]
    except p11.PKCS11Error as error:
        return ["error", f"{verb}: the module answers {type(error).__name__}"]


def main(arguments: list[str]) -> None:
    """Serves frames until the other end is closed."""
    harden()
    tool, reader = Tool(), frames.FrameReader()
    with socket.socket(fileno=int(arguments[0])) as connection:
        while data := connection.recv(1 << 16):
            for message in reader.feed(data):
                connection.sendall(frames.encode(answer(tool, message)))


if __name__ == "__main__":
    main(sys.argv[1:])
    os._exit(0)  # no finalisers of a module, as in the worker
