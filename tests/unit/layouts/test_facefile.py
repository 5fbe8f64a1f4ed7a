"""A wrong face file is refused with its line and what to write instead."""

import pickle
from pathlib import Path

import pytest

from layouts.compose import compose
from layouts.face import FaceError, load_face
from layouts.values import Values

HEAD = "size_mm = [85.6, 53.98]\n"
BOX = '[[box]]\nkind = "text"\nfield = "surname"\nat = [4, 4, 40, 6]\n'


def problem(tmp_path: Path, text: str) -> FaceError:
    path = tmp_path / "X-front.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FaceError) as caught:
        load_face(path)
    assert str(caught.value).startswith(f"{path}:{caught.value.line}: ")
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("\nsize_mm = [85.6, 53.98\n", 2, "not TOML"),
        ("\n\nsize_mm = = 1\n", 3, "not TOML"),
        ("name = 'X'\n", 1, "'size_mm' is missing"),
        ("\nsize_mm = [85.6]\n", 2, "list of 2 numbers"),
        ("size_mm = [8, 5]\n", 1, "20 to 420"),
        (HEAD + BOX + "\n" + BOX, 7, "overlaps the one at line 2"),
        (HEAD + BOX.replace("[4, 4, 40, 6]", "[60, 4, 40, 6]"), 2, "outside of the card"),
        (HEAD + BOX + "max_pt = 6\nmin_pt = 7\n", 7, "'min_pt' is 7"),
        (HEAD + BOX + "colr = 1\n", 6, "unknown key 'colr'"),
        (HEAD + BOX + "filed = 'x'\n", 6, "did you mean 'field'"),
        (HEAD + BOX + "overflow = ['cut']\n", 6, "not 'cut'"),
        (HEAD + BOX + "lines = true\n", 6, "wrong type"),
        (HEAD + BOX + "role = 'comic'\n", 6, "use one of: regular, bold, italic"),
        (HEAD + BOX.replace("40, 6]", "40, 1]"), 5, "less than a line"),
        (HEAD + BOX.replace("text", "txt"), 3, "use one of: text"),
        (HEAD + "[[boxes]]\n", 2, "unknown table 'boxes'"),
        (HEAD + "[ground]\npaper = 'white'\n", 3, "write #RRGGBB"),
        (HEAD + "[[ground.waves]]\nperiod_mm = 1\n", 2, "'colour' is missing"),
        (HEAD + '[[box]]\nkind = "qr"\nat = [4, 4, 20, 22]\n', 4, "must be square"),
        (HEAD + '[[box]]\nkind = "mrz"\nat = [4, 30, 60, 20]\n', 4, "76.2 mm"),
        (HEAD + '[[box]]\nkind = "qr"\nat = [4, 4, 20, 20]\n' * 2, 5, "at most one"),
        (
            HEAD + '[[box]]\nkind = "reserved"\nname = "barcode"\nat = [50, 2, 32, 8]\n'
            '[[box]]\nkind = "panel"\nat = [0, 0, 85, 4]\ncolour = "#112233"\n',
            6,
            "covers the zone at line 2",
        ),
    ],
)
def test_mistakes(tmp_path: Path, text: str, line: int, words: str) -> None:
    error = problem(tmp_path, text)
    assert words in error.problem
    assert error.line == line


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FaceError, match="No such file"):
        load_face(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (
            '[[box]]\nkind = "caption"\nat = [4, 4, 9, 3]\ntext = "DEMASIADO-LARGO-AQUÍ"\npt = 9\n',
            "wider than",
        ),
        (
            '[[box]]\nkind = "caption"\nat = [4, 4, 30, 3]\ntext = "una\\ndos"\npt = 9\n',
            "needs 2 lines",
        ),
        (BOX.replace("40, 6]", "5, 6]") + 'label = "Etiqueta muy larga"\n', "label is"),
    ],
)
def test_captions_that_do_not_fit_are_the_faces_mistake(
    tmp_path: Path, box: str, words: str
) -> None:
    path = tmp_path / "X-front.toml"
    path.write_text(HEAD + box, encoding="utf-8")
    with pytest.raises(FaceError, match=words) as caught:
        compose(load_face(path), Values({"surname": "A"}), 300)
    assert caught.value.line == 2


def test_errors_survive_a_process_pool(tmp_path: Path) -> None:
    error = problem(tmp_path, HEAD + BOX + "colr = 1\n")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
