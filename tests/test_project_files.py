"""Versions, addresses and links in the project's files agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest

import glassnet as gn

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HOME = PROJECT["project"]["urls"]["Homepage"]
YAML_FILES = sorted(
    path
    for pattern in (".github/**/*.yml", ".*.yaml", "CITATION.cff")
    for path in ROOT.glob(pattern)
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / ".github").glob("*.md")])


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def load(path):
    """Return the contents of a YAML file. PyYAML is in the dev extra."""
    return pytest.importorskip("yaml").safe_load(read(path))


def newest_version(changelog):
    """Return the first version with a date in a changelog."""
    return re.search(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.M)[1]


def missing_links(page):
    """Return the relative links of a Markdown page whose file does not exist."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    return [
        link for link in links if not re.match(r"\w+:", link) and not (page.parent / link).exists()
    ]


def test_all_files_are_found():
    assert {path.name for path in YAML_FILES} >= {
        "tests.yml",
        "bug_report.yml",
        "config.yml",
        ".pre-commit-config.yaml",
        "CITATION.cff",
    }
    assert {path.name for path in PAGES} >= {
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "pull_request_template.md",
    }


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.name)
def test_yaml_files_parse(path):
    assert isinstance(load(path), dict)


def test_versions_agree():
    version = PROJECT["project"]["version"]
    assert gn.__version__ == version
    assert newest_version(read("CHANGELOG.md")) == version
    assert str(load("CITATION.cff")["version"]) == version


def test_newest_version_skips_unreleased_changes():
    assert (
        newest_version("## [Unreleased]\n\n## [1.10.0] - 2030-01-02\n\n## [1.9.0] - 2029-01-02\n")
        == "1.10.0"
    )


def test_the_release_date_agrees_with_the_citation():
    day = load("CITATION.cff")["date-released"]
    assert f"## [{PROJECT['project']['version']}] - {day}\n" in read("CHANGELOG.md")


def test_every_version_of_the_changelog_has_a_link():
    changelog = read("CHANGELOG.md")
    versions = re.findall(r"^## \[(.+?)\]", changelog, re.M)
    assert versions[0] == "Unreleased"
    assert versions == re.findall(r"^\[(.+?)\]: https://", changelog, re.M)


def matrix():
    """Return the combinations that the workflow tests."""
    return load(".github/workflows/tests.yml")["jobs"]["test"]["strategy"]["matrix"]["include"]


def test_the_workflow_tests_the_pythons_that_the_classifiers_name():
    classifiers = PROJECT["project"]["classifiers"]
    pythons = [
        name.rpartition(" ")[2]
        for name in classifiers
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", name)
    ]
    assert sorted({row["python"] for row in matrix()}) == sorted(pythons)


def test_the_oldest_python_meets_the_oldest_dependencies():
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert [row["python"] for row in matrix() if row["resolution"] == "lowest-direct"] == [oldest]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_read_only_and_pin_actions(path):
    assert load(path)["permissions"] == {"contents": "read"}
    assert "secrets." not in read(path)
    actions = re.findall(r"uses: (\S+)", read(path))
    assert actions
    assert [action for action in actions if not re.fullmatch(r"actions/[\w/-]+@v\d+", action)] == []


def test_addresses_agree_with_the_home_page():
    """The project's address is written in many files."""
    files = [*YAML_FILES, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", ROOT / "CONTRIBUTING.md"]
    pattern = re.compile(r"https://github\.com/[\w-]+/glassnet\b")
    assert {address for path in files for address in pattern.findall(read(path))} == {HOME}
    assert all(url.startswith(HOME) for url in PROJECT["project"]["urls"].values())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files(path):
    assert missing_links(path) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "[a](page.md) [b](missing.md) [c](https://example.org/x) [d](page.md#part)\n```\n[e](code)\n```\n",
        encoding="utf-8",
    )
    assert missing_links(page) == ["missing.md"]


def test_markers_that_the_guide_names_are_registered():
    registered = {
        marker.partition(":")[0] for marker in PROJECT["tool"]["pytest"]["ini_options"]["markers"]
    }
    assert registered == set(re.findall(r"^- `(\w+)`: ", read("CONTRIBUTING.md"), re.M))
