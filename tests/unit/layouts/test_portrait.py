"""Portraits: upright, RGB, 35:45, one size; what is not a portrait is refused with a reason."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from layouts.portrait import SIZE_PX, Portrait, PortraitError, prepare


def picture(size: tuple[int, int] = (700, 900)) -> Image.Image:
    """Left half red, right half blue, a green strip on top: turns and mirrors show."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[:, : size[0] // 2, 0] = 220
    pixels[:, size[0] // 2 :, 2] = 220
    pixels[: size[1] // 4] = (0, 200, 0)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_formats(kind: str) -> None:
    portrait = prepare(encoded(picture(), kind))
    assert portrait.size == portrait.image().size == SIZE_PX
    assert portrait.image().mode == "RGB"


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "LA", "I;16", "1"])
def test_modes(mode: str) -> None:
    source = picture().convert("L") if mode == "I;16" else picture().convert(mode)
    if mode == "I;16":
        source = Image.fromarray(np.asarray(source).astype(np.uint16) * 257)
    kind = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    mean = np.asarray(prepare(encoded(source, kind)).image()).mean()
    assert 20 < mean < 200, "neither black nor white"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transpose that undoes the tag
    upright = picture()
    turned = upright.transpose(Image.Transpose(back[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    got = prepare(encoded(turned, exif=exif)).image()
    red, blue = got.getpixel((40, 400)), got.getpixel((290, 400))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] > 150 > red[2]
    assert blue[2] > 150 > blue[0]


def test_transparent_ground_becomes_white() -> None:
    image = Image.new("RGBA", (700, 900), (0, 0, 0, 0))
    assert prepare(encoded(image, "PNG")).image().getpixel((10, 10)) == (255, 255, 255)


def test_storing_gives_back_an_equal_value() -> None:
    portrait = prepare(encoded(picture()))
    again = Portrait.from_bytes(portrait.to_bytes())
    assert again == portrait
    assert again.image().tobytes() == portrait.image().tobytes()
    assert len(portrait.to_bytes()) < 100_000


def bomb() -> bytes:
    """A PNG of some dozens of bytes that says it has 900 megapixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"not a picture at all", "not_an_image"),
        (b"%PDF-1.7 nonsense", "not_an_image"),
        (encoded(picture())[:4000], "broken"),
        (encoded(picture(), "PNG")[:900], "broken"),
        (encoded(picture((120, 150))), "too_small"),
        (encoded(picture((2400, 600))), "proportions"),
        (bomb(), "bomb"),
        (encoded(Image.new("1", (8000, 7000)), "PNG"), "bomb"),
        (b"\xff\xd8" + b"\0" * 20_000_001, "too_big"),
    ],
)
def test_refusals(data: bytes, code: str) -> None:
    with pytest.raises(PortraitError) as caught:
        prepare(data)
    assert caught.value.code == code
    assert caught.value.es
    assert caught.value.en


@pytest.mark.parametrize("cut", [0, 3, 8, 100])
def test_damaged_store_is_noticed(cut: int) -> None:
    stored = prepare(encoded(picture())).to_bytes()
    with pytest.raises(PortraitError, match="damaged_store"):
        Portrait.from_bytes(stored[:cut]).image()
