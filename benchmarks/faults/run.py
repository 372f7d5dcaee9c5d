"""How well the doctor names injected faults, and how often it alarms on clean runs.

`python benchmarks/faults/run.py [--judge] [--only FAMILY ...] [--half tuning|reporting] [--clean]`

The first call trains every case once and stores its evidence in a cache folder, which takes some
minutes. `--judge` only judges the stored evidence again: milliseconds. Rules are tuned on one half
of the cases; the other half is only reported. A fault whose twin without it does no better is no
fault: alarms about it are listed on their own and do not count.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faults
from cases import Case
from clean import CLEAN
from outcomes import SEVERE, Outcome, find_consequence, load, measure_cost, store, train_with_twin

from glassnet.doctor import Finding, Findings, judge, rules
from glassnet.user_cache import user_cache_folder

FIRST, LISTED, OTHER, MISSED = "first", "listed", "other", "missed"
COLUMNS = (FIRST, LISTED, OTHER, MISSED)
CAUSES = {"rate_too_high", "raw_scale", "target_scale"}
"""What `not_finite` may name as the cause of numbers that are not finite."""


@dataclass(frozen=True)
class Verdict:
    """How one case was judged.

    Args:
        consequence: what the fault costs; "" for a clean run or a fault without one.
        findings: what the rules found.
        grade: "first" named right, "listed" under another, "other" named alone, or "missed".
        is_severe: whether the fault costs at least half of what its twin learned.
    """

    case: Case
    consequence: str
    is_severe: bool
    findings: Findings
    grade: str

    @property
    def first(self) -> str:
        return self.findings[0].rule if self.findings else ""

    @property
    def alarm(self) -> str:
        return next((each.rule for each in self.findings.alarms), "")


def names_of(findings: Iterable[Finding]) -> list[str]:
    """Return the rules of findings, and of what they outrank."""
    return [name for each in findings for name in (each.rule, *names_of(each.also))]


def is_right(case: Case, finding: Finding) -> bool:
    """Return whether a finding names the fault; one of numbers not finite must name its cause."""
    if finding.rule != "not_finite":
        return finding.rule in case.expected
    causes = CAUSES & set(case.expected)
    text = f"{finding.symptom} {finding.remedy} {finding.consequence}".lower()
    words = {"rate_too_high": "rate", "raw_scale": "scale", "target_scale": "target"}
    named = causes & set(names_of(finding.also))
    return not causes or bool(named) or any(words[cause] in text for cause in causes)


def judge_case(case: Case, outcome: Outcome) -> Verdict:
    found = judge(outcome.evidence) if outcome.evidence is not None else Findings()
    if found and is_right(case, found[0]):
        grade = FIRST
    elif set(names_of(found)) & set(case.expected):
        grade = LISTED
    else:
        grade = OTHER if found else MISSED
    is_severe = measure_cost(outcome) >= SEVERE
    return Verdict(case, find_consequence(case, outcome), is_severe, found, grade)


def bound(alarms: int, runs: int) -> float:
    """Return the one-sided 95 % upper bound of the share of alarms (Clopper and Pearson 1934)."""
    from scipy.stats import beta

    return 1.0 if alarms >= runs else float(beta.ppf(0.95, alarms + 1, runs - alarms))


# ---------------------------------------------------------------------------------- report
def share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part}/{whole})" if whole else "none"


def table(title: str, groups: dict[str, list[Verdict]]) -> list[str]:
    """Return a table of grades, a line per group."""
    lines = [f"| {title} | cases | {' | '.join(COLUMNS)} | other names first |"]
    lines += ["|---" * (len(COLUMNS) + 3) + "|"]
    for name, verdicts in sorted(groups.items()):
        grades = Counter(each.grade for each in verdicts)
        others = Counter(each.first for each in verdicts if each.grade in (LISTED, OTHER))
        names = ", ".join(f"{other} {n}" for other, n in others.most_common())
        counts = " | ".join(str(grades[column]) for column in COLUMNS)
        lines.append(f"| {name} | {len(verdicts)} | {counts} | {names} |")
    return [*lines, ""]


def describe_alarms(title: str, verdicts: list[Verdict]) -> list[str]:
    """Return how many runs without a fault raise an alarm, and which."""
    alarms = [each for each in verdicts if each.alarm]
    if not verdicts:
        return []
    most = bound(len(alarms), len(verdicts))
    lines = [f"{title}: {len(alarms)} alarms of {len(verdicts)}; at 95 % below {most:.3f}"]
    return [*lines, *(f"- {each.case.name}: {each.alarm}" for each in alarms), ""]


def describe_half(title: str, verdicts: list[Verdict], known: set[str], names: bool) -> list[str]:
    """Return the tables of one half. With `names`, the cases that are not named first, too."""
    clean = [each for each in verdicts if each.case.family == "clean"]
    faulty = [each for each in verdicts if each.case.family != "clean"]
    real = [each for each in faulty if each.consequence]
    judged = [each for each in real if each.case.expected[0] in known]
    groups: dict[str, dict[str, list[Verdict]]] = {
        "rule": defaultdict(list),
        "family": defaultdict(list),
    }
    for each in judged:
        groups["rule"][each.case.expected[0]].append(each)
        groups["family"][each.case.family].append(each)
    right = sum(each.grade == FIRST for each in judged)
    named = sum(bool(each.findings) for each in judged)
    alarms = sum(bool(each.alarm) for each in clean)
    lines = [f"## {title}", ""]
    lines += [f"Recall of the first-named cause {share(right, len(judged))}, precision"]
    severe = [each.grade == FIRST for each in judged if each.is_severe]
    lines += [f"{share(right, named + alarms)} with the alarms on clean runs. Recall of severe"]
    lines += [
        f"faults, which cost half of what the twin learned: {share(sum(severe), len(severe))}.",
        "",
    ]
    for name, group in groups.items():
        lines += table(name, group)
    lines += describe_alarms("Clean runs", clean)
    lines += describe_alarms(
        "Faults without a consequence", [each for each in faulty if not each.consequence]
    )
    waiting = Counter(each.case.family for each in real if each.case.expected[0] not in known)
    if waiting:
        pairs = (f"{family} {n}" for family, n in sorted(waiting.items()))
        lines += [f"No rule yet: {', '.join(pairs)}", ""]
    if names:
        lines += [describe(each) for each in judged if each.grade != FIRST] + [""]
    return lines


def describe(verdict: Verdict) -> str:
    also = names_of(verdict.findings)[1:]
    listed = f", listed {' '.join(also)}" if also else ""
    first = verdict.first or "nothing"
    name, wanted = verdict.case.name, " ".join(verdict.case.expected)
    return f"- {name}: {first}{listed} instead of {wanted} ({verdict.consequence})"


def make_report(verdicts: list[Verdict], halves: Iterable[bool], names: bool) -> str:
    """Return the tables of both halves and the faults that have no consequence."""
    known = {each.name for each in rules()}
    titles = {True: "Tuning half", False: "Reporting half"}
    lines: list[str] = []
    for half in halves:
        part = [each for each in verdicts if each.case.is_for_tuning == half]
        lines += describe_half(titles[half], part, known, names and half)
    clean = [each for each in verdicts if each.case.family == "clean"]
    lines += describe_alarms("All clean runs", clean)
    none = [each for each in verdicts if each.case.family != "clean" and not each.consequence]
    lines += [f"Faults without a consequence ({len(none)}):"]
    lines += [", ".join(each.case.name for each in none) or "none"]
    return "\n".join(lines)


# ---------------------------------------------------------------------------------- run
def choose(only: list[str], half: str | None, clean: bool) -> list[Case]:
    """Return the cases of these families (or of all), of one half or both."""
    chosen = [*CLEAN] if clean else [*CLEAN, *faults.cases()]
    if only:
        chosen = [case for case in chosen if case.family in only or case.name in only]
    if half:
        chosen = [case for case in chosen if case.is_for_tuning == (half == "tuning")]
    return sorted(chosen, key=lambda case: case.name.partition("/")[2])


def collect(case: Case, folder: Path, judge_only: bool, twins: dict[Any, Any]) -> Outcome | None:
    """Return a case's outcome: the stored one, or that of a training, which is stored."""
    if judge_only:
        return load(folder, case)
    try:
        outcome = train_with_twin(case, twins)
    except Exception as error:
        print(f"{case.name}: {type(error).__name__}: {error}", file=sys.stderr)
        return None
    store(folder, case, outcome)
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", action="store_true", help="judge stored evidence, train nothing")
    parser.add_argument("--only", nargs="+", default=[], metavar="FAMILY")
    parser.add_argument("--half", choices=["tuning", "reporting"])
    parser.add_argument("--clean", action="store_true", help="clean runs only")
    parser.add_argument("--names", action="store_true", help="list what is misnamed (tuning half)")
    parser.add_argument("--cache", type=Path, default=user_cache_folder() / "faults")
    parser.add_argument("--out", type=Path, metavar="TABLE.md")
    options = parser.parse_args()
    verdicts, twins = [], {}
    for case in choose(options.only, options.half, options.clean):
        outcome = collect(case, options.cache, options.judge, twins)
        if outcome is None or outcome.evidence is None:
            print(f"{case.name}: no evidence stored", file=sys.stderr)
            continue
        verdicts.append(judge_case(case, outcome))
        if not options.judge:
            print(f"{case.name}: {verdicts[-1].first or 'silent'}, {outcome.seconds:.1f} s")
    halves = {"tuning": [True], "reporting": [False]}.get(options.half, [True, False])
    report = make_report(verdicts, halves, options.names)
    print(report)
    if options.out:
        options.out.write_text(report + "\n")


if __name__ == "__main__":
    main()
