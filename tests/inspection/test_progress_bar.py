"""The progress bar of views. Oracle: what a terminal receives."""

import io
import sys

import pytest

from glassnet.inspection import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("seconds", "is_shown"), [(-1.0, True), (60.0, False)])
def test_a_terminal_shows_a_bar_once_the_work_takes_long(monkeypatch, seconds, is_shown):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(progress, "QUIET_SECONDS", seconds)
    with progress.show_progress("loss_curve", 4) as advance:
        advance(1)
        advance(2)
    text = terminal.getvalue()
    assert ("loss_curve" in text) == is_shown
    assert ("75%" in text) == is_shown


def test_nothing_is_shown_elsewhere(monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    with progress.show_progress("loss_curve", 4) as advance:
        advance(4)
    assert capsys.readouterr().out == ""
