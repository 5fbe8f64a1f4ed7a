"""Synthetic portraits: nobody's face, drawn from a seed, varied in tone, light and format.

Only additions, products, quotients and square roots in double precision: they are correctly
rounded everywhere, so the same seed gives the same picture on any machine.
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane = NDArray[np.float64]

WIDTH, HEIGHT = 480, 640
STYLES = ("jpeg", "progressive", "rotated6", "rotated8", "rotated3", "grey", "webp", "png", "cmyk")
ENDINGS = {"webp": "webp", "png": "png"}

SKINS = (
    (250, 222, 200),
    (238, 200, 168),
    (222, 176, 138),
    (200, 148, 108),
    (172, 120, 82),
    (140, 94, 64),
    (104, 68, 48),
    (72, 48, 36),
)
HAIRS = ((22, 18, 18), (40, 28, 22), (70, 44, 28), (120, 78, 40), (150, 146, 142), (205, 203, 200))
GROUNDS = ((250, 250, 250), (236, 240, 244), (214, 226, 240), (196, 204, 208), (240, 228, 214))
CLOTHES = ((36, 44, 66), (120, 30, 38), (30, 84, 66), (70, 70, 74), (196, 150, 60), (90, 60, 110))


@dataclass(frozen=True, slots=True)
class Features:
    """What makes one face differ from the next. Lengths in pixels, light as factors."""

    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    ground: tuple[int, int, int]
    cloth: tuple[int, int, int]
    half_width: float
    half_height: float
    eyes: float  # half the distance between the pupils
    hair_length: float  # 0 cropped … 1 to the shoulders
    glasses: bool
    beard: float  # 0 none … 1 full
    child: bool
    side_light: float  # -1 from the left … 1 from the right
    exposure: float
    warmth: float
    grain: int


def features(seed: str, *, child: bool = False, old: bool = False, woman: bool = False) -> Features:
    """Features for a seed; the same seed gives the same face."""
    dice = random.Random(seed)
    hairs = HAIRS[4:] if old else HAIRS[:4]
    small = 0.9 if child else 1.0
    return Features(
        skin=dice.choice(SKINS),
        hair=dice.choice(hairs),
        ground=dice.choice(GROUNDS),
        cloth=dice.choice(CLOTHES),
        half_width=small * dice.uniform(112, 126),
        half_height=small * dice.uniform(148, 166),
        eyes=dice.uniform(47, 53),
        hair_length=dice.uniform(0.6, 1.0) if woman else dice.uniform(0.0, 0.2),
        glasses=not child and dice.random() < 0.2,
        beard=0.0 if woman or child else dice.choice((0.0, 0.0, 0.35, 0.8)),
        child=child,
        side_light=dice.uniform(-0.8, 0.8),
        exposure=dice.choice((0.72, 0.9, 1.0, 1.0, 1.08)),
        warmth=dice.uniform(-0.06, 0.08),
        grain=dice.randrange(2**32),
    )


class _Canvas:
    """A picture under the brush: soft ellipses and boxes in colour."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        self.y, self.x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
        fade = 1.0 - 0.12 * (self.y / HEIGHT)
        self.pixels = np.stack([fade * channel for channel in colour], axis=-1)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, soft: float = 1.5) -> Plane:
        """Coverage from 0 to 1; ``soft`` is the width of the edge in pixels."""
        dx, dy = (self.x - cx) / rx, (self.y - cy) / ry
        inside = (1.0 - np.sqrt(dx * dx + dy * dy)) * min(rx, ry)
        cover: Plane = np.clip(inside / soft + 0.5, 0.0, 1.0)
        return cover

    def box(self, left: float, top: float, right: float, bottom: float, soft: float = 2.0) -> Plane:
        """Coverage of an upright box."""
        across = np.minimum(self.x - left, right - self.x)
        down = np.minimum(self.y - top, bottom - self.y)
        cover: Plane = np.clip(np.minimum(across, down) / soft + 0.5, 0.0, 1.0)
        return cover

    def paint(
        self, cover: Plane, colour: tuple[float, float, float], strength: float = 1.0
    ) -> None:
        """Lays a colour where ``cover`` says."""
        weight = (cover * strength)[..., None]
        self.pixels = self.pixels * (1.0 - weight) + np.asarray(colour, np.float64) * weight


def _shade(colour: tuple[int, int, int], factor: float) -> tuple[float, float, float]:
    red, green, blue = (min(255.0, channel * factor) for channel in colour)
    return red, green, blue


