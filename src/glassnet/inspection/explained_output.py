"""Which output of a network a view explains, in each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import ConfigError, find_nearest, is_int, is_number, message, require
from glassnet.formatting import format_number, format_share
from glassnet.inspection.snapshot import Snapshot

MAX_NAMES = 12
"""Maximum number of class names in an error."""


@dataclass(frozen=True, eq=False)
class ExplainedOutput:
    """The output that is explained in each row: f = sum(direction * z).

    Attributes:
        index: index of the output or class in each row, (n,), or (n, axes) of several axes.
        names: its name in each row.
        subject: what is explained, in words.
        unit: what f measures, in words.
        direction: (n, *output shape). It is negative for the first of two classes that share one
            output, and has the scale of a number that was learned standardized.
        captions: the answer for each row, in words.
        score: how many answers are right, or "".
    """

    index: np.ndarray
    names: tuple[str, ...]
    subject: str
    unit: str
    direction: np.ndarray
    captions: tuple[str, ...]
    score: str = ""


def choose_output(
    snapshot: Snapshot, z: np.ndarray, outputs: np.ndarray, target: Any
) -> ExplainedOutput:
    """Return the output to explain in each row.

    Args:
        snapshot: the model and the rows.
        z: outputs before a last softmax or sigmoid, (n, ...).
        outputs: outputs of the last layer, (n, ...).
        target: a class, an index, one per row, or None.

    Raises:
        ConfigError: a class or an output that does not exist.
    """
    if z.ndim > 2:
        return _choose_entry(z, target)
    names = name_outputs(snapshot, z.shape[1])
    predicted = _find_predicted(snapshot, z, outputs)
    if target is None:
        index = predicted
    else:
        index = np.array([_find_index(each, names) for each in _per_row(target, len(z))])
    direction = np.zeros(z.shape, np.float32)
    if z.shape[1] < len(names):
        direction[:, 0] = 2 * index - 1
    else:
        direction[np.arange(len(z)), index] = 1
    chosen, unit = tuple(names[i] for i in index.tolist()), "the logit"
    if not snapshot.is_classifier:
        encoding = snapshot.preprocessor.target if snapshot.preprocessor else None
        direction *= getattr(encoding, "scale", 1.0)
        unit = f"log {names[0]}" if getattr(encoding, "log", False) else chosen[0]
    captions, score = _describe_answers(snapshot, outputs, predicted, index, names)
    subject = _describe_subject(snapshot, chosen, target)
    return ExplainedOutput(index, chosen, subject, unit, direction, captions, score)


def name_outputs(snapshot: Snapshot, n_outputs: int) -> tuple[str, ...]:
    """Return the names of the classes, or of the outputs."""
    if snapshot.class_names:
        return snapshot.class_names
    if n_outputs == 1:
        return (snapshot.target_name,)
    return tuple(f"output {i}" for i in range(n_outputs))


def _find_predicted(snapshot: Snapshot, z: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    if snapshot.class_names:
        return snapshot.to_class_indices(outputs).astype(int)
    if snapshot.is_classifier:
        largest: np.ndarray = z.argmax(1)
        return largest
    return np.zeros(len(z), int)


def _per_row(target: Any, n: int) -> Sequence[Any]:
    """Return a target for each row."""
    if isinstance(target, str) or np.ndim(target) == 0:
        return [target] * n
    expected = f"one target, or one for each of {n} rows"
    require(len(target) == n, "attribute", expected, targets=len(target))
    values: list[Any] = np.asarray(target, object).tolist()
    return values


def _find_index(target: Any, names: tuple[str, ...]) -> int:
    """Return the index of a class or an output. Classes that are numbers have no other index.

    False is 0 and True is 1, unless these are the names of the classes.
    """
    target = target.item() if isinstance(target, np.generic) else target
    if isinstance(target, bool) and str(target) not in names:
        target = int(target)
    if is_number(target) and target == round(target):
        target = round(target)
    if str(target) in names:
        return names.index(str(target))
    are_numbers = any(name.lstrip("-").replace(".", "", 1).isdigit() for name in names)
    if not are_numbers and is_int(target, 0) and target < len(names):
        return int(target)
    nearest = find_nearest(str(target), names)
    shown = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
    index = "" if are_numbers else f", or an index from 0 to {len(names) - 1}"
    expected = f"target to be one of {shown}{index}"
    fix = f"Did you mean {nearest!r}?" if nearest else ""
    raise ConfigError(message("attribute", expected, target=target, fix=fix))


def _choose_entry(z: np.ndarray, target: Any) -> ExplainedOutput:
    """Return the entry of outputs with several axes, such as (step, class)."""
    n, shape = len(z), z.shape[1:]
    last = tuple(size - 1 for size in shape)
    rows = list(target) if isinstance(target, list) else [target] * n
    expected = f"target to be a tuple of {len(shape)} indices up to {last}, such as (step, class)"
    for entry in rows:
        fits = isinstance(entry, tuple) and len(entry) == len(shape)
        fits = fits and all(is_int(i, 0) and i < m for i, m in zip(entry, shape, strict=True))
        fix = f"An output of this network has the shape {shape}."
        require(fits and len(rows) == n, "attribute", expected, target=target, fix=fix)
    direction = np.zeros(z.shape, np.float32)
    for row, entry in enumerate(rows):
        direction[(row, *entry)] = 1
    names = tuple(f"output {', '.join(map(str, entry))}" for entry in rows)
    subject = names[0] if len(set(names)) == 1 else "an output of each row"
    return ExplainedOutput(np.array(rows), names, subject, "the output", direction, names)


def _describe_subject(snapshot: Snapshot, chosen: tuple[str, ...], target: Any) -> str:
    is_same = len(set(chosen)) == 1
    if not snapshot.is_classifier:
        return chosen[0] if is_same else "an output of each row"
    kind = "class" if snapshot.class_names else "output"
    if target is None:
        return f"the predicted {kind}"
    if not is_same:
        return f"a {kind} of each row"
    return f"class {chosen[0]}" if snapshot.class_names else chosen[0]


def _describe_answers(
    snapshot: Snapshot,
    outputs: np.ndarray,
    predicted: np.ndarray,
    index: np.ndarray,
    names: tuple[str, ...],
) -> tuple[tuple[str, ...], str]:
    """Return a caption for each row, and how many answers are right."""
    if not snapshot.class_names:
        return _describe_numbers(snapshot, outputs, index, names), ""
    probabilities = snapshot.to_probabilities(outputs)
    true = snapshot.target_classes
    name = "" if snapshot.target_name == "y" else f"{snapshot.target_name} "
    captions = []
    for row, i in enumerate(predicted.tolist()):
        share = format_share(float(probabilities[row, i]))
        lines = [f"{name}{names[i]} ({share})"]
        if true is not None:
            lines.append("right" if true[row] == i else f"wrong, it is {names[true[row]]}")
        if index[row] != i:
            lines.append(f"explained: {names[index[row]]}")
        captions.append("\n".join(lines))
    score = "" if true is None else f"{int(np.sum(true == predicted))} of {len(true)} right"
    return tuple(captions), score


def _describe_numbers(
    snapshot: Snapshot, outputs: np.ndarray, index: np.ndarray, names: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the answer for each row, with its true number if it is known."""
    rows = np.arange(len(outputs))
    answers = snapshot.decode_outputs(outputs)[rows, index]
    captions = [
        f"{names[i]} {format_number(answer)}" for i, answer in zip(index, answers, strict=True)
    ]
    if snapshot.y is not None and np.size(snapshot.y) == np.size(outputs):
        true = snapshot.decode_outputs(np.reshape(snapshot.y, outputs.shape))[rows, index]
        captions = [
            f"{text}\ntrue {format_number(number)}"
            for text, number in zip(captions, true, strict=True)
        ]
    return tuple(captions)
