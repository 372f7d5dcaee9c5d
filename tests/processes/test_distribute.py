"""Connecting processes: what is refused, and what one process does."""

import time

import jax
import pytest
from process_scripts import finish, free_port, start, start_pair

import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.processes import exchange
from glassnet.processes.start import ProcessInfo


@pytest.fixture(autouse=True)
def _no_launcher(monkeypatch):
    monkeypatch.setattr("glassnet.processes.start.find_launch", lambda environment: None)


def test_a_script_without_a_launcher_runs_in_one_process(capsys):
    assert gn.distribute() == ProcessInfo(0, 1)
    assert gn.distribute("node1:12345", 1, 0) == ProcessInfo(0, 1)
    assert exchange.process_count() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "distribute: this script runs in one process.",
        "To train on several, start it with: glassnet launch -n 2 train.py",
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("node1:12345",), "all of coordinator_address, num_processes and process_id, or none"),
        (("node1:12345", 0, 0), "num_processes to be an int >= 1. Received: num_processes=0."),
    ],
)
def test_incomplete_arguments_are_refused(arguments, text):
    with pytest.raises(ConfigError) as caught:
        gn.distribute(*arguments)
    assert text in str(caught.value)


def test_timeouts_are_seconds():
    with pytest.raises(ConfigError, match=r"heartbeat_timeout to be a number of seconds >= 1"):
        gn.distribute(heartbeat_timeout=0)


def test_a_call_after_jax_has_started_is_refused():
    jax.devices()
    with pytest.raises(ConfigError) as caught:
        gn.distribute("node1:12345", 2, 0)
    assert "Make gn.distribute() the first line after the imports." in str(caught.value)


REFUSED = """
import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.layers import Dense
model = gn.Sequential([Dense(1)])  # building a model does not start JAX

for arguments in [("node1", 2, 0), ("node1:1", 2, 2), ("node1:1", 2, -1)]:
    try:
        gn.distribute(*arguments)
    except ConfigError as error:
        print(error)
gn.distribute()
try:
    gn.distribute()
except ConfigError as error:
    print(error)
"""


@pytest.mark.slow
def test_wrong_numbers_and_a_second_call_are_refused():
    for code, out, err in finish(start_pair(REFUSED)):
        assert code == 0, err
        lines = [line for line in out.splitlines() if "processes, 2 CPU devices" not in line]
        expected = (
            "distribute: expected a number of this process from 0 to 1, as there are 2 processes."
        )
        assert lines == [
            "distribute: expected host and port of process 0, such as node1:12345. Received: address='node1'.",
            f"{expected} Received: received=2.",
            f"{expected} Received: received=-1.",
            "distribute: expected one call in a process. Remove the second call, or jax.distributed.initialize.",
        ]


OLD_VERSION = """
import os
import glassnet as gn
from glassnet.processes import start
if os.environ["GLASSNET_PROCESS"] == "1":
    start.__version__ = "0.0.1"
gn.distribute()
"""


@pytest.mark.slow
def test_other_versions_are_named():
    for code, _, err in finish(start_pair(OLD_VERSION)):
        assert code != 0
        assert "expected the same version of glassnet in all processes" in err
        assert f"process_0='{gn.__version__}', process_1='0.0.1'" in err


@pytest.mark.slow
@pytest.mark.parametrize("index", [0, 1])
def test_processes_that_do_not_come_end_the_wait_with_a_message(index):
    address = f"127.0.0.1:{free_port()}"
    code = (
        f"import glassnet as gn; gn.distribute('{address}', 2, {index}, initialization_timeout=2)"
    )
    started = time.monotonic()
    ((code, _, err),) = finish([start(code)])
    assert code == 1
    assert f"expected 2 processes to connect to {address} within 2 s" in err
    assert "Is process 0 running" in err
    assert time.monotonic() - started < 30
