"""PIN files: who may read them, how they are named, and that no PIN shows in an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto.pin import PinError, pin_path, read_pin


def pin_file(directory: Path, content: bytes = b"123456\n", mode: int = 0o400) -> Path:
    path = directory / "pin"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "form",
    ["{}", "file:{}", "file://{}", "pkcs11:token=a?pin-source=file:{}", "pkcs11:?pin-source={}"],
)
def test_every_form_of_a_source_leads_to_the_file(tmp_path: Path, form: str) -> None:
    assert read_pin(form.format(pin_file(tmp_path))) == "123456"


def test_a_percent_encoded_path_is_decoded() -> None:
    assert pin_path("pkcs11:token=a%20b?x=y&pin-source=file:%2Fetc%2Fa%20b") == "/etc/a b"


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o620])
def test_a_file_that_others_can_touch_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = pin_file(tmp_path, mode=mode)
    with pytest.raises(PinError, match=f"chmod 0400 {path}"):
        read_pin(str(path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = pin_file(tmp_path)
    os.chown(path, 12345, 12345)
    with pytest.raises(PinError, match="belongs to uid 12345"):
        read_pin(str(path))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("pkcs11:token=a?pin-value=123456", "must not stand in a URI"),
        ("pkcs11:token=a", "has no pin-source"),
        ("pkcs11:?pin-source=|/usr/bin/pin", "only files"),
        ("etc/pin", "not an absolute path"),
        ("/no/such/pin", "create it with mode 0400"),
        ("/dev/null", "plain file"),
    ],
)
def test_what_is_no_pin_file_is_named(source: str, said: str) -> None:
    with pytest.raises(PinError, match=said) as raised:
        read_pin(source)
    assert "123456" not in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"123456\n654321\n", b"12\x003456", b"\xff\xfe1234", b"1" * 300]
)
def test_a_file_that_does_not_hold_one_pin_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PinError) as raised:
        read_pin(str(pin_file(tmp_path, content)))
    assert "1234" not in str(raised.value)


def test_spaces_belong_to_the_pin_and_a_dos_line_end_does_not(tmp_path: Path) -> None:
    assert read_pin(str(pin_file(tmp_path, b" 12 34 \r\n"))) == " 12 34 "
