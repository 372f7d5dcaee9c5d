"""The list of rules, and the judge that runs them and ranks what they find.

A rule is a function of the evidence, and of how the run fails, that returns a `Finding` or None. To
add one, decorate it with `rule` in the file of its phase. The order of `PRIORITY` ranks causes: the
first alarm explains the others, which are listed under it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from glassnet.doctor.evidence import Evidence
from glassnet.doctor.failures import Failure, find_failure
from glassnet.doctor.findings import ALARM, Finding, Findings
from glassnet.errors import lookup

Examine = Callable[[Evidence, Failure | None], Finding | None]
"""Function from the evidence, and how the run fails, to a finding."""

PHASES = ("data_rules", "model_rules", "training_rules", "generalization_rules")
"""The modules of rules."""

PRIORITY = (
    "not_finite",
    "wrong_output",
    "no_signal",
    "raw_scale",
    "linear_stack",
    "saturated_units",
    "over_regularized",
    "training_mode_gap",
    "dead_relu",
    "target_scale",
    "rate_too_high",
    "vanishing_gradient",
    "rate_too_low",
    "overfitting",
    "class_imbalance",
    "still_improving",
    "duplicate_rows",
    "target_leak",
    "predicts_one_class",
    "validation_noise",
    "no_better_than_baseline",
)
"""The rules, from causes to symptoms."""


@dataclass(frozen=True)
class Rule:
    """A rule of the doctor.

    Attributes:
        name: its name, for `mute`.
        question: what it asks, in a sentence.
        phase: "data", "model", "training" or "generalization".
        needs: parts of the evidence without which it cannot be judged.
        source: where it comes from.
        examine: returns a finding, or None.
    """

    name: str
    question: str
    phase: str
    needs: tuple[str, ...]
    source: str
    examine: Examine


_RULES: dict[str, Rule] = {}


def rule(question: str, *, source: str, needs: Iterable[str] = ()) -> Callable[[Examine], Examine]:
    """Function decorator: register a rule under the name of the function.

    Args:
        question: what it asks, in a sentence for users.
        source: where it comes from.
        needs: parts of `Evidence` that may be missing. If one is, the rule is skipped.
    """

    def register(examine: Examine) -> Examine:
        name, module = examine.__name__, examine.__module__
        phase = module.rpartition(".")[2].removesuffix("_rules")
        _RULES[name] = Rule(name, question, phase, tuple(needs), source, examine)
        return examine

    return register


def rules() -> tuple[Rule, ...]:
    """Return all rules, from causes to symptoms.

    Example:
        >>> import glassnet as gn
        >>> gn.doctor.rules()[0].name
        'not_finite'
    """
    for phase in PHASES:
        importlib.import_module(f"glassnet.doctor.{phase}")
    return tuple(_RULES[name] for name in PRIORITY if name in _RULES)


def judge(evidence: Evidence, mute: Iterable[str] = ()) -> Findings:
    """Return what the rules find, the cause first.

    The first alarm in the order of `rules` explains the other alarms: they are its `also`.

    Args:
        evidence: of a fit or of a smoke test.
        mute: names of rules to leave out.

    Raises:
        ConfigError: an unknown name in `mute`.
    """
    by_name = {each.name: each for each in rules()}
    muted = {mute} if isinstance(mute, str) else set(mute)
    for name in muted:
        lookup("mute", name, by_name)
    failure, found, skipped, checked = find_failure(evidence), [], {}, []
    for each in by_name.values():
        is_before_training = "data" in each.needs
        if each.name in muted or (is_before_training and evidence.data is None):
            continue
        reasons = [evidence.missing[part] for part in each.needs if part in evidence.missing]
        if reasons:
            skipped[each.name] = reasons[0]
            continue
        checked.append(each.name)
        if finding := each.examine(evidence, failure):
            found.append(replace(finding, source=each.source))
    alarms = [each for each in found if each.confidence == ALARM]
    others = [each for each in found if each.confidence != ALARM]
    first = [alarms[0].outranking(alarms[1:])] if alarms else []
    return Findings([*first, *others], skipped, checked)
