"""From what a caller holds to the one QR text in it."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from .errors import VerificationError
from .pictures import qr_texts, read_file, read_outside
from .sealing import MAX_QR_TEXT, from_qr_text

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"%PDF-")


def qr_text(source: bytes | Path | Image.Image) -> str:
    """The QR text of a file, its bytes, or a picture of our own.

    Raises VerificationError: "no_code", "several_codes", and those of ``read_outside``.
    """
    if isinstance(source, Image.Image):
        return _one_of(qr_texts(source))
    data = source if isinstance(source, bytes) else read_file(source)
    if data.startswith(_PICTURES):
        return _one_of(read_outside(data).texts)
    return _plain_text(data)


def _plain_text(data: bytes) -> str:
    """A text file: one code, perhaps with a line end. Other bytes are no picture we know."""
    text = data[: MAX_QR_TEXT + 8].strip(b"\r\n")
    if not text.isascii() or not text:
        raise VerificationError(
            "picture",
            "El archivo no es texto, PNG, JPEG ni PDF.",
            "The file is neither text, PNG, JPEG nor PDF: convert it to one of these.",
        )
    return text.decode("ascii")


def _one_of(texts: tuple[str, ...] | list[str]) -> str:
    """The only code, or the only one of ours among several."""
    if not texts:
        raise VerificationError(
            "no_code",
            "No se encontró ningún código QR. Acerque la cámara y evite reflejos.",
            "No QR code was found. Come closer and avoid reflections.",
        )
    ours = [text for text in texts if _looks_ours(text)] if len(texts) > 1 else list(texts)
    if len(ours) > 1:
        raise VerificationError(
            "several_codes",
            "Hay varios documentos en la imagen: muestre uno solo.",
            "There are several documents in the picture: show one only.",
        )
    return ours[0] if ours else texts[0]


def _looks_ours(text: str) -> bool:
    try:
        from_qr_text(text)
    except VerificationError:
        return False
    return True
