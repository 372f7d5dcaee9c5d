"""Checks of columns before training: misspelled classes, rare ones, codes for missing, leaks.

Each check is a function of columns that returns what it found. `find_problems` runs all of them and
returns sentences for the user.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.data.column_values import find_distinct
from glassnet.data.parsing import format_exact, parse_float
from glassnet.formatting import format_number

MIN_TYPO_LETTERS = 4
"""Minimum number of letters of a class that can be a misspelling of another."""

MAX_TYPO_ROWS, LONG_WORD = 3, 6
"""Maximum number of rows of a misspelled class, or 2 % of the rows of the other class.

For words of at least so many letters, which seldom differ by one letter, it is a third.
"""

MAX_CLASSES = 300
"""Maximum number of classes whose names are compared with each other."""

MIN_ROWS_FOR_CLASSES = 10
"""Number of rows from which a class with a single row is worth a sentence."""

MIN_NUMBERS = 15
"""Number of different numbers of a column from which one of them can be a code."""

MAX_ROWS_FOR_CODES = 50_000
"""Number of rows, evenly spaced, in which a code for missing values is searched in a long table."""

MIN_ANSWERS, FAR_FROM_ANSWERS = 4, 5
"""Number of different numbers, nines among them, and how many of their ranges lie before nines."""

MIN_ROWS_FOR_LEAKS = 100
"""Number of rows from which one column is compared with the target."""

MAX_ROWS_FOR_LEAKS = 6_000
"""Maximum number of rows that are compared, so that a column takes a millisecond."""

LEAK_SKILL, MAX_OTHER_SKILL = 0.93, 0.75
"""Skill of a column that gives the target away, and the most that all others may have."""

COPY_SKILL, MAX_OTHER_SKILL_BESIDE_COPIES = 0.985, 0.9
"""The same for columns that are as good as copies of the target."""

N_BINS = 64
"""Number of bins of a numeric column that is compared with classes."""

MAX_LISTED = 5
"""Maximum number of names in a sentence."""

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""Rows of a keyboard: a misspelling replaces a letter by a neighbor."""

VOWELS = "aeiouy"
"""Letters that are replaced by each other."""


@dataclass(frozen=True)
class Code:
    """A number that stands for a missing value.

    Args:
        value: the number.
        share: fraction of the rows that have it.
    """

    value: float
    share: float


def find_problems(
    columns: Mapping[str, np.ndarray],
    target: str,
    answers: np.ndarray,
    class_counts: Mapping[str, int] | None,
) -> list[str]:
    """Return a sentence for each kind of problem in the training rows.

    Args:
        columns: the columns that the network uses, by name.
        target: name of the target.
        answers: the target of each row, without missing values.
        class_counts: number of rows of each class, held-out ones too; None if the target is a
            number.
    """
    problems, is_classification = [], class_counts is not None
    if class_counts is not None:
        problems += _describe_typos(target, find_class_typos(class_counts))
        problems += _describe_rare_classes(target, class_counts)
    numbers = dict(columns) if is_classification else {**columns, target: answers}
    problems += _describe_codes(
        {name: find_missing_code(values) for name, values in numbers.items()}
    )
    leaks = find_leaks(columns, answers, is_classification)
    return problems + _describe_leaks(target, leaks, is_classification)


def find_class_typos(counts: Mapping[str, int]) -> dict[str, str]:
    """Return classes that look like misspellings, each with the more frequent class that is meant.

    Classes that differ only in blanks, hyphens, a point at the end, upper and lower case, or signs
    that look alike are always found, and numbers of one value, 1 and 1.0. Others must be rarer and
    differ by one letter after the first: left out, added, swapped, or replaced by its neighbor on a
    keyboard or by another vowel. Other numbers, short words and plurals are not compared, so
    "class1" and "class2" are two classes.

    Example:
        >>> find_class_typos({"Healthy": 40, "healthy": 3, "Helthy": 1, "Sick": 30})
        {'healthy': 'Healthy', 'Helthy': 'Healthy'}
    """
    found: dict[str, str] = {}
    if len(counts) > MAX_CLASSES:
        return found
    ordered = sorted(counts, key=lambda text: (-counts[text], text))
    for i, text in enumerate(ordered):
        for other in ordered[:i]:
            if other in found:
                continue
            is_alike = _are_spelled_alike(text, other) or _is_small_letter(text, other, counts)
            if is_alike or _is_typo(text, other, counts):
                found[text] = other
                break
    return found


