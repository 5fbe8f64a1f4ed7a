"""Text fits whole or is refused; it is never cut."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layouts.errors import LayoutError
from layouts.fonts import font_path, shape, width_mm
from layouts.ink import cells, line
from layouts.text import LEADING, MM_PER_PT, Fitted, Room, abbreviations, fit, wrap

NAME = Room(46, 5.2, "bold", 9.5, 5.6, 2, ("shrink", "break", "abbreviate"))
LETTERS = "ABCDEFGHIJKLMNÑOPQRSTUVWXYZÁÉÍÓÚÜỸabcñgjpqy'’-. "


@st.composite
def names(draw: st.DrawFn) -> str:
    text = draw(st.text(LETTERS, min_size=1, max_size=90))
    marks = draw(st.lists(st.sampled_from(["G\u0303", "g\u0303", "y\u0303"]), max_size=3))
    return text + "".join(marks)


def fitted_or_none(text: str, room: Room) -> Fitted | None:
    try:
        return fit(text, room, "surname")
    except LayoutError as caught:
        error = caught
    assert error.code == "text_overflow"
    assert len(text) < 8 or text not in str(error) + error.es, "no personal data in a refusal"
    return None


@settings(max_examples=150, deadline=None)
@given(names(), st.floats(8, 60), st.floats(2.6, 9))
def test_what_fits_is_whole_and_inside(text: str, width: float, height: float) -> None:
    room = Room(width, height, "regular", 9, 5.5, 3, ("shrink", "break"))
    whole = " ".join(unicodedata.normalize("NFC", text).split())
    fitted = fitted_or_none(text, room)
    if fitted is None:
        return
    assert "".join(fitted.lines).replace(" ", "") == whole.replace(" ", "")
    assert all(width_mm("regular", part, fitted.pt) <= width + 0.02 for part in fitted.lines)
    assert len(fitted.lines) * LEADING * fitted.pt * MM_PER_PT <= height + 0.02
    assert 5.5 - 1e-6 <= fitted.pt <= 9


@settings(max_examples=80, deadline=None)
@given(names())
def test_initials_keep_every_name_in_order(text: str) -> None:
    whole = " ".join(unicodedata.normalize("NFC", text).split())
    for shorter in abbreviations(whole):
        long, short = whole.split(" "), shorter.split(" ")
        assert len(long) == len(short)
        assert short[0] == long[0], "the first name is never shortened"
        for old, new in zip(long, short, strict=True):
            assert new == old or (new.endswith(".") and old.startswith(new[:-1]))


def test_the_order_is_shrink_then_break_then_abbreviate() -> None:
    assert fit("QUISPE", NAME, "surname").pt == pytest.approx(9.5)
    shrunk = fit("QUISPE MAMANI CONDORI CHOQUE", NAME, "surname")
    assert (len(shrunk.lines), shrunk.abbreviated) == (1, False)
    assert shrunk.pt < 9.5
    broken = fit("FERNÁNDEZ DE CÓRDOBA VILLAVICENCIO MONTENEGRO", NAME, "surname")
    assert (len(broken.lines), broken.abbreviated) == (2, False)
    names = "MARÍA DE LOS ÁNGELES GUADALUPE CONCEPCIÓN ENCARNACIÓN MAXIMILIANA MERCEDES"
    short = fit(names, NAME, "given_names")
    assert short.abbreviated
    assert " ".join(short.lines).startswith("MARÍA DE LOS ÁNGELES")
    assert " ".join(short.lines).endswith(" M.")


def test_without_leave_nothing_is_broken_or_shortened() -> None:
    text = "FERNÁNDEZ DE CÓRDOBA VILLAVICENCIO MONTENEGRO"
    with pytest.raises(LayoutError, match="surname"):
        fit(text, Room(46, 6, "bold", 9.5, 5.6, 2, ("shrink",)), "surname")
    with pytest.raises(LayoutError):
        fit("QUISPE MAMANI CONDORI CHOQUE", Room(46, 6, "bold", 9.5, 5.6, 1, ()), "surname")


def test_one_word_too_wide_is_refused_with_the_remedy() -> None:
    with pytest.raises(LayoutError) as caught:
        fit("X" * 80, NAME, "surname")
    assert caught.value.code == "text_overflow"
    assert "abrévielo" in caught.value.es
    assert "surname" in caught.value.en


def test_a_double_name_breaks_after_its_hyphen() -> None:
    assert wrap("GARCÍA-MONTENEGRO", "regular", 8) == ["GARCÍA-", "MONTENEGRO"]
    assert wrap("GARCÍA-MONTENEGRO", "regular", 3) is None


def test_initials_keep_guarani_marks_and_shorten_particles_last() -> None:
    forms = list(abbreviations("ANA DEL G̃UARANI"))
    assert forms == ["ANA DEL G̃.", "ANA D. G̃."]


def test_marks_stay_with_their_letter() -> None:
    clusters = shape("regular", "G\u0303uarañy\u0303").clusters
    assert [c.text for c in clusters] == ["G\u0303", "u", "a", "r", "a", "ñ", "ỹ"]
    plain, marked = line("regular", "G", 40), line("regular", "G\u0303", 40)
    assert plain is not None
    assert marked is not None
    assert marked.mask.height > plain.mask.height + 5, "the tilde is drawn"
    assert abs(marked.mask.width - plain.mask.width) <= 1, "above its letter, not after it"


def test_a_sign_without_glyph_is_refused_by_its_name() -> None:
    with pytest.raises(LayoutError, match="U\\+6F22") as caught:
        fit("漢", NAME, "surname")
    assert caught.value.code == "glyph_missing"


def test_a_missing_font_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layouts.fonts._DIRECTORIES", ())
    with pytest.raises(LayoutError, match="apt-get install fonts-noto-core"):
        font_path("bold")


def test_a_line_is_the_same_wherever_it_is_drawn() -> None:
    stamp = line("bold", "ÑANDÚ", 33.3)
    assert stamp is not None
    assert set(stamp.mask.get_flattened_data()) == {0, 255}
    assert line("regular", "   ", 30) is None


def test_cells_have_a_fixed_pitch() -> None:
    stamp = cells("mrz", "I" * 30, 41.494, 30)
    assert stamp is not None
    single = cells("mrz", "I", 41.494, 30)
    assert single is not None
    assert stamp.mask.width == 29 * 30 + single.mask.width
