"""The QR: exact modules, outlines without seams, refusal instead of small modules."""

import numpy as np
import pytest
import zxingcpp

from layouts.errors import LayoutError
from layouts.qr import matrix, module_px, outlines, svg

TEXT = ("6BFOXN*TS0BI$ZD.P9UOL97O4-2HH77HRM3DSPTRRR+%H9M9ESIGUBA+" * 8)[:410]


def test_a_sealed_payload_gives_version_12_and_three_pixels_in_22_mm() -> None:
    symbol = matrix(TEXT)
    assert symbol.size == 65
    assert module_px(symbol, 260, 300) == 3
    assert module_px(symbol, 520, 600) == 7


def test_level_m() -> None:
    picture = matrix(TEXT).image(4)
    padded = np.pad(np.asarray(picture), 16, constant_values=255)
    code = zxingcpp.read_barcodes(padded)[0]
    assert (code.text, code.ec_level) == (TEXT, "M")


@pytest.mark.parametrize("text", ["A" * 700, "x" * 6000])
def test_what_would_not_scan_is_refused(text: str) -> None:
    with pytest.raises(LayoutError) as caught:
        module_px(matrix(text), 260, 300)
    assert caught.value.code == "qr_too_large"


def test_nothing_to_seal_is_refused() -> None:
    with pytest.raises(LayoutError, match="qr_empty"):
        matrix("")


def test_outlines_fill_back_to_the_same_modules() -> None:
    """Even-odd filling of the loops, column by column, gives the modules again."""
    symbol = matrix("FEDATARIO 12345")
    rows = symbol.rows()
    crossings = np.zeros((symbol.size, symbol.size + 1), dtype=int)
    for loop in outlines(rows):
        for (x1, y1), (x2, y2) in zip(loop, [*loop[1:], loop[0]], strict=True):
            if x1 == x2:
                crossings[min(y1, y2) : max(y1, y2), x1] += 1
    filled = np.cumsum(crossings, axis=1)[:, :-1] % 2
    assert ["".join(map(str, row)) for row in filled.tolist()] == rows


def test_svg_carries_the_quiet_zone() -> None:
    symbol = matrix("A")
    assert f'viewBox="0 0 {symbol.size + 8} {symbol.size + 8}"' in svg(symbol)
