"""Scikit-learn's estimator checks, for both estimators, in full and in small batches."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from glassnet.estimators import NeuralClassifier, NeuralRegressor

SETTINGS = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.05, "max_iter": 40}
FULL = [make(batch_size="full", **SETTINGS) for make in (NeuralClassifier, NeuralRegressor)]
SMALL = [
    make(batch_size=16, alpha=0, **SETTINGS | {"max_iter": 20})
    for make in (NeuralClassifier, NeuralRegressor)
]
REASON = "Batches of 16 rows: repeated rows make more steps, in another order, than weighted rows."
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.slow,
]


@parametrize_with_checks(FULL)
def test_full_batches(estimator, check):
    check(estimator)


@parametrize_with_checks(
    SMALL,
    expected_failed_checks=lambda estimator: {
        "check_sample_weight_equivalence_on_dense_data": REASON,
        "check_sample_weight_equivalence_on_sparse_data": REASON,
    },
)
def test_small_batches(estimator, check):
    check(estimator)