def draw(face: Features) -> Image.Image:
    """The portrait as an RGB picture of 480 × 640 pixels, head upright and centred."""
    canvas = _Canvas(face.ground)
    cx, cy = WIDTH / 2, 290.0
    _behind(canvas, face, cx, cy)
    _head(canvas, face, cx, cy)
    for side in (-1.0, 1.0):
        _eye(canvas, face, cx + side * face.eyes, cy - 12)
    _nose_and_mouth(canvas, face, cx, cy)
    _hair(canvas, face, cx, cy)
    if face.glasses:
        _glasses(canvas, face, cx, cy - 12)
    return Image.fromarray(_light(canvas, face))


def _behind(canvas: _Canvas, face: Features, cx: float, cy: float) -> None:
    if face.hair_length > 0.3:
        drop = face.half_height * (0.4 + 0.9 * face.hair_length)
        cover = canvas.ellipse(cx, cy + 10, face.half_width * 1.28, drop + 60, 4)
        canvas.paint(cover, face.hair)
    canvas.paint(canvas.ellipse(cx, 720, 232, 210, 3), face.cloth)
    canvas.paint(canvas.ellipse(cx, 540, 74, 50, 3), _shade(face.cloth, 0.7))
    neck = face.half_width * 0.52
    column = canvas.box(cx - neck, cy + 60, cx + neck, 530, 5)
    column = np.maximum(column, canvas.ellipse(cx, 528, neck, 34, 4))
    canvas.paint(column, _shade(face.skin, 0.86))
    under = canvas.ellipse(cx, cy + face.half_height * 0.96, neck * 1.1, 40, 26)
    canvas.paint(under * column, _shade(face.skin, 0.6), 0.55)


def _head(canvas: _Canvas, face: Features, cx: float, cy: float) -> None:
    for side in (-1.0, 1.0):
        ear = canvas.ellipse(cx + side * face.half_width * 0.99, cy - 2, 17, 34, 2)
        canvas.paint(ear, _shade(face.skin, 0.88))
    skull = canvas.ellipse(cx, cy - 18, face.half_width, face.half_height * 0.92, 2)
    jaw = canvas.ellipse(cx, cy + 26, face.half_width * 0.9, face.half_height * 0.86, 2)
    canvas.paint(np.maximum(skull, jaw), face.skin)
    for side in (-1.0, 1.0):
        cheek = canvas.ellipse(cx + side * face.half_width * 0.52, cy + 46, 34, 28, 28)
        canvas.paint(cheek, (205.0, 110.0, 95.0), 0.16)
        socket = canvas.ellipse(cx + side * face.eyes, cy - 14, 34, 22, 18)
        canvas.paint(socket, _shade(face.skin, 0.74), 0.5)
    if face.beard:
        chin = canvas.ellipse(cx, cy + 104, face.half_width * 0.78, 66, 30)
        canvas.paint(chin, face.hair, 0.75 * face.beard)


def _eye(canvas: _Canvas, face: Features, ex: float, ey: float) -> None:
    wide = 23.0 if face.child else 21.0
    canvas.paint(canvas.ellipse(ex, ey, wide + 2, 12.5, 2), _shade(face.skin, 0.45), 0.8)
    white = canvas.ellipse(ex, ey + 1, wide, 10, 1.5)
    canvas.paint(white, (244.0, 242.0, 238.0))
    canvas.paint(white * canvas.ellipse(ex, ey, 10.5, 10.5), (66.0, 42.0, 26.0))
    canvas.paint(white * canvas.ellipse(ex, ey, 5, 5), (8.0, 8.0, 8.0))
    canvas.paint(canvas.ellipse(ex + 3.5, ey - 3.5, 2.2, 2.2), (255.0, 255.0, 255.0), 0.9)
    brow = canvas.ellipse(ex, ey - 30, 29, 6.5, 3)
    canvas.paint(brow, _shade(face.hair, 0.9), 0.85)


