"""The simulated paper printer on the wire: other clients, and clients that mean no good."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from pyipp import IPP
from pyipp.enums import IppOperation

from printers.codecs.ipp import Message, Op, Status, Tag, attribute, request
from tests.sim.paper_bench import Bench, pdf

USER = "prueba"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    await made.start()
    yield made
    await made.stop()


async def post(url: str, data: bytes, kind: str = "application/ipp") -> tuple[int, bytes]:
    parts = urlsplit(url)
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{parts.port}{parts.path}",
            data=data,
            headers={"Content-Type": kind},
        ) as response,
    ):
        return response.status, await response.read()


async def ask(bench: Bench, message: Message, document: bytes = b"") -> Message:
    status, raw = await post(bench.url, message.to_bytes() + document)
    assert status == 200
    return Message.from_bytes(raw)[0]


async def test_another_client_prints_and_follows_its_job(bench: Bench) -> None:
    async with IPP(bench.url) as ipp:
        printer = await ipp.printer()
        assert printer.info.serial == "SIM1"
        sent = await ipp.execute(
            IppOperation.PRINT_JOB,
            {
                "operation-attributes-tag": {
                    "job-name": "ajena",
                    "document-format": "application/pdf",
                },
                "data": pdf(),
            },
        )
        number = sent["jobs"][0]["job-id"]
        async with asyncio.timeout(60):
            while True:
                found = await ipp.execute(
                    IppOperation.GET_JOB_ATTRIBUTES,
                    {"operation-attributes-tag": {"job-id": number}},
                )
                if found["jobs"][0]["job-state"] == 9:
                    break
                await asyncio.sleep(0.02)
    assert [(c["serial"], c["job"]) for c in bench.cards()] == [("F000001", "ajena")]


async def test_requests_that_break_the_rules_are_answered_with_their_status(bench: Bench) -> None:
    uri = bench.url
    good = request(Op.GET_PRINTER_ATTRIBUTES, 5, uri, USER)
    text = attribute("document-format", Tag.MIME_TYPE, "text/plain")
    number = attribute("job-id", Tag.INTEGER, 99)
    latin = attribute("attributes-charset", Tag.CHARSET, "latin-1")
    operation = good.groups[0]
    swapped = type(operation)(Tag.OPERATION, operation.attributes[::-1])
    foreign = type(operation)(Tag.OPERATION, (latin, *operation.attributes[1:]))
    which = attribute("which-jobs", Tag.KEYWORD, "all-of-them")
    cases = {
        Status.OK: good,
        Status.VERSION_NOT_SUPPORTED: Message(good.code, 5, good.groups, (9, 0)),
        Status.OPERATION_NOT_SUPPORTED: Message(0x4001, 5, good.groups),
        Status.FORMAT_NOT_SUPPORTED: request(Op.PRINT_JOB, 5, uri, USER, text),
        Status.NOT_FOUND: request(Op.CANCEL_JOB, 5, uri, USER, number),
        Status.BAD_REQUEST: Message(good.code, 5, (swapped,)),
        Status.CHARSET_NOT_SUPPORTED: Message(good.code, 5, (foreign,)),
        Status.NOT_POSSIBLE: request(Op.GET_JOBS, 5, uri, USER, which),
    }
    for status, message in cases.items():
        answer = await ask(bench, message)
        assert (answer.code, answer.request_id) == (status, 5)
    assert (await ask(bench, Message(good.code, 5, ()))).code == Status.BAD_REQUEST
    assert (await post(uri, b"hola"))[0] == 400
    assert (await post(uri, good.to_bytes(), "text/plain"))[0] == 415
    assert (await post(uri + "/otra", good.to_bytes()))[0] == 404
    assert bench.body()["jobs"] == []


async def test_only_what_was_asked_for_is_answered(bench: Bench) -> None:
    wanted = attribute("requested-attributes", Tag.KEYWORD, "printer-state", "printer-name")
    answer = await ask(bench, request(Op.GET_PRINTER_ATTRIBUTES, 1, bench.url, USER, wanted))
    names = {a.name for a in answer.group(Tag.PRINTER).attributes}
    assert names == {"printer-state", "printer-name"}


async def test_noise_never_stops_the_machine(bench: Bench) -> None:
    dice = random.Random(8)
    base = request(
        Op.PRINT_JOB, 1, bench.url, USER, attribute("job-name", Tag.NAME, "ruido")
    ).to_bytes()
    for _ in range(120):
        octets = bytearray(base + b"%PDF-1.4 nothing")
        for _ in range(dice.randrange(1, 6)):
            octets[dice.randrange(len(octets))] = dice.randrange(256)
        del octets[dice.randrange(4, len(octets)) :]
        assert (await post(bench.url, bytes(octets)))[0] in {200, 400}
    assert bench.simulator is not None
    assert not bench.simulator.motor.done()
    good = await ask(bench, request(Op.GET_PRINTER_ATTRIBUTES, 2, bench.url, USER))
    assert good.code == Status.OK
    assert bench.body()["laid"] == 0


async def test_a_request_one_octet_at_a_time(bench: Bench) -> None:
    parts = urlsplit(bench.url)
    octets = request(Op.GET_PRINTER_ATTRIBUTES, 3, bench.url, USER).to_bytes()
    reader, writer = await asyncio.open_connection("127.0.0.1", parts.port)
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\n"
        f"Content-Length: {len(octets)}\r\nConnection: close\r\n\r\n"
    )
    for octet in head.encode() + octets:
        writer.write(bytes([octet]))
        await asyncio.sleep(0)
    raw = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    assert Message.from_bytes(raw.partition(b"\r\n\r\n")[2])[0].request_id == 3


async def test_a_body_survives_and_a_second_machine_is_refused(bench: Bench) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "firmware_sim.cli"),
        *("printer", "--model", "ipp", "--listen", "ipp://127.0.0.1:0/ipp/print"),
        *("--out", str(bench.out)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"another simulated machine runs" in errors
