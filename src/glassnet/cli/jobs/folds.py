"""Cross-validation of a job: its networks, their score, and what they predict for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs import fitting

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.cli.jobs.base import Job, JobScore
    from glassnet.models.sequential import Sequential
    from glassnet.selection.cross_validation import CrossValidation


def cross_validate_job(
    job: Job,
    model: Sequential,
    settings: dict[str, Any],
    *,
    folds: int,
    repeats: int = 1,
    silent: bool,
) -> CrossValidation:
    """Train networks on folds of the rows of a job.

    Args:
        job: the data.
        model: the network, not trained.
        settings: of `fitting.build_network`.
        folds: number of folds.
        repeats: how often the rows are divided anew.
        silent: print nothing.

    Raises:
        click.Abort: Ctrl-C came before any fold had a score.
    """
    from glassnet.selection import cross_validate

    fitting.use_own_score(model)
    result = cross_validate(
        model,
        **job.fit_arguments,
        folds=folds,
        repeats=repeats,
        groups=job.groups,
        verbose=0 if silent else "auto",
        callbacks=fitting.make_early_stopping(job, settings),
        **fitting.make_fit_options(settings),
    )
    runs = result.results
    if any(run.is_interrupted for run in runs) and not any(run.is_complete for run in runs):
        raise click.Abort
    return result


def score_job(
    job: Job, result: CrossValidation, model: Sequential, *, repeats: int = 1, seed: int
) -> JobScore:
    """Return the score of a cross-validation, beside simpler methods on the same folds.

    Args:
        job: the data.
        result: networks that were trained on folds. At least one has a score.
        model: a trained network of the same kind.
        repeats: how often the rows were divided into folds.
        seed: draws the sample of rows of a method, if there are too many.
    """
    from glassnet.cli.jobs.base import make_job_score
    from glassnet.selection.fold_scoring import score_folds

    rows = job.run_data.train
    assert rows is not None
    score = score_folds(result, rows, repeats=repeats, seed=seed)
    return make_job_score(score, job.describe_learned(model))


def predict_rows(job: Job, result: CrossValidation) -> pandas.DataFrame:
    """Return the rows with their fold and the prediction of the network that did not see them.

    With repeats, the prediction is the mean of several, and there is no fold.
    """
    import numpy as np

    frame, rows = job.to_frame(), result.tested_rows
    if np.bincount(np.concatenate(result.test_rows)).max() == 1:
        folds = np.zeros(len(frame), int)
        for k, tested in enumerate(result.test_rows, start=1):
            folds[tested] = k
        frame["fold"] = folds
    return frame.iloc[rows].assign(**name_predictions(job, result))


def name_predictions(job: Job, result: CrossValidation) -> dict[str, np.ndarray]:
    """Return the predictions of the rows that a fold tests by the name of their columns."""
    import numpy as np

    from glassnet.cli.prediction_tables import probability_columns
    from glassnet.errors import ConfigError

    outputs, name = result.predictions[result.tested_rows], f"predicted {job.target_name}"
    try:
        labels = result.predicted_labels
    except ConfigError:  # numbers
        if outputs.shape[1] == 1:
            return {name: outputs[:, 0]}
        return {f"{name} {k}": column for k, column in enumerate(outputs.T, start=1)}
    names = result.class_names or job.run_data.class_names
    if result.class_names is None:
        labels = np.array(names)[labels]
    return {name: labels} | probability_columns(outputs, names)


def describe_learning(result: CrossValidation) -> str:
    """Return a sentence about what each network was trained on, and what it learned from it."""
    from glassnet.layers import Normalization, TextVectorization
    from glassnet.preprocessing.tabular import TabularPreprocessor
    from glassnet.preprocessing.targets import NumericTarget
    from glassnet.preprocessing.time_series import TimeSeriesPreprocessor

    setups = [run.setup for run in result.results]
    source, rows = "the other folds", "those rows"
    preprocessor, layers = setups[0].preprocessor, setups[0].layers
    learned = []
    if isinstance(preprocessor, TabularPreprocessor):
        sizes = {len(setup.preprocessor.encoder.feature_names) for setup in setups}  # type: ignore[union-attr]
        numbers = " to ".join(f"{size:,}" for size in sorted({min(sizes), max(sizes)}))
        noun = "number" if max(sizes) == 1 else "numbers"
        learned.append(f"the encoding of the columns ({numbers} {noun})")
        if isinstance(preprocessor.target, NumericTarget):
            learned.append(f"the scale of {preprocessor.target.name}")
    if isinstance(preprocessor, TimeSeriesPreprocessor):
        learned.append("the scale of the series")
        source, rows = "the time before its fold", "that time"
    if any(isinstance(layer, Normalization) for layer in layers):
        learned.append("the mean and the spread of the inputs")
    if isinstance(layers[0], TextVectorization):
        learned.append("the vocabulary")
    networks = f"Each of the {len(setups)} networks was trained on {source}"
    if not learned:
        return f"{networks}."
    return f"{networks}, and learned {join_words(learned)} from {rows} alone."


def describe_score(result: CrossValidation) -> str:
    """Return sentences about the score of a network that was trained on all rows."""
    counts = sorted({len(rows) for rows in result.train_rows})
    sizes = " to ".join(f"{count:,}" for count in dict.fromkeys([counts[0], counts[-1]]))
    n = len(result.predictions)
    return (
        f"The score is the mean of {result.n_folds} networks, each trained on {sizes} of the "
        f"{n:,} rows and scored on others. The final network is trained on all {n:,} rows, so that "
        "none are left to score it."
    )


def describe_rows(job: Job) -> list[str]:
    """Return sentences about rows that were used otherwise than those of the folds."""
    notes = []
    test = job.run_data.test
    if test is not None:
        notes.append(f"The {len(test):,} test rows of {job.name} were not used.")
    if job.scale_of_all_rows:
        notes.append(f"The scale of the output is that of all rows: {job.scale_of_all_rows}.")
    return notes


def join_words(words: Sequence[str]) -> str:
    """Return words as a list in a sentence.

    Example:
        >>> join_words(["a", "b", "c"])
        'a, b and c'
    """
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])
