"""The QR symbol as modules; placing it on whole pixels is the composer's work.

Level M; the text is base45, all of it in the QR alphanumeric set, so 410 characters give
version 12 (facts on QR). zxing-cpp's writer makes about 800 a second where others make 38–189.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import zxingcpp
from PIL import Image

from .errors import LayoutError

QUIET_MODULES = 4  # ISO/IEC 18004, 5.3.8: the quiet zone
MIN_MODULE_MM = 0.25  # facts on QR: 3 px at 300 dpi (0.254 mm) scans, 0.169 mm does not


@dataclass(frozen=True, slots=True)
class QrMatrix:
    """``size`` modules a side; ``pixels`` row by row, one byte each: 0 = ink, 255 = white."""

    size: int
    pixels: bytes

    def image(self, module_px: int) -> Image.Image:
        """Mode "L", ``size × module_px`` a side, no quiet zone, whole pixels only."""
        small = Image.frombytes("L", (self.size, self.size), self.pixels)
        side = self.size * module_px
        return small.resize((side, side), Image.Resampling.NEAREST)

    def rows(self) -> list[str]:
        """One string a row, "1" = ink."""
        bits = self.pixels.translate(bytes([0x31]) + b"0" * 255).decode("ascii")
        return [bits[i : i + self.size] for i in range(0, len(bits), self.size)]


def matrix(text: str) -> QrMatrix:
    """The modules of a QR, error correction M. Raises LayoutError ("qr_empty", "qr_too_large")."""
    if not text:
        raise LayoutError(
            "qr_empty",
            "El documento no tiene contenido sellado para el QR; séllelo antes de componer.",
            "The document has no sealed content for the QR; seal it before composing.",
        )
    try:
        symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    except (ValueError, RuntimeError) as error:
        raise too_large(len(text)) from error
    picture = symbol.to_image(scale=1, add_quiet_zones=False)
    return QrMatrix(int(picture.shape[0]), np.asarray(picture, dtype=np.uint8).tobytes())


def module_px(symbol: QrMatrix, side_px: int, dpi: int) -> int:
    """Pixels per module so that symbol and quiet zone fit in ``side_px``. Raises LayoutError."""
    scale = side_px // (symbol.size + 2 * QUIET_MODULES)
    if scale * 25.4 / dpi < MIN_MODULE_MM:
        raise too_large(symbol.size)
    return scale


def too_large(measure: int) -> LayoutError:
    """The refusal for content that would give modules too small to scan."""
    return LayoutError(
        "qr_too_large",
        f"El contenido del QR ({measure}) no cabe con módulos de {MIN_MODULE_MM} mm; "
        "quite campos opcionales del perfil.",
        f"The QR's content ({measure}) does not fit with modules of {MIN_MODULE_MM} mm; "
        "remove optional fields in the profile.",
    )


def svg(symbol: QrMatrix) -> str:
    """The symbol with its quiet zone as one path of outlines: no seams between modules."""
    side = symbol.size + 2 * QUIET_MODULES
    path = "".join(
        "M" + "L".join(f"{x + QUIET_MODULES} {y + QUIET_MODULES}" for x, y in loop) + "z"
        for loop in outlines(symbol.rows())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" '
        f'viewBox="0 0 {side} {side}"><path fill="#000" fill-rule="evenodd" d="{path}"/></svg>'
    )


def outlines(rows: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Closed loops of corner points around the dark modules ("1"), dark on the right hand."""
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}

    def dark(x: int, y: int) -> bool:
        return 0 <= y < len(rows) and 0 <= x < len(rows[y]) and rows[y][x] == "1"

    for y, row in enumerate(rows):
        for x in range(len(row)):
            if not dark(x, y):
                continue
            around = (
                (dark(x, y - 1), (x, y), (x + 1, y)),
                (dark(x + 1, y), (x + 1, y), (x + 1, y + 1)),
                (dark(x, y + 1), (x + 1, y + 1), (x, y + 1)),
                (dark(x - 1, y), (x, y + 1), (x, y)),
            )
            for covered, start, end in around:
                if not covered:
                    edges.setdefault(start, []).append(end)
    return _loops(edges)


def _loops(edges: dict[tuple[int, int], list[tuple[int, int]]]) -> list[list[tuple[int, int]]]:
    loops = []
    while edges:
        start = next(iter(edges))
        loop, at = [start], start
        while True:
            ends = edges[at]
            following = ends.pop()
            if not ends:
                del edges[at]
            if following == start:
                break
            loop.append(following)
            at = following
        loops.append(loop)
    return loops
