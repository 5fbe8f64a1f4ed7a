"""One side as the printer wants it: a colour layer and a pure black layer."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from .portrait import Portrait

PxBox = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the black layer (Pillow's order)."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A composed side.

    ``black``: mode "L", only 0 (ink) and 255. ``colour``: RGB, white wherever K prints; the same
    size, or half of it above 400 dpi (colour gains nothing there; the eye reads the K layer).
    Boxes are in pixels of ``black``. ``abbreviated`` names the fields reduced to initials.
    """

    colour: Image.Image
    black: Image.Image
    dpi: int
    qr_box: PxBox | None = None
    barcode_box: PxBox | None = None
    abbreviated: tuple[str, ...] = ()
    # For the PDF of paper forms: the static picture of the face and the portrait's own JPEG, so
    # that neither is compressed again for every document.
    ground: Image.Image | None = None
    portrait: tuple[Portrait, PxBox] | None = None

    def __reduce__(self) -> tuple[object, ...]:
        # Between processes the kept layers are dead weight (2 MB): colour holds it all.
        whole = self.colour, self.black, self.dpi, self.qr_box, self.barcode_box, self.abbreviated
        return Raster, whole

    @property
    def scale(self) -> int:
        """Black pixels per colour pixel: 1, or 2 where the colour layer is half size."""
        return self.black.width // self.colour.width

    def qr_crop(self) -> Image.Image | None:
        """The QR with its quiet zone for reading back, mode "L", at most about 300 dpi.

        A reader takes four times longer at 600 dpi and sees nothing more.
        """
        if self.qr_box is None:
            return None
        crop = self.black.crop(self.qr_box)
        return crop.reduce(self.scale) if self.scale > 1 else crop

    def full_colour(self) -> Image.Image:
        """The colour layer at the size of the black one, white wherever K prints."""
        if self.scale == 1:
            return self.colour
        whole = self.colour.resize(self.black.size, Image.Resampling.NEAREST)
        whole.paste((255, 255, 255), (0, 0), self.black.point(_INVERT))
        return whole

    def proof(self) -> Image.Image:
        """What the eye sees: colour with black on it, RGB, at the size of the black layer."""
        picture = self.full_colour().copy()
        picture.paste((0, 0, 0), (0, 0), self.black.point(_INVERT))
        return picture


_INVERT = [255 - v for v in range(256)]
