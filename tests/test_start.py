"""start.py: arguments, versions of Python and earlier installations; nothing is installed here."""

import importlib.util
import io
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def start(tmp_path, monkeypatch):
    """The script as a module in an empty clone; it records commands and does not run them."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]")
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "STAMP": venv / module.STAMP.name,
        "PYTHON": venv / "bin" / "python",
    }.items():
        monkeypatch.setattr(module, name, value)
    module.ran = []

    def call(command, **where):
        module.ran.append(command)
        if "venv" in command:
            (venv / "bin").mkdir(parents=True, exist_ok=True)
            (venv / "bin" / "python").touch()
        return module.codes.get(command[2], 0)

    class Pip:
        def __init__(self, command, **how):
            module.ran.append(command)
            self.stdout, self.returncode = io.StringIO(module.pip_says), module.codes.get("pip", 0)

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            pass

    module.codes, module.pip_says = (
        {},
        "Collecting jax\n  Downloading jaxlib-1.whl (81.0 MB)\n  Downloading six.whl (11 kB)\n",
    )
    monkeypatch.setattr(module.subprocess, "call", call)
    monkeypatch.setattr(module.subprocess, "Popen", Pip)
    return module


def modules_run(start):
    return [command[2] for command in start.ran]


def test_first_run_installs_and_trains(start, capsys):
    assert start.main([]) == 0
    assert modules_run(start) == ["venv", "pip", "glassnet"]
    assert start.ran[1][-2:] == ["--editable", f"{start.ROOT}[studio]"]
    assert start.ran[2][2:] == ["glassnet", "train", "digits"]
    lines = capsys.readouterr().out.splitlines()
    assert "downloads about 190 MB" in lines[0]
    assert lines[1:] == ["  Downloading jaxlib-1.whl (81.0 MB)", "$ glassnet train digits"]


def test_test_installs_the_tools_and_checks(start, capsys):
    assert start.main(["test"]) == 0
    assert modules_run(start) == ["venv", "pip", "ruff", "ruff", "mypy", "pytest"]
    assert start.ran[1][-1] == f"{start.ROOT}[dev]"
    assert int(start.ran[-1][-1]) >= 1
    assert "downloads about 460 MB" in capsys.readouterr().out


def test_second_run_only_runs(start):
    start.main([])
    start.ran.clear()
    start.main([])
    assert modules_run(start) == ["glassnet"]


def test_the_tools_are_added_once_and_serve_the_other_command(start, capsys):
    for arguments in ([], ["test"], [], ["test"]):
        start.main(arguments)
    assert capsys.readouterr().out.count("downloads about 275 MB more, once.") == 1
    assert modules_run(start).count("pip") == 2


def test_a_changed_project_is_installed_again(start):
    start.main([])
    (start.ROOT / "pyproject.toml").write_text("[project] # changed")
    start.main([])
    assert modules_run(start).count("pip") == 2


def test_another_python_is_another_installation(start):
    assert start.fingerprint(b"", (3, 11)) != start.fingerprint(b"", (3, 12))


def test_a_lost_environment_is_made_again(start):
    start.main([])
    start.PYTHON.unlink()
    start.main([])
    assert modules_run(start).count("venv") == 2


def test_a_failed_installation_says_why_and_is_tried_again(start, capsys):
    start.codes, start.pip_says = {"pip": 1}, "ERROR: No matching distribution found for jax\n"
    assert start.main([]) == 1
    assert "glassnet" not in modules_run(start)
    errors = capsys.readouterr().err
    assert "No matching distribution" in errors
    assert "pip could not install glassnet (exit code 1)" in errors
    start.codes = {}
    assert start.main([]) == 0


def test_worst_exit_code(start):
    start.codes = {"mypy": 1, "pytest": 5}
    assert start.main(["test"]) == 5
    assert start.worst([0, -9, 1]) == 137
    assert start.worst([0, 0]) == 0


def test_arguments(start, capsys):
    assert start.main(["--help"]) == 0
    assert "python3 start.py test" in capsys.readouterr().out
    assert start.main(["tests"]) == 2
    assert capsys.readouterr().err.startswith("Usage: ")
    assert start.ran == []


@pytest.mark.parametrize(
    ("version", "modules", "message"),
    [
        ((3, 10), {"venv", "ensurepip"}, "needs Python 3.11 or newer; this is 3.10."),
        ((2, 7), set(), "this is 2.7."),
        ((3, 12), {"venv"}, "sudo apt install python3.12-venv"),
        ((3, 12), set(), "sudo apt install python3.12-venv"),
    ],
)
def test_obstacles_are_one_line(start, version, modules, message):
    problem = start.obstacle(version, modules.__contains__)
    assert message in problem
    assert "\n" not in problem


@pytest.mark.parametrize("version", [(3, 11), (3, 14), (4, 0)])
def test_no_obstacle(start, version):
    assert start.obstacle(version, {"venv", "ensurepip"}.__contains__) is None


def test_an_obstacle_ends_it(start, monkeypatch, capsys):
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 1))
    assert start.main([]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert start.ran == []


def test_oldest_python_is_the_project_s(start):
    assert 'requires-python = ">={}.{}"'.format(*start.OLDEST) in (
        ROOT / "pyproject.toml"
    ).read_text(encoding="utf-8")


def test_old_pythons_can_read_the_script():
    """Old versions of Python must reach the error message: the syntax is that of Python 3.6."""
    import ast

    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))
