"""Rules about rows before training. Oracles: rows copied, and columns computed, on purpose."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def diagnose(x, y, **options):
    model = gn.Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.Adam(0.03), "binary_crossentropy")
    return gn.diagnose(model, x, y, epochs=15, **options)


def by_rule(findings):
    return {each.rule: each for each in findings}


@pytest.mark.parametrize(("n_copies", "found"), [(60, True), (40, True), (20, False), (0, False)])
def test_copies_of_training_rows_among_validation_rows(n_copies, found):
    """Of 100 validation rows, so many are copies."""
    x, y = X.copy(), Y.copy()
    x[200 : 200 + n_copies], y[200 : 200 + n_copies] = x[:n_copies], y[:n_copies]
    findings = diagnose(x[:200], y[:200], validation_data=(x[200:], y[200:]))
    assert [each.rule for each in findings] == ["duplicate_rows"] * found
    assert "duplicate_rows" in findings.checked
    for each in findings:
        assert each.confidence == "alarm"
        assert each.symptom == f"{n_copies} of 100 validation rows are equal to a training row."
        assert each.evidence["shared_rows"] == n_copies / 100
        assert each.apply(None) is None


def test_tables_of_few_categories_have_equal_rows_by_nature():
    """Oracle: all rows are one of 16, so nobody has copied them."""
    x = RNG.integers(0, 2, (300, 4)).astype(np.float32)
    finding = by_rule(diagnose(x, x[:, 0] * x[:, 1], validation_split=0.2))["duplicate_rows"]
    assert finding.confidence == "information"
    assert finding.evidence["shared_rows"] == 1.0
    assert finding.evidence["repeated_training_rows"] > 0.9


def test_few_validation_rows_and_none_are_not_judged():
    assert list(diagnose(X, Y, validation_data=(X[:10], Y[:10]))) == []
    assert list(diagnose(X, Y)) == []


def test_a_column_that_follows_from_the_target():
    x = X.copy()
    x[:, 2] = 10 * Y + 0.1 * X[:, 2]
    finding = by_rule(diagnose((x - x.mean(0)) / x.std(0), Y))["target_leak"]
    assert finding.confidence == "information"
    assert finding.symptom.startswith(
        "One column alone gives the target away, column 3 of 4: it avoids 100 %"
    )
    assert "target_leak" not in by_rule(diagnose(X, Y))


def test_the_name_of_a_column_is_that_of_the_table():
    import pandas as pd

    table = pd.DataFrame(X, columns=["a", "b", "paid", "d"])
    table["paid"] = 5.0 * Y + 0.01 * X[:, 2]
    table["bought"] = np.where(Y, "yes", "no")
    with pytest.warns(gn.errors.DataWarning, match="paid"):
        finding = by_rule(diagnose(table, None, target="bought"))["target_leak"]
    assert finding.remedy.startswith("Check how paid comes about, and leave it out")


def test_after_training_the_same_rows_are_judged():
    x = X.copy()
    x[:, 2] = 10 * Y + 0.1 * X[:, 2]
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    assert "target_leak" in by_rule(model.fit(x, Y, verbose=0).findings)
    findings = model.fit(X, Y, verbose=0).findings
    assert {"duplicate_rows", "target_leak"} <= set(findings.checked)
    assert not findings
