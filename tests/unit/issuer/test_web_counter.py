"""The counter's API: signing in, the live stream, scans, acts, problem documents, words."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from issuer.custody.ledger import LedgerError
from issuer.domain import Conflict, Fenced, JobState, Reason
from issuer.people import People, Role
from issuer.store.engine import Store
from issuer.store.errors import CommitFailed, StoreBusy
from issuer.web import words
from issuer.web.app import make_app
from issuer.web.throttle import Throttle
from tests.e2e.counter_desk import OFFICE, FakeDesk, full_desk, qr_text, serial
from tests.e2e.counter_site import PASSWORD, QUICK, config

SAME = {"Sec-Fetch-Site": "same-origin"}
Client = TestClient[web.Request, web.Application]
WEB = Path(words.__file__).parent


@pytest.fixture(params=["sqlite"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Accounts are tested on both engines elsewhere."""
    return str(request.param)


@pytest.fixture
def desk() -> FakeDesk:
    return full_desk()


@pytest.fixture
def people(store: Store) -> People:
    return People(store, session_hours=10, hasher=QUICK)


@pytest.fixture
async def outside(desk: FakeDesk, people: People, tmp_path: Path) -> AsyncIterator[Client]:
    """Nobody is signed in."""
    app = make_app(desk, config(tmp_path), people, desk.sources())
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as made:
        yield made


@pytest.fixture
async def client(outside: Client, people: People) -> Client:
    """Somebody with every role."""
    user, code = await people.add("maria", OFFICE, tuple(Role), by="test")
    signed, _ = await people.sign_in(OFFICE, user.name, code)
    _, token = await people.change_password(signed, code, PASSWORD)
    outside.session.cookie_jar.update_cookies({"fedatario-session": token})
    return outside


