"""IPP messages: golden octets of RFC 8010, an independent reader, and hostile input."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyipp.parser import parse as pyipp_parse

from printers.codecs.ipp import (
    MAX_MESSAGE,
    Attribute,
    Group,
    IppFormatError,
    IppIncompleteError,
    Message,
    Op,
    Tag,
    attribute,
    request,
)


def field(tag: int, name: str, value: bytes) -> bytes:
    """One attribute as section 3.1.4 draws it, written here apart from the codec."""
    return (
        bytes([tag]) + struct.pack(">H", len(name)) + name.encode()
        + struct.pack(">H", len(value)) + value
    )  # fmt: skip


HEAD = bytes.fromhex("0101 0002 00000001 01")
# RFC 8010 appendix A.1, "Print-Job Request", with its literal octets.
PRINT_JOB = (
    bytes.fromhex("0101 0002 00000001 01")
    + field(0x47, "attributes-charset", b"utf-8")
    + field(0x48, "attributes-natural-language", b"en-us")
    + field(0x45, "printer-uri", b"ipp://printer.example.com/ipp/print/pinetree")
    + field(0x42, "job-name", b"foobar")
    + field(0x22, "ipp-attribute-fidelity", b"\x01")
    + bytes.fromhex("02")
    + field(0x21, "copies", bytes.fromhex("00000014"))
    + field(0x44, "sides", b"two-sided-long-edge")
    + bytes.fromhex("03")
)
# RFC 8010 appendix A.6: a value of a set after the first has an empty name.
SET = (
    bytes.fromhex("0101 0000 0000007b 04")
    + field(0x44, "sides-supported", b"one-sided")
    + field(0x44, "", b"two-sided-long-edge")
    + field(0x33, "copies-supported", bytes.fromhex("00000001 00000063"))
    + field(0x13, "job-message-from-operator", b"")
    + bytes.fromhex("03")
)
# RFC 8010 appendix A.7.2's media-col, shortened: a collection in a collection.
COLLECTION = (
    bytes.fromhex("0200 0000 00000001 02")
    + field(0x34, "media-col", b"")
    + field(0x4A, "", b"media-size")
    + field(0x34, "", b"")
    + field(0x4A, "", b"x-dimension")
    + field(0x21, "", bytes.fromhex("00005258"))
    + field(0x37, "", b"")
    + field(0x4A, "", b"media-type")
    + field(0x44, "", b"stationery")
    + field(0x37, "", b"")
    + bytes.fromhex("03")
)


def test_the_print_job_of_the_standard_is_read() -> None:
    message, end = Message.from_bytes(PRINT_JOB + b"%PDF")
    assert (PRINT_JOB + b"%PDF")[end:] == b"%PDF"
    assert (message.code, message.request_id, message.version) == (Op.PRINT_JOB, 1, (1, 1))
    operation, job = message.groups
    assert operation.text("job-name") == "foobar"
    fidelity = operation.get("ipp-attribute-fidelity")
    assert fidelity is not None
    assert fidelity.first is True
    assert (job.integer("copies"), job.text("sides")) == (20, "two-sided-long-edge")


@pytest.mark.parametrize("octets", [PRINT_JOB, SET, COLLECTION])
def test_what_was_read_is_written_octet_for_octet(octets: bytes) -> None:
    assert Message.from_bytes(octets)[0].to_bytes() == octets


def test_sets_ranges_and_values_out_of_band() -> None:
    printer = Message.from_bytes(SET)[0].group(Tag.PRINTER)
    assert printer.texts("sides-supported") == ("one-sided", "two-sided-long-edge")
    assert printer.get("copies-supported") == Attribute("copies-supported", Tag.RANGE, ((1, 99),))
    assert printer.integer("job-message-from-operator") is None


def test_collections_nest() -> None:
    found = Message.from_bytes(COLLECTION)[0].group(Tag.JOB).get("media-col")
    size = Attribute("x-dimension", Tag.INTEGER, (21080,))
    assert found == Attribute(
        "media-col",
        Tag.BEGIN_COLLECTION,
        (
            (
                Attribute("media-size", Tag.BEGIN_COLLECTION, ((size,),)),
                Attribute("media-type", Tag.KEYWORD, ("stationery",)),
            ),
        ),
    )


def test_job_id_follows_the_printer_uri_and_templates_have_their_own_group() -> None:
    sides = attribute("sides", Tag.KEYWORD, "one-sided")
    number = attribute("job-id", Tag.INTEGER, 7)
    wanted = attribute("requested-attributes", Tag.KEYWORD, "all")
    message = request(Op.GET_JOB_ATTRIBUTES, 1, "ipp://x/", "u", wanted, number, job=(sides,))
    names = [a.name for a in message.groups[0].attributes]
    assert names[2:] == ["printer-uri", "job-id", "requesting-user-name", "requested-attributes"]
    assert message.groups[1] == Group(Tag.JOB, (sides,))


def test_an_independent_reader_agrees() -> None:
    jobs = tuple(
        Group(
            Tag.JOB,
            (
                attribute("job-id", Tag.INTEGER, number),
                attribute("job-name", Tag.NAME, f"Ñandú-{number}"),
                attribute("job-state", Tag.ENUM, 9),
                attribute("job-state-reasons", Tag.KEYWORD, "none", "job-printing"),
            ),
        )
        for number in (4, 5)
    )
    operation = Group(Tag.OPERATION, (attribute("attributes-charset", Tag.CHARSET, "utf-8"),))
    read = pyipp_parse(Message(0, 77, (operation, *jobs), (2, 0)).to_bytes())
    assert (read["version"], read["request-id"], read["status-code"]) == ((2, 0), 77, 0)
    assert [job["job-name"] for job in read["jobs"]] == ["Ñandú-4", "Ñandú-5"]
    assert read["jobs"][1]["job-id"] == 5
    assert read["jobs"][0]["job-state-reasons"] == ["none", "job-printing"]


@pytest.mark.parametrize("octets", [PRINT_JOB, SET, COLLECTION])
def test_every_prefix_asks_for_more(octets: bytes) -> None:
    for end in range(len(octets)):
        with pytest.raises(IppIncompleteError):
            Message.from_bytes(octets[:end])


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("outside a group", HEAD[:-1] + field(0x42, "a", b"b")),
        ("a further value", HEAD + field(0x42, "", b"b")),
        ("3 octets", HEAD + field(0x21, "a", b"abc")),
        ("UTF-8", HEAD + field(0x42, "a", b"\xff")),
        ("broken off", HEAD + field(0x34, "a", b"") + b"\x03" + bytes(4)),
        ("nested deeper", HEAD + (field(0x34, "a", b"") + field(0x4A, "", b"b")) * 20),
        ("cut short", HEAD + field(0x36, "a", b"\x00\x09en")),
        ("no end of attributes", HEAD + field(0x42, "a", b"x" * 32000) * 9),
    ],
)
def test_malformed_octets_are_named(name: str, octets: bytes) -> None:
    with pytest.raises(IppFormatError, match=name) as caught:
        Message.from_bytes(octets)
    assert not isinstance(caught.value, IppIncompleteError)
    assert len(octets) < 2 * MAX_MESSAGE


def test_values_that_do_not_fit_are_refused() -> None:
    for bad in (attribute("a", Tag.NAME, "x" * 40_000), attribute("a", Tag.KEYWORD, (1, 2))):
        with pytest.raises(IppFormatError):
            Message(2, 1, (Group(Tag.OPERATION, (bad,)),)).to_bytes()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.integers(0, len(COLLECTION)), st.integers(0, 40))
def test_noise_raises_nothing_but_its_own_error(noise: bytes, at: int, cut: int) -> None:
    for base in (PRINT_JOB, COLLECTION):
        octets = base[:at] + noise + base[at + cut :]
        try:
            message, end = Message.from_bytes(octets)
        except IppFormatError:
            continue
        assert end <= len(octets)
        assert isinstance(message.groups, tuple)
