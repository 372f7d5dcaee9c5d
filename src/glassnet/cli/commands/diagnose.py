"""`glassnet diagnose`: what is wrong with a network and its data, before training."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from glassnet.cli import arguments
from glassnet.cli.help_sections import SectionedCommand
from glassnet.formatting import format_count, format_duration

if TYPE_CHECKING:
    from glassnet.cli.jobs.base import Job
    from glassnet.doctor.findings import Findings
    from glassnet.selection.verification import Verification


@click.command(
    "diagnose", cls=SectionedCommand, short_help="Say what is wrong with a network and its data."
)
@click.argument("name", metavar="NAME|FILE|FOLDER", required=False)
@click.option("--rules", "lists_rules", is_flag=True, help="List the rules of the doctor and exit.")
@click.option(
    "--mute",
    metavar="RULE",
    multiple=True,
    help="Leave out a rule of the list of --rules. Repeatable.",
)
@click.option(
    "--verify",
    "is_verified",
    is_flag=True,
    help="Also train with and without the remedy of the first problem, and say whether it helps.",
)
@arguments.data_options
@arguments.network_options
@arguments.seed_option
@arguments.json_option
@arguments.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    name: str | None,
    lists_rules: bool,
    mute: tuple[str, ...],
    is_verified: bool,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Look for mistakes in the dataset NAME, in the table or arrays in FILE, or in the images in
    FOLDER, and in the network that `glassnet train` would train on them with the same options. The
    network is trained for some seconds, on some of the training rows.

    The verdict says what is wrong, what it costs, what to do, and which numbers show it. Problems
    come first, then notes. It cannot find every mistake: see docs/doctor.md. The exit code is 0,
    with findings too; a script reads them from --json.

    \b
    glassnet diagnose titanic.csv --target survived
    glassnet diagnose digits --learning-rate 3 --optimizer sgd --verify
    glassnet diagnose titanic.csv --target survived --mute overfitting --json
    glassnet diagnose --rules
    """
    from glassnet.cli.jobs import resolve

    if lists_rules:
        print_rules(as_json=as_json)
        return
    if name is None:
        raise click.UsageError("Missing argument 'NAME|FILE|FOLDER', or --rules.", ctx)
    if name.endswith(".glassnet"):
        text = "expected data, not a saved model. In Python: gn.diagnose(gn.load(...), x, y)."
        raise click.UsageError(f"{text} Received: {name!r}.", ctx)
    job = resolve.take_job(name, settings)
    start = time.perf_counter()
    diagnosis = diagnose_job(job, settings, mute, is_verified=is_verified, silent=quiet or as_json)
    seconds = time.perf_counter() - start
    print_findings(job, settings, diagnosis, seconds, as_json=as_json, quiet=quiet)


class JobDiagnosis(NamedTuple):
    """The findings about the network of a job, and whether the first remedy helps, if asked."""

    findings: Findings
    verification: Verification | None


def diagnose_job(
    job: Job,
    settings: dict[str, Any],
    mute: tuple[str, ...],
    *,
    is_verified: bool,
    silent: bool,
) -> JobDiagnosis:
    """Diagnose the network of a job.

    Args:
        job: the data.
        settings: options of the command. None is replaced by the default used.
        mute: names of rules to leave out.
        is_verified: whether to train with and without the remedy of the first problem.
        silent: print nothing.
    """
    from glassnet.cli.jobs import fitting
    from glassnet.selection.diagnosis import diagnose

    model = fitting.build_network(job, settings)
    fitting.prepare_network(job, model, settings, silent=silent)
    options = fitting.make_fit_options(settings)
    findings = diagnose(model, **job.fit_arguments, **options, mute=mute)
    if not (is_verified and findings.alarms and findings[0].has_applicable_remedy):
        return JobDiagnosis(findings, None)
    verification = findings[0].verify(model, **job.fit_arguments, **options, verbose=0)
    return JobDiagnosis(findings, verification)


def print_findings(
    job: Job,
    settings: dict[str, Any],
    diagnosis: JobDiagnosis,
    seconds: float,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the verdict and a last line, or JSON."""
    from glassnet.cli import output

    findings, verification = diagnosis
    if as_json:
        facts = {"dataset": job.name, **findings.to_dict(), "seconds": seconds}
        facts |= {"verification": verification.to_dict() if verification else None}
        output.print_json(facts | {"seed": settings["seed"], "settings": settings})
        return
    if not quiet:
        click.echo()
        output.print_verdict(findings)
        if verification:
            output.print_wrapped(f"Verified: {verification.title}.")
        click.echo()
    click.echo(f"{job.name}: {count_findings(findings)}, {format_duration(seconds)}")


def count_findings(findings: Findings) -> str:
    """Return the number of problems and of notes in words.

    Example:
        >>> from glassnet.doctor.findings import Findings
        >>> count_findings(Findings(checked=("raw_scale",)))
        'no problem found'
        >>> count_findings(Findings())
        'nothing could be judged'
    """
    n_problems = len(findings.alarms)
    if not findings and not findings.checked:
        return "nothing could be judged"
    counts = [format_count(n_problems, "problem") if n_problems else "no problem found"]
    if len(findings) > n_problems:
        counts.append(format_count(len(findings) - n_problems, "note"))
    return ", ".join(counts)


def print_rules(*, as_json: bool) -> None:
    """Print a table of all rules, or JSON."""
    from glassnet.cli import output
    from glassnet.doctor.registry import rules

    headings = ("name", "phase", "question", "source")
    rows = [[getattr(rule, name) for name in headings] for rule in rules()]
    if as_json:
        output.print_json({"rules": [dict(zip(headings, row, strict=True)) for row in rows]})
    else:
        output.print_table(headings, rows, wrapped=("question", "source"))
