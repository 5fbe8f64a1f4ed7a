"""The Evolis language against bytes taken from public documents, never from our encoder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printers.codecs.evolis import Frame, FrameError, FrameParser, Malformed, compress, decompress
from printers.codecs.evolis_models import MODELS
from printers.codecs.evolis_replies import Link, Refusal, Reply, ReplyParser, RollTag
from printers.codecs.evolis_status import Error, Info, Laminator, Status, Warn

# Guide A5013 Rev E: ESC, command, parameters, CR.
GOLDEN = {
    b"\x1bPr;ymcko\r": Frame("Pr", ("ymcko",)),
    b"\x1bSs\r": Frame("Ss"),
    b"\x1bPem;2\r": Frame("Pem", ("2",)),
    b"\x1bRco;c\r": Frame("Rco", ("c",)),
    b"\x1bPcom;1;9600;N;8;1\r": Frame("Pcom", ("1", "9600", "N", "8", "1")),
    b"\x1bPr;1000;t\r": Frame("Pr", ("1000", "t")),
}


@pytest.mark.parametrize("raw", GOLDEN)
def test_golden_commands_in_both_directions(raw: bytes) -> None:
    assert GOLDEN[raw].to_bytes() == raw
    assert Frame.from_bytes(raw) == GOLDEN[raw]


def test_raster_sizes_are_the_documented_ones() -> None:
    direct, retransfer = MODELS["evolis-primacy2"], MODELS["evolis-agilia"]
    assert [direct.panel_bytes(name) for name in "yko"] == [658_368, 82_296, 82_296]
    assert [retransfer.panel_bytes(name) for name in "yk"] == [2_633_472, 329_184]
    colour = direct.raster("y", bytes(658_368)).to_bytes()
    assert colour[:11] == b"\x1bDb;y;256;\0"
    assert len(colour) == len(b"\x1bDb;y;256;") + 658_368 + 1
    assert retransfer.raster("k", bytes(329_184)).head() == b"\x1bDbx;k;2;600;600;"


def test_a_raster_of_the_guide_s_misprinted_size_is_refused() -> None:
    with pytest.raises(FrameError, match="length"):
        Frame("Db", ("k", "2"), bytes(84_624))


def test_a_stream_survives_one_byte_at_a_time() -> None:
    raster = bytes([0x1B, 0x0D, 0x3B, 0xFF]) * (82_296 // 4)  # raw bytes that look like frames
    stream = b"\x1bSs\r" + b"\x1bDb;k;2;" + raster + b"\r" + b"\x1bSe\r"
    parser = FrameParser()
    found = [item for at in range(len(stream)) for item in parser.feed(stream[at : at + 1])]
    assert found == [Frame("Ss"), Frame("Db", ("k", "2"), raster), Frame("Se")]
    assert not parser.pending


def test_tags_and_padding_between_frames_are_skipped() -> None:
    stream = (
        b"<HEADER><CARD><FACE>\n<BINARY Size=9>\x1bPr;ymcko\r</BINARY>\x00\x00\x00"
        b"\x1bPsync;1\r</FACE></CARD>\x1bSe\r" + bytes(64)
    )
    commands = [item.command for item in FrameParser().feed(stream) if isinstance(item, Frame)]
    assert commands == ["Pr", "Psync", "Se"]


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"\x1b" + b"A" * 300 + b"\r", "command"),
        (b"\x1b\r", "command"),
        (b"\x1bpr;x\r", "command"),
        (b"\x1bRco;\xff\r", "parameter"),
        (b"\x1bDb;y;128;", "parameter"),
        (b"\x1bDbx;y;256;600;300;", "parameter"),
        (b"\x1bDbc;k;1016;9999999;", "parameter"),
        (b"\x1bDb;y\r", "parameter"),
        (b"\x1bDb;k;2;" + bytes(82_296) + b"x", "parameter"),
    ],
)
def test_what_is_malformed_is_told_and_the_next_frame_is_read(raw: bytes, cause: str) -> None:
    found = FrameParser().feed(raw + b"\x1bSe\r")
    assert isinstance(found[0], Malformed)
    assert found[0].cause == cause
    assert found[-1] == Frame("Se")


def test_a_frame_inside_a_frame_gives_both() -> None:
    found = FrameParser().feed(b"\x1bRco;c\x1bSe\r")
    assert [type(item) for item in found] == [Malformed, Frame]


def test_memory_stays_bounded_without_an_end() -> None:
    parser = FrameParser()
    for _ in range(50):
        parser.feed(b"\x1b" + b"Z" * 10_000)
    assert len(parser._head) <= 257
    assert not parser._data


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"\x1b", b"\r", b"Db;k;2;"]), max_size=20)
)
def test_the_pieces_of_a_stream_do_not_matter(pieces: list[bytes]) -> None:
    whole, split = FrameParser(), FrameParser()
    expected = whole.feed(b"".join(pieces))
    assert [item for piece in pieces for item in split.feed(piece)] == expected


def test_compression_golden_and_round_trip() -> None:
    # Facts, "Dbc": 00 white, FF black, N useful bytes follow and the rest is white.
    plane = bytes(81) + b"\xff" * 81 + b"\x80\x01" + bytes(79) + bytes(81 * 1013)
    packed = b"\x00" + b"\xff" + b"\x02\x80\x01" + b"\x00" * 1013
    assert compress(plane) == packed
    assert decompress(packed) == plane
    frame = Frame("Dbc", ("k", "1016", str(len(packed))), packed)
    assert Frame.from_bytes(frame.to_bytes()) == frame


@pytest.mark.parametrize(
    "packed", [b"\x00" * 1015, b"\x00" * 1017, b"\x52" + b"\x00" * 1015, b"\x05"]
)
def test_broken_compression_is_refused(packed: bytes) -> None:
    with pytest.raises(FrameError, match="Dbc"):
        decompress(packed)


@pytest.mark.parametrize(
    ("link", "raw", "reply"),
    [
        (Link.SERIAL, b"\x06", Reply()),
        (Link.SERIAL, b"\x15C", Reply(refusal=Refusal.COVER)),
        (Link.SERIAL, b"NO CARD\r", Reply(value="NO CARD")),
        (Link.TCP, b"OK\r", Reply()),
        (Link.TCP, b"NOK;F\r", Reply(refusal=Refusal.FEEDER)),
        (Link.TCP, b"123\r", Reply(value="123")),
    ],
)
def test_replies_on_both_links(link: Link, raw: bytes, reply: Reply) -> None:
    assert reply.to_bytes(link) == raw
    parser = ReplyParser(link)
    assert [item for byte in raw for item in parser.feed(bytes([byte]))] == [reply]


def test_replies_that_are_none_are_told() -> None:
    with pytest.raises(FrameError, match="unknown code"):
        ReplyParser(Link.SERIAL).feed(b"\x15Z")
    with pytest.raises(FrameError, match="more than"):
        ReplyParser(Link.TCP).feed(b"x" * 5000)


def test_status_words_have_the_maker_s_bits() -> None:
    # Values from the maker's public SDK header: cover open 0x00020000, mechanical 0x01000000 …
    status = Status.from_text(
        "20000000;02010081;01020000;01000000;00000000;00002000;40000000;0000002A"
    )
    assert status.information == Info.CARD_PRINT | Info.RESET | Info.PRINTING_RUNNING | Info.BUSY
    assert status.warning == Warn.FEEDER_EMPTY | Warn.COVER_OPEN
    assert status.error == Error.MECHANICAL
    assert status.laminator == Laminator.LAMINATE_ENDED
    assert (status.busy, status.card_inside, status.failed, status.restarted) == (True,) * 4
    assert Status.from_text(Status().to_text()) == Status()


@pytest.mark.parametrize("text", ["", "0", "00000000;00000000", "zzzzzzzz" + ";00000000" * 7])
def test_broken_status_is_refused(text: str) -> None:
    with pytest.raises(FrameError):
        Status.from_text(text)


def test_roll_tags() -> None:
    tag = RollTag.from_text("RIB-77;L01;400;12")
    assert (tag.serial, tag.capacity, tag.remaining) == ("RIB-77", 400, 12)
    assert RollTag.from_text(tag.to_text()) == tag
    with pytest.raises(FrameError):
        RollTag.from_text("RIB-77;L01;400;-1")
