"""Files of the page: vendored libraries are unchanged, and nothing needs another machine."""

import hashlib
import re
from pathlib import Path

import pytest

import glassnet.studio_app

STATIC = Path(glassnet.studio_app.__file__).parent / "static"
VENDOR = STATIC / "vendor"
MODULES = sorted((STATIC / "app").glob("*.mjs"))
STYLES = sorted(STATIC.glob("*.css"))
MAX_LINES = 300


def read_checksums():
    lines = (VENDOR / "checksums.txt").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in map(str.split, lines)}


def test_vendored_files_are_those_of_their_packages():
    """Oracle: the checksums that were written when the packages were unpacked."""
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.name not in ("checksums.txt", "README.md")
    }
    assert digests == read_checksums()


def test_every_vendored_file_is_described():
    """Oracle: the names of the files."""
    text = (VENDOR / "README.md").read_text(encoding="utf-8")
    missing = [name for name in read_checksums() if f"`{name}`" not in text]
    assert not missing


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_are_short(path):
    """Oracle: the limit of the project for one module of the page."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_modules_import_files_that_exist(path):
    """Oracle: the files of the folder; a missing one would leave the page empty."""
    text = path.read_text(encoding="utf-8")
    imports = re.findall(r'^(?:import|export)\b[^;]*?from "([^"]+)";', text, re.M)
    assert [name for name in imports if not (path.parent / name).is_file()] == []


def test_no_file_names_another_machine():
    """Oracle: the addresses in the files; those of a namespace are never asked for."""
    files = [*MODULES, *STYLES, STATIC / "index.html", STATIC / "icon.svg"]
    comments = re.compile(r"/\*.*?\*/|^\s*//.*?$", re.S | re.M)
    texts = [comments.sub("", path.read_text(encoding="utf-8")) for path in files]
    addresses = set(re.findall(r"\b(?:https?:)?//[\w.-]+\.\w+", "\n".join(texts)))
    assert addresses <= {"http://www.w3.org"}


def test_page_has_no_inline_script_or_style():
    """Oracle: the policy `default-src 'self'` refuses them."""
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_are_those_of_the_studio_alone(path):
    """Oracle: the class of the studio is in every selector, so that a notebook keeps its look."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"@keyframes[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}", "", text)
    selectors = re.findall(r"([^{};@]+)\{", re.sub(r"@[^{;]*", "@", text).replace("@{", "@ {"))
    alone = [
        part.strip()
        for selector in selectors
        for part in re.split(r",(?![^(]*\))", selector)
        if part.strip() and ".glassnet-studio" not in part
    ]
    assert alone == []
