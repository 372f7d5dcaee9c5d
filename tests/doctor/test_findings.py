"""How findings are shown. Oracles: texts written by hand; a parser of HTML; pandas; pickle."""

import json
import pickle
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from glassnet.doctor.changes import InsertLayer
from glassnet.doctor.findings import Finding, Findings
from glassnet.layers import Dropout

VOID = {"br"}


BEHIND = Finding(
    "no_better_than_baseline",
    "A linear model is better.",
    "It reaches 0.3.",
    {"linear": 0.3},
    "Add units.",
)
OVERFITTING = Finding(
    "overfitting",
    "Validation loss has risen since epoch 12 (0.41 -> 0.58).",
    "EarlyStopping would have kept epoch 12.",
    {"best_epoch": 12, "last_loss": 0.58123},
    "Put Dropout(0.3) after dense_1.",
    also=(BEHIND,),
    source="Prechelt 1998",
    change=InsertLayer(Dropout(0.3), after="dense_1"),
)
SHUFFLED = Finding(
    "no_signal",
    "The labels <look> shuffled & wrong.",
    "Nothing is learned.",
    {},
    "Check the pairing of x and y.",
    confidence="information",
)


class Balance(HTMLParser):
    """A parser that keeps the text and refuses tags that are not closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.tags = [], "", []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_verdict_names_symptom_consequence_remedy_check_and_evidence():
    assert str(Findings([OVERFITTING])).splitlines() == [
        "Problem: Validation loss has risen since epoch 12 (0.41 -> 0.58). EarlyStopping would "
        "have kept epoch 12.",
        "  Remedy: Put Dropout(0.3) after dense_1.",
        "  Verify: findings[0].verify(model, x, y), then model = findings[0].apply(model)",
        "  Evidence: best epoch 12, last loss 0.5812 [overfitting]",
        "  Also seen: A linear model is better. [no_better_than_baseline]",
    ]


def test_a_headline_is_the_first_alarm_in_two_lines():
    assert Findings([SHUFFLED, OVERFITTING]).headline().splitlines() == [
        "Problem: Validation loss has risen since epoch 12 (0.41 -> 0.58). EarlyStopping would "
        "have kept epoch 12.",
        "  Remedy: Put Dropout(0.3) after dense_1. More: history.findings",
    ]
    assert Findings([SHUFFLED]).headline() == ""


def test_alarms_come_before_information():
    findings = Findings([SHUFFLED, OVERFITTING])
    assert [each.rule for each in findings] == ["overfitting", "no_signal"]
    assert findings.alarms == (OVERFITTING,)
    first, note = (line for line in str(findings).splitlines() if not line.startswith(" "))
    assert first.startswith("Problem: ")
    assert note == "Note: The labels <look> shuffled & wrong. Nothing is learned."


def test_a_remedy_that_only_the_user_can_apply_says_so():
    text = str(Findings([SHUFFLED]))
    assert "only you can do this. Then train again, and compare the losses." in text
    assert "verify(" not in text
    assert "Evidence: none [no_signal]" in text


def test_arguments_of_fit_are_part_of_the_calls():
    finding = Finding("a", "b.", "c.", {}, "d.", fit_arguments={"epochs": 5})
    calls = "finding.verify(model, x, y), then model.fit(..., **finding.fit_arguments)"
    assert calls in str(finding)
    assert repr(finding) == str(finding)


def test_no_findings_name_what_was_checked():
    assert str(Findings(checked=["raw_scale"])) == (
        "No problem found. 1 rule was checked: raw_scale."
    )
    assert str(Findings()) == "Nothing could be judged."
    # A note is no problem: both are said.
    text = str(Findings([SHUFFLED], checked=["no_signal", "raw_scale"]))
    assert text.startswith("No problem found. 2 rules were checked: no_signal, raw_scale.\nNote: ")


def test_rules_that_were_not_judged_are_named_with_their_reason():
    reason = "the rows of a stream are gone."
    findings = Findings((), {"no_signal": reason, "raw_scale": reason, "overfitting": "no y"}, "a")
    assert str(findings).splitlines()[-1] == (
        "Not judged: no_signal, raw_scale (the rows of a stream are gone); overfitting (no y)."
    )


@pytest.mark.parametrize("shown", [Findings([SHUFFLED, OVERFITTING], {"x": "<i>"}), SHUFFLED])
def test_cards_are_escaped_and_closed(shown):
    page = shown._repr_html_()
    parsed = Balance(page)
    assert "The labels <look> shuffled & wrong." in parsed.text
    assert "Check the pairing of x and y." in parsed.text
    assert "<look>" not in page
    assert not {"script", "style", "look"} & set(parsed.tags)
    assert "details" in parsed.tags
    assert "color:" not in page.replace("border-left", "")  # text has the color of the notebook


def test_a_frame_has_a_row_for_each_finding_and_for_each_that_it_explains():
    frame = Findings([OVERFITTING, SHUFFLED]).to_frame()
    assert list(frame.rule) == ["overfitting", "no_better_than_baseline", "no_signal"]
    assert list(frame.explained_by) == ["", "overfitting", ""]
    assert list(frame.confidence) == ["alarm", "alarm", "information"]
    assert frame.evidence[0] == {"best_epoch": 12, "last_loss": 0.58123}
    assert list(Findings().to_frame().columns) == list(frame.columns)


def test_findings_become_json():
    findings = Findings([OVERFITTING], {"no_signal": "why"}, ["overfitting"])
    facts = json.loads(json.dumps(findings.to_dict()))
    assert facts["checked"] == ["overfitting"]
    assert facts["skipped"] == {"no_signal": "why"}
    assert [each["rule"] for each in facts["findings"]] == ["overfitting", BEHIND.rule]


def test_json_has_no_infinite_numbers():
    evidence = {"lowest_output": 0.0, "highest_output": float("inf"), "loss": float("nan")}
    (record,) = Findings([replace(BEHIND, evidence=evidence)]).to_dict()["findings"]
    assert record["evidence"] == {"lowest_output": 0.0, "highest_output": None, "loss": None}


def test_findings_can_be_pickled():
    findings = pickle.loads(pickle.dumps(Findings([OVERFITTING], {"a": "b"}, ["overfitting"])))
    assert (findings.skipped, findings.checked) == ({"a": "b"}, ("overfitting",))
    assert str(findings[0]) == str(OVERFITTING)
