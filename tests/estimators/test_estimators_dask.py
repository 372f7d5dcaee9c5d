"""The estimators in searches on other processes: Dask's workers of a local cluster, and joblib's.

Oracle: the same search in this process.
"""

import collections
import gc
import os

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pages
from glassnet import optimizers
from glassnet.errors import ConfigError
from glassnet.estimators import NeuralClassifier, NeuralRegressor
from glassnet.layers import BatchNormalization, Dense

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

X, Y = load_iris(return_X_y=True)
FLOWERS = pd.DataFrame(X, columns=list("abcd")).assign(size=np.where(X[:, 0] > 6, "big", "small"))
QUICK = {
    "hidden_layer_sizes": (8,),
    "max_iter": 8,
    "learning_rate_init": 0.02,
    "batch_size": 16,
    "random_state": 0,
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Of Dask: another dashboard runs, and sockets that are closed by the garbage collector
    pytest.mark.filterwarnings("ignore:Port 8787 is already in use"),
    pytest.mark.filterwarnings("ignore:Exception ignored.*socket:pytest.PytestWarning"),
]


@pytest.fixture(scope="module")
def client():
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        yield client
    gc.collect()  # its sockets, while this file ignores them


def process(estimator, x, y):
    """Return the process in which an estimator is scored."""
    return os.getpid()


def own_score(estimator, x, y):
    return estimator.score(x, y)


SEARCHES = {
    "pipeline": (
        make_pipeline(StandardScaler(), NeuralClassifier(**QUICK)),
        {"neuralclassifier__dropout": [0.0, 0.9], "neuralclassifier__alpha": [0.0, 0.1]},
        X,
        Y,
    ),
    "frame, labels and parts": (
        NeuralClassifier(**QUICK, class_weight="balanced"),
        {
            "solver": [optimizers.SGD(0.1, momentum=0.9), optimizers.Adam(0.02)],
            "layers": [[Dense(4)], [Dense(6), BatchNormalization()]],
        },
        FLOWERS,
        pd.Series(Y).map({0: "i", 1: "j", 2: "k"}),
    ),
    "numbers, early stopping": (
        NeuralRegressor(**QUICK, early_stopping=True),
        {"activation": ["relu", "tanh"]},
        *load_diabetes(return_X_y=True),
    ),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_on_workers_has_the_bits_of_a_search_here(client, name):
    estimator, grid, x, y = SEARCHES[name]
    scoring = {"score": own_score, "process": process}
    search = GridSearchCV(estimator, grid, cv=2, scoring=scoring, refit="score")
    with joblib.parallel_config("dask"):
        search.fit(x, y)
    columns = [f"split{k}_test_process" for k in range(2)]
    processes = np.concatenate([search.cv_results_[column] for column in columns])
    assert set(processes) <= set(client.run(os.getpid).values())
    here = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(x, y)
    scores = here.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores)
    np.testing.assert_array_equal(search.predict(x), here.predict(x))
    assert search.best_params_ == here.best_params_


def test_estimators_that_workers_have_fitted_go_on_here(client):
    estimator = NeuralClassifier(**QUICK, layers=[Dense(4), BatchNormalization()])
    with joblib.parallel_config("dask"):
        folds = cross_validate(estimator, X, Y, cv=2, return_estimator=True, return_indices=True)
    for rows, one in zip(folds["indices"]["train"], folds["estimator"], strict=True):
        here = NeuralClassifier(**estimator.get_params()).fit(X[rows], Y[rows])
        np.testing.assert_array_equal(one.predict_proba(X), here.predict_proba(X))
        trained = [each.partial_fit(X, Y).predict_proba(X) for each in (one, here)]
        np.testing.assert_array_equal(*trained)


BACKENDS = {"dask": {}, "loky": {"n_jobs": 2}}


@pytest.mark.parametrize("backend", BACKENDS)
def test_scores_of_folds_are_those_of_one_process(client, backend):
    numbers = load_diabetes(return_X_y=True)
    for estimator, (x, y) in ((NeuralClassifier, (FLOWERS, Y)), (NeuralRegressor, numbers)):
        with joblib.parallel_config(backend, **BACKENDS[backend]):
            scores = cross_val_score(estimator(**QUICK), x, y, cv=4)
        np.testing.assert_array_equal(scores, cross_val_score(estimator(**QUICK), x, y, cv=4))


