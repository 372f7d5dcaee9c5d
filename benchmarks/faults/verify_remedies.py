"""Whether the remedies of the doctor help: each is verified on the run that it was found in.

`python benchmarks/faults/verify_remedies.py [--only FAMILY ...] [--one] [--clean] [--seeds 5]`

Every case is trained, and the first finding that has a remedy for code is verified: pairs of runs
with and without it, on held-out rows (`Finding.verify`). `--one` takes one case per family.

`--clean` verifies common remedies on every clean run, though the doctor is silent about them: a run
is well set if none of them gains more than noise. Of many tests of remedies that do nothing, 2.5 %
would gain.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import faults
import numpy as np
from cases import Case
from clean import CLEAN

from glassnet.doctor import Finding
from glassnet.doctor.changes import Change, InsertLayer, ScaleLearningRate
from glassnet.layers import Dropout, Embedding, Normalization, Rescaling, TextVectorization
from glassnet.selection.experiments import FIT_ARGUMENTS
from glassnet.selection.verification import Verification

VERDICTS = {True: "helps", None: "no difference", False: "harms"}


class Result(NamedTuple):
    """The verification of one remedy, or why there is none."""

    case: Case
    finding: Finding
    verification: Verification | None
    problem: str
    seconds: float

    @property
    def verdict(self) -> str:
        return VERDICTS[self.verification.helped] if self.verification else "error"

    def __str__(self) -> str:
        name, rule = self.case.name, self.finding.rule
        is_expected = rule in self.case.expected or "clean" in self.case.family
        wrong = "" if is_expected else f" (expected {' '.join(self.case.expected)})"
        text = f"{self.verification.remedy}: {self.verification.title}" if self.verification else ""
        return f"- {name}: {rule}{wrong}: {text or self.problem} [{self.seconds:.0f} s]"


def iter_remedies(findings: Any) -> Iterator[Finding]:
    """Yield the findings whose remedy code applies, and those that they outrank."""
    for each in findings:
        if each.change is not None or each.fit_arguments:
            yield each
        yield from iter_remedies(each.also)


def find_remedy(case: Case) -> Finding | None:
    """Train a case and return the first finding with a remedy, or None."""
    model, x, y, options = case.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        findings = model.fit(x, y, **options | {"verbose": 0}).findings
    return next(iter_remedies(findings), None)


def common_remedies(case: Case) -> Iterator[Finding]:
    """Yield common remedies for any network, as findings."""
    layers = case.make()[0].layers
    changes: dict[str, Change] = {
        "rate x 10": ScaleLearningRate(10),
        "rate / 10": ScaleLearningRate(0.1),
    }
    if not isinstance(layers[0].layer, TextVectorization | Embedding | Rescaling | Normalization):
        changes["scaling"] = InsertLayer(Normalization())
    hidden = [view.name for view in layers if "units" in vars(view.layer)][:-1]
    if hidden:
        changes["dropout"] = InsertLayer(Dropout(0.3), after=hidden[-1])
    for name, change in changes.items():
        yield Finding(name, "", "", {}, "", change=change)


def verify_case(case: Case, finding: Finding, seeds: int) -> Result:
    """Verify a remedy on the run of a case."""
    model, x, y, options = case.make()
    start = time.perf_counter()
    known = {name: value for name, value in options.items() if name in FIT_ARGUMENTS}
    try:
        verification = finding.verify(model, x, y, seeds=seeds, **known | {"verbose": 0})
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        return Result(case, finding, None, problem, time.perf_counter() - start)
    return Result(case, finding, verification, "", time.perf_counter() - start)


def choose(only: list[str], clean: bool, one: bool) -> list[Case]:
    """Return the clean runs, or the faults of these families."""
    cases = list(CLEAN) if clean else faults.cases()
    if only:
        cases = [case for case in cases if case.family in only or case.name in only]
    return list({case.family: case for case in reversed(cases)}.values()) if one else cases


def make_report(results: list[Result]) -> str:
    """Return a table with a line per rule, for the cases that it should name, and all results."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shares: dict[str, list[float]] = defaultdict(list)
    for each in results:
        rule = each.finding.rule
        if rule in each.case.expected or each.case.family == "clean":
            counts[rule][each.verdict] += 1
            if each.verification:
                shares[rule].append(each.verification.ratio)
    columns = [*VERDICTS.values(), "error"]
    lines = [f"| rule | {' | '.join(columns)} | median ratio of the losses |"]
    lines.append("|---" * (len(columns) + 2) + "|")
    for rule, verdicts in sorted(counts.items()):
        ratios = np.array(shares[rule])
        ratios = ratios[np.isfinite(ratios)]
        middle = f"{np.median(ratios):.2f}" if len(ratios) else ""
        numbers = " | ".join(str(verdicts[column]) for column in columns)
        lines.append(f"| {rule} | {numbers} | {middle} |")
    return "\n".join([*lines, "", *map(str, results)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="FAMILY")
    parser.add_argument("--one", action="store_true", help="one case per family")
    parser.add_argument("--clean", action="store_true", help="the clean runs")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, metavar="TABLE.md")
    options = parser.parse_args()
    results = []
    for case in choose(options.only, options.clean, options.one):
        found = find_remedy(case)
        findings = [found] if found else list(common_remedies(case)) if options.clean else []
        if not findings:
            print(f"- {case.name}: no remedy", flush=True)
        for finding in findings:
            results.append(verify_case(case, finding, options.seeds))
            print(results[-1], flush=True)
    report = make_report(results)
    print(report)
    if options.out:
        options.out.write_text(report + "\n")


if __name__ == "__main__":
    main()
