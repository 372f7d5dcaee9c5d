"""Findings: what is wrong with a training run, what it costs, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from glassnet.doctor.changes import Change
from glassnet.errors import require
from glassnet.formatting import format_count, format_number

if TYPE_CHECKING:
    from glassnet.selection.verification import Verification

ALARM, INFORMATION = "alarm", "information"

HEADS = {ALARM: "Problem", INFORMATION: "Note"}
"""The first word of a finding, by its confidence."""

COLORS = {ALARM: "#D55E00", INFORMATION: "#0072B2", "": "#009E73"}
"""Color of a card's edge, by confidence. All can be seen on white and on black."""

COLUMNS = (
    "rule",
    "confidence",
    "explained_by",
    "symptom",
    "consequence",
    "evidence",
    "remedy",
    "source",
)
"""Names in a record of a finding."""


@dataclass(frozen=True, eq=False, repr=False)
class Finding:
    """One cause of trouble, with its evidence and one remedy.

    Attributes:
        rule: name of the rule that found it: see `gn.doctor.rules`.
        symptom: what was seen, in a sentence with its numbers.
        consequence: how the run fails, or what it wastes, in a sentence with its numbers.
        evidence: the numbers on which the rule decided, by name.
        remedy: what to do, in a sentence.
        confidence: "alarm" if the run fails or loses by a measured margin, else "information".
        also: other findings that this one explains.
        source: where the rule comes from.
        change: the remedy as a change of the model; None if only the user can act.
        fit_arguments: arguments of `fit` that are part of the remedy.
    """

    rule: str
    symptom: str
    consequence: str
    evidence: Mapping[str, float]
    remedy: str
    confidence: str = ALARM
    also: tuple[Finding, ...] = ()
    source: str = ""
    change: Change | None = None
    fit_arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_applicable_remedy(self) -> bool:
        """Whether code can apply the remedy. If not, only the user can act."""
        return self.change is not None or bool(self.fit_arguments)

    def apply(self, model: Any) -> Any:
        """Return a new, untrained model with the remedy, or None if only the user can act.

        Arguments of `fit` that belong to the remedy are in `fit_arguments`.

        Args:
            model: the model that was diagnosed; it stays as it is.

        Returns:
            A compiled model, ready for `fit`; or None.

        Raises:
            ConfigError: the remedy does not fit this model.
        """
        if self.change is None:
            return None
        fix = "Change the settings of an estimator yourself: estimator.set_params(...)."
        is_model, expected = hasattr(model, "make_changed_copy"), "a gn.Sequential or a keras one"
        require(is_model, "apply", expected, model=type(model).__name__, fix=fix)
        return model.make_changed_copy(self.change)

    def verify(self, model: Any, x: Any, y: Any = None, **options: Any) -> Verification:
        """Train with and without the remedy and test the difference.

        See `selection.verification.verify`.

        Args:
            model: the model that was diagnosed; it stays as it is.
            x, y: the data, as for `fit`.
            options: `seeds`, the number of pairs, and arguments of `fit`.

        Returns:
            The verdict. Print it, or draw it with `plot()`; `helped` is True, False or None.

        Raises:
            ConfigError: only the user can act; see `selection.verification.verify`.
        """
        from glassnet.selection.verification import verify

        return verify(self, model, x, y, **options)

    def outranking(self, others: Iterable[Finding]) -> Finding:
        """Return the finding with others listed under it."""
        return replace(self, also=tuple(others))

    def __str__(self) -> str:
        return describe_finding(self, "finding")

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_finding(self, "finding")


