"""The studio starts on a port of this machine, prints its URL, and ends with Ctrl-C.

Oracles: the process itself, the sockets of the system, and the messages of refused calls.
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser
from contextlib import closing

import numpy as np
import pytest
from session_page import Page
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.studio_app import launch, web_server

X = np.random.default_rng(0).normal(size=(40, 2)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def make_model():
    model = gn.Sequential([gn.layers.Dense(3, "tanh"), gn.layers.Dense(1, "sigmoid")], seed=0)
    model.compile(gn.optimizers.SGD(0.5), "binary_crossentropy", ["accuracy"])
    return model


@pytest.fixture
def served(monkeypatch):
    """What a call would serve, instead of a server."""
    calls = []

    def serve(make_session, welcome, **options):
        calls.append((make_session, welcome, options))

    monkeypatch.setattr(launch, "serve", serve)
    return calls


def test_a_script_opens_its_own_model_and_data(served):
    """Oracle: the weights and layers of the model; it stays as it is, and each tab has a copy."""
    model = make_model()
    model.fit(X, Y, epochs=1, verbose=0)
    before = [np.array(each) for each in model.get_weights()]
    gn.studio(model, X, Y, port=1234, open_browser=False)
    ((make_session, welcome, options),) = served
    assert (options["port"], options["open_browser"], options["host"]) == (1234, False, "127.0.0.1")
    assert options["allow_remote"] is False
    assert welcome["lesson"] is None
    with closing(Page(make_session=make_session)) as first:
        state, _ = first.ask("open", "state")
        assert [layer["units"] for layer in state["network"]["layers"]] == [3, 1]
        assert state["data"]["n_train"] + state["data"]["n_test"] == 40
        assert (state["data"]["is_private"], state["playing"]) == (True, False)
        training = state["settings"]["training"]
        assert (training["optimizer"], training["learning_rate"]) == ("sgd", 0.5)
        assert first.wait("picture")[0]["step"] == 2  # 40 rows in batches of 32
        assert first.ask("step", n=3)[0]["step"] == 5
        with closing(Page(make_session=make_session)) as second:
            assert second.ask("open")[0]["step"] == 2
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_script_opens_a_table(served):
    table = {"size": X[:, 0], "town": np.where(X[:, 1] > 0, "Rome", "Bonn"), "sold": Y}
    gn.studio(make_model(), table, target="sold")
    with closing(Page(make_session=served[0][0])) as page:
        data = page.ask("open", "state")[0]["data"]
        assert (data["kind"], data["target_name"]) == ("table", "sold")


def test_what_is_no_model_or_no_data_is_refused(served):
    with pytest.raises(ConfigError, match="studio: expected a model as the first argument"):
        gn.studio(X, Y)
    with pytest.raises(DataError, match="expected data in memory"):
        gn.studio(make_model(), iter([X]), Y)
    with pytest.raises(ConfigError, match="Did you mean 'sold'"):
        gn.studio(make_model(), {"size": X[:, 0], "sold": Y}, target="solt")
    assert served == []


@pytest.mark.parametrize("name", launch.PACKAGES)
def test_without_the_extra_it_says_what_to_install(monkeypatch, name):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == name else real(n))
    expected = f'studio: expected {name} to be installed. Run pip install "glassnet\\[studio\\]".'
    with pytest.raises(ConfigError, match=expected):
        gn.studio(make_model(), X, Y)


def test_a_notebook_is_sent_to_the_widget():
    """A notebook runs cells in an event loop, which a server would block."""

    async def cell():
        gn.studio(make_model(), X, Y)

    with pytest.raises(ConfigError, match=r"use gn\.Studio\(model, x, y\)"):
        asyncio.run(cell())


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::", "127.0.0.2", ""])
def test_a_host_that_others_reach_must_be_allowed(host):
    with pytest.raises(ConfigError, match="Pass --allow-remote") as error:
        launch.serve(None, {}, host=host)
    assert f"Received: host={host!r}" in str(error.value)


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        expected = f"expected a port of this machine that is free.*port={port}.*Leave out the port"
        with pytest.raises(ConfigError, match=expected):
            launch.serve(None, {}, port=port)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(ConfigError, match=f"expected a port from 1 to 65535.*port={port}"):
        launch.serve(None, {}, port=port)


def test_the_widget_without_its_packages_says_what_to_install():
    code = """
from importlib.machinery import PathFinder
find, missing = PathFinder.find_spec, ("anywidget", "msgspec")
PathFinder.find_spec = lambda name, *rest: None if name in missing else find(name, *rest)
import glassnet as gn
gn.Studio
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "expected anywidget and msgspec to be installed" in done.stderr
    assert 'Run pip install "glassnet[notebook]".' in done.stderr


def test_a_host_that_is_not_this_machine_is_refused():
    for host in ("no-such-host.invalid", "192.0.2.1"):  # an address for documentation
        with pytest.raises(ConfigError, match="a name or address of this machine") as error:
            launch.bind(host, None)
        assert "problem=" in str(error.value)


def test_hosts_under_which_the_server_answers():
    """Oracle: the names of this machine, and nothing else."""
    assert launch.list_hosts("127.0.0.1", 80) == [
        "127.0.0.1:80",
        "localhost:80",
        "127.0.0.1",
        "localhost",
    ]
    assert launch.list_hosts("::1", 8000) == ["[::1]:8000", "localhost:8000"]
    assert launch.list_hosts("lab.example.org", 8000) == ["lab.example.org:8000"]
    everywhere = launch.list_hosts("0.0.0.0", 8000)
    assert {"127.0.0.1:8000", f"{socket.gethostname()}:8000"} <= set(everywhere)
    assert not {"0.0.0.0:8000", "*"} & set(everywhere)
    assert launch.url_host("0.0.0.0") == socket.gethostname()
    assert launch.url_host("fe80::1") == "[fe80::1]"