async def post(client: Client, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post(path, json=body, headers=SAME)
    return answer.status, await answer.json()


# Signing in.


async def test_the_first_sign_in_leads_to_a_new_password(outside: Client, people: People) -> None:
    made = await people.first_sign_in(OFFICE)
    assert made is not None
    form = {"name": "Admin ", "password": made[1]}
    answer = await outside.post("/sign-in", data=form, headers=SAME)
    assert answer.url.path == "/password", "nothing else before the password is set"
    assert (await outside.get("/api/queue")).status == 403
    weak = {"old": made[1], "new": "corta", "again": "corta"}
    answer = await outside.post("/password", data=weak, headers=SAME)
    assert answer.status == 422
    assert "12 caracteres" in await answer.text()
    good = {"old": made[1], "new": PASSWORD, "again": PASSWORD}
    answer = await outside.post("/password", data=good, headers=SAME)
    assert answer.url.path == "/"
    assert (await outside.get("/api/queue")).status == 200
    answer = await outside.post("/sign-out", headers=SAME)
    assert answer.url.path == "/sign-in"
    assert (await outside.get("/api/queue")).status == 401


async def test_a_wrong_password_keeps_the_name_and_tells_nothing(
    outside: Client, people: People
) -> None:
    await people.first_sign_in(OFFICE)
    texts = []
    for name in ("admin", "nobody"):
        form = {"name": name, "password": "not this one"}
        answer = await outside.post("/sign-in", data=form, headers=SAME)
        assert answer.status == 401
        text = await answer.text()
        assert f'value="{name}"' in text
        texts.append(text.replace(name, ""))
    assert texts[0] == texts[1]


async def test_tries_are_throttled(outside: Client, people: People) -> None:
    made = await people.first_sign_in(OFFICE)
    assert made is not None
    wrong = {"name": "admin", "password": "x"}
    calls = [outside.post("/sign-in", data=wrong, headers=SAME) for _ in range(8)]
    statuses = sorted(answer.status for answer in await asyncio.gather(*calls))
    assert statuses == [401] * 5 + [429] * 3, "side by side they must not all pass"
    right = {"name": "admin", "password": made[1]}
    answer = await outside.post("/sign-in", data=right, headers=SAME)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1


def test_the_wait_doubles_and_ends() -> None:
    now = 0.0
    throttle = Throttle(lambda: now)
    assert [throttle.begin("a") for _ in range(5)] == [0.0] * 5
    assert throttle.begin("a") == 1.0
    assert throttle.begin("b") == 0.0
    now = 1.0
    assert throttle.begin("a") == 0.0
    assert throttle.begin("a") == 2.0
    throttle.succeeded("a")
    assert throttle.begin("a") == 0.0


# The stream.


class Reader:
    """Server-sent events of one connection."""

    def __init__(self, answer: ClientResponse) -> None:
        self.answer = answer

    async def next(self, *wanted: str) -> dict[str, str]:
        """The next event; of the wanted kinds, if any are named."""
        while True:
            found: dict[str, str] = {}
            while line := (await asyncio.wait_for(self.answer.content.readline(), 5)).decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if not name:
                    break
                found[name] = value
            assert line, "the stream ended"
            if "event" in found and (not wanted or found["event"] in wanted):
                return found


async def test_the_stream_goes_on_where_it_broke_without_gap_or_double(
    client: Client, desk: FakeDesk
) -> None:
    async with client.get("/api/events") as answer:
        assert answer.content_type == "text/event-stream"
        reader = Reader(answer)
        hello = await reader.next("hello")
        assert hello["id"] == f"1.{len(desk.stream)}"
        desk.emit("job.sealed", "job-001")
        first = await reader.next("event")
        assert json.loads(first["data"])["subject"] == "job-001"
    for number in range(3):
        desk.emit("job.sealed", f"missed-{number}")
    async with client.get("/api/events", headers={"Last-Event-ID": first["id"]}) as answer:
        reader = Reader(answer)
        missed = [json.loads((await reader.next("event"))["data"])["subject"] for _ in range(3)]
        assert missed == ["missed-0", "missed-1", "missed-2"]
        desk.emit("job.sealed", "live")
        assert json.loads((await reader.next("event"))["data"])["subject"] == "live"


@pytest.mark.parametrize("last", ["0.3", "7.3", "1.99999"])
async def test_another_epoch_or_an_unknown_number_resets(client: Client, last: str) -> None:
    async with client.get("/api/events", params={"after": last}) as answer:
        assert (await Reader(answer).next("event", "reset", "hello"))["event"] == "reset"


async def test_far_behind_resets_instead_of_replaying(client: Client, desk: FakeDesk) -> None:
    for _ in range(600):
        desk.emit("job.sealed", "job-001")
    async with client.get("/api/events", headers={"Last-Event-ID": "1.1"}) as answer:
        assert (await Reader(answer).next("event", "reset"))["event"] == "reset"


async def test_a_restore_while_listening_resets(client: Client, desk: FakeDesk) -> None:
    async with client.get("/api/events") as answer:
        reader = Reader(answer)
        await reader.next("hello")
        desk.epoch, desk.stream = 2, desk.stream[:3]
        assert (await reader.next("reset"))["id"] == "2.3"


async def test_machines_are_sent_when_they_change(client: Client, desk: FakeDesk) -> None:
    async with client.get("/api/events") as answer:
        reader = Reader(answer)
        await reader.next("devices")
        desk.machines["lic-1"] = replace(desk.machines["lic-1"], done=0.9)
        sent = json.loads((await reader.next("devices"))["data"])
        assert sent["devices"][0]["done"] == 0.9


async def test_health_tells_whether_the_stream_lives(outside: Client, desk: FakeDesk) -> None:
    assert (await outside.get("/healthz")).status == 200


# Scanning.


async def test_a_scanned_qr_finds_its_job_and_never_shows_the_signed_serial(
    client: Client,
) -> None:
    status, found = await post(client, "/api/scan", {"text": qr_text("L00000003")})
    assert (status, found["job"]["id"]) == (200, "job-003")
    assert found["job"]["needs_serial"] is True
    assert serial(3) not in json.dumps(found), "who reads it on the screen need not look"
    status, found = await post(client, "/api/scan", {"text": f" {serial(8)}"})
    assert found == {"found": "serial", "serial": serial(8)}


async def test_both_scans_settle_a_card(client: Client, desk: FakeDesk) -> None:
    body = {"qr": qr_text("L00000003"), "serial": serial(3)}
    status, found = await post(client, "/api/inspect", body)
    assert (status, found["passed"]) == (200, True)
    assert found["job"]["acts"] == ["deliver"]
    assert desk.calls == [("inspect", "job-003", "maria", serial(3))]


async def test_a_misfeed_is_a_finding_that_stops_the_lane(client: Client) -> None:
    body = {"qr": qr_text("L00000003"), "serial": serial(4)}
    _status, found = await post(client, "/api/inspect", body)
    assert (found["passed"], found["stops_lane"]) == (False, True)
    assert found["reason"]["code"] == "misfeed"
    assert found["job"]["acts"] == ["spoil"]


@pytest.mark.parametrize(
    ("number", "code"),
    [(None, "scan_serial"), ("garbled", "not_a_serial"), ("LC1", "not_a_serial")],
)
async def test_a_bad_scan_never_stops_a_lane(
    client: Client, desk: FakeDesk, number: str | None, code: str
) -> None:
    body = {"qr": qr_text("L00000003"), "serial": number}
    status, problem = await post(client, "/api/inspect", body)
    assert (status, problem["code"]) == (422, code)
    assert desk.calls == []


async def test_a_strange_qr_is_said_and_belongs_to_the_job_on_the_screen(
    client: Client, desk: FakeDesk
) -> None:
    status, problem = await post(client, "/api/scan", {"text": "HELLO WORLD"})
    assert (status, problem["code"]) == (422, "not_base45")
    assert problem["es"].endswith(".")
    body = {"qr": "HELLO WORLD", "serial": serial(3), "job": "job-003"}
    await post(client, "/api/inspect", body)
    assert desk.calls[0][:2] == ("inspect", "job-003"), "a failed inspection is written down"


# Acts.


@pytest.mark.parametrize(
    ("path", "body", "call"),
    [
        ("jobs/job-001/print", {}, ("print", "job-001", "maria", None)),
        ("jobs/job-001/print", {"lane": "lic-1"}, ("print", "job-001", "maria", "lic-1")),
        ("jobs/job-001/cancel", {"reason": " se fue "}, ("cancel", "job-001", "maria", "se fue")),
        ("jobs/job-004/resolve", {"found": "card"}, ("resolve", "job-004", "maria", "card")),
        ("jobs/job-003/spoil", {"cause": "smeared"}, ("spoil", "job-003", "maria", "smeared")),
        ("jobs/job-010/reprint", {"reason": "borrosa"}, ("reprint", "job-010", "maria", "borrosa")),
        (
            "jobs/job-007/deliver",
            {"receiver_kind": "collector", "receiver": "Ana Ruiz, 123", "earlier": "surrendered"},
            ("deliver", "job-007", "maria", "collector", "Ana Ruiz, 123", "surrendered"),
        ),
        ("lanes/lic-1/stop", {"reason": "limpieza"}, ("stop", "lic-1", "maria", "limpieza")),
        ("lanes/ci-1/resume", {}, ("resume", "ci-1", "maria")),
        ("lanes/ci-1/clear", {}, ("clear", "ci-1", "maria")),
        (
            "lanes/lic-1/load",
            {"first": serial(101), "last": serial(103)},
            ("load", "lic-1", "PVC-LIC", (serial(101), serial(102), serial(103))),
        ),
    ],
)  # fmt: skip
async def test_each_act_reaches_the_desk(
    client: Client, desk: FakeDesk, path: str, body: dict[str, Any], call: tuple[Any, ...]
) -> None:
    status, _ = await post(client, f"/api/{path}", body)
    assert status == 200
    assert desk.calls == [call]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("jobs/job-003/spoil", {"cause": "because I say so"}, "cause"),
        ("jobs/job-003/spoil", {"cause": "smeared", "extra": 1}, "extra"),
        ("jobs/job-010/reprint", {"reason": "  "}, "reason"),
        ("jobs/job-004/resolve", {}, "found"),
        ("jobs/job-004/lamination", {"passed": "yes"}, "passed"),
        ("jobs/job-001/print", [], "body"),
        ("lanes/lic-1/load", {"first": serial(1)}, "last"),
        ("lanes/lic-1/roll", {"material": "RIBBON", "serial": "R1", "prints": "2"}, "prints"),
    ],
)
async def test_bad_bodies_are_problems_that_name_the_field(
    client: Client, desk: FakeDesk, path: str, body: Any, field: str
) -> None:
    status, problem = await post(client, f"/api/{path}", body)
    assert (status, problem["code"]) == (422, "bad_request")
    assert field in [item["field"] for item in problem["fields"]]
    assert desk.calls == []


