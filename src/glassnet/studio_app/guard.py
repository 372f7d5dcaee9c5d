"""The guard in front of every route and socket of the studio: who may talk to the server.

Only a browser that opened the URL which the command printed has the cookie, and only pages of the
server itself may use it. The class is plain ASGI and imports no web framework.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from hmac import compare_digest as is_equal
from typing import Any
from urllib.parse import parse_qsl

SECRET_BYTES = 32
"""Size of the token and of the cookie: 256 bits."""

METHOD_HEADER = b"x-glassnet-studio"
"""Header that requests with methods other than GET and HEAD need: no form of a page can send it."""

OPEN_FIRST = (
    "This browser may not use the studio yet. Open the whole URL that the studio printed when it "
    "started: it ends with ?token=... and works once."
)
USED = (
    "This URL was used before; it works once. Go on in the browser that opened it. If that was not "
    "you, stop the studio with Ctrl-C. For another browser, start the studio again."
)
WRONG_TOKEN = (
    "This URL belongs to no studio that is running here. Open the URL that the studio printed when "
    "it started last."
)
WRONG_HOST = "The studio does not answer under this address. Open the URL that it printed."
WRONG_ORIGIN = "Another page asked for this. The studio answers its own page only."
WRONG_METHOD = "The studio is read with GET. Other requests need the header X-Glassnet-Studio."

RELOAD = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0">'
    b'<title>Glassnet studio</title><p><a href="">Open the studio</a></p></html>'
)
"""The answer to a link on a page of another site. Browsers send no SameSite=Strict cookie with it,
but they send it when this page reloads itself.
"""

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Guard:
    """An ASGI app in front of another one, which it calls only for allowed requests.

    A request must name the server as its `Host`. If it has an `Origin`, as every socket must, this
    is the server too. The first request with the token receives a cookie; every other request needs
    it.

    Args:
        app: the app to guard.
        hosts: the values of `Host` under which the server answers, such as 127.0.0.1:8000.
        port: port of the server. It is part of the cookie's name, since browsers send the cookies
            of a host to all its ports.

    Attributes:
        token: the secret of the URL, valid once.
    """

    def __init__(self, app: Any, hosts: Iterable[str], port: int) -> None:
        self.app = app
        self.hosts = frozenset(host.lower().encode() for host in hosts)
        self.token = secrets.token_urlsafe(SECRET_BYTES)
        self.cookie_name = f"glassnet_studio_{port}".encode()
        self._cookie = secrets.token_urlsafe(SECRET_BYTES).encode()
        self._is_token_used = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request: refuse it, exchange the token for the cookie, or call the app."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        assert scope["type"] in ("http", "websocket"), scope["type"]
        headers = list(scope["headers"])
        refusal = self._check_address(scope, headers)
        has_cookie = self._has_cookie(headers)
        tokens = [value for name, value in parse_query(scope) if name == "token"]
        is_launch = scope["type"] == "http" and scope["path"] == "/" and bool(tokens)
        if refusal:
            await self._refuse(scope, receive, send, refusal)
        elif is_launch and has_cookie:
            await self._redirect(send)
        elif is_launch:
            await self._exchange(scope, receive, send, tokens)
        elif not has_cookie and is_link_of_another_site(scope, headers):
            await respond(send, 200, RELOAD, [(b"content-type", b"text/html; charset=utf-8")])
        elif not has_cookie:
            await self._refuse(scope, receive, send, OPEN_FIRST)
        else:
            await self.app(scope, receive, add_headers(send, content_policy(headers)))

    def _check_address(self, scope: Any, headers: list[tuple[bytes, bytes]]) -> str:
        """Return why a request is refused, whatever secret it has, or "" if it is not."""
        hosts, origins = find_all(headers, b"host"), find_all(headers, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return WRONG_HOST
        is_socket = scope["type"] == "websocket"
        if len(origins) > 1 or (is_socket and not origins):
            return WRONG_ORIGIN
        if origins and origins[0].lower() != b"http://" + hosts[0].lower():
            return WRONG_ORIGIN
        site, mode = find_all(headers, b"sec-fetch-site"), find_all(headers, b"sec-fetch-mode")
        if not set(site) <= {b"same-origin", b"none"} and mode != [b"navigate"]:
            return WRONG_ORIGIN
        reads = is_socket or scope["method"] in ("GET", "HEAD")
        return "" if reads or find_all(headers, METHOD_HEADER) else WRONG_METHOD

    def _has_cookie(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Return whether a request has the cookie of this server."""
        has_cookie = False
        for header in find_all(headers, b"cookie"):
            for part in header.split(b";"):
                name, _, value = part.strip().partition(b"=")
                if name == self.cookie_name:
                    has_cookie |= is_equal(value, self._cookie)
        return has_cookie

    async def _exchange(self, scope: Any, receive: Any, send: Any, tokens: list[str]) -> None:
        """Exchange the token for the cookie, once."""
        is_token = len(tokens) == 1 and is_equal(tokens[0].encode(), self.token.encode())
        if not is_token or scope["method"] != "GET":
            await self._refuse(scope, receive, send, WRONG_TOKEN)
        elif self._is_token_used:
            await self._refuse(scope, receive, send, USED)
        else:
            self._is_token_used = True
            cookie = self.cookie_name + b"=" + self._cookie
            attributes = b"; HttpOnly; SameSite=Strict; Path=/"
            await self._redirect(send, [(b"set-cookie", cookie + attributes)])

    async def _redirect(self, send: Any, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Send the browser to the page, so that the token is not in its address bar."""
        await respond(send, 303, b"", [(b"location", b"/"), *headers])

    async def _refuse(self, scope: Any, receive: Any, send: Any, text: str) -> None:
        """Answer 403 with a text that says what to do."""
        if scope["type"] == "http":
            kind = (b"content-type", b"text/plain; charset=utf-8")
            await respond(send, 403, b"" if scope["method"] == "HEAD" else text.encode(), [kind])
        elif (await receive())["type"] == "websocket.connect":
            await send({"type": "websocket.close", "code": 1008})  # a server answers this with 403


def find_all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the values of all headers of a name, which is in lower case."""
    return [value.strip() for key, value in headers if key.lower() == name]


def parse_query(scope: Any) -> list[tuple[str, str]]:
    """Return the names and values of the query of a URL."""
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def is_link_of_another_site(scope: Any, headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether a browser follows a link to the page from a page of another site."""
    return (
        scope["type"] == "http"
        and (scope["method"], scope["path"]) == ("GET", "/")
        and find_all(headers, b"sec-fetch-site") == [b"cross-site"]
        and find_all(headers, b"sec-fetch-mode") == [b"navigate"]
        and find_all(headers, b"sec-fetch-dest") == [b"document"]
    )


def content_policy(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the Content-Security-Policy of the page: everything comes from the server itself.

    Older browsers do not count a socket as 'self', so its address is named.
    """
    (host,) = find_all(headers, b"host")
    return (
        b"default-src 'self'; img-src 'self' data: blob:; connect-src 'self' ws://" + host + b"; "
        b"object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def add_headers(send: Any, policy: bytes) -> Any:
    """Return a `send` of ASGI that adds the headers of security to every response."""
    own = [*SECURITY_HEADERS, (b"content-security-policy", policy)]
    names = {name for name, _ in own}

    async def send_with_headers(event: Any) -> None:
        if event["type"] in ("http.response.start", "websocket.http.response.start"):
            others = [pair for pair in event.get("headers", ()) if pair[0].lower() not in names]
            event = event | {"headers": others + own}
        await send(event)

    return send_with_headers


async def respond(
    send: Any, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> None:
    """Send a response of the guard itself, which may load and frame nothing."""
    send = add_headers(send, b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length, *headers]})
    await send({"type": "http.response.body", "body": body})
