"""The source distribution and the wheel contain the package, and the installed wheel runs.

Oracles: the files under src/, and pyproject.toml. Nothing is downloaded if setuptools is new
enough, as it is with the dev extra.
"""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = PROJECT["project"]["version"]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "src")

pytestmark = pytest.mark.slow


def run(*command, **options):
    """Run a Python command and return its output."""
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def has_setuptools():
    """Return whether the environment can build the package itself."""
    (required,) = PROJECT["build-system"]["requires"]
    try:
        return int(importlib.metadata.version("setuptools").partition(".")[0]) >= int(
            required.removeprefix("setuptools>=")
        )
    except importlib.metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build both distributions from a copy of the repository and return their folder."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name,
                source / name,
                ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"),
            )
        else:
            shutil.copy(ROOT / name, source / name)
    run(
        "-m",
        "build",
        *(["--no-isolation"] if has_setuptools() else []),
        "--outdir",
        folder / "dist",
        source,
    )
    return folder / "dist"


@pytest.fixture(scope="module")
def wheel(dist):
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return environment variables with which Python imports the installed wheel."""
    target = tmp_path_factory.mktemp("installed")
    run("-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", target, wheel)
    return os.environ | {"PYTHONPATH": str(target)}


def package_files():
    """Return the files of the package, named as in a wheel."""
    files = (
        path
        for path in (ROOT / "src" / "glassnet").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    return {path.relative_to(ROOT / "src").as_posix() for path in files}


def test_names(dist):
    assert {path.name for path in dist.iterdir()} == {
        f"glassnet-{VERSION}.tar.gz",
        f"glassnet-{VERSION}-py3-none-any.whl",
    }


def test_wheel_contains_only_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"glassnet-{VERSION}.dist-info/"
    assert {name for name in names if not name.startswith(info)} == package_files()
    page = "glassnet/studio_app/static/"
    assert {"glassnet/py.typed", "glassnet/cli/__init__.py", f"{info}licenses/LICENSE"} <= names
    assert {f"{page}index.html", f"{page}studio.css", f"{page}app/main.mjs"} <= names
    assert [name for name in names if name.startswith(f"{page}vendor/")]


def test_wheel_metadata_agrees_with_pyproject(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"glassnet-{VERSION}.dist-info/METADATA").decode()
        scripts = archive.read(f"glassnet-{VERSION}.dist-info/entry_points.txt").decode()
    assert f"\nVersion: {VERSION}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert f"\nProject-URL: Homepage, {PROJECT['project']['urls']['Homepage']}\n" in metadata
    requirements = [
        line.removeprefix("Requires-Dist: ")
        for line in metadata.splitlines()
        if line.startswith("Requires-Dist: ")
    ]
    assert [name for name in requirements if "extra ==" not in name] == PROJECT["project"][
        "dependencies"
    ]
    assert "glassnet = glassnet.cli:main" in scripts


def test_source_distribution_contains_the_package(dist):
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = set(archive.getnames())
    top = f"glassnet-{VERSION}/"
    assert {f"{top}src/{name}" for name in package_files()} | {
        f"{top}{name}" for name in SOURCES
    } <= names


def test_installed_wheel_runs(installed, tmp_path):
    path = Path(
        run("-c", "import glassnet; print(glassnet.__file__)", env=installed, cwd=tmp_path).strip()
    )
    assert path.is_relative_to(installed["PYTHONPATH"])
    assert (
        run("-m", "glassnet", "--version", env=installed, cwd=tmp_path) == f"glassnet {VERSION}\n"
    )
    assert "xor" in run("-m", "glassnet", "train", "xor", env=installed, cwd=tmp_path)
