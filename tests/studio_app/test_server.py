"""The server sends the files of the page, and one socket for each tab; nothing ends it.

Oracles: the files of the folder; an echoing session, which sends back what it receives; after every
attack, a good client that must be answered.
"""

import contextlib
import json
import re
import socket
import struct
import threading
import time

import pytest
from asgi_calls import EchoSession, get, log_in, make_guard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_server import receive, run_live_server
from studio_pages import wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from glassnet.studio_app import server as server_module
from glassnet.studio_app.frames import pack_frame
from glassnet.studio_app.server import STATIC, find_problem
from glassnet.studio_app.tabs import Tabs


@pytest.fixture(scope="module")
def guard():
    return make_guard()


@pytest.fixture(scope="module")
def cookie(guard):
    return log_in(guard)


@pytest.fixture(scope="module")
def live():
    with run_live_server() as server:
        yield server


def test_every_file_of_the_page_is_sent_with_its_type(guard, cookie):
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert files
    types = {".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
    for path in files:
        response = get(guard, f"/static/{path.relative_to(STATIC).as_posix()}", headers=[cookie])
        assert (response.status, response.body) == (200, path.read_bytes()), path
        expected = types.get(path.suffix, response.header("content-type"))
        assert response.header("content-type") == expected
    assert get(guard, headers=[cookie]).body == (STATIC / "index.html").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "../server.py",
        "app/../../server.py",
        "..%2fserver.py",
        "%2e%2e/server.py",
        "..\\server.py",
        "....//server.py",
        "/etc/passwd",
        "//etc/passwd",
        "C:\\Windows\\win.ini",
        "index.html/",
        "index.html\x00.mjs",
        "./index.html",
        "app//main.mjs",
        "INDEX.HTML",
        "app",
        "",
        "index.html?x=../server.py",
    ],
)
def test_no_other_file_is_sent(guard, cookie, path):
    """Decoded as the web server does it; below, encoded paths on a real port."""
    response = get(guard, f"/static/{path}", headers=[cookie])
    assert (response.status, response.body) == (404, b"The studio has no such file.")


def test_links_and_other_types_in_the_folder_are_no_files(tmp_path):
    (tmp_path / "index.html").write_text("page")
    (tmp_path / "secret.py").write_text("secret")
    server = server_module.StudioServer(Tabs(EchoSession), {}, tmp_path)
    assert list(server.files) == ["index.html"]


def test_encoded_paths_reach_no_other_file(live):
    """Oracle: the source of the server is never in an answer."""
    for path in (
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e%2fserver.py",
        "/static/%252e%252e%252fserver.py",
        "/static/..%5cserver.py",
        "/static/%c0%ae%c0%ae/server.py",
        "/static/app%2f..%2f..%2fserver.py",
        "/static/%00",
        "/static//../server.py",
        "http://127.0.0.1/static/../server.py",
    ):
        head = f"GET {path} HTTP/1.1\r\nHost: {live.host}\r\nCookie: {live.cookie}\r\n"
        answer = live.send_raw(f"{head}Connection: close\r\n\r\n".encode())
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 403")), path
        assert b"import" not in answer


def test_a_page_gets_a_session_and_its_answers(live):
    with live.connect() as client:
        first = receive(client)
        assert first | {"session": ""} == {
            "type": "welcome",
            "session": "",
            "version": first["version"],
            "catalog": {},
        }
        assert re.fullmatch(r"[\w-]{22}", first["session"])  # 128 bits
        frame = pack_frame({"type": "upload", "name": "x.csv"}, {}) + b"a,b\n1,2\n"
        for data in ('{"type": "play"}', frame):
            client.send(data)
            assert client.recv(timeout=20) == data


