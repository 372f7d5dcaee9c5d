"""From a fresh clone to a trained network: `python3 start.py`; to all checks and tests: `python3
start.py test`.

Makes `.venv` in the clone, installs glassnet into it from the package index, and runs. The second
time it only runs. Needs nothing but Python with its venv module.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed-by-start.txt"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
DOWNLOADS = {"": "about 190 MB, 0.9 GB on disk", "dev": "about 330 MB, 1.4 GB on disk"}
MORE = "about 145 MB more"
USAGE = """Usage: python3 start.py         install, and train a network on handwritten digits
       python3 start.py test    install, and run every check and test"""


def main(arguments):
    """Do what the arguments say and return the exit code."""
    if arguments in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    if arguments not in ([], ["test"]):
        print(USAGE, file=sys.stderr)
        return 2
    problem = obstacle(
        sys.version_info[:2], has_module=lambda name: importlib.util.find_spec(name) is not None
    )
    if problem:
        print(problem, file=sys.stderr)
        return 1
    extra = "dev" if arguments else ""
    code = install(extra)
    return code or worst(
        [run(command) for command in (checks() if arguments else [["glassnet", "train", "digits"]])]
    )


def obstacle(version, has_module):
    """Why this Python will not do, in one line; None where it will."""
    if version < OLDEST:
        wanted, found = (".".join(map(str, numbers)) for numbers in (OLDEST, version))
        return f"glassnet needs Python {wanted} or newer; this is {found}. Run start.py with a newer one, as in: python{wanted} start.py"
    if not (has_module("venv") and has_module("ensurepip")):
        package = "python{}.{}-venv".format(*version)
        return f"This Python has no venv module. On Debian and Ubuntu: sudo apt install {package}"
    return None


def install(extra):
    """Put glassnet and what it needs into `.venv`, unless that is done; return the exit code."""
    state = fingerprint((ROOT / "pyproject.toml").read_bytes(), sys.version_info[:2])
    if PYTHON.exists() and is_installed(extra, state):
        return 0
    size = MORE if PYTHON.exists() and is_installed("", state) else DOWNLOADS[extra]
    print(f"Installing into {VENV}: downloads {size}, once.", flush=True)
    STAMP.unlink(missing_ok=True)
    code = subprocess.call([sys.executable, "-m", "venv", str(VENV)])
    code = code or pip_install(f"{ROOT}[{extra}]" if extra else str(ROOT))
    if code == 0:
        STAMP.write_text(f"{state} {extra}".strip(), encoding="utf-8")
    return code


def fingerprint(project, version):
    """What an installation depends on, as a word: the text of pyproject.toml and the version of
    Python.
    """
    return hashlib.sha256(repr(version).encode() + project).hexdigest()[:16]


def is_installed(extra, state):
    """Whether the last installation that ended well was of this state, and had at least this
    extra.
    """
    done = STAMP.read_text(encoding="utf-8").split() if STAMP.exists() else []
    return done[:1] == [state] and (not extra or extra in done)


def pip_install(project):
    """Install the project in place; say each large download, and on failure everything pip said.
    Return the exit code.
    """
    command = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--editable",
        project,
    ]
    said = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout:
            said.append(line)
            if line.lstrip().startswith("Downloading ") and " MB)" in line:
                print("  " + line.strip(), flush=True)
    if pip.returncode:
        print("".join(said), file=sys.stderr)
        print(
            f"pip could not install glassnet (exit code {pip.returncode}): see above.",
            file=sys.stderr,
        )
    return pip.returncode


def checks():
    """The commands of `start.py test`."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return [["ruff", "check", "."], ["mypy"], ["pytest", "-n", str(min(cores, 8))]]


def run(command):
    """Run a module of the environment by its command line and return its exit code."""
    print("$ " + " ".join(command), flush=True)
    return subprocess.call([str(PYTHON), "-m", *command], cwd=ROOT)


def worst(codes):
    """The exit code furthest from success; a process that a signal ended counts as its shell does,
    128 and the signal.
    """
    return max(code if code >= 0 else 128 - code for code in codes)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("start.py: interrupted", file=sys.stderr)
        sys.exit(130)
