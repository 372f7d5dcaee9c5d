"""docs/doctor.md: the table of rules.

`python tests/docs/test_doctor_page.py` writes the table.
"""

import re

import glassnet as gn
import pages

HEADER = "| rule | phase | question |\n|---|---|---|\n"


def rules_table():
    """Return the table of rules as Markdown."""
    rows = [f"| `{rule.name}` | {rule.phase} | {rule.question} |" for rule in gn.doctor.rules()]
    return HEADER + "\n".join(rows)


def written_table():
    """Return the table that the page has."""
    return re.search(re.escape(HEADER) + r"(\|.*\n)*", pages.read("doctor.md")).group().rstrip()


def test_the_table_lists_the_rules():
    assert written_table() == rules_table(), "run python tests/docs/test_doctor_page.py"


if __name__ == "__main__":
    page = pages.read("doctor.md").replace(written_table(), rules_table())
    pages.path("doctor.md").write_text(page, encoding="utf-8")