def test_handshakes_of_others_are_refused_on_a_real_port(live):
    url = f"ws://{live.host}/socket?session="
    cookie = {"Cookie": live.cookie}
    for headers, origin in (
        ({}, f"http://{live.host}"),
        (cookie, None),
        (cookie, "http://good.com.evil.com"),
        (cookie, f"http://127.0.0.1.evil.com:{live.port}"),
        (cookie | {"Host": f"evil.com:{live.port}"}, f"http://{live.host}"),
        (cookie | {"X-Forwarded-Host": live.host, "Host": "evil.com"}, f"http://{live.host}"),
    ):
        refused = pytest.raises(InvalidStatus, match=r"400|403")  # 400 for two values of Host
        options = {"additional_headers": headers, "origin": origin, "proxy": None}
        with refused, connect(url, **options):
            pass
    refused = pytest.raises(InvalidStatus, match="403")  # another route is no socket
    with refused, live.connect(path="/static/index.html"):
        pass
    assert live.is_alive()


@pytest.mark.parametrize(
    "request_text",
    [
        "GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.com\r\n",
        "GET / HTTP/1.1\r\nHost: evil.com\r\nX-Forwarded-Host: {host}\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nHost : {host}\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\n Cookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\x00\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nX: y\rHost: {host}\rCookie: {cookie}\r\n",
        "GET http://{host}/ HTTP/1.1\r\nHost: evil.com\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nHost: {host},evil.com\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.1\r\nCookie: {cookie}\r\n",
        "GET / HTTP/1.0\r\nCookie: {cookie}\r\n",
        "GET / HTTP/2.0\r\nHost: {host}\r\n",
        "GET  /  HTTP/1.1\r\nHost: {host}\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n",
        "POST / HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Length: 5\r\n"
        "Transfer-Encoding: chunked\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nCookie: x" + "x" * 100_000 + "\r\n",
        "GET /?<script>alert(1)</script> HTTP/1.1\r\nHost: {host}\r\n",
        "GET /\xff?token=\xff HTTP/1.1\r\nHost: {host}\r\n",
    ],
)
def test_smuggled_headers_open_nothing(live, request_text):
    """On a real port: no answer holds the page, and the next client is answered."""
    text = request_text.format(host=live.host, cookie=live.cookie) + "\r\n"
    answer = live.send_raw(text.encode("latin-1"))
    assert b"<" not in answer
    assert not answer or re.match(rb"HTTP/1.1 (400|403|405|431)", answer)
    assert live.is_alive()


def test_a_second_request_in_the_body_of_the_first_is_checked_too(live):
    """Pipelined requests: the guard looks at each."""
    good = f"GET /static/icon.svg HTTP/1.1\r\nHost: {live.host}\r\nCookie: {live.cookie}\r\n\r\n"
    evil = f"GET / HTTP/1.1\r\nHost: evil.com\r\nCookie: {live.cookie}\r\nConnection: close\r\n\r\n"
    answer = live.send_raw((good + evil).encode())
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"403"]


MIB = 2**20


