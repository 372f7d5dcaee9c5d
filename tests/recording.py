"""Keras's numbers, recorded: tests compare with what tests/recorded/*.npz holds, and do not import
Keras for it.

A test takes the fixture `recorded` and says how Keras computes what it wants: `recorded(lambda
keras, x: keras.ops.relu(x), x)`. Every such test comes twice. [recorded] gets the stored numbers.
[live], marked live_keras and slow, runs Keras, requires the stored numbers but for rounding, and
then compares with Keras's own. `pytest --record-keras FILES` runs Keras and stores what it says, in
one file per test module.

A recording knows what it was made from: the inputs' shapes and types, what of them is no float,
    exactly, and weighed sums of the floats,
which need not be the same bits on another machine. Inputs that differ are refused.
"""

import hashlib
import importlib.metadata
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "recorded"
ROUNDING = 1e-5
"""How far apart Keras's numbers may be from those it gave before, perhaps on another machine,
relative and absolute.
"""
SAME_INPUTS = 1e-6
"""How far apart the weighed sums of inputs may be, in units of the sum of their sizes."""


def plain(answer):
    """An answer in dicts, lists, NumPy arrays, and what JSON holds."""
    if isinstance(answer, dict):
        return {str(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    if answer is None or isinstance(answer, bool | int | float | str):
        return answer
    return np.asarray(answer)


def fingerprint(inputs):
    """What must be equal of the inputs, in a few letters, and of each array of floats the weighed
    sum and the sum of sizes.
    """
    sums = []

    def words(thing):
        if isinstance(thing, dict):
            return {str(key): words(thing[key]) for key in sorted(thing)}
        if isinstance(thing, list | tuple):
            return [words(one) for one in thing]
        if not hasattr(thing, "__array__"):
            assert " at 0x" not in repr(thing), (
                f"an input to record by is a value or an array, and not {thing!r}"
            )
            return repr(thing)
        array = np.asarray(thing)
        if not np.issubdtype(array.dtype, np.floating):
            return [array.dtype.name, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
        flat = array.ravel().astype(np.float64)
        sums.append([float(flat @ np.cos(1.0 + np.arange(flat.size))), float(np.abs(flat).sum())])
        return [array.dtype.name, array.shape]

    return hashlib.sha256(json.dumps(words(inputs)).encode()).hexdigest()[:16], sums


def same_inputs(one, other):
    """Whether two fingerprints are of the same inputs."""
    if one[0] != other[0] or len(one[1]) != len(other[1]):
        return False
    return all(
        abs(a - b) <= SAME_INPUTS * max(size, other_size)
        for (a, size), (b, other_size) in zip(one[1], other[1], strict=True)
    )


def same_answer(got, stored, tolerance, where="answer"):
    """Assert that two answers have the same parts: numbers to `tolerance`, relative and absolute,
    all else exactly.
    """
    if isinstance(got, dict) and isinstance(stored, dict):
        assert list(got) == list(stored), where
        for key in got:
            same_answer(got[key], stored[key], tolerance, f"{where}[{key!r}]")
    elif isinstance(got, list) and isinstance(stored, list):
        assert len(got) == len(stored), where
        for i, (a, b) in enumerate(zip(got, stored, strict=True)):
            same_answer(a, b, tolerance, f"{where}[{i}]")
    elif isinstance(got, np.ndarray | float):
        a, b = np.asarray(got), np.asarray(stored)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), where
        np.testing.assert_allclose(
            a,
            b,
            rtol=tolerance,
            atol=tolerance,
            err_msg=f"{where}: Keras does not say what is recorded",
        )
    else:
        assert (type(got), got) == (type(stored), stored), where


@dataclass(frozen=True)
class Case:
    """What Keras answered, and the fingerprint of what it was asked."""

    inputs: tuple[str, list[list[float]]]
    answer: Any


@dataclass
class Recordings:
    """The cases of one test module: a JSON text of what there is, and all the arrays' bytes on
    end.
    """

    file: Path
    versions: dict[str, str]
    cases: dict[str, Case]

    @classmethod
    def read(cls, file):
        if not file.exists():
            return cls(file, {}, {})
        with np.load(file) as stored:
            about, numbers = json.loads(stored["about"].tobytes()), stored["numbers"].tobytes()

        def unpacked(answer):
            if isinstance(answer, list):
                return [unpacked(one) for one in answer]
            if not isinstance(answer, dict):
                return answer
            if "dict" in answer:
                return {key: unpacked(value) for key, value in answer["dict"].items()}
            shape, dtype = answer["shape"], np.dtype(answer["dtype"])
            return np.frombuffer(
                numbers, dtype, int(np.prod(shape, dtype=int)), answer["at"]
            ).reshape(shape)

        cases = {
            name: Case(tuple(case["inputs"]), unpacked(case["answer"]))
            for name, case in about["cases"].items()
        }
        return cls(file, about["versions"], cases)

    def write(self):
        numbers = bytearray()

        def packed(answer):
            if isinstance(answer, dict):
                return {"dict": {key: packed(value) for key, value in answer.items()}}
            if isinstance(answer, list):
                return [packed(one) for one in answer]
            if not isinstance(answer, np.ndarray):
                return answer
            at = len(numbers)
            numbers.extend(answer.tobytes())
            return {"dtype": answer.dtype.name, "shape": answer.shape, "at": at}

        cases = {
            name: {"inputs": case.inputs, "answer": packed(case.answer)}
            for name, case in sorted(self.cases.items())
        }
        text = json.dumps({"versions": self.versions, "cases": cases}).encode()
        self.file.parent.mkdir(exist_ok=True)
        np.savez_compressed(
            self.file,
            about=np.frombuffer(text, np.uint8),
            numbers=np.frombuffer(bytes(numbers), np.uint8),
        )

    def stored(self, name, inputs):
        """The recorded answer, of these inputs and no others."""
        remedy = (
            f"Run Keras: pytest --record-keras {Path(self.file).stem}.py, and look at what changed."
        )
        if name not in self.cases:
            pytest.fail(
                f"{self.file.name}: nothing is recorded of {name!r}. {remedy}", pytrace=False
            )
        case = self.cases[name]
        if not same_inputs(inputs, case.inputs):
            made = " on ".join(f"{package} {version}" for package, version in self.versions.items())
            pytest.fail(
                f"{self.file.name}: {name!r} was recorded (by {made}) of other inputs than it now has. {remedy}",
                pytrace=False,
            )
        return case.answer

    def keep(self, name, inputs, answer):
        """Record an answer; two answers to one name are two questions."""
        if name in self.cases and not same_inputs(inputs, self.cases[name].inputs):
            pytest.fail(
                f"{self.file.name}: {name!r} is asked twice, of two inputs: give each a name",
                pytrace=False,
            )
        self.cases[name] = Case(inputs, answer)


SHELF = pytest.StashKey[dict[Path, Recordings]]()
"""What has been read, or, while recording, is to be written."""


def pytest_addoption(parser):
    parser.addoption(
        "--record-keras",
        action="store_true",
        help="run Keras and store its numbers under tests/recorded, in one process",
    )


def pytest_configure(config):
    config.stash[SHELF] = {}
    if config.getoption("--record-keras") and (
        hasattr(config, "workerinput") or getattr(config.first_given, "numprocesses", None)
    ):
        raise pytest.UsageError(
            "--record-keras: expected one process, as it writes whole files. Leave out -n."
        )


def pytest_generate_tests(metafunc):
    if "recorded" in metafunc.fixturenames:
        live = pytest.param("live", marks=[pytest.mark.live_keras, pytest.mark.slow])
        recording = metafunc.config.getoption("--record-keras")
        metafunc.parametrize(
            "recorded", ["record"] if recording else ["recorded", live], indirect=True
        )


def pytest_sessionfinish(session):
    config = session.config
    if config.getoption("--record-keras"):
        part = (
            config.first_given.keyword
            or config.first_given.markexpr
            or any("::" in arg for arg in config.args)
        )
        for new in config.stash[SHELF].values():
            if part:  # else whatever no test asked for is gone
                new.cases = Recordings.read(new.file).cases | new.cases
            new.write()


def run_live(live, inputs):
    """Keras's answer now, whatever it warns of."""
    from oracles import import_keras

    keras = import_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plain(live(keras, *inputs))


@pytest.fixture
def recorded(request):
    """`recorded(live, *inputs, name="", tolerance=...)`: what `live(keras, *inputs)` says. Tests
    that ask twice name their questions.
    """
    mode, shelf = request.param, request.config.stash[SHELF]
    file = FOLDER / f"{request.path.stem}.npz"
    case = f"{request.node.originalname} {request.node.callspec.id.removeprefix(mode).removeprefix('-')}".strip()
    if file not in shelf:
        versions = (
            {package: importlib.metadata.version(package) for package in ("keras", "jax")}
            if mode == "record"
            else {}
        )
        shelf[file] = Recordings(file, versions, {}) if mode == "record" else Recordings.read(file)

    def ask(live, *inputs, name="", tolerance=ROUNDING):
        whole, of = f"{case}: {name}" if name else case, fingerprint(inputs)
        if mode == "recorded":
            return shelf[file].stored(whole, of)
        answer = run_live(live, inputs)
        if mode == "record":
            shelf[file].keep(whole, of, answer)
        else:
            same_answer(answer, shelf[file].stored(whole, of), tolerance)
        return answer

    return ask
