"""A PIN from a file that only its owner can read. Never from argv, the environment or a URI."""

from __future__ import annotations

import os
import stat
from urllib.parse import unquote

# PKCS#11 leaves the length to the token; no token known to us takes more.
_LONGEST = 255


class PinError(Exception):
    """The PIN cannot be had; the message names the remedy and never holds the PIN."""


def pin_path(source: str) -> str:
    """The file behind a path, ``file:/path``, or ``pkcs11:…?pin-source=file:/path`` (RFC 7512).

    Raises PinError for ``pin-value`` (a PIN in a configuration), for commands ("|…") and for
    relative paths (they depend on where the daemon was started).
    """
    path = source
    if source.startswith("pkcs11:"):
        query = dict(p.partition("=")[::2] for p in source.partition("?")[2].split("&"))
        if "pin-value" in query:
            raise PinError(
                "A PIN must not stand in a URI (pin-value): put it into a file of mode 0400 "
                "and name the file with pin-source=file:/path"
            )
        if "pin-source" not in query:
            raise PinError("The pkcs11: URI has no pin-source: add ?pin-source=file:/path")
        path = unquote(query["pin-source"])
    if path.startswith("|"):
        raise PinError("pin-source names a command; only files are read: use file:/path")
    path = path.removeprefix("file://").removeprefix("file:")
    if not path.startswith("/"):
        raise PinError(f"pin-source {path!r} is not an absolute path: write it from the root, /…")
    return path


def read_pin(source: str) -> str:
    """The PIN in the file of ``source``, without its line end.

    Raises PinError when the file is missing, is not a plain file, can be read by group or others,
    belongs to somebody else than this user or root, is empty, too long, or not UTF-8.
    """
    path = pin_path(source)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise PinError(
            f"PIN file {path} cannot be opened ({error.strerror}): "
            "create it with mode 0400, owned by the service's user"
        ) from error
    with os.fdopen(fd, "rb") as file:
        # fstat of what was opened: a check by name could look at another file.
        _check(path, os.fstat(file.fileno()))
        raw = file.read(_LONGEST + 3)
    return _decode(path, raw)


def _check(path: str, info: os.stat_result) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise PinError(f"PIN file {path} is not a plain file: put the PIN into one of mode 0400")
    if info.st_mode & 0o077:
        raise PinError(
            f"PIN file {path} has mode {stat.S_IMODE(info.st_mode):04o}, others can read it: "
            f"chmod 0400 {path}, and change the PIN if somebody may have seen it"
        )
    if info.st_uid not in (0, os.geteuid()):
        raise PinError(f"PIN file {path} belongs to uid {info.st_uid}: chown it to the service")


def _decode(path: str, raw: bytes) -> str:
    try:
        pin = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise PinError(f"PIN file {path} is not UTF-8 text: write the PIN alone into it") from error
    if not pin or len(pin) > _LONGEST or "\n" in pin or "\0" in pin:
        raise PinError(f"PIN file {path} must hold the PIN alone, on one line")
    return pin
