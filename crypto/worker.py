"""The process next to one HSM: single-threaded, spawned, and one that the daemon can lose.

``python -m crypto.worker FD``: FD is one end of a socketpair. The first frame configures it; the
PIN is read here, from its file, and never travels. Crash-only: after any error of the module the
answer says so and the process ends; the pool starts another.

Frames in:  ["start", {…}], then ["sign", number, [[usage, payload, protected], …]].
Frames out: ["ready", {…}] or ["failed", code, text]; then ["signed", number, [[0, cose] |
[1, text] refused | [2, text] the HSM failed | [3, text] not tried, …]], in the requests' order.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pkcs11 import exceptions as p11

from verifier import sealing
from verifier.errors import VerificationError

from . import frames, guard, session
from .latch import LatchBook
from .pin import PinError, read_pin
from .session import OpenError

SIGNED, REFUSED, BROKEN, NOT_TRIED = 0, 1, 2, 3

# linux/prctl.h
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4


def harden() -> None:
    """No core dumps, no debugger of the same user, no life after the parent; Ctrl-C is not ours."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_PDEATHSIG, signal.SIGKILL)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Desk:
    """Keys by usage, and what is done with one batch."""

    def __init__(self, keys: Mapping[str, tuple[Any, bytes]]) -> None:
        """``keys`` maps a usage to (private key handle, kid)."""
        self._keys = keys
        # The header without further parameters is the same for every document of a type.
        self._headers = {usage: sealing.protected_header(kid) for usage, (_, kid) in keys.items()}
        self.broken = False

    def answer(self, items: list[list[Any]]) -> list[list[Any]]:
        """One answer per item, in order; once the module has failed it is not called again."""
        return [self._one(usage, payload, extra) for usage, payload, extra in items]

    def _one(self, usage: str, payload: bytes, extra: Mapping[int, Any] | None) -> list[Any]:
        if self.broken:
            return [NOT_TRIED, "the HSM failed earlier in this batch"]
        try:
            return [SIGNED, self._sign(usage, payload, extra)]
        except (guard.NotForThisKey, ValueError) as error:
            return [REFUSED, str(error)]
        except VerificationError as error:
            return [REFUSED, error.en]
        except p11.PKCS11Error as error:
            self.broken = True
            return [BROKEN, type(error).__name__]

    def _sign(self, usage: str, payload: bytes, extra: Mapping[int, Any] | None) -> bytes:
        if usage not in self._keys:
            raise guard.NotForThisKey(f"this HSM has no key for {usage!r}")
        guard.check(usage, payload)
        key, kid = self._keys[usage]
        header = sealing.protected_header(kid, extra) if extra else self._headers[usage]
        digest = hashlib.sha256(sealing.to_be_signed(header, payload)).digest()
        return sealing.assemble(header, payload, session.sign_digest(key, digest))


def open_desk(config: Mapping[str, Any]) -> Desk:
    """Token, PIN, one login, keys. Raises OpenError with the remedy."""
    latches = LatchBook(Path(config["state_dir"]))
    token = session.find_token(config["module"], config["token_label"], config["token_wait_s"])
    try:
        pin = read_pin(config["pin_source"])
    except PinError as error:
        raise OpenError("pin-file", str(error)) from error
    opened = session.login(token, pin, config["name"], latches)
    del pin
    keys = config["keys"]
    handles = session.private_keys(opened, {label: point for label, _, point in keys.values()})
    return Desk({usage: (handles[label], kid) for usage, (label, kid, _) in keys.items()})


def serve(connection: socket.socket) -> int:
    """Answers frames until the parent closes its end. The exit status: 0, or 3 after a failure."""
    reader = frames.FrameReader()
    desk: Desk | None = None
    while data := connection.recv(1 << 18):
        for message in reader.feed(data):
            if desk is None:
                try:
                    desk = open_desk(message[1])
                except OpenError as error:
                    connection.sendall(frames.encode(["failed", error.code, str(error)]))
                    return 3
                # Claims are many small containers; libraries need not be walked again for them.
                gc.freeze()
                connection.sendall(frames.encode(["ready", {"pid": os.getpid()}]))
                continue
            _, number, items = message
            connection.sendall(frames.encode(["signed", number, desk.answer(items)]))
            if desk.broken:
                return 3
    return 0


def main(arguments: list[str]) -> int:
    """Entry point; see the module's docstring."""
    harden()
    with socket.socket(fileno=int(arguments[0])) as connection:
        return serve(connection)


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # No finalisers: a module's C_Finalize against a dead HSM may never return.
    os._exit(status)