def _normalize(text: str) -> str:
    """Return a class in lower case, with single blanks as its separators.

    Signs that cannot be seen and points at the end are left out, and é is one sign.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = "".join(sign for sign in plain if unicodedata.category(sign) != "Cf").strip()
    return re.sub(r"(?<=\w)[\s_-]+(?=\w)", " ", plain.rstrip(".") or plain)


def _is_small_letter(text: str, other: str, counts: Mapping[str, int]) -> bool:
    """Return whether a rare class is a frequent one's only letter, in the other case."""
    is_letter = len(text) == len(other) == 1 and text.casefold() == other.casefold()
    return is_letter and 3 * counts[text] <= counts[other]


def _are_spelled_alike(text: str, other: str) -> bool:
    if parse_float(text) == parse_float(other):
        return True
    letters, other_letters = (_normalize(each).replace(" ", "") for each in (text, other))
    has_word = len(letters) > 1 and any(map(str.isalpha, letters))
    return has_word and letters == other_letters


def _is_typo(text: str, other: str, counts: Mapping[str, int]) -> bool:
    if 3 * counts[text] > counts[other]:
        return False
    pairs = zip(_normalize(text).split(), _normalize(other).split(), strict=False)
    words = [(a, b) for a, b in pairs if a != b]
    same_length = len(_normalize(text).split()) == len(_normalize(other).split())
    if not same_length or len(words) != 1:
        return False
    a, b = words[0]
    n_letters = min(len(a), len(b)) if a.isalpha() and b.isalpha() else 0
    is_rare = counts[text] <= max(MAX_TYPO_ROWS, counts[other] // 50)
    is_word = n_letters >= (MIN_TYPO_LETTERS if is_rare else LONG_WORD)
    return is_word and _differ_by_a_slip(a, b)


def _differ_by_a_slip(a: str, b: str) -> bool:
    """Return whether two words differ by one letter, not the first, as after a slip in typing."""
    if len(a) > len(b):
        a, b = b, a
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), len(a))
    if len(b) == len(a) + 1:
        is_plural = start == len(a) and b[-1] == "s"
        return start > 0 and a[start:] == b[start + 1 :] and not is_plural
    if len(b) != len(a):
        return False
    if a[start + 2 :] == b[start + 2 :] and a[start : start + 2] == b[start : start + 2][::-1]:
        return True
    return a[start + 1 :] == b[start + 1 :] and _are_neighbors(a[start], b[start])


def _are_neighbors(x: str, y: str) -> bool:
    """Return whether a slip replaces one letter by the other."""
    places = {key: (i, j) for i, row in enumerate(KEYBOARD) for j, key in enumerate(row)}
    if x in VOWELS and y in VOWELS:
        return True
    if x not in places or y not in places:
        return False
    (row, column), (other_row, other_column) = places[x], places[y]
    return row == other_row and abs(column - other_column) == 1


