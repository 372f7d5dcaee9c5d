"""The guard refuses everyone but the page that opened the one-time URL.

Oracle: a table of attacks, each of which must be refused on every route and with every method, and
the same request without the attack, which must not be. The routes are those of the app itself.
"""

import asyncio
import re

import pytest
from asgi_calls import HOST, PORT, get, http_scope, log_in, make_guard, make_server, shake_hands
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Route, WebSocketRoute

from glassnet.studio_app import guard as guard_module

ROUTES = [route.path for route in make_server().make_app().routes]
PATHS = ["/", "/static/index.html", "/static/missing.mjs", "/missing"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
ORIGIN = ("origin", f"http://{HOST}")
COMMAND = ("x-glassnet-studio", "1")
EVIL_HOSTS = [
    "evil.com",
    "good.com.evil.com",
    f"127.0.0.1.evil.com:{PORT}",
    f"127.0.0.1:{PORT}.evil.com",
    f"evil.com#127.0.0.1:{PORT}",
    f"x@127.0.0.1:{PORT}",
    "127.0.0.1",
    f"127.0.0.1:{PORT + 1}",
    f"127.0.0.1:0{PORT}",
    f"127.1:{PORT}",
    f"0.0.0.0:{PORT}",
    f"[::1]:{PORT}",
    f"127.0.0.1.:{PORT}",
    "",
]
EVIL_ORIGINS = [
    "null",
    "",
    "http://evil.com",
    "http://good.com.evil.com",
    f"http://127.0.0.1.evil.com:{PORT}",
    f"http://127.0.0.1:{PORT}.evil.com",
    f"http://127.0.0.1:{PORT}/",
    f"http://127.0.0.1:{PORT + 1}",
    "http://127.0.0.1",
    f"https://127.0.0.1:{PORT}",
    f"http://localhost:{PORT}",  # a page of the other name of this machine
    f"http://127.0.0.1:{PORT} http://evil.com",
]


@pytest.fixture(scope="module")
def guard():
    return make_guard()


@pytest.fixture(scope="module")
def cookie(guard):
    return log_in(guard)


def cookies_of_others(cookie):
    """Yield cookies that are not that of the server."""
    stale = log_in(make_guard())  # an earlier studio at the same port
    name, value = cookie[1].split("=")
    yield from [
        [],
        [stale],
        [("cookie", f"glassnet_studio_{PORT + 1}={value}")],
        [("cookie", f"{name}={value[:-1]}")],
        [("cookie", f"{name}={value}x")],
        [("cookie", f"{name}=")],
        [("cookie", f"{name}")],
        [("cookie", f"x{name}={value}")],
        [("cookie", f"{name}=\xff{value}")],
        [("cookie", value)],
        [("x-cookie", f"{name}={value}")],
    ]


def attacks(cookie):
    """Yield (name, host, headers) of requests that must be refused on every route."""
    for host in EVIL_HOSTS:
        yield f"host {host}", host, [cookie, COMMAND, ("origin", f"http://{host}")]
    yield "no host", None, [cookie, COMMAND, ORIGIN]
    yield "two hosts", HOST, [cookie, COMMAND, ORIGIN, ("host", "evil.com")]
    yield "the host twice", HOST, [cookie, COMMAND, ORIGIN, ("host", HOST)]
    for origin in EVIL_ORIGINS:
        yield f"origin {origin}", HOST, [cookie, COMMAND, ("origin", origin)]
    yield "two origins", HOST, [cookie, COMMAND, ORIGIN, ("origin", "http://evil.com")]
    for site in ("cross-site", "same-site"):
        yield site, HOST, [cookie, COMMAND, ("sec-fetch-site", site), ("sec-fetch-mode", "cors")]
    for others in cookies_of_others(cookie):
        yield f"cookie {others}", HOST, [*others, COMMAND, ORIGIN]


def test_the_routes_are_those_that_the_attacks_use():
    """A new route must be added to the paths here, and may not take a path, a pickle or code."""
    assert ROUTES == ["/", "/static/{path:path}", "/socket"]
    app = make_server().make_app()
    assert [type(route) for route in app.routes] == [Route, Route, WebSocketRoute]
    assert [route.methods for route in app.routes[:2]] == [{"GET", "HEAD"}] * 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", [*PATHS, "/socket"])
def test_every_attack_is_refused_on_every_route(guard, cookie, path, method):
    for name, host, headers in attacks(cookie):
        response = get(guard, path, method, headers, host)
        assert response.status == 403, name
        assert response.header("set-cookie") is None
        assert b"<" not in response.body
        assert cookie[1].split("=")[1].encode() not in response.body
        assert guard.token.encode() not in response.body


@pytest.mark.parametrize("path", [*PATHS, "/socket"])
def test_the_same_requests_without_the_attack_pass(guard, cookie, path):
    found = path in ("/", "/static/index.html")
    for headers in ([cookie], [cookie, ORIGIN], [cookie, ORIGIN, COMMAND]):
        assert get(guard, path, "GET", headers).status == (200 if found else 404)
        assert get(guard, path, "HEAD", headers).status == (200 if found else 404)


@pytest.mark.parametrize("method", METHODS[2:])
def test_other_methods_need_a_header_that_no_form_can_send(guard, cookie, method):
    """405 comes after the guard: no route has another method."""
    refused = get(guard, "/", method, [cookie, ORIGIN])
    assert (refused.status, refused.body.decode()) == (403, guard_module.WRONG_METHOD)
    assert get(guard, "/", method, [cookie, ORIGIN, COMMAND]).status == 405


def test_handshakes_of_attackers_are_refused(guard, cookie):
    """Without an origin too: every browser sends it with a handshake."""
    refusal = [{"type": "websocket.close", "code": 1008}]
    for name, host, headers in attacks(cookie):
        if not name.endswith("-site"):
            assert shake_hands(guard, headers, host) == refusal, name
    assert shake_hands(guard, [cookie]) == refusal
    assert shake_hands(guard, [ORIGIN], query=f"token={guard.token}".encode()) == refusal
    cross = [cookie, ORIGIN, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "websocket")]
    assert shake_hands(guard, cross) == refusal
    assert shake_hands(guard, [cookie, ORIGIN])[0]["type"] == "websocket.accept"


