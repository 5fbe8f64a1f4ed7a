"""IPP messages as values: RFC 8010 encoding (section 3), both directions, nothing else.

A message is the part before the document; what follows the end-of-attributes tag belongs to the
caller, so a document can be streamed and never sits in a message. Own code instead of pyipp's
serializer because that one buffers the document (no gate between chunks), drops attributes it has
no tag for, and cannot write the several job groups of a Get-Jobs answer; pyipp is the independent
reader in the tests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from printers.codecs.ipp_names import JobState as JobState
from printers.codecs.ipp_names import Op as Op
from printers.codecs.ipp_names import PrinterState as PrinterState
from printers.codecs.ipp_names import Status as Status
from printers.codecs.ipp_names import Tag as Tag

MAX_MESSAGE = 1 << 18  # octets before the document; the largest real answer seen is about 40 KiB
MAX_DEPTH = 8  # collections in collections


class IppFormatError(ValueError):
    """The octets are no IPP message; the text says where and why."""


class IppIncompleteError(IppFormatError):
    """The octets end before the end-of-attributes tag: read more and try again."""


Value: TypeAlias = "int | bool | str | bytes | tuple[int, ...] | tuple[Attribute, ...] | None"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A name with one or more values of one syntax (a collection's value is its members)."""

    name: str
    tag: int
    values: tuple[Value, ...]

    @property
    def first(self) -> Value:
        """The first value; most attributes have one."""
        return self.values[0]

    def to_bytes(self) -> bytes:
        """RFC 8010 section 3.1.4 and 3.1.5: further values carry an empty name."""
        names = [self.name, *([""] * (len(self.values) - 1))]
        return b"".join(
            _encode(self.tag, name, value) for name, value in zip(names, self.values, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """An attribute group: operation, job, printer or unsupported."""

    tag: int
    attributes: tuple[Attribute, ...]

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name, if the group has it."""
        return next((a for a in self.attributes if a.name == name), None)

    def integer(self, name: str) -> int | None:
        """The first value of an integer or enum attribute; None if absent or without value."""
        value = a.first if (a := self.get(name)) else None
        return value if isinstance(value, int) else None

    def text(self, name: str) -> str:
        """The first value of a character attribute; "" if absent or without value."""
        value = a.first if (a := self.get(name)) else None
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a character attribute."""
        found = self.get(name)
        return tuple(v for v in found.values if isinstance(v, str)) if found else ()


@dataclass(frozen=True, slots=True)
class Message:
    """A request (``code`` is an operation) or a response (``code`` is a status)."""

    code: int
    request_id: int
    groups: tuple[Group, ...]
    version: tuple[int, int] = (1, 1)

    def group(self, tag: int) -> Group:
        """The first group with that tag; an empty one if there is none."""
        return next((g for g in self.groups if g.tag == tag), Group(tag, ()))

    def all(self, tag: int) -> tuple[Group, ...]:
        """All groups with that tag (one per job in a Get-Jobs answer)."""
        return tuple(g for g in self.groups if g.tag == tag)

    def to_bytes(self) -> bytes:
        """The message up to and with the end-of-attributes tag."""
        body = b"".join(
            bytes([g.tag]) + b"".join(a.to_bytes() for a in g.attributes) for g in self.groups
        )
        head = struct.pack(">BBHI", *self.version, self.code, self.request_id)
        return head + body + bytes([Tag.END])

    @classmethod
    def from_bytes(cls, data: bytes) -> tuple[Message, int]:
        """Reads a message; returns it with the offset at which the document starts.

        Raises IppIncompleteError when more octets are needed, IppFormatError for anything else.
        """
        try:
            return _Reader(data).message()
        except IppIncompleteError:
            if len(data) > MAX_MESSAGE:
                raise IppFormatError(f"no end of attributes in {MAX_MESSAGE} octets") from None
            raise


def attribute(name: str, tag: Tag, *values: Value) -> Attribute:
    """Shorthand for the composing side."""
    return Attribute(name, tag, values)


def request(
    op: Op, request_id: int, uri: str, user: str, *more: Attribute, job: tuple[Attribute, ...] = ()
) -> Message:
    """A request with the operation attributes in the order RFC 8011 section 4.1.4 demands.

    ``job`` are job template attributes (sides, copies, media), which have a group of their own.
    """
    first = (
        attribute("attributes-charset", Tag.CHARSET, "utf-8"),
        attribute("attributes-natural-language", Tag.LANGUAGE, "en"),
        attribute("printer-uri", Tag.URI, uri),
    )
    # job-id follows the target URI and precedes the user's name (RFC 8011 section 4.1.5).
    target = tuple(a for a in more if a.name == "job-id")
    rest = tuple(a for a in more if a.name != "job-id")
    name = (attribute("requesting-user-name", Tag.NAME, user),)
    groups = (Group(Tag.OPERATION, first + target + name + rest),)
    return Message(op, request_id, (*groups, Group(Tag.JOB, job)) if job else groups)


_INTEGERS = {Tag.INTEGER, Tag.ENUM}
_WITH_LANGUAGE = {Tag.TEXT_WITH_LANGUAGE, Tag.NAME_WITH_LANGUAGE}
_PACKED = {Tag.RESOLUTION: ">iib", Tag.RANGE: ">ii"}


def _field(tag: int, name: str, value: bytes) -> bytes:
    raw = name.encode()
    if len(raw) > 0x7FFF or len(value) > 0x7FFF:
        raise IppFormatError(f"{name or 'a value'} is longer than 32,767 octets")
    return struct.pack(">BH", tag, len(raw)) + raw + struct.pack(">H", len(value)) + value


def _encode(tag: int, name: str, value: Value) -> bytes:
    if tag == Tag.BEGIN_COLLECTION:
        members = (m for m in value if isinstance(m, Attribute)) if isinstance(value, tuple) else ()
        inner = b"".join(
            _field(Tag.MEMBER_NAME, "", m.name.encode())
            + b"".join(_encode(m.tag, "", v) for v in m.values)
            for m in members
        )
        return _field(tag, name, b"") + inner + _field(Tag.END_COLLECTION, "", b"")
    return _field(tag, name, _scalar(tag, name, value))


def _scalar(tag: int, name: str, value: Value) -> bytes:
    if value is None:
        return b""  # out of band: unsupported, unknown, no-value
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return struct.pack(">i", value)
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    if tag in _PACKED:
        return struct.pack(_PACKED[Tag(tag)], *value)
    raise IppFormatError(f"{name}: {value!r} does not fit syntax 0x{tag:02x}")


class _Reader:
    """A cursor over the octets of one message."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise IppIncompleteError(f"{count} octets expected at {self.at}")
        self.at += count
        return self.data[self.at - count : self.at]

    def field(self) -> tuple[str, bytes]:
        (length,) = struct.unpack(">H", self.take(2))
        name = _text(self.take(length))
        (length,) = struct.unpack(">H", self.take(2))
        return name, self.take(length)

    def message(self) -> tuple[Message, int]:
        major, minor, code, request_id = struct.unpack(">BBHI", self.take(8))
        groups = tuple(self.groups())
        return Message(code, request_id, groups, (major, minor)), self.at

    def groups(self) -> Iterator[Group]:
        tag = self.take(1)[0]
        while tag != Tag.END:
            if tag >= 0x10:
                raise IppFormatError(f"a value (0x{tag:02x}) outside a group at {self.at - 1}")
            attributes: list[Attribute] = []
            group_tag = tag
            while (tag := self.take(1)[0]) >= 0x10:
                self.value(tag, attributes)
            yield Group(group_tag, tuple(attributes))

    def value(self, tag: int, attributes: list[Attribute]) -> None:
        name, raw = self.field()
        value = self.collection(1) if tag == Tag.BEGIN_COLLECTION else _decode(tag, raw)
        if name:
            attributes.append(Attribute(name, tag, (value,)))
        elif not attributes:
            raise IppFormatError(f"a further value without an attribute at {self.at}")
        else:
            last = attributes[-1]
            attributes[-1] = Attribute(last.name, last.tag, (*last.values, value))

    def collection(self, depth: int) -> tuple[Attribute, ...]:
        if depth > MAX_DEPTH:
            raise IppFormatError(f"collections nested deeper than {MAX_DEPTH}")
        members: list[Attribute] = []
        while (tag := self.take(1)[0]) != Tag.END_COLLECTION:
            _, raw = self.field()
            if tag == Tag.MEMBER_NAME:
                members.append(Attribute(_text(raw), Tag.NO_VALUE, ()))
                continue
            if tag < 0x10 or not members:
                raise IppFormatError(f"a collection broken off at {self.at}")
            value = self.collection(depth + 1) if tag == Tag.BEGIN_COLLECTION else _decode(tag, raw)
            last = members[-1]
            members[-1] = Attribute(last.name, tag, (*last.values, value))
        self.field()
        return tuple(members)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise IppFormatError(f"text that is not UTF-8: {error}") from None


def _sized(tag: int, raw: bytes, layout: str) -> tuple[int, ...]:
    if len(raw) != struct.calcsize(layout):
        raise IppFormatError(f"syntax 0x{tag:02x} with {len(raw)} octets")
    return struct.unpack(layout, raw)


def _decode(tag: int, raw: bytes) -> Value:
    if tag < 0x20:
        return None
    if tag in _INTEGERS:
        return _sized(tag, raw, ">i")[0]
    if tag == Tag.BOOLEAN:
        return bool(_sized(tag, raw, ">B")[0])
    if tag in _PACKED:
        return _sized(tag, raw, _PACKED[Tag(tag)])
    if tag in _WITH_LANGUAGE:
        # RFC 8010 section 3.9: length, language, length, text; the language is of no use here.
        inner = _Reader(raw)
        try:
            inner.take(struct.unpack(">H", inner.take(2))[0])
            return _text(inner.take(struct.unpack(">H", inner.take(2))[0]))
        except IppIncompleteError:
            raise IppFormatError("a text with language that is cut short") from None
    return _text(raw) if tag >= 0x40 else raw
