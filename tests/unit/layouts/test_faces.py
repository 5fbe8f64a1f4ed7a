"""Every face of the profile with hard names: nothing cut, zones free, black pure, QR readable."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import zxingcpp

from layouts.boxes import Area, MrzBox, QrBox, ReservedBox, TextBox
from layouts.compose import compose
from layouts.errors import LayoutError
from layouts.raster import Raster
from layouts.samples import NAMES
from layouts.statics import static
from layouts.surface import grid
from layouts.values import CategoryRow, Values
from tests.unit.layouts.conftest import FACE_FILES, face, person

NAMED = [path.stem for path in FACE_FILES]
DRIVERS = [name for name in NAMED if name.startswith("LIC")]


def ink(raster: Raster) -> np.ndarray:
    return np.asarray(raster.black) == 0


def test_the_profile_has_both_sides_of_each_card() -> None:
    assert {f"{card}-{side}" for card in ("CI", "LIC", "LCC", "CIE") for side in ("front", "back")} <= set(NAMED)  # noqa: E501  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("name", NAMED)
def test_black_is_pure_and_colour_is_white_under_it(name: str, kind: str) -> None:
    raster = compose(face(name), person(kind), 300)
    assert raster.black.mode == "L"
    assert set(np.unique(np.asarray(raster.black))) == {0, 255}
    assert (np.asarray(raster.colour)[ink(raster)] == 255).all()


@pytest.mark.parametrize("name", [n for n in NAMED if n.endswith("back")])
def test_qr_reads_back_from_the_black_layer_on_white(name: str) -> None:
    values = person("guarani")
    raster = compose(face(name), values, 300)
    assert raster.qr_box is not None
    crop = raster.black.crop(raster.qr_box)
    assert [code.text for code in zxingcpp.read_barcodes(crop)] == [values.qr_text]
    under = np.asarray(raster.colour.crop(raster.qr_box))
    assert (under == 255).all(), "the quiet zone must be white in the colour layer too"


@pytest.mark.parametrize("dpi", [300, 600])
def test_qr_modules_are_whole_pixels_with_a_quiet_zone_of_four(dpi: int) -> None:
    raster = compose(face("LIC-back"), person("plain"), dpi)
    assert raster.qr_box is not None
    crop = np.asarray(raster.black.crop(raster.qr_box)) == 0
    rows, columns = np.nonzero(crop)
    side = columns.max() - columns.min() + 1
    module = 3 * dpi // 300 if dpi == 300 else 7  # version 12 has 65 modules; 22 mm = 520 px
    assert side == 65 * module == rows.max() - rows.min() + 1
    free = min(columns.min(), rows.min(), crop.shape[1] - 1 - columns.max())
    assert free >= 4 * module
    symbol = crop[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    blocks = symbol.reshape(65, module, 65, module).sum(axis=(1, 3))
    assert set(np.unique(blocks)) == {0, module * module}


@pytest.mark.parametrize("dpi", [300, 600])
def test_the_crop_for_reading_back_is_small_and_readable(dpi: int) -> None:
    crop = compose(face("CIE-back"), person("plain"), dpi).qr_crop()
    assert crop is not None
    assert crop.size == pytest.approx((260, 260), abs=1)
    assert [code.text for code in zxingcpp.read_barcodes(crop)] == [person("plain").qr_text]
    assert compose(face("CIE-front"), person("plain"), dpi).qr_crop() is None


@pytest.mark.parametrize("dpi", [300, 600])
@pytest.mark.parametrize("name", [n for n in NAMED if n.endswith("back")])
def test_the_barcode_zone_stays_white_and_free(name: str, dpi: int) -> None:
    raster = compose(face(name), person("long"), dpi)
    assert raster.barcode_box is not None
    zones = [b.area for b in face(name).boxes if isinstance(b, ReservedBox)]
    assert Area(50, 2.5, 32, 7).inside(zones[0])
    assert not ink(raster)[slice_of(raster.barcode_box)].any()
    colour = np.asarray(raster.full_colour())[slice_of(raster.barcode_box)]
    assert (colour == 255).all()
    left, top, right, bottom = raster.barcode_box
    offset = (raster.black.width - face(name).size_mm[0] * dpi / 25.4) / 2
    assert left == pytest.approx(offset + 50 * dpi / 25.4, abs=1)
    assert right - left == pytest.approx(32 * dpi / 25.4, abs=1)
    assert bottom - top == pytest.approx(7 * dpi / 25.4, abs=1)


def slice_of(box: tuple[int, int, int, int]) -> tuple[slice, slice]:
    return slice(box[1], box[3]), slice(box[0], box[2])


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("name", NAMED)
def test_ink_stays_in_its_boxes(name: str, kind: str) -> None:
    """All black that is not in a box of the face would be text running out of its own."""
    raster = compose(face(name), person(kind), 300)
    net = grid(face(name).size_mm, face(name).canvas_300, 300)
    stray = ink(raster).copy()
    for box in face(name).boxes:
        # A letter may hang over its pen by a hair (J), its accent over the line.
        area = Area(box.area.x - 0.5, box.area.y, box.area.w + 0.7, box.area.h + 0.1)
        if not isinstance(box, ReservedBox):
            stray[slice_of(net.box(area))] = False
    assert not stray.any()


@pytest.mark.parametrize(
    ("name", "canvas"), [("LIC-front", (1016, 648)), ("CI-front", (1004, 650))]
)
def test_canvas_sizes(name: str, canvas: tuple[int, int]) -> None:
    small, large = (compose(face(name), person("plain"), dpi) for dpi in (300, 600))
    assert small.black.size == small.colour.size == canvas
    assert large.black.size == (canvas[0] * 2, canvas[1] * 2)
    assert large.colour.size == canvas
    assert large.scale == 2
    assert large.full_colour().size == large.black.size


def test_half_size_colour_is_white_under_black_when_grown() -> None:
    raster = compose(face("CIE-front"), person("accents"), 600)
    whole = np.asarray(raster.colour.resize(raster.black.size, 0))
    assert (whole[ink(raster)] == 255).all()


@pytest.mark.parametrize("name", NAMED)
def test_a_missing_field_is_refused_by_its_name(name: str) -> None:
    for key in sorted(face(name).fields() - {"category_codes"}):
        values = person("plain")
        poor = replace(values, fields={k: v for k, v in values.fields.items() if k != key})
        with pytest.raises(LayoutError, match=key) as caught:
            compose(face(name), poor, 300)
        assert caught.value.code == "missing_field"


def test_no_portrait_no_qr_and_no_category_are_refused(plain: Values) -> None:
    for name, poor, code in (
        ("CI-front", replace(plain, portrait=None), "missing_field"),
        ("CI-back", replace(plain, qr_text=None), "qr_empty"),
        ("LIC-back", replace(plain, categories=()), "category_unknown"),
        ("LIC-back", replace(plain, categories=(CategoryRow("Z", "1", "2"),)), "category_unknown"),
    ):
        with pytest.raises(LayoutError) as caught:
            compose(face(name), poor, 300)
        assert caught.value.code == code


@pytest.mark.parametrize("name", DRIVERS)
def test_a_changed_letter_changes_the_card(name: str, plain: Values) -> None:
    """A lost tilde is what mean similarity misses (facts): here it must move pixels."""
    key = "surname" if name.endswith("front") else "blood_group"
    one = compose(face(name), replace(plain, fields={**plain.fields, key: "NUNEZ"}), 300)
    other = compose(face(name), replace(plain, fields={**plain.fields, key: "NUÑEZ"}), 300)
    changed = (np.asarray(one.black) != np.asarray(other.black)).sum()
    assert 8 < changed < 2000


def test_composing_leaves_the_kept_layer_alone(plain: Values) -> None:
    kept = static(face("LIC-front"), 300)
    before = kept.colour.tobytes(), kept.black.tobytes()
    first = compose(face("LIC-front"), plain, 300)
    compose(face("LIC-front"), person("long"), 300)
    assert (kept.colour.tobytes(), kept.black.tobytes()) == before
    assert compose(face("LIC-front"), plain, 300).proof().tobytes() == first.proof().tobytes()


def test_initials_are_reported(plain: Values) -> None:
    """Whoever prints a shortened name must be able to see that it was shortened."""
    name = " ".join(["GUADALUPE", "CONCEPCIÓN", "ENCARNACIÓN", "MAXIMILIANA"] * 2)
    long = replace(plain, fields={**plain.fields, "given_names": name})
    assert compose(face("LIC-front"), long, 300).abbreviated == ("given_names",)
    assert compose(face("LIC-front"), plain, 300).abbreviated == ()


def test_mrz_stands_apart_from_qr_and_barcode() -> None:
    for name in ("CI-back", "CIE-back"):
        boxes = face(name).boxes
        mrz = next(b for b in boxes if isinstance(b, MrzBox))
        others = [b for b in boxes if isinstance(b, QrBox | ReservedBox | TextBox)]
        assert not any(mrz.area.overlaps(other.area) for other in others)
        assert mrz.area.y >= 30.7, "ICAO 9303-5: the zone is the lowest 23.2 mm"


def test_mrz_has_thirty_cells_of_a_tenth_of_an_inch() -> None:
    raster = compose(face("CI-back"), person("plain"), 300)
    top = grid(face("CI-back").size_mm, face("CI-back").canvas_300, 300)
    left, upper, right, lower = top.box(next(b.area for b in face("CI-back").boxes if isinstance(b, MrzBox)))  # noqa: E501  # fmt: skip
    zone = ink(raster)[upper:lower, left:right]
    cells = zone[:, (zone.shape[1] - 900) // 2 :][:, :900].reshape(zone.shape[0], 30, 30)
    assert cells.any(axis=(0, 2)).all(), "a cell is empty"
    assert not cells[:, :, 0].any(), "a letter runs into the next cell"


def test_unknown_resolution_is_refused(plain: Values) -> None:
    with pytest.raises(LayoutError, match="resolution"):
        compose(face("LIC-front"), plain, 72)


def test_a_raster_crosses_processes_without_its_kept_layers(plain: Values) -> None:
    raster = compose(face("CI-front"), plain, 300)
    again = pickle.loads(pickle.dumps(raster))
    assert again.ground is None
    assert again.proof().tobytes() == raster.proof().tobytes()