def test_other_scopes_than_the_start_and_end_of_the_server_need_the_cookie():
    """A scope of a future protocol must not slip through."""
    scope = http_scope() | {"type": "webtransport"}
    reached = []

    async def app(*args):
        reached.append(args)

    guard = guard_module.Guard(app, [HOST], PORT)
    with pytest.raises(AssertionError, match="webtransport"):
        asyncio.run(guard(scope, None, None))
    assert reached == []


def test_the_token_is_exchanged_once():
    guard = make_guard()
    query = f"token={guard.token}".encode()
    first = get(guard, query=query)
    assert (first.status, first.body, first.header("location")) == (303, b"", "/")
    pattern = rf"glassnet_studio_{PORT}=[\w-]{{43}}; HttpOnly; SameSite=Strict; Path=/"
    assert re.fullmatch(pattern, first.header("set-cookie"))
    second = get(guard, query=query)
    assert (second.status, second.body.decode()) == (403, guard_module.USED)
    assert second.header("set-cookie") is None
    cookie = ("cookie", first.header("set-cookie").split(";")[0])
    again = get(guard, query=query, headers=[cookie])  # the URL in the browser's history
    assert (again.status, again.header("location"), again.header("set-cookie")) == (303, "/", None)


def test_tokens_and_cookies_are_long_and_differ():
    """43 characters of base64url are 256 bits; oracle: its alphabet."""
    guards = [make_guard() for _ in range(20)]
    secrets = [guard.token for guard in guards] + [log_in(guard)[1] for guard in guards]
    assert all(re.fullmatch(r"(glassnet_studio_8000=)?[\w-]{43}", each) for each in secrets)
    assert len({each.split("=")[-1] for each in secrets}) == 40