@pytest.mark.parametrize(
    ("data", "limit"),
    [
        ("x" * MIB, 0),
        ("x" * (MIB + 1), 1),
        ("é" * (MIB // 2 + 1), 1),
        (b"", 0),
        (b"abc", 0),
        (struct.pack("<I", MIB) + bytes(10), 0),
        (struct.pack("<I", MIB + 1) + bytes(10), 1),
        (bytes(32 * MIB), 0),
        (bytes(32 * MIB + 1), 32),
    ],
)
def test_limits_of_messages(data, limit):
    """Oracle: 1 MiB of UTF-8 for a text and for the header of a frame; 32 MiB for a frame."""
    problem = find_problem(data)
    assert f"more than {limit} MiB" in problem if limit else problem == ""


def test_messages_that_are_too_large_get_an_error_and_the_socket_lives(live):
    with live.connect() as client:
        receive(client)
        for data in ("x" * (MIB + 1), bytes(32 * MIB + 1), struct.pack("<I", 2**32 - 1)):
            client.send(data)
            error = receive(client)
            assert error["type"] == "error"
            assert error["message"].startswith("The page sent a message of more than ")
        client.send("short")
        assert client.recv(timeout=20) == "short"


def test_a_message_beyond_all_limits_ends_its_socket_and_is_named_after_that(live):
    with live.connect() as client:
        session = receive(client)["session"]
        with contextlib.suppress(ConnectionClosed):
            client.send(bytes(34 * MIB))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=20)
    with live.connect(session) as client:
        assert receive(client)["session"] == session
        assert "more than 32 MiB" in receive(client)["message"]


def broken_frames():
    """Bytes of WebSocket frames that no browser sends."""
    return [
        b"\xc1\x80mask",  # reserved bits
        b"\x83\x80mask",  # an unknown opcode
        b"\x81\x05hello",  # not masked
        b"\x81\x82\x00\x00\x00\x00\xff\xfe",  # a text that is not UTF-8
        b"\x80\x80mask",  # a continuation of nothing
        b"\x89\xfe\x00\xffmask",  # a ping that is too long
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # a length of 2**64 - 1
        b"\x88\x81\x00\x00\x00\x00\x00",  # a close with half a code
        b"\x82",
    ]


@pytest.mark.parametrize("frame", broken_frames(), ids=bytes.hex)
def test_broken_frames_end_their_socket_alone(live, frame):
    head = (
        f"GET /socket?session= HTTP/1.1\r\nHost: {live.host}\r\nOrigin: http://{live.host}\r\n"
        f"Cookie: {live.cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert live.send_raw(head.encode() + frame).startswith(b"HTTP/1.1 101")
    assert live.is_alive()


@settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    messages=st.lists(
        st.one_of(
            st.binary(max_size=300),
            st.text(max_size=300),
            st.recursive(
                st.none() | st.floats() | st.text(max_size=20),
                lambda each: (
                    st.lists(each, max_size=3)
                    | st.dictionaries(st.text(max_size=8), each, max_size=3)
                ),
                max_leaves=8,
            ).map(json.dumps),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_arbitrary_messages_reach_the_session_unchanged(live, messages):
    """Oracle: the echo. The server looks at sizes alone."""
    with live.connect() as client:
        receive(client)
        for data in messages:
            client.send(data)
        for data in messages:
            answer = client.recv(timeout=20)
            is_large = isinstance(data, bytes) and struct.unpack("<I", data[:4].ljust(4, b"\0"))[
                0
            ] > (MIB if len(data) >= 4 else 2**32)
            assert json.loads(answer)["type"] == "error" if is_large else answer == data


def test_a_lost_page_pauses_its_session_and_finds_it_again(live):
    with live.connect() as client:
        session = receive(client)["session"]
        tab = live.tabs.by_id[session]
        assert (tab.session.events, tab.absent_since) == ([], None)
    wait_until(lambda: tab.session.events == ["pause"])
    tab.session.send("finished meanwhile")
    with live.connect(session) as client:
        assert receive(client)["session"] == session
        assert client.recv(timeout=20) == "finished meanwhile"
        wait_until(lambda: tab.session.events == ["pause", "resume"])
        assert tab.absent_since is None


def test_two_tabs_are_two_sessions(live):
    with live.connect() as first, live.connect() as second:
        assert receive(first)["session"] != receive(second)["session"]
        first.send("a")
        assert first.recv(timeout=20) == "a"
        with pytest.raises(TimeoutError):
            second.recv(timeout=0.2)


def test_a_second_page_with_the_id_takes_over_and_the_first_one_is_told(live):
    """The copy of a tab has its id."""
    with live.connect() as first:
        session = receive(first)["session"]
        with live.connect(session) as second:
            assert receive(second)["session"] == session
            assert receive(first)["message"].startswith("Another tab shows this session now.")
            with pytest.raises(ConnectionClosed) as closed:
                first.recv(timeout=20)
            assert closed.value.rcvd.code == server_module.REPLACED
            second.send("b")
            assert second.recv(timeout=20) == "b"
            assert live.tabs.by_id[session].session.events == ["resume"]


@pytest.mark.parametrize("session", ["", "unknown", "x" * 5000, "%00", "../..", "<script>"])
def test_an_unknown_id_gets_a_session_with_another_id(live, session):
    """An id is never chosen by the page."""
    with live.connect(session) as client:
        first = receive(client)
        assert re.fullmatch(r"[\w-]{22}", first["session"])


def test_an_absent_session_is_closed_after_its_time():
    with run_live_server(absence_seconds=0.2) as server:
        with server.connect() as client:
            session = receive(client)["session"]
            tab = server.tabs.by_id[session]
        wait_until(lambda: tab.session.events == ["pause"])
        time.sleep(0.3)
        with server.connect(session) as client:
            assert receive(client)["session"] != session
        assert tab.session.events == ["pause", "close"]


def test_the_oldest_absent_session_makes_room_and_pages_are_never_closed():
    with run_live_server(max_tabs=3) as server, contextlib.ExitStack() as stack:
        pages = [stack.enter_context(server.connect()) for _ in range(3)]
        sessions = [receive(page)["session"] for page in pages]
        with server.connect() as fourth:
            message = "3 pages show the studio: close one, and load this page again."
            assert receive(fourth) == {"type": "error", "message": message}
            with pytest.raises(ConnectionClosed) as closed:
                fourth.recv(timeout=20)
            assert closed.value.rcvd.code == server_module.TOO_MANY
        for i in (1, 0):  # the page of index 1 is lost first
            pages[i].close()
            wait_until(lambda i=i: server.tabs.by_id[sessions[i]].absent_since is not None)
        fourth = stack.enter_context(server.connect())
        receive(fourth)
        assert sessions[1] not in server.tabs.by_id
        assert {sessions[0], sessions[2]} <= set(server.tabs.by_id)


def test_many_sockets_at_once():
    """60 clients, some of which vanish without a word, on a server of 20 sessions."""
    with run_live_server() as server:
        answers = []

        def visit(i):
            with contextlib.suppress(ConnectionClosed), server.connect() as client:
                first = receive(client)
                if i % 3 == 0:
                    client.socket.shutdown(socket.SHUT_RDWR)
                elif first["type"] == "welcome":
                    client.send(str(i))
                    answers.append((i, client.recv(timeout=20)))

        threads = [threading.Thread(target=visit, args=(i,)) for i in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers
        assert all(answer == str(i) for i, answer in answers)
        wait_until(lambda: all(tab.absent_since for tab in server.tabs.by_id.values()))
        assert len(server.tabs.by_id) <= 20
        assert server.is_alive()


def test_the_end_of_the_server_closes_all_sessions():
    sessions = []

    class Recorded(EchoSession):
        def __init__(self, send):
            super().__init__(send)
            sessions.append(self)

    with contextlib.ExitStack() as stack:
        with run_live_server(Recorded) as server:
            client = stack.enter_context(server.connect())
            receive(client)
            with server.connect() as absent:
                receive(absent)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=20)
    assert [session.events[-1] for session in sessions] == ["close", "close"]


def test_a_session_waits_for_a_slow_page(monkeypatch):
    """Oracle: the session's thread does not get far ahead of a page that does not read."""
    monkeypatch.setattr("glassnet.studio_app.tabs.MAX_QUEUE_BYTES", MIB)
    sent = []

    class Flood(EchoSession):
        def post(self, data):
            threading.Thread(target=self.flood, daemon=True).start()

        def flood(self):
            for i in range(200):
                self.send(bytes(MIB))
                sent.append(i)

    with run_live_server(Flood) as server, server.connect(max_queue=1) as client:
        receive(client)
        client.send("go")
        time.sleep(0.7)
        assert len(sent) < 50
        for _ in range(200):
            assert len(client.recv(timeout=20)) == MIB
        wait_until(lambda: len(sent) == 200)