@pytest.mark.parametrize("backend", BACKENDS)
def test_failing_fits_of_workers_name_their_errors(client, backend):
    search = GridSearchCV(NeuralClassifier(**QUICK), {"alpha": [-1.0, 0.0]}, cv=2)
    expected = "expected alpha to be a number >= 0. Received: alpha=-1"
    with (
        joblib.parallel_config(backend, **BACKENDS[backend]),
        pytest.warns(UserWarning, match="test scores are non-finite"),
        pytest.warns(FitFailedWarning, match=expected),
    ):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [True, False]


def fit_and_count(x, y):
    """Return how many programs a fit compiled and read, and its predictions."""
    import jax

    counts = collections.Counter()
    jax.monitoring.register_event_listener(lambda event, **details: counts.update([event]))
    predictions = NeuralClassifier(**QUICK).fit(x, y).predict_proba(x)
    events = (f"/jax/compilation_cache/cache_{end}" for end in ("misses", "hits"))
    return *(counts[event] for event in events), predictions


def test_a_worker_reads_what_another_has_compiled(tmp_path, monkeypatch):
    """By default, without JAX's own cache that the tests use."""
    for name in os.environ:
        if name.startswith(("JAX_", "GLASSNET_CACHE")):
            monkeypatch.delenv(name)
    tmp_path.chmod(0o700)
    monkeypatch.setenv("GLASSNET_CACHE_DIR", str(tmp_path))
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        first, second = (
            client.submit(fit_and_count, X, Y, workers=[worker], key=worker).result()
            for worker in client.scheduler_info(n_workers=-1)["workers"]
        )
    gc.collect()
    n_compiled, n_read, predictions = first
    assert n_compiled > 0
    assert n_read == 0
    assert second[:2] == (0, n_compiled)
    np.testing.assert_array_equal(second[2], predictions)


def test_errors_of_workers_arrive(client):
    search = GridSearchCV(NeuralClassifier(**QUICK), {"alpha": [-1.0]}, cv=2, error_score="raise")
    with (
        joblib.parallel_config("dask"),
        pytest.raises(ConfigError, match=r"expected alpha to be a number >= 0. Received: alpha=-1"),
    ):
        search.fit(X, Y)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:os.fork", "ignore:This process:DeprecationWarning")
def test_forked_workers_raise_instead_of_waiting():
    """By default, Dask spawns its workers. Its setting "fork" copies a process without threads."""
    NeuralClassifier(**QUICK).fit(X, Y)  # JAX starts
    search = GridSearchCV(NeuralClassifier(**QUICK), {"alpha": [0.0]}, cv=2, error_score="raise")
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "fork"}),
        distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None),
        joblib.parallel_config("dask"),
        pytest.raises(ConfigError, match="a process that was not forked after JAX had started"),
    ):
        search.fit(X, Y)


@pytest.mark.filterwarnings("ignore:os.fork", "ignore:This process:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")
def test_a_search_on_ray():
    """Oracle: the same search here. Ray is not among the development packages."""
    ray = pytest.importorskip("ray")
    from ray.util.joblib import register_ray

    search = GridSearchCV(NeuralClassifier(**QUICK), {"learning_rate_init": [0.02, 0.1]}, cv=2)
    expected = search.fit(X, Y).cv_results_["mean_test_score"]
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        register_ray()
        with joblib.parallel_config("ray", n_jobs=2):
            search.fit(X, Y)
    finally:
        ray.shutdown()
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


def test_the_documented_search():
    """The script of the documentation, as its own user would start it."""
    (code,) = (block for block in pages.blocks("larger.md", "python") if "dask" in block)
    names = {"__name__": "__main__"}
    exec(compile(code, "larger.md", "exec"), names)
    assert names["search"].best_score_ > 0.9
    assert len(names["search"].cv_results_["params"]) == 6
    gc.collect()
