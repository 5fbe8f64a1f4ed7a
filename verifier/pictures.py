"""Codes out of pictures, by two independent readers: zxing-cpp and zbar.

``read_codes`` is for pictures of our own (a composed face, a simulator's card): in this process,
no limits. Anything from outside goes through ``read_outside``: a child process with limits on
time and memory, since image and PDF libraries are where hostile files do harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import zxingcpp
from PIL import Image
from pyzbar import pyzbar

from .errors import VerificationError

MAX_FILE = 32 << 20  # bytes of a picture or PDF from outside
TIME_LIMIT_S = 10.0
MEMORY_LIMIT = 768 << 20  # bytes of address space beyond what the loaded libraries take
_MAX_ANSWER = 256 << 10
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_CODE128 = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.Code128)
_PACKAGE_PARENT = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class Readings:
    """What each reader made of the QR (None: found none, or several), and the Code 128 texts."""

    zxing: str | None
    pyzbar: str | None
    barcodes: tuple[str, ...] = ()  # sorted; of either reader

    @property
    def agreed(self) -> str | None:
        """The text that both readers found, or None: the check of a printed card."""
        return self.zxing if self.zxing is not None and self.zxing == self.pyzbar else None


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in a file from outside: distinct texts, in order of appearance."""

    texts: tuple[str, ...]
    barcodes: tuple[str, ...]


def read_codes(
    image: Image.Image,
    crop: tuple[int, int, int, int] | None = None,
    barcode: bool = False,
) -> Readings:
    """Reads the QR of ``image``, within ``crop`` (left, top, right, bottom in pixels) if given.

    With ``barcode`` the whole image is also searched for Code 128 (the blank's preprinted
    serial). A crop with its quiet zone takes about 5 ms for both readers; a whole card 50–150.
    """
    part = _grey(image.crop(crop) if crop else image)
    bars = _grey(image) if barcode and crop else part
    return Readings(
        _only(_zxing_qr(part)),
        _only(_zbar(part, pyzbar.ZBarSymbol.QRCODE)),
        read_barcodes(bars) if barcode else (),
    )


def read_barcodes(image: Image.Image) -> tuple[str, ...]:
    """The texts of all Code 128 symbols that either reader finds, sorted."""
    grey = _grey(image)
    found = {code.text for code in zxingcpp.read_barcodes(grey, formats=_CODE128) if code.valid}
    return tuple(sorted(found | set(_zbar(grey, pyzbar.ZBarSymbol.CODE128))))


def qr_texts(image: Image.Image) -> list[str]:
    """The distinct QR texts of a picture: those of zxing-cpp, of zbar where that finds none."""
    grey = _grey(image)
    return _zxing_qr(grey) or _zbar(grey, pyzbar.ZBarSymbol.QRCODE)


def read_outside(
    source: Path | bytes,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    memory_limit: int = MEMORY_LIMIT,
) -> Scan:
    """Reads a PNG, JPEG or PDF that somebody gave us, in a child process.

    Blocks for up to ``time_limit_s``: never call it in an event loop. Raises VerificationError:
    "file" (cannot be opened, too large), "picture" (not such a file, broken, past a limit).
    """
    data = source if isinstance(source, bytes) else read_file(source)
    if len(data) > MAX_FILE:
        raise _too_large()
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", f"{__package__}.picture_child", str(memory_limit)],
            input=data,
            capture_output=True,
            timeout=time_limit_s,
            env=_environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _bad_picture("tardó demasiado", f"it took longer than {time_limit_s:g} s") from None
    return _answer(child.returncode, child.stdout)


def read_file(path: Path) -> bytes:
    """The bytes of a file, bounded. Raises VerificationError "file"."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise VerificationError(
            "file",
            "No se puede abrir el archivo: revise el nombre y los permisos.",
            f"The file cannot be opened ({error.strerror}): check its name and permissions.",
        ) from None
    if len(data) > MAX_FILE:
        raise _too_large()
    return data


def _answer(code: int, stdout: bytes) -> Scan:
    """The child's answer is as untrusted as the picture: it is parsed strictly."""
    try:
        found = json.loads(stdout[:_MAX_ANSWER])
        texts, barcodes, problem = found["texts"], found["barcodes"], found["problem"]
    except (ValueError, KeyError, TypeError):
        raise _bad_picture("no se pudo procesar", f"its reader stopped (code {code})") from None
    if problem is not None:
        raise _bad_picture("no es PNG, JPEG o PDF legible", "it is no readable PNG, JPEG or PDF")
    if not all(isinstance(text, str) for text in (*texts, *barcodes)):
        raise _bad_picture("no se pudo procesar", "its reader answered nonsense")
    return Scan(tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(barcodes)))


def _environment() -> dict[str, str]:
    """Only what the interpreter needs: no secret of ours reaches the child."""
    kept = {k: os.environ[k] for k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if k in os.environ}
    return {**kept, "PYTHONPATH": _PACKAGE_PARENT, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


def _zxing_qr(grey: Image.Image) -> list[str]:
    codes = zxingcpp.read_barcodes(grey, formats=_QR)
    return list(dict.fromkeys(code.text for code in codes if code.valid))


def _zbar(grey: Image.Image, symbol: pyzbar.ZBarSymbol) -> list[str]:
    codes = pyzbar.decode(grey, symbols=[symbol])
    return list(dict.fromkeys(code.data.decode("utf-8", "replace") for code in codes))


def _grey(image: Image.Image) -> Image.Image:
    return image if image.mode == "L" else image.convert("L")


def _only(texts: list[str]) -> str | None:
    return texts[0] if len(texts) == 1 else None


def _too_large() -> VerificationError:
    return VerificationError(
        "file",
        "El archivo es demasiado grande: envíe una fotografía menor.",
        f"The file is larger than {MAX_FILE >> 20} MiB: send a smaller photograph.",
    )


def _bad_picture(es: str, en: str) -> VerificationError:
    return VerificationError(
        "picture",
        f"No se pudo leer la imagen: {es}. Tome otra fotografía.",
        f"The picture could not be read: {en}. Take another photograph.",
    )
