"""The list of rules, and the judge that runs them and ranks what they find.

A rule is a function of the evidence, and of how the run fails, that returns a `Finding` or None. To
add one, decorate it with `rule` in the file of its phase. The order of `PRIORITY` ranks causes: the
first alarm explains the others, which are listed under it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from glassnet.doctor.evidence import Evidence
from glassnet.doctor.failures import Failure, explain_no_verdict, find_failure
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

NEED_NO_FAILURE = ("not_finite", "overfitting", "still_improving")
"""Rules that judge runs of any length, as those about the data do."""


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
    examine: Examine = field(repr=False)


class Rules(tuple[Rule, ...]):
    """The rules, from causes to symptoms. Printed, they are a table of names and questions."""

    def __str__(self) -> str:
        width = max((len(each.name) for each in self), default=0)
        return "\n".join(f"{each.name:<{width}}  {each.question}" for each in self)

    def __repr__(self) -> str:
        return str(self)


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


def rules() -> Rules:
    """Return all rules, from causes to symptoms: a tuple that prints as a table.

    Returns:
        Each rule has a name, a question, a phase and a source.

    Example:
        >>> import glassnet as gn
        >>> gn.doctor.rules()[0].name
        'not_finite'
    """
    for phase in PHASES:
        importlib.import_module(f"glassnet.doctor.{phase}")
    return Rules(_RULES[name] for name in PRIORITY if name in _RULES)


def judge(evidence: Evidence, mute: Iterable[str] = ()) -> Findings:
    """Return what the rules find, the cause first.

    The first alarm in the order of `rules` explains the other alarms: they are its `also`.

    Args:
        evidence: `history.evidence` of a fit.
        mute: names of rules to leave out.

    Returns:
        The findings. `checked` and `skipped` say which rules were judged, and why others were not.

    Raises:
        ConfigError: an unknown name in `mute`.

    Example:
        >>> import numpy as np
        >>> import glassnet as gn
        >>> x = np.random.default_rng(0).normal(size=(80, 2)).astype("float32")
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> model.compile(gn.optimizers.SGD(0.1), "mse")
        >>> history = model.fit(x, x.sum(1), epochs=40, verbose=0)
        >>> judge(history.evidence, mute=["overfitting"]).checked[0]
        'not_finite'
    """
    by_name = {each.name: each for each in rules()}
    muted = {mute} if isinstance(mute, str) else set(mute)
    for name in muted:
        lookup("mute", name, by_name)
    failure, found, skipped, checked = find_failure(evidence), [], {}, []
    no_verdict = "" if failure else explain_no_verdict(evidence.run)
    for each in by_name.values():
        is_before_training = "data" in each.needs
        if each.name in muted or (is_before_training and evidence.data is None):
            continue
        reasons = [evidence.missing[part] for part in each.needs if part in evidence.missing]
        if reasons:
            skipped[each.name] = reasons[0]
            continue
        if finding := each.examine(evidence, failure):
            found.append(replace(finding, source=each.source))
        elif no_verdict and not (is_before_training or each.name in NEED_NO_FAILURE):
            skipped[each.name] = no_verdict
            continue
        checked.append(each.name)
    alarms = [each for each in found if each.confidence == ALARM]
    others = [each for each in found if each.confidence != ALARM]
    first = [alarms[0].outranking(alarms[1:])] if alarms else []
    return Findings([*first, *others], skipped, checked)