@pytest.mark.parametrize(
    ("first", "last", "status", "code"),
    [
        (serial(5), serial(1), 409, "books"),
        ("AB00000001", "CD00000009", 409, "books"),
        (serial(1), serial(5000), 422, "stack_too_large"),
        (serial(999), serial(999), 409, "books"),
    ],
)
async def test_a_stack_that_is_none_is_refused(
    client: Client, first: str, last: str, status: int, code: str
) -> None:
    answer = await post(client, "/api/lanes/lic-1/load", {"first": first, "last": last})
    assert (answer[0], answer[1]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict(Reason("state", "No corresponde.", "Does not fit.")), 409, "state"),
        (Conflict(Reason("no_such_job", "No existe.", "None.")), 404, "no_such_job"),
        (Fenced("gone"), 409, "moved_on"),
        (LedgerError("less than nothing"), 409, "books"),
        (StoreBusy("later"), 503, "try_again"),
        (CommitFailed("?"), 503, "outcome_unknown"),
        (RuntimeError("Mamani Quispe 4001117"), 500, "internal"),
    ],
)
async def test_errors_become_problem_documents(
    client: Client, desk: FakeDesk, error: Exception, status: int, code: str
) -> None:
    desk.failing = error
    with capture_logs() as lines:
        answer = await client.post("/api/jobs/job-001/print", json={}, headers=SAME)
    problem = await answer.json()
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["es"]
    assert problem["en"]
    assert "Mamani" not in json.dumps(problem) + repr(lines)
    if status == 500:
        assert [line["error"] for line in lines if line["event"] == "web.failed"] == [
            "RuntimeError"
        ]


