"""Who gets in: every route has a rule, denies by default, and only our own pages may act."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from issuer.people import People, Role
from issuer.store.engine import Store
from issuer.web.access import RULES, May, Open
from issuer.web.app import make_app
from tests.e2e.counter_desk import OFFICE, FakeDesk, full_desk
from tests.e2e.counter_site import PASSWORD, QUICK, config

SAME = {"Sec-Fetch-Site": "same-origin"}
Client = TestClient[web.Request, web.Application]


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
async def client(desk: FakeDesk, people: People, tmp_path: Path) -> AsyncIterator[Client]:
    app = make_app(desk, config(tmp_path), people, desk.sources())
    async with TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True)) as made:
        yield made


@pytest.fixture
def enter(client: Client, people: People) -> Callable[..., Awaitable[None]]:
    """Signs the client in as a new account."""

    async def sign_in(*roles: Role, name: str = "maria") -> None:
        user, code = await people.add(name, OFFICE, roles or tuple(Role), by="test")
        signed, _ = await people.sign_in(OFFICE, user.name, code)
        _, token = await people.change_password(signed, code, PASSWORD)
        client.session.cookie_jar.update_cookies({"fedatario-session": token})

    return sign_in


def routes(client: Client) -> list[tuple[str, str]]:
    """(method, pattern) of everything the application answers to."""
    assert client.app is not None
    return [
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    ]


def concrete(pattern: str) -> str:
    path = pattern.replace("{job}", "job-001").replace("{lane}", "lic-1")
    path = path.replace("{language}", "es").replace("{room}", "status").replace("{name}", "a.cbor")
    return path + "/base.css" if path == "/static" else path


async def test_every_route_has_a_rule_and_every_rule_a_route(client: Client) -> None:
    assert sorted(routes(client)) == sorted(RULES)


async def test_nothing_but_the_public_answers_without_a_session(
    client: Client, desk: FakeDesk
) -> None:
    for method, pattern in routes(client):
        if RULES[method, pattern] in (Open.PUBLIC, Open.LOCAL):
            continue
        answer = await client.request(
            method, concrete(pattern), headers=SAME, json={}, allow_redirects=False
        )
        page = method == "GET" and not pattern.startswith("/api/")
        assert answer.status == (303 if page else 401), (method, pattern)
    assert desk.calls == []


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_do_what_its_rules_say_and_no_more(
    role: Role, client: Client, desk: FakeDesk, enter: Callable[..., Awaitable[None]]
) -> None:
    look = {May.LOOK, May.PRINT, May.INSPECT, May.DELIVER, May.RESOLVE, May.STOP}
    expected = {
        Role.COUNTER: look,
        Role.SUPERVISOR: look | {May.SPOIL, May.REPRINT, May.CANCEL, May.RESUME, May.STOCK},
        Role.CUSTODIAN: {May.LOOK, May.STOP, May.LOAD, May.STOCK},
    }[role]
    await enter(role)
    for method, pattern in routes(client):
        rule = RULES[method, pattern]
        if not isinstance(rule, May) or pattern == "/api/events":
            continue
        answer = await client.request(method, concrete(pattern), headers=SAME, json=None)
        assert (answer.status == 403) == (rule not in expected), (method, pattern)
    assert desk.calls == [], "an act without a body does nothing"


async def test_saying_spoiled_needs_the_right_to_spoil(
    client: Client, desk: FakeDesk, enter: Callable[..., Awaitable[None]]
) -> None:
    await enter(Role.COUNTER)
    path = "/api/jobs/job-004/resolve"
    assert (await client.post(path, json={"found": "spoiled"}, headers=SAME)).status == 403
    assert desk.calls == []
    assert (await client.post(path, json={"found": "card"}, headers=SAME)).status == 200


async def test_a_route_without_a_rule_is_refused(
    client: Client, enter: Callable[..., Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter()
    assert (await client.get("/api/queue")).status == 200
    without = {key: rule for key, rule in RULES.items() if key[1] != "/api/queue"}
    monkeypatch.setattr("issuer.web.access.RULES", without)
    assert (await client.get("/api/queue")).status == 403


async def test_denials_are_logged_without_what_was_asked(client: Client) -> None:
    with capture_logs() as lines:
        await client.get("/api/jobs/4001117-MAMANI")
    denied = [line for line in lines if line["event"] == "access.denied"]
    assert [line["route"] for line in denied] == ["/api/jobs/{job}"]
    assert "MAMANI" not in repr(lines)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "OWN"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "OWN"}, True),
        ({"Origin": "OWN.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, False),
    ],
)
async def test_acts_from_elsewhere_are_refused(
    client: Client,
    desk: FakeDesk,
    enter: Callable[..., Awaitable[None]],
    headers: dict[str, str],
    passes: bool,
) -> None:
    await enter()
    own = f"http://{client.host}:{client.port}"
    sent = {name: value.replace("OWN", own) for name, value in headers.items()}
    answer = await client.post("/api/jobs/job-001/print", json={}, headers=sent)
    assert answer.status == (200 if passes else 403)
    assert bool(desk.calls) == passes
    if not passes:
        assert (await answer.json())["code"] == "other_origin"


async def test_every_answer_carries_the_headers(
    client: Client, enter: Callable[..., Awaitable[None]]
) -> None:
    await enter()
    for path in ("/", "/sign-in", "/api/queue", "/nothing", "/static/app.js", "/api/jobs/none"):
        headers = (await client.get(path, allow_redirects=False)).headers
        csp = headers["Content-Security-Policy"]
        assert "default-src 'none'" in csp, path
        assert "unsafe" not in csp
        assert "require-trusted-types-for 'script'" in csp
        assert headers["X-Content-Type-Options"] == "nosniff"
        expected = "no-cache" if path.startswith("/static") else "no-store"
        assert headers["Cache-Control"] == expected, path
        assert "Python" not in headers["Server"]


async def test_pages_hold_no_inline_script_or_style(
    client: Client, enter: Callable[..., Awaitable[None]]
) -> None:
    await enter()
    for path in ("/", "/password"):
        text = await (await client.get(path)).text()
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text), path


async def test_metrics_are_for_this_machine_and_hold_no_identifiers(
    client: Client, enter: Callable[..., Awaitable[None]]
) -> None:
    await enter()
    await client.get("/api/jobs/job-001")
    text = await (await client.get("/metrics")).text()
    assert 'fedatario_jobs{state="undetermined"} 1.0' in text
    assert 'route="/api/jobs/{job}"' in text
    assert "job-001" not in text
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"})).status == 403


async def test_the_cookie_is_strict_and_secure_behind_tls(client: Client, people: People) -> None:
    made = await people.first_sign_in(OFFICE)
    assert made is not None
    form = {"name": made[0].name, "password": made[1]}

    async def cookie(**headers: str) -> str:
        answer = await client.post(
            "/sign-in", data=form, headers={**SAME, **headers}, allow_redirects=False
        )
        assert answer.status == 303
        return answer.headers["Set-Cookie"]

    plain: Any = await cookie()
    assert "HttpOnly" in plain
    assert "SameSite=Strict" in plain
    assert "Secure" not in plain
    secure = await cookie(**{"X-Forwarded-Proto": "https"})
    assert secure.startswith("__Host-")
    assert "Secure" in secure
