"""docs/doctor.md: the table of rules, the verdict that it shows, and what its code says.

`python tests/docs/test_doctor_page.py` writes the table.
"""

import re

import pytest

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


@pytest.mark.slow
def test_the_code_says_what_the_page_says(capsys):
    """Words must agree. Numbers depend on the machine and may differ in their last digits."""
    steps = pages.steps("doctor.md")
    next(steps)
    (shown,) = pages.blocks("doctor.md", "text")
    pages.check_output(capsys.readouterr().out, shown)
    names = next(steps)
    assert names["verification"].helped is True
    assert names["model"].layers[0].name == "normalization_1"
    assert len(names["history"].findings) == 0
    assert "No problem found." in capsys.readouterr().out
    assert next(steps)["findings"][0].rule == "no_signal"
    assert capsys.readouterr().out.splitlines()[-1] == "None"
    assert next(steps)["history"].findings[0].rule == "wrong_output"
    assert next(steps)["history"].findings[0].rule == "overfitting"
    assert len(next(steps)["quiet"]) == 0
    assert next(steps, None) is None


if __name__ == "__main__":
    page = pages.read("doctor.md").replace(written_table(), rules_table())
    pages.path("doctor.md").write_text(page, encoding="utf-8")
