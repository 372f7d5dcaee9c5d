"""Install Glassnet in a fresh clone and train a network: `python3 start.py`.

`python3 start.py test` runs all checks and tests instead. The first run creates `.venv` in the
clone and installs glassnet from the package index, and later runs reuse it. Only Python with its
venv module is required.
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
DOWNLOADS = {"": "about 190 MB, 0.9 GB on disk", "dev": "about 460 MB, 1.9 GB on disk"}
MORE = "about 275 MB more"
USAGE = """Usage: python3 start.py         install, and train a network on handwritten digits
       python3 start.py test    install, and run every check and test"""


def main(arguments):
    """Run the script and return the exit code."""
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
    """Return why this Python cannot be used, in one line, or None."""
    if version < OLDEST:
        oldest, current = (".".join(map(str, numbers)) for numbers in (OLDEST, version))
        return (
            f"glassnet needs Python {oldest} or newer; this is {current}. "
            f"Run start.py with a newer one, such as: python{oldest} start.py"
        )
    if not (has_module("venv") and has_module("ensurepip")):
        package = "python{}.{}-venv".format(*version)
        return f"This Python has no venv module. On Debian and Ubuntu: sudo apt install {package}"
    return None


def install(extra):
    """Install glassnet into `.venv` if necessary and return the exit code."""
    state = fingerprint((ROOT / "pyproject.toml").read_bytes(), sys.version_info[:2])
    if PYTHON.exists() and is_installed(extra, state):
        return 0
    size = MORE if PYTHON.exists() and is_installed("", state) else DOWNLOADS[extra]
    print(f"Installing into {VENV}: downloads {size}, once.", flush=True)
    STAMP.unlink(missing_ok=True)
    code = subprocess.call([sys.executable, "-m", "venv", str(VENV)])
    code = code or pip_install(f"{ROOT}[{extra or 'studio'}]")
    if code == 0:
        STAMP.write_text(f"{state} {extra}".strip(), encoding="utf-8")
    return code


def fingerprint(project, version):
    """Return a hash of pyproject.toml and the version of Python."""
    return hashlib.sha256(repr(version).encode() + project).hexdigest()[:16]


def is_installed(extra, state):
    """Return whether this state, with this extra, is installed."""
    stamp = STAMP.read_text(encoding="utf-8").split() if STAMP.exists() else []
    return stamp[:1] == [state] and (not extra or extra in stamp)


def pip_install(project):
    """Install the project in place and return the exit code.

    Large downloads are printed, and on failure the full output of pip.
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
    output = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout:
            output.append(line)
            if line.lstrip().startswith("Downloading ") and " MB)" in line:
                print("  " + line.strip(), flush=True)
    if pip.returncode:
        print("".join(output), file=sys.stderr)
        print(
            f"pip could not install glassnet (exit code {pip.returncode}), see above.",
            file=sys.stderr,
        )
    return pip.returncode


def checks():
    """Return the commands of `start.py test`."""
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["pytest", "-n", str(min(cores, 8))],
    ]


def run(command):
    """Run a module with its arguments in the environment and return its exit code."""
    print("$ " + " ".join(command), flush=True)
    return subprocess.call([str(PYTHON), "-m", *command], cwd=ROOT)


def worst(codes):
    """Return the highest exit code; a process that was killed by a signal counts 128 + signal."""
    return max(code if code >= 0 else 128 - code for code in codes)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("start.py: interrupted", file=sys.stderr)
        sys.exit(130)
