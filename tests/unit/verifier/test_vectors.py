"""The shared vectors, read from their files: wanted state and reason, from the trust directory."""

import json
from pathlib import Path

import pytest

from tests.vectors import house, make
from verifier.trust import Trust
from verifier.verdict import claims_json
from verifier.verify import verify

VECTORS = Path(make.__file__).parent
FILES = sorted(VECTORS.glob("good/*.json")) + sorted(VECTORS.glob("bad/*.json"))


@pytest.fixture(scope="module")
def trust() -> Trust:
    return Trust.load(VECTORS / "trust", house.AT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_vector(path: Path, trust: Trust) -> None:
    vector = json.loads(path.read_text(encoding="utf-8"))
    verdict = verify(vector["text"], trust, at=house.AT)
    assert (verdict.state.value, verdict.reason) == (vector["state"], vector["reason"])
    assert verdict.valid == (path.parent.name == "good")
    assert verdict.es
    assert verdict.en
    if verdict.valid:
        assert verdict.claims is not None
        assert claims_json(verdict.claims) == vector["claims"]


def test_files_are_what_the_generator_writes(tmp_path: Path) -> None:
    make.write(tmp_path)
    written = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*.*")}
    kept = {p.relative_to(VECTORS): p.read_bytes() for p in FILES}
    kept |= {p.relative_to(VECTORS): p.read_bytes() for p in (VECTORS / "trust").rglob("*.*")}
    # Status lists are compressed by zlib, whose output may differ from one version to the next.
    assert {k: v for k, v in written.items() if k.suffix != ".cbor"}.keys() == {
        k: v for k, v in kept.items() if k.suffix != ".cbor"
    }.keys()
    assert written == kept


def test_no_bad_vector_shows_claims_without_a_good_signature(trust: Trust) -> None:
    for path in sorted(VECTORS.glob("bad/*.json")):
        verdict = verify(json.loads(path.read_text(encoding="utf-8"))["text"], trust, at=house.AT)
        if not path.stem.startswith("status-") or path.stem == "status-issued-in-the-future":
            assert verdict.claims is None, path.stem
            assert verdict.kid is None, path.stem
