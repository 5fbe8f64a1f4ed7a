"""What the API takes: strict models, so that "2" is no integer and an unknown key no silence."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from issuer.web.problems import Problem

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=300)]
Serial = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
# A version-40 QR holds 4,296 base45 characters (ISO/IEC 18004, table 7).
QrText = Annotated[str, StringConstraints(min_length=1, max_length=4296)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Nothing(_Body):
    """``{}``"""


class Print(_Body):
    """``lane`` picks a printer."""

    lane: Serial | None = None


class Why(_Body):
    """A reason in a person's words."""

    reason: Text


class Spoil(_Body):
    """Causes are codes: they go to the status list's entry and the events."""

    cause: Literal["smeared", "misprint", "damaged", "wrong_data", "misfeed", "lamination", "other"]


class Deliver(_Body):
    """``receiver``: the collector's name and number."""

    receiver_kind: Literal["holder", "collector"]
    receiver: Text | None = None
    earlier: Literal["surrendered", "declared_lost", "none"]


class Resolve(_Body):
    """What a person found in the machine."""

    found: Literal["card", "in_hopper", "spoiled"]


class Lamination(_Body):
    """Whether the pouch went through."""

    passed: bool


class Scan(_Body):
    """What the scanner typed."""

    text: QrText


class Inspect(_Body):
    """Both scans. ``job``: the one on the screen, for a QR that names none."""

    qr: QrText
    serial: Serial | None = None
    job: Serial | None = None


class Load(_Body):
    """The first and last serial of a stack, as scanned."""

    first: Serial
    last: Serial


class Roll(_Body):
    """A new roll; ``prints`` is what is on it."""

    material: Serial
    serial: Serial
    prints: Annotated[int, Field(ge=1, le=100_000)]


B = TypeVar("B", bound=_Body)


async def read(request: web.Request, model: type[B]) -> B:
    """The body as ``model``. Raises Problem 415 or 422, which names the fields, not the values."""
    if request.content_type != "application/json":
        raise Problem(415, "not_json", "Envíe JSON.", "Send JSON (Content-Type: application/json).")
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        fields = [
            {"field": ".".join(map(str, e["loc"])) or "body", "en": e["msg"]}
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        names = ", ".join(item["field"] for item in fields)
        raise Problem(
            422,
            "bad_request",
            f"Revise lo que escribió: {names}.",
            f"Look again at what you typed: {names}.",
            fields=fields,
        ) from None
