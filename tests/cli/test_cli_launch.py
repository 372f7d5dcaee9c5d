"""`glassnet launch`: starts, watches and ends processes. The scripts here load no JAX."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

REPORT = """
# A script with gn.distribute() would load JAX.
import json, os, sys
names = ("GLASSNET_COORDINATOR", "GLASSNET_PROCESSES", "GLASSNET_PROCESS", "JAX_LOCAL_DEVICE_IDS")
values = [os.environ[name] for name in names]
open("report" + values[2], "w").write(json.dumps([values, sys.argv[1:], sys.stdin.read()]))
print("hello from", values[2])
"""

FAIL = """
import os, signal, sys, time
index = os.environ["GLASSNET_PROCESS"]
open("started" + index, "a").write("x")
open("pid" + index, "w").write(str(os.getpid()))
if index == "1":
    while not os.path.exists("pid0"):
        time.sleep(0.05)
    {failure}
time.sleep(60)
"""

WAIT = """
# A script with gn.distribute() would load JAX.
import os, signal, sys, time
index = os.environ["GLASSNET_PROCESS"]
def stop(number, frame):
    open("received" + index, "a").write(str(number) + " ")
    if {ends}:
        sys.exit(0)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
open("ready" + index, "w").close()
time.sleep(60)
time.sleep(60)
"""


def start(tmp_path, code, *options, arguments=()):
    script = tmp_path / "script.py"
    script.write_text(code)
    return subprocess.Popen(
        [sys.executable, "-m", "glassnet", "launch", *options, "script.py", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, out, err


def wait_for(*paths):
    deadline = time.monotonic() + 20
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_each_process_has_its_number_and_the_arguments(tmp_path):
    options = "-n", "2", "--port", "12345"
    process = start(tmp_path, REPORT, *options, arguments=("--epochs", "3", "-n", "x"))
    code, out, err = finish(process)
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == ["hello from 0", "hello from 1"]
    for index in ("0", "1"):
        values, arguments, text = json.loads((tmp_path / f"report{index}").read_text())
        assert values == ["127.0.0.1:12345", "2", index, index]
        assert (arguments, text) == (["--epochs", "3", "-n", "x"], "")


@pytest.mark.parametrize(
    ("failure", "code", "text"),
    [
        ("sys.exit(3)", 3, "process 1 of 2 ended with exit code 3. The other is ended."),
        ("raise ValueError", 1, "process 1 of 2 ended with exit code 1. The other is ended."),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            137,
            "process 1 of 2 was ended by signal 9 (SIGKILL). The other is ended.",
        ),
    ],
)
def test_one_failure_ends_all(tmp_path, failure, code, text):
    started = time.monotonic()
    result, _, err = finish(start(tmp_path, FAIL.format(failure=failure), "-n", "2"))
    assert (result, err.splitlines()[-1]) == (code, f"glassnet launch: {text}")
    assert time.monotonic() - started < 15
    for index in range(2):
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / f"pid{index}").read_text()), 0)


def test_retries_run_the_script_again(tmp_path):
    """It succeeds at the third run."""
    failure = "n = len(open('started1').read()); sys.exit(3 if n < 3 else 0)"
    code = FAIL.format(failure=failure).replace("time.sleep(60)", "time.sleep(1)")
    result, _, err = finish(start(tmp_path, code, "-n", "2", "--retries", "5"))
    assert result == 0
    assert (tmp_path / "started1").read_text() == "xxx"
    again = [line for line in err.splitlines() if "again" in line]
    assert again == [f"glassnet launch: runs the script again: {i} of 5." for i in (1, 2)]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_is_passed_on_once_and_the_scripts_go_on(tmp_path):
    process = start(tmp_path, WAIT.format(ends=True), "-n", "2")
    wait_for(tmp_path / "ready0", tmp_path / "ready1")
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert (code, err) == (0, "")
    for index in range(2):
        assert (tmp_path / f"received{index}").read_text() == f"{int(signal.SIGINT)} "


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.slow
def test_processes_that_ignore_sigterm_are_killed(tmp_path):
    process = start(tmp_path, WAIT.format(ends=False), "-n", "2", "--retries", "3")
    wait_for(tmp_path / "ready0", tmp_path / "ready1")
    process.send_signal(signal.SIGTERM)
    code, _, err = finish(process)
    assert code == 137
    assert "(SIGKILL)" in err
    assert "again" not in err
    assert (tmp_path / "received1").read_text().startswith(f"{int(signal.SIGTERM)} ")


def test_a_script_that_does_not_exist_is_refused(tmp_path):
    command = [sys.executable, "-m", "glassnet", "launch", "-n", "2", "train.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 2
    assert "expected a Python file that exists. Received: 'train.py'." in run.stderr


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        (
            "print(1)",
            "glassnet launch: script.py does not call gn.distribute(). "
            "Unless a module that it imports does, each process runs alone.\n",
        ),
        ("import glassnet as gn\n# gn.distribute() comes later", ""),
    ],
)
def test_a_script_that_connects_no_processes_is_named(tmp_path, code, hint):
    _, _, err = finish(start(tmp_path, code, "-n", "1"))
    assert err == hint


def test_the_environment_of_the_launcher_is_passed_on(tmp_path):
    """Variables that the user has set win over defaults, but not over the numbers."""
    code = "import os; open('env', 'w').write(os.environ['JAX_LOCAL_DEVICE_IDS'])"
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, "-m", "glassnet", "launch", "-n", "1", "script.py"]
    environment = os.environ | {"JAX_LOCAL_DEVICE_IDS": "5"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "env").read_text() == "5"
