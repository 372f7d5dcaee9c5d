"""Rules about the answers for validation rows: rare classes, one class, few rows.

Oracles: evidence with counts written by hand, and fits of data with a fault put in on purpose.
"""

from dataclasses import replace

import numpy as np
import pytest

import glassnet as gn
from glassnet.doctor import Evidence, judge
from glassnet.doctor.data_evidence import explain_columns, may_leak
from glassnet.doctor.evidence import AnswerEvidence, NetworkEvidence, RunEvidence, TargetEvidence
from glassnet.evaluation.quick_rivals import Rivals
from glassnet.layers import Dense
from glassnet.training.row_examination import has_hidden_class, measure_separation

CURVE = np.linspace(0.5, 0.3, 10)


def evidence_of(answers):
    """Return the evidence of a healthy run, except for the answers."""
    network = NetworkEvidence("Loss", "sigmoid", (0.0, 1.0), "Adam", 0.01, 100)
    counts = np.array([900, 100])
    target = TargetEvidence("classes", 1000, counts, 0.0, 1.0, 0.1, 0.3)
    run = RunEvidence(10, 10, 0, 300, 30, 1000, answers.n_rows, 32, CURVE, CURVE, {}, 0.7)
    return Evidence(target, network, run, Rivals(0.9, 0.9), answers=answers)


def answers_of(counts, found, separation=0.9, **options):
    """Return the answers of a classifier of two classes; what is not found is the other class."""
    counts, found = np.array(counts), np.array(found)
    missed = counts - found
    options = {
        "n_rows": int(counts.sum()),
        "loss": 0.3,
        "loss_error": 0.03,
        "accuracy": found.sum() / counts.sum(),
        "predicted": found + missed[::-1],
        "separation": np.array([separation, separation]),
    } | options
    return AnswerEvidence(counts=counts, found=found, **options)


def found_by_rule(answers):
    return {each.rule: each for each in judge(evidence_of(answers))}


def test_class_imbalance_says_what_the_accuracy_hides():
    finding = found_by_rule(answers_of([180, 20], [178, 1]))["class_imbalance"]
    assert finding.confidence == "alarm"
    assert finding.symptom == (
        "Class 1 is hardly ever found: 1 of its 20 validation rows. It is rare, and the accuracy "
        "does not show it."
    )
    assert finding.consequence == (
        "The accuracy of 0.895 is no better than the 0.9 of always answering class 0."
    )
    assert finding.fit_arguments == {"class_weight": "balanced"}


@pytest.mark.parametrize(
    ("counts", "found", "separation", "confidence"),
    [
        ([180, 20], [177, 6], 0.9, "alarm"),
        ([180, 20], [180, 6], 0.9, None),  # better than the largest class
        ([180, 20], [175, 12], 0.9, None),  # most of the class is found
        ([192, 8], [192, 0], 0.9, None),  # too few rows of the class
        ([120, 80], [120, 0], 0.9, None),  # not rare
        ([180, 20], [180, 0], 0.55, "information"),  # no sign that it can be learned
    ],
)
def test_class_imbalance_at_its_boundaries(counts, found, separation, confidence):
    finding = found_by_rule(answers_of(counts, found, separation)).get("class_imbalance")
    assert (finding and finding.confidence) == confidence


def test_weights_of_classes_are_no_imbalance():
    assert "class_imbalance" not in found_by_rule(answers_of([180, 20], [180, 0], has_weights=True))


def test_a_single_class_is_not_a_rare_one():
    """All validation rows are of one class, and none is found."""
    assert "class_imbalance" not in found_by_rule(answers_of([0, 60], [0, 0]))


def make_rare(seed):
    """Return rows of two overlapping classes, of which one has a share of 6 %."""
    rng = np.random.default_rng(seed)
    y = (rng.random(600) < 0.06).astype(int)
    return rng.normal(size=(600, 3)).astype(np.float32) + 1.1 * y[:, None], y


def fit(x, y, **options):
    model = gn.Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.Adam(0.01), "binary_crossentropy")
    options = {"epochs": 6, "verbose": 0, "validation_data": make_rare(1)} | options
    return model.fit(x, y, **options)


def test_a_rare_class_is_named_and_balanced_weights_end_it():
    history = fit(*make_rare(0))
    assert history.findings[0].rule == "class_imbalance"
    remedy = history.findings[0].fit_arguments
    assert not fit(*make_rare(0), **remedy).findings


