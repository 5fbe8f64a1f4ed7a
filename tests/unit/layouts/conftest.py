"""What the tests of this room share: Bolivia's faces and invented people, drawn once a process."""

from functools import lru_cache
from pathlib import Path

import pytest

from layouts.face import Face, load_face
from layouts.samples import sample
from layouts.values import Values

FACES = Path(__file__).parents[3] / "issuer/profiles/bolivia/faces"
FACE_FILES = sorted(FACES.glob("*.toml"))


@lru_cache
def face(name: str) -> Face:
    return load_face(FACES / f"{name}.toml")


@lru_cache
def person(kind: str) -> Values:
    return sample(kind)


@pytest.fixture
def plain() -> Values:
    return person("plain")
