"""An agency as data: ``load_profile(directory)`` reads and cross-checks it at start."""

from .dated import ExemptionRule, FineRule, HolidayRule, PriceRule, ValidityRule
from .findings import Finding, ProfileError
from .loader import load_profile
from .model import (
    BillLine,
    CalendarEnds,
    Category,
    DocumentType,
    Faces,
    FieldLabel,
    Form,
    ListType,
    Material,
    Office,
    Profile,
    UnknownCode,
)

__all__ = [
    "BillLine",
    "CalendarEnds",
    "Category",
    "DocumentType",
    "ExemptionRule",
    "Faces",
    "FieldLabel",
    "Finding",
    "FineRule",
    "Form",
    "HolidayRule",
    "ListType",
    "Material",
    "Office",
    "PriceRule",
    "Profile",
    "ProfileError",
    "UnknownCode",
    "ValidityRule",
    "load_profile",
]