class Findings(tuple[Finding, ...]):
    """The findings about a run: alarms, the cause first, then information.

    Printed, it is the verdict: what is wrong, what it costs, what to do, and how to verify that.

    Attributes:
        skipped: why a rule could not be judged, by its name.
        checked: names of the rules that were judged.
    """

    skipped: Mapping[str, str]
    checked: tuple[str, ...]

    def __new__(
        cls,
        findings: Iterable[Finding] = (),
        skipped: Mapping[str, str] | None = None,
        checked: Iterable[str] = (),
    ) -> Findings:
        self = super().__new__(cls, sorted(findings, key=lambda each: each.confidence != ALARM))
        self.skipped, self.checked = dict(skipped or {}), tuple(checked)
        return self

    def __reduce__(self) -> Any:
        return type(self), (tuple(self), self.skipped, self.checked)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings with confidence "alarm"."""
        return tuple(each for each in self if each.confidence == ALARM)

    @property
    def title(self) -> str:
        """The first alarm in a sentence, or that there is none."""
        return self.alarms[0].symptom if self.alarms else describe_health(self)

    def headline(self) -> str:
        """Return the first alarm and its remedy in two lines, as `fit` prints them; "" for none."""
        return describe_headline(self.alarms[0]) if self.alarms else ""

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each finding, and for each that it explains.

        Its columns are rule, confidence, explained_by, symptom, consequence, evidence, remedy and
        source.
        """
        import pandas as pd

        return pd.DataFrame(to_records(self), columns=list(COLUMNS))

    def to_dict(self) -> dict[str, Any]:
        """Return the findings, `checked` and `skipped` as data for JSON.

        Evidence that is infinite or NaN, which JSON does not have, is None.
        """
        records = to_records(self)
        for record in records:
            numbers = record["evidence"].items()
            record["evidence"] = {
                name: value if math.isfinite(value) else None for name, value in numbers
            }
        return {
            "findings": records,
            "checked": list(self.checked),
            "skipped": dict(self.skipped),
        }

    def __str__(self) -> str:
        return describe_findings(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return render_findings(self)


def describe_findings(findings: Findings, *, has_calls: bool = True) -> str:
    """Return the verdict as text: some lines for each finding.

    Args:
        findings: the findings.
        has_calls: whether to name the Python calls that verify and apply a remedy.
    """
    parts = [] if findings.alarms else [describe_health(findings)]
    for k, finding in enumerate(findings):
        parts.append(describe_finding(finding, f"findings[{k}]" if has_calls else ""))
    if findings.skipped:
        parts.append(f"Not judged: {'; '.join(describe_skipped(findings))}.")
    return "\n".join(parts)


def describe_finding(finding: Finding, name: str) -> str:
    """Return a finding as text.

    Args:
        finding: the finding.
        name: how Python code calls it; "" to leave out calls.
    """
    details = [f"  {title}: {text}" for title, text in iter_details(finding, name)]
    return "\n".join([describe_symptom(finding), *details])


def describe_headline(finding: Finding) -> str:
    """Return a finding and its remedy in two lines, and where the rest is."""
    return f"{describe_symptom(finding)}\n  Remedy: {finding.remedy} More: history.findings"


def describe_symptom(finding: Finding) -> str:
    """Return the symptom and the consequence of a finding in a paragraph."""
    return f"{HEADS[finding.confidence]}: {finding.symptom} {finding.consequence}".rstrip()


def describe_health(findings: Findings) -> str:
    """Return a sentence for findings without an alarm.

    Example:
        >>> from glassnet.doctor.findings import Findings
        >>> describe_health(Findings(checked=("raw_scale", "overfitting")))
        'No problem found. 2 rules were checked: raw_scale, overfitting.'
    """
    if not findings.checked:
        return "Nothing could be judged."
    n = len(findings.checked)
    verb = "was" if n == 1 else "were"
    return (
        f"No problem found. {format_count(n, 'rule')} {verb} checked: "
        f"{', '.join(findings.checked)}."
    )


def describe_skipped(findings: Findings) -> list[str]:
    """Return the rules that could not be judged, those with the same reason together."""
    rules_by_reason: dict[str, list[str]] = {}
    for rule, reason in findings.skipped.items():
        rules_by_reason.setdefault(reason.rstrip("."), []).append(rule)
    return [f"{', '.join(rules)} ({reason})" for reason, rules in rules_by_reason.items()]


def iter_details(finding: Finding, name: str) -> Iterator[tuple[str, str]]:
    """Yield what follows the first sentence, each a title and a text; the remedy is the first.

    Args:
        finding: the finding.
        name: how Python code calls it; "" to leave out calls.
    """
    yield "Remedy", finding.remedy
    if name:
        yield "Verify", describe_calls(finding, name)
    yield "Evidence", describe_evidence(finding)
    for other in finding.also:
        yield "Also seen", f"{other.symptom} [{other.rule}]"


def describe_calls(finding: Finding, name: str) -> str:
    """Return how to verify a remedy and how to apply it."""
    if not finding.has_applicable_remedy:
        return "only you can do this. Then train again, and compare the losses."
    calls = [f"{name}.verify(model, x, y)"]
    if finding.change is not None:
        calls.append(f"model = {name}.apply(model)")
    if finding.fit_arguments:
        calls.append(f"model.fit(..., **{name}.fit_arguments)")
    return ", then ".join(calls)


def describe_evidence(finding: Finding) -> str:
    """Return the numbers of a finding in a line, with the name of its rule."""
    numbers = [
        f"{name.replace('_', ' ')} {format_number(value)}"
        for name, value in finding.evidence.items()
    ]
    return f"{', '.join(numbers) or 'none'} [{finding.rule}]"


def render_findings(findings: Findings) -> str:
    """Return the verdict as HTML: a card for each finding, without scripts and style sheets."""
    cards = [] if findings.alarms else [_render_card("", escape(describe_health(findings)))]
    for k, finding in enumerate(findings):
        cards.append(render_finding(finding, f"findings[{k}]"))
    if findings.skipped:
        items = "".join(f"<li>{escape(text)}</li>" for text in describe_skipped(findings))
        cards.append(f"<details><summary>Not judged</summary><ul>{items}</ul></details>")
    return f"<div>{''.join(cards)}</div>"


def render_finding(finding: Finding, name: str) -> str:
    """Return a finding as a card in HTML.

    Args:
        finding: the finding.
        name: how Python code calls it.
    """
    head = escape(f"{HEADS[finding.confidence]}: {finding.symptom}")
    (_, remedy), *details = iter_details(finding, name)
    items = "".join(f"<li><i>{escape(title)}:</i> {escape(text)}</li>" for title, text in details)
    return _render_card(
        finding.confidence,
        f"<b>{head}</b> {escape(finding.consequence)}<br><b>Remedy:</b> {escape(remedy)}"
        f"<details><summary>How to verify it, and the evidence</summary><ul>{items}</ul></details>",
    )


def _render_card(confidence: str, body: str) -> str:
    """Return a card with a colored edge. Its text has the color of the page, dark or light."""
    style = (
        f"border:1px solid #8888;border-left:5px solid {COLORS[confidence]};border-radius:4px;"
        "padding:.5em .8em;margin:.4em 0;max-width:50em;line-height:1.45"
    )
    return f'<div style="{style}">{body}</div>'


def to_records(findings: Findings) -> list[dict[str, Any]]:
    """Return a record of each finding, and after it one of each that it explains."""
    records = []
    for finding in findings:
        for each in (finding, *finding.also):
            record = {name: getattr(each, name, "") for name in COLUMNS}
            record["evidence"] = dict(each.evidence)
            record["explained_by"] = "" if each is finding else finding.rule
            records.append(record)
    return records
