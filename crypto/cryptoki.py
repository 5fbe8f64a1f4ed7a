"""C_InitToken, the one PKCS#11 call that python-pkcs11 0.10 does not have. Child processes only.

Structures and numbers: PKCS#11 2.40 base specification, section 3 and appendix A.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_char_p, c_ubyte, c_ulong, c_void_p

_CKR_OK = 0
_CKR_CRYPTOKI_ALREADY_INITIALIZED = 0x191
_CKF_TOKEN_INITIALIZED = 0x400

# Places in CK_FUNCTION_LIST, whose order the standard fixes for ever.
_INITIALIZE, _FINALIZE, _GET_SLOT_LIST, _GET_TOKEN_INFO, _INIT_TOKEN = 0, 1, 4, 6, 9


class _FunctionList(ctypes.Structure):
    _fields_ = (("version", c_ubyte * 2), ("functions", c_void_p * 10))


class _TokenInfo(ctypes.Structure):
    # CK_TOKEN_INFO up to its flags, and room for the counters behind them.
    _fields_ = (("names", c_ubyte * 96), ("flags", c_ulong), ("rest", c_ubyte * 256))


class CryptokiError(Exception):
    """A PKCS#11 function failed; the message has its name and return value."""


class Cryptoki:
    """A module, initialised; close it before another library initialises the same module."""

    def __init__(self, module: str) -> None:
        """Loads ``module``. Raises OSError, CryptokiError."""
        library = ctypes.CDLL(module)
        self._list = POINTER(_FunctionList)()
        if library.C_GetFunctionList(byref(self._list)) != _CKR_OK:
            raise CryptokiError("C_GetFunctionList failed: is this a PKCS#11 module?")
        self._call("C_Initialize", _INITIALIZE, (c_void_p,), None)

    def close(self) -> None:
        """C_Finalize."""
        self._call("C_Finalize", _FINALIZE, (c_void_p,), None)

    def free_slot(self) -> int:
        """A slot whose token was never initialised. Raises CryptokiError when there is none."""
        for slot in self._slots():
            info = _TokenInfo()
            self._call(
                "C_GetTokenInfo",
                _GET_TOKEN_INFO,
                (c_ulong, POINTER(_TokenInfo)),
                c_ulong(slot),
                byref(info),
            )
            if not info.flags & _CKF_TOKEN_INITIALIZED:
                return slot
        raise CryptokiError("no slot with an empty token: remove one or add one")

    def init_token(self, slot: int, so_pin: str, label: str) -> None:
        """Initialises the token in ``slot`` (everything on it is lost) with its SO PIN."""
        raw = so_pin.encode()
        padded = label.encode().ljust(32)
        if len(padded) > 32:
            raise CryptokiError(f"token label {label!r} has more than 32 bytes: shorten it")
        self._call(
            "C_InitToken",
            _INIT_TOKEN,
            (c_ulong, c_char_p, c_ulong, c_char_p),
            c_ulong(slot),
            c_char_p(raw),
            c_ulong(len(raw)),
            c_char_p(padded),
        )

    def _slots(self) -> list[int]:
        count = c_ulong()
        kinds = (c_ubyte, c_void_p, POINTER(c_ulong))
        self._call("C_GetSlotList", _GET_SLOT_LIST, kinds, c_ubyte(1), None, byref(count))
        slots = (c_ulong * count.value)()
        self._call("C_GetSlotList", _GET_SLOT_LIST, kinds, c_ubyte(1), slots, byref(count))
        return list(slots[: count.value])

    def _call(self, name: str, place: int, kinds: tuple[type, ...], *arguments: object) -> None:
        address = self._list.contents.functions[place]
        if not address:
            raise CryptokiError(f"the module has no {name}")
        result = ctypes.CFUNCTYPE(c_ulong, *kinds)(address)(*arguments)
        if result not in (_CKR_OK, _CKR_CRYPTOKI_ALREADY_INITIALIZED):
            raise CryptokiError(f"{name} answers 0x{result:x}")
