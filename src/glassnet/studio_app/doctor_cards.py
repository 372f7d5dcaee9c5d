"""The doctor's cards: findings about an experiment, whose remedies can be applied and verified."""

from __future__ import annotations

from typing import Any

import msgspec

from glassnet.doctor.findings import HEADS, Finding, describe_evidence
from glassnet.doctor.registry import judge
from glassnet.errors import DataError, require
from glassnet.selection.diagnosis import diagnose
from glassnet.studio_app.experiment import Experiment
from glassnet.training.examination import FitFacts, diagnose_fit

UNFINISHED = (
    "no_better_than_baseline",
    "predicts_one_class",
    "rate_too_low",
    "still_improving",
    "target_scale",
)
"""Rules that judge where a run has ended."""


class DoctorCards:
    """The findings that the page shows, and what can be done about them."""

    def __init__(self) -> None:
        self.findings: tuple[Finding, ...] = ()

    def diagnose(self, experiment: Experiment) -> dict[str, Any]:
        """Return the message `findings` about the network and the data, before training."""
        data = experiment.data
        found = diagnose(
            _untrained(experiment),
            data.x,
            data.y,
            batch_size=experiment.settings.training.fit_batch_size,
            validation_data=data.test,
            **data.fit_options,
        )
        self.findings = tuple(found)
        return self._describe("diagnose", len(found.checked))

    def examine(self, experiment: Experiment) -> dict[str, Any] | None:
        """Return the message `findings` with the problems of the run so far; None without new ones.

        Notes are left out, and so are rules about a run that has ended: this one may go on.
        """
        run = experiment.run
        if run.record is None or (not run.epochs and not run.problem):
            return None
        segment = run.segment.training_run
        history = run.make_history()
        if run.problem and run.record.nonfinite_loss is not None:
            history.add(run.record, segment.program.log_names(include_validation=False))
        facts = FitFacts(
            program=segment.program,
            start=segment.start,
            record=run.record,
            history=history,
            validation_blocks=segment.validation_blocks,
            epochs_planned=len(run.epochs),
            feature_names=experiment.scene.rows.feature_names,
        )
        diagnose_fit(facts)
        found = judge(history.evidence, UNFINISHED).alarms if history.evidence else ()
        before = [finding.rule for finding in self.findings]
        if [finding.rule for finding in found] == before or not found:
            return None
        self.findings = found
        return self._describe("training", 0)

    def apply(self, experiment: Experiment, index: int) -> None:
        """Let an experiment begin again with the remedy of a finding.

        Raises:
            DataError: there is no such finding, or only the user can act.
        """
        finding = self._find(index)
        size = finding.fit_arguments.get("batch_size")
        if finding.change is None:
            training = experiment.settings.training
            experiment.set_training(msgspec.structs.replace(training, batch_size=size))
        else:
            experiment.adopt(finding.apply(_untrained(experiment)), size)
        self.findings = ()
        experiment.note = f"The remedy is applied: {finding.remedy}"

    def verify(self, experiment: Experiment, index: int) -> dict[str, Any]:
        """Return the message `verification`: whether the remedy of a finding helps.

        It is tried on folds of the training rows.

        Raises:
            DataError: see `apply`.
            ConfigError: see `Finding.verify`.
        """
        finding, data = self._find(index), experiment.data
        verification = finding.verify(
            _untrained(experiment),
            data.x,
            data.y,
            batch_size=experiment.settings.training.fit_batch_size,
            epochs=max(len(experiment.run.epochs), 10),
            verbose=0,
            **data.fit_options,
        )
        return {
            "type": "verification",
            "finding": index,
            "title": verification.title,
            "helped": verification.helped,
        }

    def _find(self, index: int) -> Finding:
        has_remedy = index < len(self.findings) and _can_apply(self.findings[index])
        fix = "Do yourself what the card says."
        expected = "a finding whose remedy the studio can apply"
        require(has_remedy, "studio", expected, error=DataError, finding=index, fix=fix)
        return self.findings[index]

    def _describe(self, during: str, n_checked: int) -> dict[str, Any]:
        cards = [
            {
                "rule": each.rule,
                "title": HEADS[each.confidence],
                "symptom": each.symptom,
                "consequence": each.consequence,
                "remedy": each.remedy,
                "evidence": describe_evidence(each),
                "confidence": each.confidence,
                "can_apply": _can_apply(each),
                "source": each.source,
            }
            for each in self.findings
        ]
        return {"type": "findings", "findings": cards, "during": during, "checked": n_checked}


def _can_apply(finding: Finding) -> bool:
    return finding.change is not None or "batch_size" in finding.fit_arguments


def _untrained(experiment: Experiment) -> Any:
    """Return the model of an experiment without anything that it has learned."""
    model = experiment.make_model()
    model.reset()
    return model
