"""Frames survive any cutting of the stream; what is no frame is said."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import frames

items = st.recursive(
    st.none() | st.integers(-(2**40), 2**40) | st.binary(max_size=300) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(items, min_size=1, max_size=4), max_size=4), st.integers(1, 700))
def test_any_cutting_gives_the_same_messages(messages: list[list[Any]], step: int) -> None:
    stream = b"".join(frames.encode(message) for message in messages)
    reader, got = frames.FrameReader(), []
    for at in range(0, len(stream), step):
        got += list(reader.feed(stream[at : at + step]))
    assert got == messages


def test_golden_bytes() -> None:
    assert frames.encode(["sign", 1, []]) == b"\x00\x00\x00\x08\x83\x64sign\x01\x80"


@pytest.mark.parametrize(
    "stream",
    [
        struct.pack(">I", frames.LARGEST + 1),
        b"\x00\x00\x00\x01\xff",  # a break alone
        b"\x00\x00\x00\x01\xa0",  # a map
        b"\x00\x00\x00\x01\x80",  # an empty list
        b"\x00\x00\x00\x02\x81\x00"[:4] + b"\x82\x00",  # a list cut short
    ],
)
def test_what_is_no_frame_is_an_error(stream: bytes) -> None:
    with pytest.raises(frames.FrameError):
        list(frames.FrameReader().feed(stream))


def test_a_message_too_large_is_refused_before_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "LARGEST", 100)
    with pytest.raises(frames.FrameError, match="at most 100"):
        frames.encode([bytes(200)])
