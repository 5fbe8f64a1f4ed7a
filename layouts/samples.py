"""Invented people for proofs of faces: ordinary and hard ones. Nobody here exists."""

from __future__ import annotations

import io
from datetime import date

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .mrz import td1
from .portrait import Portrait, prepare
from .values import CategoryRow, Values

_COMMON = {
    "document_number": "B-0004711",
    "blank_serial": "PVC-00012345",
    "birth_date": "29/02/1988",
    "birth_place": "CHUQUISACA – OROPEZA – SUCRE",
    "sex": "F",
    "nationality": "BOL",
    "issue_date": "14/03/2025",
    "expiry_date": "13/03/2030",
    "authority": "SEGIP CHUQUISACA",
    "office": "SUCRE – OFICINA DEPARTAMENTAL",
    "residence": "C. AYACUCHO Nº 123, ZONA CENTRAL, SUCRE",
    "occupation": "PROFESORA DE MATEMÁTICAS",
    "civil_status": "SOLTERA",
    "blood_group": "O RH+",
    "restrictions": "LENTES CORRECTORES",
    "permit_type": "PERMANENCIA TEMPORAL DE DOS AÑOS",
    "permit_expiry": "13/03/2027",
    "mission": "EMBAJADA DE LA REPÚBLICA DE UTOPÍA",
    "rank": "SEGUNDA SECRETARIA",
    "verification_url": "https://verificar.example.bo/",
    "certificate_statement": (
        "Los datos de esta persona constan en el registro, consolidados y sin observaciones, "
        "en la fecha de emisión de este certificado."
    ),
}
NAMES = {
    "plain": ("QUISPE MAMANI", "JULIA", "4567890"),
    "accents": ("ÑÁÑEZ AGÜERO", "JOSÉ MARÍA D'ÁVILA", "1234567-1A"),
    "guarani": ("G̃UARAÑỸ CHÁVEZ", "YVÝ POTỸ", "8899001"),
    "single": ("CONDORI", "W", "70001"),
    "long": (
        "FERNÁNDEZ DE CÓRDOBA VILLAVICENCIO Y MONTENEGRO",
        "MARÍA DE LOS ÁNGELES GUADALUPE CONCEPCIÓN ENCARNACIÓN",
        "10203040-2B",
    ),
}
_ROWS = (
    CategoryRow("P", "14/03/2025", "13/03/2030", ""),
    CategoryRow("B", "14/03/2025", "13/03/2030", "LENTES CORRECTORES"),
    CategoryRow("M", "01/06/2019", "13/03/2030", ""),
)
# As long as a sealed payload is, in its alphabet (facts on QR: 410 characters).
_QR_TEXT = ("6BFOXN*TS0BI$ZD.P9UOL97O4-2HH77HRM3DSPTRRR+%H9M9ESIGUBA+" * 8)[:410]


def sample(kind: str = "plain") -> Values:
    """The values of one invented person; ``kind`` is a key of :data:`NAMES`."""
    surname, given, number = NAMES[kind]
    lines = td1(
        document_code="I",
        issuer="BOL",
        document_number=number,
        birth_date=date(1988, 2, 29),
        sex="F",
        expiry_date=date(2030, 3, 13),
        nationality="BOL",
        surname=surname,
        given_names=given,
    )
    fields = {
        **_COMMON,
        "surname": surname,
        "given_names": given,
        "full_name": f"{given} {surname}",
        "person_id": number,
        **{f"mrz{index}": line for index, line in enumerate(lines, start=1)},
    }
    seed = list(NAMES).index(kind)
    return Values(fields, _ROWS, portrait(seed), _QR_TEXT)


def portrait(seed: int) -> Portrait:
    """A drawn head and shoulders, another tone for each seed: no real face."""
    width, height = 700, 900
    tone = ((232, 190, 160), (198, 148, 112), (141, 96, 68), (104, 70, 50))[seed % 4]
    coat = ((52, 70, 96), (96, 44, 52), (44, 84, 66), (80, 72, 110))[(seed // 2) % 4]
    hair = ((38, 30, 28), (72, 48, 30), (30, 30, 36))[seed % 3]
    light = np.linspace(236, 208, height).astype(np.uint8)
    picture = Image.fromarray(np.repeat(light[:, None], width, axis=1)).convert("RGB")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 640, 640, 1240), fill=coat)
    draw.rounded_rectangle((285, 560, 415, 730), 50, fill=tuple(int(c * 0.88) for c in tone))
    draw.ellipse((185, 130, 515, 500), fill=hair)
    draw.ellipse((205, 180, 495, 620), fill=tone)
    draw.pieslice((198, 140, 502, 420), 180, 360, fill=hair)
    for x in (290, 410):
        draw.ellipse((x - 28, 362, x + 28, 390), fill=(246, 244, 240))
        draw.ellipse((x - 13, 363, x + 13, 389), fill=(40, 28, 22))
        draw.line((x - 36, 338, x + 34, 334), fill=hair, width=9)
    draw.line((350, 390, 342, 462, 362, 468), fill=tuple(int(c * 0.8) for c in tone), width=7)
    draw.arc((300, 470, 400, 540), 20, 160, fill=(150, 70, 70), width=9)
    out = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.6)).save(out, "JPEG", quality=90)
    return prepare(out.getvalue())
