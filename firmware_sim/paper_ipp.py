"""The IPP side of a simulated paper printer: requests checked, answers composed (RFC 8010/8011)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from aiohttp import ClientError, web

from firmware_sim.paper_machine import PaperMachine
from printers.codecs.ipp import (
    MAX_MESSAGE,
    Attribute,
    Group,
    IppFormatError,
    IppIncompleteError,
    JobState,
    Message,
    Op,
    PrinterState,
    Status,
    Tag,
    attribute,
)

MAX_DOCUMENT = 32 << 20
PATH = "/ipp/print"
_REASONS = {"jam": "media-jam"}


class Refused(Exception):  # noqa: N818
    """The request is answered with a status instead of being done."""

    def __init__(self, status: Status, why: str) -> None:
        super().__init__(why)
        self.status = status


class IppServer:
    """Answers IPP over HTTP POST for one machine; ``uri`` is what clients call it."""

    def __init__(self, machine: PaperMachine) -> None:
        self.machine = machine
        self.uri = ""

    def application(self) -> web.Application:
        """The routes: one."""
        application = web.Application(client_max_size=MAX_DOCUMENT)
        application.router.add_post(PATH, self.handle)
        return application

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request. What is no IPP gets HTTP 400 or 415, as RFC 8010 section 3.4 allows."""
        if request.content_type != "application/ipp":
            raise web.HTTPUnsupportedMediaType(text="send application/ipp")
        stream = request.content.iter_any()
        try:
            message, rest = await _head(stream)
        except (ClientError, OSError) as error:
            raise web.HTTPBadRequest(text="the line broke") from error
        except IppFormatError as error:
            raise web.HTTPBadRequest(text=f"not IPP: {error}") from error
        try:
            groups = await self._do(message, rest, stream, request)
            answer = _answer(message, Status.OK, "", *groups)
        except Refused as refusal:
            answer = _answer(message, refusal.status, str(refusal))
        if message.code == Op.PRINT_JOB and self.machine.faults.due("lose_answer"):
            _cut(request)
        return web.Response(body=answer.to_bytes(), content_type="application/ipp")

    async def _do(
        self, message: Message, rest: bytes, stream: AsyncIterator[bytes], request: web.Request
    ) -> list[Group]:
        operation = _checked(message)
        match message.code:
            case Op.PRINT_JOB:
                return [await self._print_job(message, rest, stream, request)]
            case Op.VALIDATE_JOB:
                _check_format(operation)
                return []
            case Op.GET_PRINTER_ATTRIBUTES:
                return [_wanted(operation, self._printer())]
            case Op.GET_JOBS:
                return self._get_jobs(operation)
            case Op.GET_JOB_ATTRIBUTES:
                return [_wanted(operation, self._job(self._find(operation)))]
            case Op.CANCEL_JOB:
                return await self._cancel(operation)
        raise Refused(Status.OPERATION_NOT_SUPPORTED, f"operation 0x{message.code:04x}")

    # -- operations ------------------------------------------------------------------------------

    async def _print_job(
        self, message: Message, rest: bytes, stream: AsyncIterator[bytes], request: web.Request
    ) -> Group:
        operation, template = message.group(Tag.OPERATION), message.group(Tag.JOB)
        _check_format(operation)
        sides = template.text("sides") or operation.text("sides")
        job = await self.machine.accept(
            operation.text("job-name") or "untitled",
            operation.text("requesting-user-name") or "anonymous",
            sides.startswith("two-sided"),
        )
        document = await self._document(rest, stream, request)
        await self.machine.submit(job, document)
        if document is None:
            _cut(request)
        return self._job(job)

    async def _document(
        self, rest: bytes, stream: AsyncIterator[bytes], request: web.Request
    ) -> bytes | None:
        """The whole document; None if the line broke, by itself or by the fault of that name."""
        document = bytearray(rest)
        cut = self.machine.faults.due("reset")
        try:
            async for chunk in stream:
                document += chunk
                if cut or len(document) > MAX_DOCUMENT:
                    return None
        except (ClientError, OSError):
            return None
        return None if cut else bytes(document)

    def _get_jobs(self, operation: Group) -> list[Group]:
        which = operation.text("which-jobs") or "not-completed"
        if which not in {"completed", "not-completed"}:
            raise Refused(Status.NOT_POSSIBLE, f"which-jobs {which!r}")
        mine = operation.get("my-jobs")
        user = operation.text("requesting-user-name")
        found = [
            job
            for job in self.machine.state["jobs"]
            if JobState(job["state"]).terminal == (which == "completed")
            and (mine is None or not mine.first or job["user"] == user)
        ]
        limit = operation.integer("limit") or len(found)
        basic = {"job-uri", "job-id"}
        return [_wanted(operation, self._job(job), basic) for job in found[:limit]]

    async def _cancel(self, operation: Group) -> list[Group]:
        if not await self.machine.cancel(self._find(operation)):
            raise Refused(Status.NOT_POSSIBLE, "the job is over")
        return []

    def _find(self, operation: Group) -> dict[str, Any]:
        number = operation.integer("job-id")
        if number is None and (uri := operation.text("job-uri")):
            tail = uri.rpartition("/")[2]
            number = int(tail) if tail.isdecimal() and len(tail) < 10 else None
        job = self.machine.job(number) if number is not None else None
        if job is None:
            raise Refused(Status.NOT_FOUND, f"no job {number}")
        return job

    # -- attributes ------------------------------------------------------------------------------

    def _job(self, job: dict[str, Any]) -> Group:
        begun = job["begun"]
        return Group(
            Tag.JOB,
            (
                attribute("time-at-processing", Tag.INTEGER if begun else Tag.NO_VALUE, begun),
                attribute("job-uri", Tag.URI, f"{self.uri}/{job['id']}"),
                attribute("job-id", Tag.INTEGER, job["id"]),
                attribute("job-state", Tag.ENUM, job["state"]),
                attribute("job-state-reasons", Tag.KEYWORD, *job["reasons"]),
                attribute("job-name", Tag.NAME, job["name"]),
                attribute("job-originating-user-name", Tag.NAME, job["user"]),
                attribute("job-impressions", Tag.INTEGER, job["pages"]),
                attribute("job-impressions-completed", Tag.INTEGER, job["impressions"]),
                attribute("job-media-sheets-completed", Tag.INTEGER, job["sheets"]),
            ),
        )

    def _printer(self) -> Group:
        machine = self.machine
        counters, stopped = machine.state["counters"], machine.stopped()
        conditions = list(dict.fromkeys([*stopped, *machine.state["conditions"]]))
        reasons = [_reason(name, name in stopped) for name in conditions] or ["none"]
        busy = any(job["state"] != JobState.PENDING_HELD for job in machine.waiting())
        state = PrinterState.PROCESSING if busy else PrinterState.IDLE
        serial = machine.state["serial"]
        return Group(
            Tag.PRINTER,
            (
                attribute("printer-uri-supported", Tag.URI, self.uri),
                attribute("uri-security-supported", Tag.KEYWORD, "none"),
                attribute("uri-authentication-supported", Tag.KEYWORD, "none"),
                attribute("printer-name", Tag.NAME, "fedatario-sim-paper"),
                attribute("printer-make-and-model", Tag.TEXT, "Fedatario simulated paper printer"),
                attribute(
                    "printer-device-id",
                    Tag.TEXT,
                    f"MFG:Fedatario;MDL:Paper;CMD:PDF;SN:{serial};",
                ),
                attribute("printer-state", Tag.ENUM, PrinterState.STOPPED if stopped else state),
                attribute("printer-state-reasons", Tag.KEYWORD, *reasons),
                attribute("printer-is-accepting-jobs", Tag.BOOLEAN, True),
                attribute("printer-up-time", Tag.INTEGER, machine.up_time()),
                attribute("printer-impressions-completed", Tag.INTEGER, counters["impressions"]),
                attribute("printer-media-sheets-completed", Tag.INTEGER, counters["sheets"]),
                attribute("queued-job-count", Tag.INTEGER, len(machine.waiting())),
                attribute("ipp-versions-supported", Tag.KEYWORD, "1.1", "2.0"),
                attribute("operations-supported", Tag.ENUM, *(int(op) for op in Op)),
                attribute("charset-configured", Tag.CHARSET, "utf-8"),
                attribute("charset-supported", Tag.CHARSET, "utf-8"),
                attribute("natural-language-configured", Tag.LANGUAGE, "en"),
                attribute("generated-natural-language-supported", Tag.LANGUAGE, "en"),
                attribute("document-format-default", Tag.MIME_TYPE, "application/pdf"),
                attribute("document-format-supported", Tag.MIME_TYPE, "application/pdf"),
                attribute("pdl-override-supported", Tag.KEYWORD, "attempted"),
                attribute("compression-supported", Tag.KEYWORD, "none"),
                attribute("sides-supported", Tag.KEYWORD, "one-sided", "two-sided-long-edge"),
            ),
        )


