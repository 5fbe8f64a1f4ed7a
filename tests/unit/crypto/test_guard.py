"""Which payload each key signs: the last check before the HSM."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.guard import NotForThisKey, check, health_payload
from tests.hsm.stores import document_claims

LIC: dict[Any, Any] = cbor2.loads(document_claims("LIC"))
STATUS = {2: "https://example.invalid/1", 6: 1, 65533: {"bits": 2, "lst": b"x"}}


def changed(path: tuple[Any, ...], value: Any) -> bytes:
    """The licence's claims with one value replaced (None: removed)."""
    claims = cbor2.loads(document_claims("LIC"))
    inner = claims
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return cbor2.dumps(claims)


def test_each_key_signs_its_own() -> None:
    check("LIC", document_claims("LIC"))
    check("CI", document_claims("CI"))
    check("STATUS", cbor2.dumps(STATUS))
    check("TEST", health_payload(bytes(16)))


@pytest.mark.parametrize("usage", ["CI", "LI", "LICX", "lic", "STATUS", "TEST", ""])
def test_a_licence_is_refused_by_every_other_key(usage: str) -> None:
    with pytest.raises(NotForThisKey):
        check(usage, document_claims("LIC"))


@pytest.mark.parametrize(
    "payload",
    [
        changed((169, 75, 1), "CI"),
        changed((169, 75, 1), None),
        changed((169, 75), None),
        changed((169, 75), [1, "LIC"]),
        changed((169,), None),
        changed((169,), "LIC"),
        changed((1,), "urn:fedatario:TEST-AUTHORITY:CI"),
        changed((1,), "urn:fedatario:LIC:"),
        changed((1,), "https://elsewhere.invalid:LIC"),
        changed((1,), 7),
        changed((1,), None),
        changed((65533,), {"bits": 2, "lst": b""}),
        document_claims("LIC") + b"\x00",
        document_claims("LIC")[:-1],
        cbor2.dumps([LIC]),
        cbor2.dumps(STATUS),
        health_payload(bytes(16)),
        b"",
    ],
)
def test_what_is_not_a_licence_is_refused_by_its_key(payload: bytes) -> None:
    with pytest.raises(NotForThisKey):
        check("LIC", payload)


def test_a_repeated_key_cannot_show_two_documents() -> None:
    """The last one wins in our decoder, the first in others."""
    claims = document_claims("LIC")
    doubled = b"\xa6" + claims[1:] + b"\x18\xa9" + cbor2.dumps(LIC[169])
    assert cbor2.loads(doubled) == cbor2.loads(claims)
    with pytest.raises(NotForThisKey, match="repeats a key"):
        check("LIC", doubled)


def test_a_longer_spelling_is_refused() -> None:
    claims = document_claims("LIC")
    longer = b"\xb8\x05" + claims[1:]
    assert cbor2.loads(longer) == cbor2.loads(claims)
    with pytest.raises(NotForThisKey, match="shortest"):
        check("LIC", longer)


@pytest.mark.parametrize(
    "payload",
    [
        health_payload(bytes(15)),
        health_payload(bytes(65)),
        cbor2.dumps({"fedatario-health": "text of sixteen!"}),
        cbor2.dumps({"fedatario-health": bytes(16), 169: {}}),
        cbor2.dumps({}),
        cbor2.dumps(STATUS),
    ],
)
def test_the_test_key_signs_health_messages_only(payload: bytes) -> None:
    with pytest.raises(NotForThisKey):
        check("TEST", payload)


def test_the_status_key_signs_no_person() -> None:
    with pytest.raises(NotForThisKey):
        check("STATUS", cbor2.dumps({**STATUS, 169: LIC[169]}))
    with pytest.raises(NotForThisKey):
        check("STATUS", cbor2.dumps({65533: b"list"}))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["LIC", "STATUS", "TEST"]))
def test_junk_raises_nothing_else(payload: bytes, usage: str) -> None:
    with pytest.raises(NotForThisKey):
        check(usage, payload)


def test_no_personal_data_in_a_refusal() -> None:
    with pytest.raises(NotForThisKey) as raised:
        check("CI", document_claims("LIC"))
    assert "Quispe" not in str(raised.value)
