"""A face: one side of a document as data. ``load_face`` reads and checks its TOML file.

Units are millimetres from the top left of the nominal card, points for type. See the faces in
the profiles for the format; every mistake is reported with file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .boxes import (
    Area,
    Box,
    Ground,
    Label,
    MrzBox,
    Ornament,
    PortraitBox,
    QrBox,
    ReservedBox,
    Rosette,
    TextBox,
    Wave,
)
from .boxreaders import SMALLEST_PT, read_box
from .facefile import FaceError, FaceFile, Table

__all__ = ["Face", "FaceError", "load_face"]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One side. Compared by identity, so that its static layer can be kept with it.

    ``canvas_300``: pixels of the printer's canvas at 300 dpi, the card centred on it (Evolis
    prints over the edge: 1016 × 648 for a card of 1011 × 638).
    """

    name: str
    path: Path
    size_mm: tuple[float, float]
    canvas_300: tuple[int, int]
    ground: Ground
    boxes: tuple[Box, ...]

    def fields(self) -> frozenset[str]:
        """Keys that a document must bring for this face."""
        needed = {b.field for b in self.boxes if isinstance(b, TextBox) and not b.optional}
        for box in self.boxes:
            if isinstance(box, MrzBox):
                needed.update(box.fields)
        return frozenset(needed)

    def wants(self, kind: type[Box]) -> bool:
        """Whether a box of this kind stands on the face, e.g. ``face.wants(QrBox)``."""
        return any(isinstance(box, kind) for box in self.boxes)


def load_face(path: Path) -> Face:
    """Reads a face file and checks it. Raises FaceError naming file and line."""
    file = FaceFile(path)
    file.only(("ground", "ground.waves", "ground.rosettes", "labels", "box"))
    top = file.top()
    name = top.text("name", path.stem)
    width, height = top.numbers("size_mm", 2)
    default = [round(width * 300 / 25.4), round(height * 300 / 25.4)]
    canvas = top.numbers("canvas_300", 2, default)
    top.close()
    if not (20 <= width <= 420 and 20 <= height <= 420):
        raise top.wrong("'size_mm' must be from 20 to 420 mm a side", "size_mm")
    labels = _labels(file.named("labels"))
    boxes = tuple(read_box(table, labels) for table in file.listed("box"))
    face = Face(name, path, (width, height), (int(canvas[0]), int(canvas[1])), _ground(file), boxes)
    _check(face)
    return face


def _labels(table: Table) -> Label:
    label = Label("", pt=table.number("pt", 4.6, SMALLEST_PT, 20), colour=table.colour(
        "colour", "#2B4A42"))  # fmt: skip
    table.close()
    return label


def _ground(file: FaceFile) -> Ground:
    table = file.named("ground")
    paper = table.colour("paper", "#FFFFFF")
    paper_to = table.colour("paper_to", "#{:02X}{:02X}{:02X}".format(*paper))
    table.close()
    return Ground(
        paper,
        paper_to,
        tuple(_wave(row) for row in file.listed("ground.waves")),
        tuple(_rosette(row) for row in file.listed("ground.rosettes")),
    )


def _wave(table: Table) -> Wave:
    wave = Wave(
        table.colour("colour"),
        table.number("period_mm", None, 0.2, 20),
        table.number("width_mm", 0.1, 0.03, 5),
        table.number("swing_mm", 1.0, 0, 20),
        table.number("wave_mm", 25, 1, 500),
        table.number("angle_deg", 0, -180, 180),
    )
    table.close()
    return wave


def _rosette(table: Table) -> Rosette:
    x, y = table.numbers("centre", 2)
    rosette = Rosette(
        table.colour("colour"),
        x,
        y,
        table.number("inner_mm", 0, 0, 200),
        table.number("outer_mm", None, 0.5, 300),
        table.number("period_mm", None, 0.2, 20),
        table.number("width_mm", 0.1, 0.03, 5),
        table.number("swing_mm", 1.0, 0, 20),
        table.whole("petals", 12, 2, 120),
    )
    table.close()
    return rosette


def _check(face: Face) -> None:
    """Nothing outside the card; nothing on top of another; one QR, one portrait, one MRZ."""
    whole = Area(0, 0, *face.size_mm)
    bleed = Area(-1, -1, face.size_mm[0] + 2, face.size_mm[1] + 2)
    for box in face.boxes:
        limit = bleed if isinstance(box, Ornament) else whole
        if not box.area.inside(limit):
            raise FaceError(face.path, box.line, "the box reaches outside of the card")
    for kind in (QrBox, PortraitBox, MrzBox):
        same = [box for box in face.boxes if isinstance(box, kind)]
        if len(same) > 1:
            raise FaceError(face.path, same[1].line, "a face has at most one box of this kind")
    _check_overlaps(face)


def _check_overlaps(face: Face) -> None:
    solid = [box for box in face.boxes if not isinstance(box, Ornament)]
    for index, box in enumerate(solid):
        for other in solid[:index]:
            if box.area.overlaps(other.area):
                raise FaceError(
                    face.path, box.line, f"the box overlaps the one at line {other.line}"
                )
    zones = [box for box in solid if isinstance(box, ReservedBox | QrBox)]
    for ornament in (box for box in face.boxes if isinstance(box, Ornament)):
        for zone in zones:
            if ornament.area.overlaps(zone.area):
                problem = f"the ornament covers the zone at line {zone.line}"
                raise FaceError(face.path, ornament.line, problem)
