"""Run the studio: bind a port, print the URL, open the browser, and serve until Ctrl-C."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from glassnet.errors import ConfigError, message, require

if TYPE_CHECKING:
    from glassnet.studio_app.lessons import Lesson
    from glassnet.studio_app.session import StudioStart
    from glassnet.studio_app.tabs import MakeSession

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Names of this machine that no other machine reaches."""

PACKAGES = ("msgspec", "starlette", "uvicorn", "websockets")

REMOTE_WARNING = """\
Other machines that reach {address} can ask this studio for its page. Only the first browser
that opens the URL below can use it. Nothing is encrypted: whoever sees the traffic of the
network can read the URL, your data and the model. Use it only in a network that you trust."""


def studio(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    target: str | None = None,
    validation_data: Any = None,
    port: int | None = None,
    open_browser: bool = True,
) -> None:
    """Open the studio in the browser with a model and its data, until Ctrl-C.

    The page trains a copy of the model step by step, and shows every number behind it: the model
    itself stays as it is. Each tab of the browser has a copy of its own. The server is for this
    machine alone, and its URL works once.

    Args:
        model: a model. Without `compile`, optimizer and loss are chosen as in `fit`.
        x: an array, a table (a frame, a dict of columns or the path of a file), or `Images`.
        y: the targets of an array.
        target: name of the target column of a table; None for the last.
        validation_data: rows to test on: (x, y), or a table. Otherwise some rows are held out.
        port: port of the server; None for one that is free.
        open_browser: whether to open the page. The URL is printed in any case.

    Raises:
        ConfigError: no model; the packages are missing (`pip install "glassnet[studio]"`); a
            notebook runs this, which `gn.Studio` is for; the port is not free.
        DataError: data that are not in memory, or that the model cannot learn from.

    Example:
        >>> import glassnet as gn
        >>> moons = gn.datasets.load("moons")
        >>> model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")])
        >>> gn.studio(model, moons.x, moons.y)  # doctest: +SKIP
        The studio runs. Open http://127.0.0.1:...
    """
    require_packages("studio")
    require_no_event_loop()
    from glassnet.studio_app.starts import start_with_model

    start = start_with_model(model, x, y, target=target, validation_data=validation_data)
    run_studio(start, port=port, open_browser=open_browser)


def run_studio(
    start: StudioStart,
    *,
    lesson: Lesson | None = None,
    fragment: str = "",
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    allow_remote: bool = False,
) -> None:
    """Serve the studio until Ctrl-C. Call `require_packages` before.

    Args:
        start: what a tab begins with.
        lesson: what the page hides, and its own presets.
        fragment: what follows # in the URL.
        host, port, open_browser, allow_remote: see `serve`.

    Raises:
        ConfigError: see `serve`.
    """
    from glassnet.studio_app.starts import make_session_factory, make_welcome

    serve(
        make_session_factory(start, lesson),
        make_welcome(lesson),
        host=host,
        port=port,
        open_browser=open_browser,
        allow_remote=allow_remote,
        fragment=fragment,
    )


def serve(
    make_session: MakeSession,
    welcome: Mapping[str, Any],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    allow_remote: bool = False,
    fragment: str = "",
) -> None:
    """Serve the studio until Ctrl-C. The URL is printed before.

    Args:
        make_session: makes the session of a tab.
        welcome: values of the first message to a page.
        host: address or name of this machine at which the server listens.
        port: its port; None for one that is free.
        open_browser: whether to open the URL in the browser.
        allow_remote: whether `host` may be one that other machines reach.
        fragment: what follows # in the URL, such as preset=xor.

    Raises:
        ConfigError: the host is not this machine, or others reach it without `allow_remote`; the
            port is not free.
    """
    require_local(host, allow_remote)
    from glassnet.studio_app.guard import Guard
    from glassnet.studio_app.server import StudioServer
    from glassnet.studio_app.tabs import Tabs

    listener = bind(host, port)
    with listener:
        bound = listener.getsockname()[1]
        guard = Guard(
            StudioServer(Tabs(make_session), welcome).make_app(), list_hosts(host, bound), bound
        )
        url = f"http://{url_host(host)}:{bound}/?token={guard.token}"
        url += f"#{fragment}" if fragment else ""
        if host not in LOOPBACK:
            print(REMOTE_WARNING.format(address=f"{host}:{bound}"))
        print(f"The studio runs. Open {url}", flush=True)
        print("The URL works once. Press Ctrl-C to stop.", flush=True)
        if open_browser:
            threading.Thread(target=open_url, args=(url,), daemon=True).start()
        run_server(guard, listener)
    print("The studio has stopped.", flush=True)


