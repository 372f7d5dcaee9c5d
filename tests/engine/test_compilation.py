"""Forked processes, and the memory maps of compiled programs.

The oracle of a forked process is that it answers or raises within its time: without the check it
waits forever. The oracle of the maps is the kernel's list of them.
"""

import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import compilation
from glassnet.engine.compilation import COMPILE_EVENT, MapLimit, compiled
from glassnet.errors import ConfigError

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
REFUSED = "JAX: expected a process that was not forked after JAX had started"

can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is of POSIX systems")
counts_maps = pytest.mark.skipif(not compilation.MAPS.exists(), reason="Linux lists memory maps")

CALLS = {
    "a program that is compiled": lambda model: model.predict(X),
    "a program that is not compiled": lambda model: model.predict(X[:3]),
    "fit": lambda model: model.fit(X, X[:, 0], verbose=0),
    "evaluate": lambda model: model.evaluate(X, X[:, 0]),
    "trace": lambda model: model.trace(X[:2], X[:2, 0]),
    "metric": lambda model: gn.metrics.MeanSquaredError()(X[:, 0], X[:, 1]),
    "loss": lambda model: gn.losses.MeanSquaredError()(X[:, 0], X[:, 1]),
    "estimator": lambda model: gn.estimators.NeuralRegressor(max_iter=1).fit(X, X[:, 0]),
}


@pytest.fixture(scope="module")
def model():
    """Return a trained model, whose predictions of 64 rows are compiled."""
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    model.fit(X, X[:, 0], verbose=0)
    model.predict(X)
    return model


def run_forked(function, seconds=60):
    """Return what a function returns in a forked process, or the error that it raises."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = function()
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(writer, pickle.dumps(result))
        os._exit(0)
    os.close(writer)
    import select

    answered, _, _ = select.select([reader], [], [], seconds)
    if not answered:
        os.kill(child, 9)
    os.waitpid(child, 0)
    data = os.read(reader, 1_000_000)
    os.close(reader)
    return pickle.loads(data) if data else "no answer"


@can_fork
@pytest.mark.filterwarnings("ignore:os.fork")
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_forked_process_is_refused_instead_of_waiting(model, call):
    error = run_forked(lambda: call(model))
    assert error.startswith(f"ConfigError: {REFUSED}. Received: process=")
    assert 'multiprocessing.get_context("spawn")' in error
    assert "loky" in error


@can_fork
@pytest.mark.filterwarnings("ignore:os.fork")
def test_a_forked_process_can_do_what_needs_no_computation(model, tmp_path):
    """Read and write files, read weights, split rows: the results are the parent's."""

    def work():
        model.save(tmp_path / "m.glassnet")
        loaded = gn.load(tmp_path / "m.glassnet")
        return [weight.tolist() for weight in loaded.get_weights()], repr(loaded)

    assert run_forked(work) == ([w.tolist() for w in model.get_weights()], repr(model))


def predict_in_child(model):
    return model.predict(X)


@can_fork
@pytest.mark.filterwarnings("ignore:os.fork", "ignore:This process:DeprecationWarning")
def test_the_workers_of_a_forked_pool_raise(model):
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        future = pool.submit(predict_in_child, model)
        with pytest.raises(ConfigError, match=REFUSED):
            future.result(timeout=60)
    with context.Pool(1) as pool, pytest.raises(ConfigError, match=REFUSED):
        pool.apply_async(predict_in_child, (model,)).get(timeout=60)


@pytest.mark.slow
def test_the_workers_of_joblib_and_of_spawn_compute(model):
    """A model that crosses to another process predicts the same bits there."""
    from joblib import Parallel, delayed

    expected = model.predict(X).tobytes()
    for result in Parallel(n_jobs=2, backend="loky")(delayed(model.predict)(X) for _ in range(2)):
        assert result.tobytes() == expected


@can_fork
def test_a_process_that_is_forked_before_the_first_computation_computes():
    code = """
import os, sys, numpy as np, jax, glassnet as gn
x = np.ones((8, 2), np.float32)
child = os.fork()
loss = gn.Sequential([gn.layers.Dense(1)], seed=0).fit(x, x[:, 0], verbose=0).history["loss"]
if child == 0:
    os._exit(int(not np.isfinite(loss).all()))
sys.exit(os.waitpid(child, 0)[1])
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


# Memory maps


def fake_limit(tmp_path, count, limit=1000):
    """Return a `MapLimit` of a process with `count` maps of at most `limit`."""
    maps, max_maps = tmp_path / "maps", tmp_path / "max_map_count"
    maps.write_text("a map\n" * count)
    max_maps.write_text(f"{limit}\n")
    return MapLimit(maps, max_maps)


def test_programs_are_dropped_only_when_half_of_the_maps_are_used(tmp_path, monkeypatch):
    cleared = []
    monkeypatch.setattr(jax, "clear_caches", lambda: cleared.append("all of JAX's"))
    double = jax.jit(lambda x: 2 * x)
    double(np.float32(3))
    for count, programs, expected in ((500, 1, []), (501, 0, ["all of JAX's"])):
        limit = fake_limit(tmp_path, count)
        limit.add(double)
        limit.drop_programs()
        assert (double._cache_size(), cleared) == (programs, expected)


def test_the_maps_are_counted_more_often_when_few_are_left(tmp_path):
    """Half of the maps that are left, in programs of 256 maps: 65,530 - 130 is 127.7 of those."""
    limit = fake_limit(tmp_path, 130, 65_530)
    limit.drop_programs()
    assert limit.until_count == 127
    for _ in range(127):
        limit.record_compilation(COMPILE_EVENT, 0.1)
        limit.record_compilation("another event", 0.1)
    assert limit.until_count == 0
    limit = fake_limit(tmp_path, 700)
    limit.drop_programs()
    assert limit.until_count == 1


def test_a_system_without_a_list_of_maps_is_never_short_of_them(tmp_path):
    limit = MapLimit(tmp_path / "missing", tmp_path / "missing")
    limit.drop_programs()
    assert limit.until_count > 1_000_000


def test_a_dropped_program_is_compiled_again_with_the_same_result(model, monkeypatch):
    expected = model.predict(X).tobytes()
    monkeypatch.setattr(compilation, "MAX_USED_FRACTION", 0.0)
    monkeypatch.setattr(compilation.map_limit, "until_count", 0)
    assert model.predict(X).tobytes() == expected


@counts_maps
def test_dropping_programs_frees_their_maps():
    """Three programs of a function use maps; the process has no more than before without them."""

    @compiled(0)
    def power(n, x):
        return x**n @ x.T

    def count():
        return len(Path("/proc/self/maps").read_text().splitlines())

    power(1, X)
    before = count()
    for n in (3, 5, 7):
        power(n, X)
    used = count() - before
    assert used >= 3
    compilation.map_limit._functions[-1].clear_cache()
    assert count() < before + used / 3
    compilation.map_limit._functions.pop()


def test_programs_are_dropped_after_a_number_of_compilations():
    double = jax.jit(lambda x: 2 * x)
    double(np.float32(3))
    limit = MapLimit()
    limit.add(double)
    for _ in range(3):
        limit.record_compilation(COMPILE_EVENT, 0.1)
    limit.record_compilation("another event", 0.1)
    limit.limit_programs(3)
    assert (limit.n_compiled, double._cache_size()) == (3, 1)
    limit.limit_programs(2)
    assert (limit.n_compiled, double._cache_size()) == (0, 0)