async def test_pages_that_are_not_there_are_problems_too(client: Client) -> None:
    assert (await (await client.get("/nothing")).json())["status"] == 404
    answer = await client.delete("/api/queue", headers=SAME)
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
    answer = await client.post("/api/scan", data=b"{", headers=SAME)
    assert (await answer.json())["status"] == 415


async def test_the_next_act_is_offered_by_state_and_role(client: Client, desk: FakeDesk) -> None:
    async def acts(job_id: str) -> list[str]:
        return list((await (await client.get(f"/api/jobs/{job_id}")).json())["acts"])

    assert await acts("job-001") == ["print", "cancel"]
    assert await acts("job-003") == ["inspect", "spoil"]
    assert await acts("job-004") == ["resolve"]
    assert await acts("job-005") == []
    assert await acts("job-010") == ["reprint", "cancel"]
    words_ = Reason("not_laminated", "No pasó.", "Did not pass.")
    desk.add(JobState.ATTENTION, type="CI", reasons=[words_])
    assert await acts("job-011") == ["lamination", "spoil"]


async def test_pictures_are_what_browsers_show(client: Client) -> None:
    answer = await client.get("/api/jobs/job-001/portrait")
    assert answer.content_type == "image/jpeg"
    assert (await answer.read())[:2] == b"\xff\xd8", "the stored form has a head of its own"
    faces = (await (await client.get("/api/jobs/job-003/faces")).json())["faces"]
    assert [base64.b64decode(face)[1:4] for face in faces] == [b"PNG", b"PNG"]


async def test_trust_is_public_with_an_etag_and_nothing_else_is(
    outside: Client, tmp_path: Path
) -> None:
    status = tmp_path / "hsm" / "trust" / "status"
    status.mkdir(parents=True)
    (status / "a.cbor").write_bytes(b"list")
    (status / "a.cbor.tmp").write_bytes(b"half")
    (tmp_path / "hsm" / "pin.pem").write_bytes(b"secret")
    answer = await outside.get("/trust/status/a.cbor")
    assert (answer.status, await answer.read()) == (200, b"list")
    again = await outside.get(
        "/trust/status/a.cbor", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status == 304
    for path in ("/trust/status/a.cbor.tmp", "/trust/%2e%2e/pin.pem", "/trust/..%2fpin.pem",
                 "/trust/signers/..%2f..%2fpin.pem", "/trust/status", "/trust/"):  # fmt: skip
        assert (await outside.get(path)).status == 404, path


# Words.


def sources() -> list[str]:
    """Every text that the page may show, as written in templates, scripts and routes."""
    found: list[str] = []
    for pattern, files in (
        (r'\b[tm]\(\s*"((?:[^"\\]|\\.)*)"', (WEB / "static").glob("*.js")),
        (r'_\("((?:[^"\\]|\\.)*)"\)', (WEB / "templates").glob("*.html")),
        (r'(?:\b_\(|TOO_MANY = )"((?:[^"\\]|\\.)*)"', (WEB / "routes").glob("*.py")),
    ):
        for file in files:
            found += re.findall(pattern, file.read_text(encoding="utf-8"))
    return found


def test_everything_is_said_in_english_too_with_the_same_blanks() -> None:
    found = sources()
    assert len(found) > 100
    english = words.catalogue("en")
    assert set(found) - set(english) == set()
    assert set(english) - set(found) == set(), "words that nothing shows"
    for source, text in english.items():
        assert re.findall(r"\{\w+\}", source) == re.findall(r"\{\w+\}", text)


async def test_the_page_speaks_both_languages(client: Client) -> None:
    assert "Máquinas" in await (await client.get("/")).text()
    english = await (await client.get("/language/en")).text()
    assert '<html lang="en">' in english
    assert "Machines" in english
    assert (await client.get("/words/en.json")).headers["ETag"]