def test_ctrl_c_is_that_of_the_script_again(monkeypatch):
    """A script goes on after `gn.studio`."""
    found = []

    class Server:
        def run(self, sockets):
            found.append(signal.getsignal(signal.SIGINT))

    monkeypatch.setattr(web_server, "make_web_server", lambda app: Server())
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's & ignores it
    try:
        launch.run_server(None, None)
        assert found == [signal.SIG_IGN]
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


class Browser:
    def __init__(self):
        self.opened = []

    def open(self, url):
        self.opened.append(url)


def test_the_browser_is_opened_if_it_has_windows(monkeypatch):
    """A browser of the terminal would take the place of the output; no browser is no error."""
    browser = Browser()
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    launch.open_url("http://127.0.0.1:1/")
    assert browser.opened == ["http://127.0.0.1:1/"]
    text_browser = webbrowser.GenericBrowser("lynx")
    text_browser.open = browser.open
    monkeypatch.setattr(webbrowser, "get", lambda: text_browser)
    launch.open_url("http://127.0.0.1:2/")
    assert len(browser.opened) == 1
    monkeypatch.setenv("BROWSER", "lynx")  # the user's choice
    launch.open_url("http://127.0.0.1:2/")
    assert len(browser.opened) == 2

    def fail():
        raise webbrowser.Error("no browser")

    monkeypatch.setattr(webbrowser, "get", fail)
    launch.open_url("http://127.0.0.1:3/")


@contextlib.contextmanager
def run_command(*words):
    """Run `glassnet studio` without a browser, and yield the process and its lines up to the URL."""
    command = [sys.executable, "-m", "glassnet", "studio", "--no-browser", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        lines = []
        while not any("http://" in line for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        yield process, "".join(lines)
    finally:
        process.kill()
        process.communicate()


def log_in(url):
    """Open the URL as a browser does; return the cookie and the host."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(url.partition("#")[0]) as response:
        assert b"glassnet-studio" in response.read()
    (jar,) = [each for each in opener.handlers if hasattr(each, "cookiejar")]
    (cookie,) = jar.cookiejar
    return f"{cookie.name}={cookie.value}", url.split("/")[2]


def open_socket(cookie, host, session=""):
    """Return a socket of a page."""
    url = f"ws://{host}/socket?session={session}"
    headers = {"Cookie": cookie}
    return connect(
        url, origin=f"http://{host}", additional_headers=headers, max_size=None, proxy=None
    )


@pytest.mark.slow
def test_the_command_serves_until_ctrl_c():
    """Ctrl-C is the usual end: no error, while a page is open."""
    with run_command("--preset", "xor_without_hidden_layer") as (process, text):
        url = re.fullmatch(r"The studio runs\. Open (http://\S+)\n", text)[1]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}#preset=xor_wi\w+", url)
        assert process.stdout.readline() == "The URL works once. Press Ctrl-C to stop.\n"
        cookie, host = log_in(url)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url)
        with open_socket(cookie, host) as page:
            assert '"welcome"' in page.recv(timeout=30)
            if os.name == "posix":
                process.send_signal(signal.SIGINT)
                with pytest.raises(ConnectionClosed):
                    page.recv(timeout=30)
                assert process.communicate(timeout=30)[0] == "The studio has stopped.\n"
                assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a process of Windows gets no Ctrl-C from another")
@pytest.mark.parametrize("busy", ["", '{"type": "diagnose"}'], ids=["idle", "busy"])
def test_ctrl_c_twice_prints_what_ctrl_c_prints(busy):
    """The second one comes while the server, or the session's thread, ends."""
    with run_command() as (process, text):
        process.stdout.readline()
        cookie, host = log_in(re.search(r"http://\S+", text)[0])
        with open_socket(cookie, host) as page:
            page.send('{"type": "open"}')
            while '"type":"picture"' not in str(page.recv(timeout=30)):
                pass
            page.send(busy) if busy else None
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=60)[0] == "The studio has stopped.\n"
            assert process.returncode == 0


@pytest.mark.slow
def test_after_a_killed_server_a_page_connects_to_the_next_one_at_the_port():
    """Its cookie is worth nothing there, until the browser has opened the new URL; the session
    is a new one, which the page fills with the state in its link.
    """
    with run_command() as (process, text):
        cookie, host = log_in(re.search(r"http://\S+", text)[0])
        with open_socket(cookie, host) as page:
            session = re.search(r'"session":"([\w-]+)"', page.recv(timeout=30))[1]
            process.kill()
            with pytest.raises(ConnectionClosed):
                page.recv(timeout=30)
    with run_command("--port", host.split(":")[1]) as (_, text):
        with pytest.raises(InvalidStatus, match="403"), open_socket(cookie, host, session):
            pass
        cookie, _ = log_in(re.search(r"http://\S+", text)[0])
        with open_socket(cookie, host, session) as page:
            assert f'"session":"{session}"' not in page.recv(timeout=30)


@pytest.mark.slow
def test_a_remote_host_says_what_that_means():
    with run_command("--host", "0.0.0.0", "--allow-remote") as (_, text):
        assert "Nothing is encrypted" in text
        url = re.search(r"http://\S+", text)[0]
        port = url.split("/")[2].rpartition(":")[2]
        local = url.replace(url.split("/")[2], f"127.0.0.1:{port}")
        assert log_in(local)