@pytest.mark.parametrize(
    ("path", "method", "query"),
    [
        ("/", "GET", "token="),
        ("/", "GET", "token"),
        ("/", "GET", "token={token}x"),
        ("/", "GET", "token={token}&token={token}"),
        ("/", "GET", "token=x&token={token}"),
        ("/", "GET", "TOKEN={token}"),
        ("/", "GET", "token=%ff\xff"),
        ("/", "HEAD", "token={token}"),
        ("/", "POST", "token={token}"),
        ("/static/index.html", "GET", "token={token}"),
        ("//", "GET", "token={token}"),
        ("/socket", "GET", "token={token}"),
    ],
)
def test_other_uses_of_the_token_are_refused_and_do_not_use_it_up(path, method, query):
    """HEAD too: link previews of chat programs send it."""
    guard = make_guard()
    query = query.format(token=guard.token).encode("latin-1")
    assert get(guard, path, method, [COMMAND], query=query).status == 403
    assert log_in(guard)


def test_the_token_is_worth_nothing_at_another_address():
    guard = make_guard()
    query = f"token={guard.token}".encode()
    assert get(guard, query=query, host="evil.com").status == 403
    assert get(guard, query=query, headers=[("origin", "http://evil.com")]).status == 403
    assert log_in(guard)


def test_secrets_are_compared_in_constant_time(monkeypatch, guard, cookie):
    """Oracle: with a comparison that always fails, nothing passes."""
    monkeypatch.setattr(guard_module, "is_equal", lambda a, b: False)
    assert get(guard, headers=[cookie]).status == 403
    other = make_guard()
    assert get(other, query=f"token={other.token}".encode()).status == 403


def test_one_of_several_cookies_of_the_name_is_enough(guard, cookie):
    """Another server of this machine may have set one: the browser sends both."""
    name = cookie[1].split("=")[0]
    for text in (f"a=b; {cookie[1]}", f"{name}=other; {cookie[1]}", f"{cookie[1]};{name}="):
        assert get(guard, headers=[("cookie", text)]).status == 200
    assert get(guard, headers=[("cookie", "a=b"), cookie]).status == 200


def test_names_of_headers_and_hosts_have_no_case(guard, cookie):
    assert get(guard, headers=[cookie], host=f"LOCALHOST:{PORT}").status == 200
    headers = [("Cookie", cookie[1]), ("Origin", "http://evil.com")]
    assert get(guard, headers=headers).status == 403


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_of_security(guard, cookie, path):
    for headers in ([cookie], []):
        response = get(guard, path, headers=headers)
        assert response.header("x-content-type-options") == "nosniff"
        assert response.header("referrer-policy") == "no-referrer"
        assert response.header("cross-origin-opener-policy") == "same-origin"
        assert response.header("cross-origin-resource-policy") == "same-origin"
        assert response.header("cache-control") == "no-store"
        policy = response.header("content-security-policy").split("; ")
        assert {"frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
        assert policy[0] == ("default-src 'self'" if headers else "default-src 'none'")
        assert not any(word in response.header("content-security-policy") for word in "*<")
        assert "unsafe" not in response.header("content-security-policy")
        names = [key.lower() for key, _ in response.headers]
        assert not [name for name in names if name.startswith("access-control-")]


def test_a_link_of_another_site_opens_the_page_by_a_reload(guard, cookie):
    """A link of a lecture's page: the browser holds back a cookie that is SameSite=Strict.

    Oracle: the answer says nothing, and without the cookie the reload is refused.
    """
    link = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ]
    response = get(guard, headers=link)
    assert (response.status, response.body) == (200, guard_module.RELOAD)
    reload = [("sec-fetch-site", "same-origin"), *link[1:]]
    assert get(guard, headers=reload).status == 403
    assert get(guard, headers=[*reload, cookie]).status == 200
    framed = [*link[:2], ("sec-fetch-dest", "iframe")]
    assert get(guard, headers=framed).status == 403
    assert get(guard, "/static/index.html", headers=link).status == 403


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=60)), max_size=6),
    query=st.binary(max_size=80),
    path=st.text(max_size=20),
)
def test_arbitrary_requests_are_refused(headers, query, path):
    """Without the cookie, whatever the request says; nothing that it says comes back."""
    guard = make_guard()
    scope = http_scope(f"/{path}", query=query)
    scope["headers"] += headers
    sent = []

    async def send(event):
        sent.append(event)

    asyncio.run(guard(scope, None, send))
    assert sent[0]["status"] == 403
    texts = [value for name, value in vars(guard_module).items() if isinstance(value, str)]
    assert sent[1]["body"].decode() in texts
