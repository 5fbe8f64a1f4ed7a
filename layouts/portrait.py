"""The portrait, prepared once at intake so that composing only pastes it.

Decoding and fitting a camera picture takes 7.5 ms (facts on faces, "Time"), more than all the
rest of a face: so it is done once. What is kept is a JPEG of the final size (some 40 kB a
document where raw pixels would be 420 kB); decoding that takes about 1 ms.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

SIZE_PX = (331, 425)
"""Width and height kept: 28 × 36 mm at 300 dpi, the 35:45 of ICAO 9303-3 (portrait)."""

MAX_PIXELS = 50_000_000
MAX_BYTES = 20_000_000
MIN_HEAD_ROOM = 0.6  # of SIZE_PX: below it a print shows the pixels
# A telephone's MPO opens as JPEG. No others: each decoder is a surface for hostile files.
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
_MAGIC = b"FPT1"


class PortraitError(Exception):
    """A portrait file cannot be used; ``code`` for machines, ``es`` and ``en`` for people."""

    def __init__(self, code: str, es: str, en: str) -> None:
        super().__init__(code, es, en)  # all of them: it must survive a process pool's pickle
        self.code = code
        self.es = es
        self.en = en

    def __str__(self) -> str:
        return f"{self.code}: {self.en}"


@dataclass(frozen=True, slots=True)
class Portrait:
    """A prepared portrait: ``size`` in px (width, height), ``jpeg`` of exactly that size."""

    size: tuple[int, int]
    jpeg: bytes

    def image(self) -> Image.Image:
        """The picture, mode RGB. Raises PortraitError if the stored bytes were damaged."""
        try:
            picture = Image.open(io.BytesIO(self.jpeg), formats=("JPEG",))
            picture.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise _damaged() from error
        if picture.size != self.size or picture.mode != "RGB":
            raise _damaged()
        return picture

    def to_bytes(self) -> bytes:
        """A form for the store; :meth:`from_bytes` gives back an equal value."""
        width, height = self.size
        return _MAGIC + width.to_bytes(2, "big") + height.to_bytes(2, "big") + self.jpeg

    @classmethod
    def from_bytes(cls, data: bytes) -> Portrait:
        """Reads what :meth:`to_bytes` wrote. Raises PortraitError."""
        if len(data) < 9 or data[:4] != _MAGIC:
            raise _damaged()
        size = int.from_bytes(data[4:6], "big"), int.from_bytes(data[6:8], "big")
        return cls(size, data[8:])


def prepare(data: bytes) -> Portrait:
    """A camera or scanner file made ready for printing: upright, RGB, 35:45, final size.

    Raises :class:`PortraitError` with code "empty", "too_big", "not_an_image", "bomb",
    "broken", "too_small" or "proportions".
    """
    if not data:
        raise PortraitError(
            "empty",
            "El archivo de la fotografía está vacío; tome la fotografía de nuevo.",
            "The portrait file is empty; take the picture again.",
        )
    if len(data) > MAX_BYTES:
        raise PortraitError(
            "too_big",
            f"La fotografía pasa de {MAX_BYTES // 1_000_000} MB; redúzcala.",
            f"The portrait is larger than {MAX_BYTES // 1_000_000} MB; make it smaller.",
        )
    return _encode(_fit(_flatten(_decode(data))))


def _decode(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow only warns up to twice its limit: here a warning is a refusal.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _bomb() from error
    except (OSError, SyntaxError, ValueError) as error:
        raise PortraitError(
            "not_an_image",
            "El archivo no es una fotografía reconocible; use JPEG, PNG o WebP.",
            "The file is not a picture that can be read; use JPEG, PNG or WebP.",
        ) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise _bomb()
    try:
        # A JPEG decoder can skip down to near the wanted size: a 12 MP picture 5 times faster.
        picture.draft("RGB", (SIZE_PX[0] * 2, SIZE_PX[1] * 2))
        picture.load()
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PortraitError(
            "broken",
            "La fotografía está dañada o incompleta; tómela o cópiela de nuevo.",
            "The portrait is damaged or incomplete; take it or copy it again.",
        ) from error


def _flatten(picture: Image.Image) -> Image.Image:
    """RGB on white: a cut-out background must not turn black on the card."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        # Pillow clips deep greys instead of scaling them.
        low, high = picture.convert("F").getextrema()
        span = max(float(high) - float(low), 1.0)  # type: ignore[arg-type]
        return picture.convert("F").point(lambda v: v * (255 / span)).convert("L").convert("RGB")
    return picture.convert("RGB")


def _fit(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if width < SIZE_PX[0] * MIN_HEAD_ROOM or height < SIZE_PX[1] * MIN_HEAD_ROOM:
        raise PortraitError(
            "too_small",
            f"La fotografía mide {width} × {height} px; hacen falta al menos "
            f"{SIZE_PX[0]} × {SIZE_PX[1]} px.",
            f"The portrait is {width} × {height} px; at least "
            f"{SIZE_PX[0]} × {SIZE_PX[1]} px are needed.",
        )
    if not 0.5 <= width / height <= 2.0:
        raise PortraitError(
            "proportions",
            "La fotografía es demasiado alargada para ser un retrato; tómela de nuevo.",
            "The picture is too long or too wide to be a portrait; take it again.",
        )
    # Heads sit above the middle: what a tall picture loses, it loses mostly below.
    return ImageOps.fit(picture, SIZE_PX, Image.Resampling.LANCZOS, centering=(0.5, 0.4))


def _encode(picture: Image.Image) -> Portrait:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=92, subsampling=0)
    return Portrait(picture.size, out.getvalue())


def _bomb() -> PortraitError:
    return PortraitError(
        "bomb",
        f"La fotografía pasa de {MAX_PIXELS // 1_000_000} megapíxeles; redúzcala.",
        f"The portrait exceeds {MAX_PIXELS // 1_000_000} megapixels; make it smaller.",
    )


def _damaged() -> PortraitError:
    return PortraitError(
        "damaged_store",
        "El retrato guardado está dañado; vuelva a capturarlo.",
        "The stored portrait is damaged; capture it again.",
    )
