"""The studio's real server and its page in Chromium, driven by Playwright."""

from contextlib import ExitStack

import pytest
from studio_pages import Studio, count_messages

from browser import require_chromium

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""Chromium itself must not ask for anything but the page."""


@pytest.fixture(scope="session")
def studio_server():
    """One server for all tests; its sessions do not train until the page asks for it."""
    require_chromium()
    pytest.importorskip("playwright", reason="playwright is not installed")
    from live_server import run_live_server

    from glassnet.studio_app.session import StudioStart
    from glassnet.studio_app.starts import make_session_factory, make_welcome

    make_session = count_messages(make_session_factory(StudioStart(is_playing=False)))
    with run_live_server(make_session, welcome=make_welcome(), max_tabs=200) as server:
        yield server


@pytest.fixture(scope="module")
def chromium():
    """One browser for all tests of a file: Playwright's event loop must not outlive it."""
    path = require_chromium()
    pytest.importorskip("playwright", reason="playwright is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_OPTIONS))
        yield browser
        browser.close()


@pytest.fixture
def studio(studio_server, chromium):
    """Open pages of the studio; no error in the console, and no request to another machine."""
    with ExitStack() as stack:
        result = Studio(studio_server, chromium, stack)
        yield result
    assert result.problems == []
