"""Paper: the form rendered at its resolution is the raster, pixel by pixel; certificates tagged."""

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2
import pytest
import zxingcpp

from layouts.compose import compose
from layouts.errors import LayoutError
from layouts.pdf import certificate_pdf, form_pdf, permit_pdf
from layouts.values import Values
from tests.unit.layouts.conftest import FACES, face, person

ISSUED = date(2025, 3, 14)


def pages(pdf: bytes, dpi: int = 300) -> list[np.ndarray]:
    with pypdfium2.PdfDocument(pdf) as document:
        return [np.asarray(p.render(scale=dpi / 72).to_pil().convert("RGB")) for p in document]


def test_the_form_is_the_raster() -> None:
    sides = [compose(face(f"CI-{side}"), person("guarani"), 300) for side in ("front", "back")]
    for page, side in zip(pages(form_pdf(sides, (85, 55))), sides, strict=True):
        proof = np.asarray(side.proof())
        assert page.shape == proof.shape
        assert (page[np.asarray(side.black) == 0] == 0).all(), "black must be pure"
        off = np.abs(page.astype(int) - proof).max(axis=2) > 12  # renderers round JPEG apart
        assert off.sum() == 0


def test_the_form_has_true_size_and_a_one_bit_stencil() -> None:
    pdf = form_pdf([compose(face("CI-back"), person("plain"), 300)], (85, 55))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        box = [float(v) for v in document.pages[0].mediabox]
        assert box[2] * 25.4 / 72 == pytest.approx(85, abs=0.05)
        assert box[3] * 25.4 / 72 == pytest.approx(55, abs=0.05)
        pictures = document.pages[0].Resources.XObject.values()
        masks = [x for x in pictures if x.get("/ImageMask")]
        assert [int(m.BitsPerComponent) for m in masks] == [1]


def test_a_canvas_over_the_edge_is_centred() -> None:
    side = compose(face("LIC-back"), person("plain"), 300)
    page = pages(form_pdf([side], (85.6, 53.98)))[0]
    assert page.shape[:2] == (638, 1012)
    values = person("plain")
    assert [c.text for c in zxingcpp.read_barcodes(page[:320, :320])] == [values.qr_text]


def test_the_same_form_has_the_same_bytes_and_survives_a_process() -> None:
    side = compose(face("CI-front"), person("plain"), 300)
    assert form_pdf([side], (85, 55)) == form_pdf([side], (85, 55))
    bare = replace(side, ground=None, portrait=None)
    page = pages(form_pdf([bare], (85, 55)))[0]
    assert (page == np.asarray(side.proof())).all()


def test_no_sides_no_form() -> None:
    with pytest.raises(LayoutError, match="no_pages"):
        form_pdf([], (85, 55))


@pytest.mark.parametrize("kind", ["guarani", "long"])
def test_certificate_is_tagged_archival_and_readable(kind: str) -> None:
    values = person(kind)
    pdf = certificate_pdf(values, FACES / "CERTQR.typ", issued=ISSUED)
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert document.Root.MarkInfo.Marked
        assert str(document.Root.Lang) == "es-BO"
        with document.open_metadata() as meta:
            assert meta.pdfa_status == "2A"
            assert meta["pdfuaid:part"] == "1"
        assert [float(v) for v in document.pages[0].mediabox[2:]] == pytest.approx(
            [595.28, 841.89], abs=0.1
        )
    with pypdfium2.PdfDocument(pdf) as document:
        text = document[0].get_textpage().get_text_bounded()
        picture = document[0].render(scale=200 / 72).to_pil()
    wanted = values.fields["full_name"].split()[-1]
    assert wanted in text
    assert [c.text for c in zxingcpp.read_barcodes(picture)] == [values.qr_text]


def test_certificate_is_the_same_for_the_same_values(plain: Values) -> None:
    one, other = (certificate_pdf(plain, FACES / "CERTQR.typ", issued=ISSUED) for _ in range(2))
    assert one == other


def test_values_cannot_become_code(plain: Values) -> None:
    evil = '#read("/etc/passwd") $x$ *b* "]'
    values = replace(plain, fields={**plain.fields, "occupation": evil})
    pdf = certificate_pdf(values, FACES / "CERTQR.typ", issued=ISSUED)
    with pypdfium2.PdfDocument(pdf) as document:
        text = document[0].get_textpage().get_text_bounded()
    assert '#read("/etc/passwd")' in text.replace("\r\n", " ")


def test_permit_is_one_page_of_its_size() -> None:
    pdf = permit_pdf(person("long"), FACES / "PIC.typ", issued=ISSUED)
    page = pages(pdf, 200)
    assert len(page) == 1
    assert page[0].shape[:2] == pytest.approx((148 * 200 / 25.4, 105 * 200 / 25.4), abs=2)
    assert [c.text for c in zxingcpp.read_barcodes(page[0])] == [person("long").qr_text]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"surname": ""}, "missing_field"),
        ({"residence": "AVENIDA INTERMINABLE " * 40}, "text_overflow"),
        ({"residence": "漢字"}, "glyph_missing"),
    ],
)
def test_permit_refusals(plain: Values, change: dict[str, str], code: str) -> None:
    with pytest.raises(LayoutError) as caught:
        permit_pdf(
            replace(plain, fields={**plain.fields, **change}), FACES / "PIC.typ", issued=ISSUED
        )
    assert caught.value.code == code


def test_a_broken_template_is_named_with_its_line(plain: Values, tmp_path: Path) -> None:
    template = tmp_path / "BAD.typ"
    template.write_text("= A\n\n#unknown()\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"BAD\.typ.*line 3"):
        certificate_pdf(plain, template, issued=ISSUED)
    with pytest.raises(LayoutError, match="cannot be read"):
        certificate_pdf(plain, tmp_path / "none.typ", issued=ISSUED)