def require_packages(extra: str) -> None:
    """Check that the packages of the studio are installed, without importing them.

    Raises:
        ConfigError: one of them is missing; the message says what to install.
    """
    import importlib.util

    packages = PACKAGES if extra == "studio" else ("anywidget", "msgspec")
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        fix = f'Run pip install "glassnet[{extra}]".'
        names = " and ".join(missing)
        raise ConfigError(message("studio", f"{names} to be installed", fix=fix))


def require_no_event_loop() -> None:
    """Refuse to block a notebook.

    Raises:
        ConfigError: an event loop runs in this thread.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    fix = "In a notebook, use gn.Studio(model, x, y), which shows the studio in the cell."
    raise ConfigError(message("studio", "a script or a terminal, which it may block", fix=fix))


def require_local(host: str, allow_remote: bool) -> None:
    """Refuse a host that other machines reach, unless they may.

    Raises:
        ConfigError: see above.
    """
    if host in LOOPBACK or allow_remote:
        return
    fix = (
        "Pass --allow-remote (allow_remote=True in Python) if other machines may reach the studio: "
        "its data are not encrypted on their way. Or leave out the host."
    )
    expected = "a host that only this machine reaches: 127.0.0.1, localhost or ::1"
    raise ConfigError(message("studio", expected, host=host, fix=fix))


def bind(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: the port is not free, or the host is not this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    expected = "a port from 1 to 65535, or None"
    require(port is None or 0 < port < 2**16, "studio", expected, port=port)
    try:
        return socket.create_server((host, port or 0), family=family, backlog=128)
    except OSError as error:
        problem = (error.strerror or str(error)).partition(" (while")[0]
        expected, fix = "a host that is a name or address of this machine", "Leave out the host."
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            expected = "a port of this machine that is free, and that you may use"
            fix = "Another studio may use it. Leave out the port for one that is free."
        text = message("studio", expected, host=host, port=port, problem=problem, fix=fix)
        raise ConfigError(text) from error


def url_host(host: str) -> str:
    """Return the host of the URL: an address in brackets if it has colons, and a real name.

    Example:
        >>> url_host("::1")
        '[::1]'
    """
    if is_wildcard(host):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def is_wildcard(host: str) -> bool:
    """Return whether a host means all addresses of this machine.

    Example:
        >>> is_wildcard("0.0.0.0"), is_wildcard("127.0.0.1"), is_wildcard("localhost")
        (True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def list_hosts(host: str, port: int) -> list[str]:
    """Return the values of the header `Host` under which the server answers.

    They are the names of this machine, which no other site can have.

    Example:
        >>> list_hosts("127.0.0.1", 8000)
        ['127.0.0.1:8000', 'localhost:8000']
    """
    names = [host] if host not in LOOPBACK else ["127.0.0.1", "localhost"]
    if host == "::1":
        names = ["::1", "localhost"]
    if is_wildcard(host):
        own = socket.gethostname()
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(own, None)}
        names = ["127.0.0.1", "localhost", own, socket.getfqdn(), *sorted(addresses)]
    hosts = [f"[{name}]" if ":" in name else name for name in names]
    return [f"{name}:{port}" for name in hosts] + (hosts if port == 80 else [])


def open_url(url: str) -> None:
    """Open a URL in the browser, if this machine has one with windows.

    A browser for the terminal would take the place of the output.
    """
    try:
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser or "BROWSER" in os.environ:
            browser.open(url)
    except (webbrowser.Error, OSError):
        return  # the URL is printed


def run_server(app: Any, listener: socket.socket) -> None:
    """Serve an app until Ctrl-C, and wait until all sessions have ended."""
    from glassnet.studio_app.session import end_sessions
    from glassnet.studio_app.web_server import make_web_server

    with _ignore_ctrl_c():  # the server listens to it while it runs, and repeats it at its end
        make_web_server(app).run(sockets=[listener])
        end_sessions()


@contextmanager
def _ignore_ctrl_c() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets signals
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