def test_without_validation_rows_training_rows_are_judged():
    finding = fit(*make_rare(0), validation_data=None).findings[0]
    assert finding.rule == "class_imbalance"
    assert "training rows" in finding.symptom


def test_weights_that_lead_to_one_class():
    x, y = make_rare(0)
    y = (x[:, 0] + x[:, 1] > -0.7).astype(int)
    validation = {"validation_data": (x[:200], y[:200])}
    finding = fit(x[200:], y[200:], class_weight={0: 300.0, 1: 1.0}, **validation).findings[0]
    assert finding.rule == "predicts_one_class"
    assert finding.fit_arguments == {"class_weight": None}
    assert not fit(x[200:], y[200:], epochs=20, **validation).findings


@pytest.mark.parametrize(("n", "is_wide"), [(10, True), (20, True), (40, True), (80, False)])
def test_validation_noise_depends_on_the_number_of_rows(n, is_wide):
    """Oracle: Wilson's interval of 0.75 is 0.26 wide for 40 rows and 0.19 for 80."""
    answers = answers_of([n // 2, n - n // 2], [n // 2, n // 4])
    findings = found_by_rule(answers)
    assert ("validation_noise" in findings) == is_wide
    assert all(each.confidence == "information" for each in findings.values())


def test_validation_noise_names_the_interval():
    """Oracle: 20 (0.357 / 0.1)² = 255 rows, if the width falls with the root of their number."""
    finding = found_by_rule(answers_of([10, 10], [10, 5]))["validation_noise"]
    assert "0.53 to 0.89" in finding.symptom
    assert "about 260 rows" in finding.remedy


def test_validation_noise_of_numbers_is_the_error_of_their_loss():
    answers = AnswerEvidence(n_rows=8, loss=0.1, loss_error=0.03)
    assert "validation_noise" in found_by_rule(answers)
    assert "validation_noise" not in found_by_rule(replace(answers, loss_error=0.02))


def test_a_hidden_class_needs_a_loss_that_it_can_cause():
    """Oracle: rows of a class with the share 0.1 that is never found cost 0.1 log 2 = 0.069."""
    counts = np.array([90, 10])
    assert has_hidden_class(counts, np.array([0.5, 0.07]), 10)
    assert not has_hidden_class(counts, np.array([0.5, 0.05]), 10)
    assert not has_hidden_class(counts, np.array([0.5, 0.07]), 20)


def test_separation_is_the_area_under_the_roc_curve():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    is_class, scores = rng.random(50) < 0.3, rng.integers(0, 6, 50).astype(float)
    assert measure_separation(scores, is_class) == pytest.approx(roc_auc_score(is_class, scores))


def test_explained_share_of_a_column_is_that_between_classes():
    """Oracle: the F test's sums of squares, by their definition."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 4)) + np.arange(4) * y[:, None]
    means = np.stack([x[y == k].mean(0) for k in range(3)])
    expected = ((means[y] - x.mean(0)) ** 2).sum(0) / ((x - x.mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(explain_columns(x, y, True), expected)
    np.testing.assert_allclose(
        explain_columns(x, y, False), [np.corrcoef(column, y)[0, 1] ** 2 for column in x.T]
    )
    assert may_leak(x, y, True)
    assert not may_leak(x[:, :2], y, True)


def test_copies_among_validation_rows_are_an_alarm_after_a_fit_if_they_are_learned_by_heart():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(260, 6)).astype(np.float32)
    y = (x[:, 0] + 1.5 * rng.normal(size=260) > 0).astype(int)
    copied = np.concatenate([x[:50], x[100:150]]), np.concatenate([y[:50], y[100:150]])
    model = gn.Sequential([Dense(64, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.Adam(0.02), "binary_crossentropy")
    history = model.fit(x[:100], y[:100], epochs=40, validation_data=copied, verbose=0)
    finding = {each.rule: each for each in history.findings.alarms[0].also}
    finding |= {each.rule: each for each in history.findings}
    assert finding["duplicate_rows"].consequence.startswith("The validation loss of ")
    answers = history.evidence.answers
    row_losses = -np.log(np.where(copied[1] == 1, (p := model.predict(copied[0])[:, 0]), 1 - p))
    assert answers.loss == pytest.approx(row_losses.mean(), rel=1e-4)
    gain = row_losses[50:].mean() - row_losses[:50].mean()
    assert answers.copy_gain == pytest.approx(gain, rel=1e-4)