def _reason(name: str, stopping: bool) -> str:
    keyword = _REASONS.get(name, name.replace("_", "-"))
    return f"{keyword}-error" if stopping else f"{keyword}-report"


async def _head(stream: AsyncIterator[bytes]) -> tuple[Message, bytes]:
    """The message and the octets of the document that came with it."""
    data = bytearray()
    async for chunk in stream:
        data += chunk
        try:
            message, end = Message.from_bytes(bytes(data))
        except IppIncompleteError:
            if len(data) > MAX_MESSAGE:
                raise
            continue
        return message, bytes(data[end:])
    raise IppFormatError("the message ends before its end-of-attributes tag")


def _checked(message: Message) -> Group:
    """The operation attributes, if the request keeps RFC 8011 sections 4.1.4 and 4.1.8."""
    if message.version[0] not in {1, 2}:
        raise Refused(Status.VERSION_NOT_SUPPORTED, f"version {message.version[0]}")
    if not message.groups or message.groups[0].tag != Tag.OPERATION:
        raise Refused(Status.BAD_REQUEST, "operation attributes come first")
    operation = message.groups[0]
    names = [a.name for a in operation.attributes[:2]]
    if names != ["attributes-charset", "attributes-natural-language"]:
        raise Refused(Status.BAD_REQUEST, "charset and natural language come first")
    if operation.text("attributes-charset") not in {"utf-8", "us-ascii"}:
        raise Refused(Status.CHARSET_NOT_SUPPORTED, "utf-8 is supported")
    if not operation.text("printer-uri") and not operation.text("job-uri"):
        raise Refused(Status.BAD_REQUEST, "no printer-uri")
    return operation


def _check_format(operation: Group) -> None:
    found = operation.text("document-format") or "application/pdf"
    if found not in {"application/pdf", "application/octet-stream"}:
        raise Refused(Status.FORMAT_NOT_SUPPORTED, found)


def _wanted(operation: Group, group: Group, default: set[str] | None = None) -> Group:
    names = set(operation.texts("requested-attributes")) or default
    if not names or names & {"all", "printer-description", "job-description"}:
        return group
    return Group(group.tag, tuple(a for a in group.attributes if a.name in names))


def _answer(message: Message, status: Status, why: str, *groups: Group) -> Message:
    first: list[Attribute] = [
        attribute("attributes-charset", Tag.CHARSET, "utf-8"),
        attribute("attributes-natural-language", Tag.LANGUAGE, "en"),
    ]
    if why:
        first.append(attribute("status-message", Tag.TEXT, why))
    version = message.version if message.version[0] in {1, 2} else (1, 1)
    return Message(
        status, message.request_id, (Group(Tag.OPERATION, tuple(first)), *groups), version
    )


def _cut(request: web.Request) -> None:
    """The cable comes out: no answer, no goodbye."""
    if request.transport is not None:
        request.transport.abort()
