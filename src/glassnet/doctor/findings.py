"""Findings: what is wrong with a training run, what it costs, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from glassnet.doctor.changes import Change

if TYPE_CHECKING:
    from glassnet.selection.verification import Verification

ALARM, INFORMATION = "alarm", "information"


@dataclass(frozen=True, eq=False)
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

    def apply(self, model: Any) -> Any:
        """Return a new, untrained model with the remedy, or None if only the user can act.

        Arguments of `fit` that belong to the remedy are in `fit_arguments`.

        Args:
            model: the model that was diagnosed; it stays as it is.

        Raises:
            ConfigError: the remedy does not fit this model.
        """
        if self.change is None:
            return None
        return model.make_changed_copy(self.change)

    def verify(self, model: Any, x: Any, y: Any = None, **options: Any) -> Verification:
        """Train with and without the remedy and test the difference: see `selection.verify`.

        Args:
            model: the model that was diagnosed; it stays as it is.
            x, y: the data, as for `fit`.
            options: `seeds`, the number of pairs, and arguments of `fit`.

        Raises:
            ConfigError: only the user can act; see `selection.verify`.
        """
        from glassnet.selection.verification import verify

        return verify(self, model, x, y, **options)

    def outranking(self, others: Iterable[Finding]) -> Finding:
        """Return the finding with others listed under it."""
        return replace(self, also=tuple(others))


class Findings(tuple[Finding, ...]):
    """The findings about a run, the cause first.

    Attributes:
        skipped: why a rule could not be judged, by its name.
    """

    skipped: Mapping[str, str]

    def __new__(
        cls, findings: Iterable[Finding] = (), skipped: Mapping[str, str] | None = None
    ) -> Findings:
        self = super().__new__(cls, tuple(findings))
        self.skipped = dict(skipped or {})
        return self

    def __reduce__(self) -> Any:
        return type(self), (tuple(self), self.skipped)

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings with confidence "alarm"."""
        return tuple(each for each in self if each.confidence == ALARM)
