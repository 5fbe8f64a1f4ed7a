"""One IPP exchange at a time over HTTP: the request, the streamed document, the answer.

A connection serves one request. A POST on a connection that the printer has already closed is
what makes HTTP clients send twice, and Print-Job is not idempotent (facts, "Paper").
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp

from printers.codecs.ipp import (
    Attribute,
    Group,
    IppFormatError,
    Message,
    Op,
    Status,
    Tag,
    attribute,
    request,
)
from printers.paper_evidence import JobView
from printers.ports import DeviceError, Gate, Progress

CHUNK = 16 * 1024
MAX_ANSWER = 1 << 20
_PRINTER_WANTED = (
    *("printer-make-and-model", "printer-device-id", "printer-uuid", "printer-state"),
    *("printer-state-reasons", "printer-up-time", "marker-names", "marker-levels"),
    *("printer-impressions-completed", "printer-media-sheets-completed"),
    *("document-format-supported", "operations-supported"),
)
_JOB_WANTED = (
    *("job-id", "job-name", "job-state", "job-state-reasons", "job-originating-user-name"),
    *("job-impressions", "job-impressions-completed", "time-at-processing"),
)


class PaperLink:
    """Talks to one printer URI (``ipp://`` or ``ipps://``; option ``ca_file`` for the latter)."""

    def __init__(self, name: str, uri: str, user: str, options: Mapping[str, str]) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in {"ipp", "ipps"} or not parts.hostname:
            raise ValueError(f"{name}: write the printer's URL as ipp://HOST:PORT/ipp/print")
        scheme = "https" if parts.scheme == "ipps" else "http"
        self.name, self.uri, self.user = name, uri, user
        self.octets_sent = 0  # of the last Print-Job, as far as the gate let it go
        self._url = f"{scheme}://{parts.hostname}:{parts.port or 631}{parts.path or '/'}"
        self._ca_file = options.get("ca_file")
        self._secure = scheme == "https"
        self._timeout_s = float(options.get("answer_timeout_s", "10"))
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, op: Op, *attributes: Attribute) -> Message:
        """A request without a document. Raises DeviceError; a refusal is in the answer's code."""
        message = request(op, next(self._ids), self.uri, self.user, *attributes)
        return await self._post(message.to_bytes(), message.request_id)

    async def printer(self) -> Group:
        """The printer's attributes that this house reads. Raises DeviceError."""
        wanted = attribute("requested-attributes", Tag.KEYWORD, *_PRINTER_WANTED)
        return (await self._done(Op.GET_PRINTER_ATTRIBUTES, wanted)).group(Tag.PRINTER)

    async def jobs(self, which: tuple[str, ...] = ("not-completed", "completed")) -> list[JobView]:
        """The jobs that the printer lists, by number. Raises DeviceError."""
        # The waiting ones first: one that ends between the two questions is then seen twice and
        # kept in its later state, never missed.
        found: dict[int, JobView] = {}
        for kind in which:
            answer = await self._done(
                Op.GET_JOBS,
                attribute("which-jobs", Tag.KEYWORD, kind),
                attribute("requested-attributes", Tag.KEYWORD, *_JOB_WANTED),
            )
            found |= {view.job_id: view for view in map(JobView.of, answer.all(Tag.JOB))}
        return [found[number] for number in sorted(found)]

    async def job(self, number: int) -> JobView:
        """One job. Raises DeviceError, also when the printer has forgotten it."""
        answer = await self._done(
            Op.GET_JOB_ATTRIBUTES,
            attribute("job-id", Tag.INTEGER, number),
            attribute("requested-attributes", Tag.KEYWORD, *_JOB_WANTED),
        )
        return JobView.of(answer.group(Tag.JOB))

    async def cancel(self, number: int) -> None:
        """Cancels a job; one that is over already stays as it is. Raises DeviceError."""
        answer = await self.ask(Op.CANCEL_JOB, attribute("job-id", Tag.INTEGER, number))
        # Not possible and not found: it ended before the request came; the list tells how.
        if answer.code >= 0x0100 and answer.code not in {Status.NOT_POSSIBLE, Status.NOT_FOUND}:
            raise DeviceError(
                f"{self.name}: the job was not cancelled (0x{answer.code:04x}); use its panel"
            )

    async def _done(self, op: Op, *attributes: Attribute) -> Message:
        answer = await self.ask(op, *attributes)
        if answer.code >= 0x0100:
            raise DeviceError(
                f"{self.name}: {op.name} refused with 0x{answer.code:04x}; look at its panel"
            )
        return answer

    async def send(
        self,
        operation: tuple[Attribute, ...],
        job: tuple[Attribute, ...],
        document: bytes,
        gate: Gate,
        progress: Progress,
    ) -> Message:
        """Print-Job with operation and job template attributes, its document in chunks, ``gate``
        before each octet leaves.

        What the gate raises comes out as it is, with the connection cut: a document in chunked
        coding without its last chunk is one that the printer must not print. Raises DeviceError
        when the line breaks; whether the job was taken is then unknown.
        """
        message = request(Op.PRINT_JOB, next(self._ids), self.uri, self.user, *operation, job=job)
        body = _Body(message.to_bytes(), document, gate, progress)
        try:
            return await self._post(body.chunks(), message.request_id)
        finally:
            self.octets_sent = body.sent
            if body.stopped is not None:
                raise body.stopped

    async def _post(self, data: bytes | AsyncIterator[bytes], request_id: int) -> Message:
        session = self._open()
        try:
            async with session.post(
                self._url, data=data, headers={"Content-Type": "application/ipp"}
            ) as response:
                raw = await self._read(response)
                status = response.status
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise DeviceError(
                f"{self.name}: {type(error).__name__} at {self.uri}; "
                "check that the printer is on and on the network"
            ) from error
        if status != 200:
            raise DeviceError(f"{self.name}: HTTP {status} at {self.uri}; check path and access")
        return self._answer(raw, request_id)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts = bytearray()
        async for chunk in response.content.iter_any():
            parts += chunk
            if len(parts) > MAX_ANSWER:
                raise DeviceError(f"{self.name}: an answer over {MAX_ANSWER} octets; not a printer")
        return bytes(parts)

    def _answer(self, raw: bytes, request_id: int) -> Message:
        try:
            message, _ = Message.from_bytes(raw)
        except IppFormatError as error:
            raise DeviceError(f"{self.name}: the answer is not IPP ({error})") from error
        if message.request_id != request_id:
            raise DeviceError(f"{self.name}: an answer to another request; is there a proxy?")
        return message

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            context: ssl.SSLContext | bool = True
            if self._secure and self._ca_file:
                context = ssl.create_default_context(cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, ssl=context),
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=self._timeout_s, sock_read=self._timeout_s
                ),
                trust_env=False,
            )
        return self._session

    async def close(self) -> None:
        """Gives the sockets back; the next request opens anew."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class _Body:
    """The octets of a Print-Job, asking the gate before each part and keeping what it raised."""

    def __init__(self, head: bytes, document: bytes, gate: Gate, progress: Progress) -> None:
        self._head, self._document = head, document
        self._gate, self._progress = gate, progress
        self.stopped: BaseException | None = None
        self.sent = 0

    async def chunks(self) -> AsyncIterator[bytes]:
        parts = [self._head]
        parts += [self._document[at : at + CHUNK] for at in range(0, len(self._document), CHUNK)]
        for index, part in enumerate(parts):
            try:
                self._gate()
            except BaseException as error:
                # aiohttp wraps what a body raises; the caller must see the gate's own exception.
                self.stopped = error
                raise
            self._progress("sending", index / len(parts))
            self.sent += len(part)
            yield part
            await asyncio.sleep(0)  # a long document never holds the loop