def _nose_and_mouth(canvas: _Canvas, face: Features, cx: float, cy: float) -> None:
    bridge = canvas.ellipse(cx + 8 * face.side_light, cy + 18, 13, 46, 12)
    canvas.paint(bridge, _shade(face.skin, 1.1), 0.5)
    canvas.paint(canvas.ellipse(cx, cy + 52, 24, 12, 8), _shade(face.skin, 0.78), 0.6)
    for side in (-1.0, 1.0):
        nostril = canvas.ellipse(cx + side * 10, cy + 57, 5.5, 3.5, 2)
        canvas.paint(nostril, _shade(face.skin, 0.34), 0.9)
    lips = _shade((min(255, face.skin[0]), int(face.skin[1] * 0.68), int(face.skin[2] * 0.7)), 0.86)
    canvas.paint(canvas.ellipse(cx, cy + 96, 37, 8, 2), lips)
    canvas.paint(canvas.ellipse(cx, cy + 101, 31, 9, 3), lips, 0.9)
    canvas.paint(canvas.ellipse(cx, cy + 97, 35, 1.8, 1.5), _shade(face.skin, 0.32), 0.8)


def _hair(canvas: _Canvas, face: Features, cx: float, cy: float) -> None:
    top = canvas.ellipse(cx, cy - 34, face.half_width * 1.08, face.half_height * 0.98, 3)
    bare = canvas.ellipse(cx, cy + 22, face.half_width * 0.95, face.half_height * 0.97, 5)
    upper = np.clip((cy - 14 + 90 * face.hair_length - canvas.y) / 18, 0.0, 1.0)
    canvas.paint(top * (1.0 - bare) * upper, face.hair)
    shine = canvas.ellipse(cx + 44 * face.side_light, cy - face.half_height * 0.92, 60, 16, 16)
    canvas.paint(shine * top * (1.0 - bare), _shade(face.hair, 1.9), 0.35)


def _glasses(canvas: _Canvas, face: Features, cx: float, ey: float) -> None:
    frame = (30.0, 30.0, 34.0)
    for side in (-1.0, 1.0):
        ex = cx + side * face.eyes
        ring = canvas.ellipse(ex, ey + 4, 38, 30) - canvas.ellipse(ex, ey + 4, 34, 26)
        canvas.paint(np.clip(ring, 0.0, 1.0), frame, 0.95)
    gap = face.eyes - 37
    canvas.paint(canvas.box(cx - gap, ey - 2, cx + gap, ey + 2), frame, 0.95)


def _light(canvas: _Canvas, face: Features) -> NDArray[np.uint8]:
    """Light from one side, exposure, white balance and the grain of a cheap camera."""
    across = (canvas.x - WIDTH / 2) / WIDTH
    factor = face.exposure * (1.0 + 0.45 * face.side_light * across)
    lit = canvas.pixels * factor[..., None]
    lit[..., 0] *= 1.0 + face.warmth
    lit[..., 2] *= 1.0 - face.warmth
    dice = np.random.Generator(np.random.PCG64(face.grain))
    grain = dice.integers(-2, 3, (HEIGHT, WIDTH)).astype(np.float64)
    result: NDArray[np.uint8] = np.clip(lit + grain[..., None], 0, 255).astype(np.uint8)
    return result


def encode(picture: Image.Image, style: str) -> bytes:
    """A file of one of STYLES. "rotatedN": stored turned, with EXIF orientation N."""
    stream = io.BytesIO()
    if style == "png":
        # Cut out by a photo booth: transparent around the shoulders' corners.
        alpha = Image.new("L", picture.size, 255)
        alpha.paste(0, (0, 0, WIDTH, 60))
        coarse = picture.quantize(96, dither=Image.Dither.NONE).convert("RGB")
        coarse.putalpha(alpha)
        coarse.save(stream, "PNG", optimize=True)
    elif style == "webp":
        picture.save(stream, "WEBP", quality=80, method=4)
    else:
        _jpeg(picture, style, stream)
    return stream.getvalue()


def _jpeg(picture: Image.Image, style: str, stream: io.BytesIO) -> None:
    exif = Image.Exif()
    turns = {"3": Image.Transpose.ROTATE_180, "6": Image.Transpose.ROTATE_90}
    if style.startswith("rotated"):
        exif[0x0112] = int(style[-1])
        # 6 means "turn right to see it upright", so it is stored turned left; 8 the reverse.
        picture = picture.transpose(turns.get(style[-1], Image.Transpose.ROTATE_270))
    modes = {"grey": "L", "cmyk": "CMYK"}
    picture = picture.convert(modes.get(style, "RGB"))
    quality, progressive = 78, style == "progressive"
    picture.save(stream, "JPEG", quality=quality, progressive=progressive, exif=exif.tobytes())


def ending(style: str) -> str:
    """The file name's ending for a style."""
    return ENDINGS.get(style, "jpg")
