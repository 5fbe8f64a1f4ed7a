"""Requests: their typed form, and the files they come in."""

from .files import BadRow, read_applications
from .model import (
    FIELD_NAMES,
    KINDS,
    SEXES,
    Application,
    CategoryRequest,
    LostCard,
    Permit,
    Person,
)
from .parse import parse_application, to_row

__all__ = [
    "FIELD_NAMES",
    "KINDS",
    "SEXES",
    "Application",
    "BadRow",
    "CategoryRequest",
    "LostCard",
    "Permit",
    "Person",
    "parse_application",
    "read_applications",
    "to_row",
]
