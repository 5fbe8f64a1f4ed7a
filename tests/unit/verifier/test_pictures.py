"""Pictures of ours and of strangers: two readers, and a child that cannot take the house down."""

import io
import struct
import zlib
from pathlib import Path

import pytest
import segno
import zxingcpp
from PIL import Image

from tests.vectors import house
from tests.vectors.house import AT
from verifier.errors import VerificationError
from verifier.pictures import Readings, read_codes, read_outside
from verifier.verdict import State
from verifier.verify import verify

TEXT = house.qr(house.claims())
SERIAL = "P00004711"


def _qr(text: str, scale: int = 3) -> Image.Image:
    out = io.BytesIO()
    segno.make(text, error="m", boost_error=False).save(out, kind="png", scale=scale, border=4)
    return Image.open(out).convert("L")


def _code128(text: str) -> Image.Image:
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128)
    grey = zxingcpp.write_barcode_to_image(code, scale=2)
    height, width = grey.shape[:2]
    return Image.frombytes("L", (width, height), bytes(grey)).resize((width, 70))


def _card(*texts: str) -> Image.Image:
    """The back of a card at 300 dpi: preprinted serial above, QR below."""
    card = Image.new("RGB", (1011, 638), "white")
    card.paste(_code128(SERIAL), (600, 30))
    for place, text in enumerate(texts):
        card.paste(_qr(text), (40 + 500 * place, 300))
    return card


def _bytes(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **({"resolution": 300.0} if kind == "PDF" else {}))
    return out.getvalue()


def test_both_readers_agree_on_our_own() -> None:
    card = _card(TEXT)
    whole = read_codes(card, barcode=True)
    assert whole == Readings(TEXT, TEXT, (SERIAL,))
    assert whole.agreed == TEXT
    crop = read_codes(card, (40, 300, 300, 560))
    assert (crop.agreed, crop.barcodes) == (TEXT, ())
    assert read_codes(card, (40, 300, 300, 560), barcode=True).barcodes == (SERIAL,)


def test_no_agreement_where_a_reader_found_none() -> None:
    nothing = read_codes(Image.new("RGB", (200, 200), "white"), barcode=True)
    assert nothing == Readings(None, None, ())
    assert nothing.agreed is None
    assert Readings(TEXT, None).agreed is None
    assert Readings(TEXT, TEXT[:-1] + "A").agreed is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "PDF"])
def test_verify_files_from_outside(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"card.{kind.lower()}"
    path.write_bytes(_bytes(_card(TEXT), kind))
    verdict = verify(path, house.trust(), at=AT)
    assert verdict.state is State.VALID, verdict.en
    scan = read_outside(path)
    assert (scan.texts, scan.barcodes) == ((TEXT,), (SERIAL,))


def test_verify_an_image_of_ours() -> None:
    assert verify(_card(TEXT), house.trust(), at=AT).valid


def test_several_codes() -> None:
    other = house.qr(house.claims(person_id="7654321"))
    both = verify(_card(TEXT, other), house.trust(), at=AT)
    assert (both.state, both.reason) == (State.UNREADABLE, "several_codes")
    assert verify(_card(TEXT, "https://example.org"), house.trust(), at=AT).valid
    alien = verify(_card("https://example.org"), house.trust(), at=AT)
    assert alien.state is State.NOT_OURS
    none = verify(Image.new("L", (300, 300), 255), house.trust(), at=AT)
    assert (none.state, none.reason) == (State.UNREADABLE, "no_code")


def _png_bomb(side: int) -> bytes:
    """A PNG of ``side``² pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG\r\n\x1a\nbroken",
        b"\xff\xd8\xff\xe0broken",
        b"%PDF-1.7 broken",
        b"GIF89a" + bytes(100),
        _png_bomb(20_000),
        _bytes(_card(TEXT), "PNG")[:3000],
    ],
    ids=["empty", "png", "jpeg", "pdf", "gif", "bomb", "cut"],
)
def test_broken_files_are_one_exception(data: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        read_outside(data)
    assert caught.value.code == "picture"


def test_limits_of_the_child() -> None:
    big = _bytes(Image.new("RGB", (6000, 6000), "white"), "PNG")
    with pytest.raises(VerificationError) as caught:
        read_outside(big, memory_limit=24 << 20)
    assert caught.value.code == "picture"
    with pytest.raises(VerificationError) as caught:
        read_outside(big, time_limit_s=0.05)
    assert "longer than" in caught.value.en


def test_missing_and_too_large_files(tmp_path: Path) -> None:
    with pytest.raises(VerificationError) as caught:
        read_outside(tmp_path / "none.png")
    assert caught.value.code == "file"
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate((32 << 20) + 1)
    with pytest.raises(VerificationError) as caught:
        read_outside(large)
    assert caught.value.code == "file"