def find_missing_code(values: np.ndarray) -> Code | None:
    """Return the number that stands for a missing value in a column, or None.

    It is the smallest or the largest number, occurs in at least 0.5 % of the rows and three times,
    and lies far from all others: by more than their range if it looks like a code (-200, 999,
    9999), or by half their quartile distance if it is the only negative number. Among few
    different numbers, such as the answers 1 to 5, only nines count: 99 or -99.

    Example:
        >>> find_missing_code(np.array([20.5, 21.0, -200.0, 19.5, -200.0, -200.0, *range(5, 30)]))
        Code(value=-200.0, share=0.0967741935483871)
    """
    if values.dtype.kind != "f":
        return None
    values = values[:: max(1, len(values) // MAX_ROWS_FOR_CODES)]
    present = values[np.isfinite(values)]
    distinct, counts = np.unique(present, return_counts=True)
    if len(distinct) < MIN_ANSWERS:
        return None
    is_code = _is_code if len(distinct) >= MIN_NUMBERS else _is_code_of_answers
    least = max(3, 0.005 * len(values))
    for edge, others in ((0, slice(1, None)), (-1, slice(None, -1))):
        value, rest = float(distinct[edge]), np.repeat(distinct[others], counts[others])
        if counts[edge] >= least and value != 0 and is_code(value, rest):
            return Code(value, float(counts[edge] / len(values)))
    return None


def _is_code_of_answers(value: float, rest: np.ndarray) -> bool:
    """Return whether a number is nines, far from few others, sorted, which are integers."""
    is_nines = value == round(value) and re.fullmatch("99+", format_exact(abs(value))) is not None
    gap = rest[0] - value if value < rest[0] else value - rest[-1]
    is_far = gap >= FAR_FROM_ANSWERS * (rest[-1] - rest[0])
    return bool(is_nines and is_far and np.all(rest == np.round(rest)))


def _is_code(value: float, rest: np.ndarray) -> bool:
    """Return whether a number stands for a missing value beside sorted others."""
    gap = float(rest[0] - value if value < rest[0] else value - rest[-1])
    spread = float(np.subtract(*np.quantile(rest, [0.75, 0.25])))
    digits = format_exact(abs(value)).replace(".", "").strip("0")
    looks_like_code = (
        value < 0
        or (len(digits) > 1 and set(digits) == {"9"})
        or abs(value) in (2**15 - 1, 2**16 - 1, 2**31 - 1)
        or abs(value) > 100 * max(abs(rest[0]), abs(rest[-1]))
    )
    if looks_like_code and gap >= rest[-1] - rest[0]:
        return True
    return value < 0 <= rest[0] and gap > 1 and gap >= max(spread / 2, 0.1 * float(np.std(rest)))


def find_leaks(
    columns: Mapping[str, np.ndarray], answers: np.ndarray, is_classification: bool
) -> dict[str, float]:
    """Return the columns that alone give the target away, each with its skill.

    A model of one column learns from two thirds of the rows and predicts the others. Its skill is
    the share of the errors of a constant prediction that it avoids. Columns give the target away
    if they have a skill of 0.93 or more and no other column has more than 0.75 (beside a copy of
    the target: 0.9). If most columns do, the target is easy, and nothing is found.

    Args:
        columns: columns by name.
        answers: the target of each row.
        is_classification: whether the target is a class.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> y = rng.integers(0, 2, 200).astype(float)
        >>> columns = {"copy": y * 10, "noise": rng.random(200), "more": rng.random(200)}
        >>> find_leaks(columns, y, is_classification=True)
        {'copy': 1.0}
    """
    n = len(answers)
    if n < MIN_ROWS_FOR_LEAKS or len(columns) < 2:
        return {}
    rows = np.unique(np.linspace(0, n - 1, min(n, MAX_ROWS_FOR_LEAKS)).astype(int))
    tested = np.random.default_rng(0).random(len(rows)) < 1 / 3
    y = answers[rows]
    measure = _measure_classes(y, tested) if is_classification else _measure_numbers(y, tested)
    skills = {name: measure(values[rows]) for name, values in columns.items()}
    found = {name: skill for name, skill in skills.items() if skill >= LEAK_SKILL}
    best_other = max((skills[name] for name in skills if name not in found), default=1.0)
    are_copies = all(skill >= COPY_SKILL for skill in found.values())
    limit = MAX_OTHER_SKILL_BESIDE_COPIES if are_copies else MAX_OTHER_SKILL
    return found if 2 * len(found) <= len(columns) and best_other <= limit else {}


def _measure_classes(y: np.ndarray, tested: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return a function that measures how well a column predicts classes."""
    codes = _to_codes(y)
    n_classes = int(codes.max()) + 1
    train, test = codes[~tested], codes[tested]
    majority = int(np.bincount(train).argmax())
    errors = int(np.sum(test != majority))

    def measure(values: np.ndarray) -> float:
        bins = _to_bins(values, tested)
        counts = np.zeros((int(bins.max()) + 1, n_classes))
        np.add.at(counts, (bins[~tested], train), 1)
        best = np.where(counts.any(axis=1), counts.argmax(axis=1), majority)
        return 1 - float(np.sum(best[bins[tested]] != test)) / errors if errors >= 3 else 0.0

    return measure


def _to_bins(values: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Return the bin of each value: its own if there are few values, else one of `N_BINS`."""
    codes = _to_codes(values)
    if values.dtype.kind not in "fM" or codes.max() < N_BINS:
        return codes
    numbers = _to_numbers(values)
    known = numbers[~tested]
    edges = np.nanquantile(known, np.linspace(0, 1, N_BINS + 1)[1:-1])
    return np.where(np.isnan(numbers), N_BINS, np.searchsorted(edges, numbers))


def _to_codes(values: np.ndarray) -> np.ndarray:
    """Return the position of each value among the distinct ones."""
    if values.dtype.kind == "O":
        return find_distinct(values).codes
    codes: np.ndarray = np.unique(values, return_inverse=True)[1]
    return codes


def _to_numbers(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "M":
        return values.astype(float)
    return np.where(np.isnat(values), np.nan, values.astype("datetime64[s]").astype(float))


def _measure_numbers(y: np.ndarray, tested: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return a function that measures how well a column predicts numbers, by absolute errors."""
    train, test = y[~tested].astype(float), y[tested].astype(float)
    error = float(np.mean(np.abs(test - np.median(train))))

    def measure(values: np.ndarray) -> float:
        if values.dtype.kind in "Ob":
            codes = _to_codes(values)
            sums = np.bincount(codes[~tested], train, codes.max() + 1)
            counts = np.bincount(codes[~tested], minlength=codes.max() + 1)
            means = np.where(counts > 0, sums / np.maximum(counts, 1), np.median(train))
            predicted = means[codes[tested]]
        else:
            numbers = _to_numbers(values)
            known = ~np.isnan(numbers[~tested])
            if not known.any():
                return 0.0
            xs, positions = np.unique(numbers[~tested][known], return_inverse=True)
            means = np.bincount(positions, train[known]) / np.bincount(positions)
            predicted = np.interp(numbers[tested], xs, means)
            predicted = np.where(np.isnan(numbers[tested]), np.median(train), predicted)
        return 1 - float(np.mean(np.abs(predicted - test))) / error if error > 0 else 0.0

    return measure


def _describe_typos(target: str, typos: Mapping[str, str]) -> list[str]:
    if not typos:
        return []
    pairs = [f"{text!r} like {other!r}" for text, other in list(typos.items())[:MAX_LISTED]]
    return [
        f"{target}: some classes may be one, written in two ways: {_join(pairs, len(typos))}. "
        "Each is learned as a class of its own. Write them alike if they mean the same."
    ]


def _describe_rare_classes(target: str, counts: Mapping[str, int]) -> list[str]:
    rare = [text for text, count in counts.items() if count == 1]
    is_number = 2 * len(rare) > len(counts)
    if not rare or is_number or sum(counts.values()) < MIN_ROWS_FOR_CLASSES:
        return []
    names = _join([repr(text) for text in rare[:MAX_LISTED]], len(rare))
    classes = "the class" if len(rare) == 1 else "each of the classes"
    return [
        f"{target}: {classes} {names} has a single row, which cannot be both learned and tested. "
        "Collect more rows, correct the label, or leave the row out."
    ]


def _describe_codes(codes: Mapping[str, Code | None]) -> list[str]:
    """Return one sentence for each number, with the columns in which it stands for missing."""
    columns_by_value: dict[float, list[str]] = {}
    for name, code in codes.items():
        if code is not None:
            text = f"{name} ({_percent(code.share)} of the rows)"
            columns_by_value.setdefault(code.value, []).append(text)
    return [
        f"{format_exact(value)} seems to stand for missing values in "
        f"{_join(names[:MAX_LISTED], len(names))}: it is frequent and far from all other numbers. "
        f"If so, read the table with gn.data.read_table(table, missing=[{format_exact(value)}]), "
        f"or with --missing {format_exact(value)} on the command line."
        for value, names in columns_by_value.items()
    ]


def _describe_leaks(target: str, leaks: Mapping[str, float], is_classification: bool) -> list[str]:
    if not leaks:
        return []
    names, first = _join(list(leaks)[:MAX_LISTED], len(leaks)), next(iter(leaks))
    baseline = "errors of the most common class" if is_classification else "error of the median"
    verb, pronoun = ("gives", "it is") if len(leaks) == 1 else ("each give", "they are")
    return [
        f"{names}: alone {verb} {target} away. On rows held out for this check, a rule of one such "
        f"column avoids {_percent(min(leaks.values()))} of the {baseline}. If {pronoun} known only "
        f"after {target}, the score will not hold for new rows. Leave out such a column with "
        f'column_types={{"{first}": "drop"}}.'
    ]


def _percent(share: float) -> str:
    return f"{format_number(100 * share, 3)} %"


def _join(names: Sequence[str], n: int) -> str:
    more = f" and {n - len(names)} more" if n > len(names) else ""
    return ", ".join(names) + more
