"""Number formats of everything that is printed: predictions, scores, logs and traces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import SupportsFloat


def format_number(
    value: SupportsFloat,
    digits: int = 4,
    *,
    keep_zeros: bool = False,
    decimals: int | None = None,
    width: int | None = None,
) -> str:
    """Format a number of any size: `0.3952`, `12.35`, `180,921`.

    Args:
        value: a number, NaN or infinity.
        digits: significant digits. Larger numbers are rounded to integers instead.
        keep_zeros: keep trailing zeros, so that the numbers of a column have equally many digits:
            `0.5000` instead of `0.5`.
        decimals: decimals of numbers from 0.001 to 10, so that a column of them is aligned.
        width: write a number that needs more characters with an exponent of two digits: `1.2e-05`.

    Example:
        >>> [format_number(x) for x in (0.5, 12.3456, 1000.0, 180921.3, 1e-05)]
        ['0.5', '12.35', '1,000', '180,921', '1e-05']
        >>> [format_number(x, keep_zeros=True) for x in (0.5, 12.3456, 1000.0, -0.0)]
        ['0.5000', '12.35', '1,000', '0.000']
        >>> [format_number(x, decimals=4, width=8) for x in (0.5, -0.01234, 12, -1.234e-05)]
        ['0.5000', '-0.0123', '12', '-1.2e-05']
    """
    number = float(value) + 0.0  # -0.0 becomes 0.0
    size = abs(number)
    if decimals is not None and 1e-3 <= size < 10:
        text = f"{number:.{decimals}f}"
    elif 10 ** (digits - 1) <= size < 1e15:
        text = f"{number:,.0f}"
    else:
        text = f"{number:{'#' if keep_zeros else ''},.{digits}g}".rstrip(".")
    is_short = width is None or (len(text) <= width and "e" not in text)
    return text if is_short else f"{number:.1e}"


def format_share(value: float) -> str:
    """Format a fraction from -1 to 1, such as an accuracy, with three decimals.

    Example:
        >>> [format_share(x) for x in (0.8258, 1, -0.0001)]
        ['0.826', '1.000', '0.000']
    """
    return f"{round(value, 3) + 0.0:.3f}"


def format_score(name: str, score: float, *, keep_zeros: bool = False) -> str:
    """Format an accuracy as a share, and any other score as a number.

    Args:
        name: name of the score.
        score: the score.
        keep_zeros: see `format_number`.

    Example:
        >>> format_score("accuracy", 0.9), format_score("RMSE", 12.5)
        ('0.900', '12.5')
    """
    if name.endswith("accuracy"):
        return format_share(score)
    return format_number(score, keep_zeros=keep_zeros)


def format_logs(logs: Mapping[str, float], *, aligned: bool = False) -> str:
    """Format the numbers of an epoch or of an evaluation in one line.

    Args:
        logs: the numbers by name.
        aligned: use equally many decimals, so that the lines of several epochs are aligned.

    Example:
        >>> format_logs({"loss": 0.30118, "accuracy": 0.5})
        'loss 0.3012, accuracy 0.5'
        >>> format_logs({"loss": 0.30118, "accuracy": 0.5}, aligned=True)
        'loss 0.3012  accuracy 0.5000'
    """
    decimals, separator = (4, "  ") if aligned else (None, ", ")
    return separator.join(
        f"{name} {format_number(value, keep_zeros=aligned, decimals=decimals)}"
        for name, value in logs.items()
    )


def format_duration(seconds: float) -> str:
    """Format a duration.

    Example:
        >>> [format_duration(seconds) for seconds in (0.84, 42, 200)]
        ['0.8 s', '42 s', '3 min 20 s']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


MAX_LIKE_LINES = 3
"""More lines that differ only in names and numbers are merged into one."""

VARYING_PART = re.compile(r"""'[^']*'|"[^"]*"|[-+]?[0-9][0-9.,]*""")
"""A quoted word or a number."""


def shorten(text: str, most: int) -> str:
    """Return a text in one line of at most this many characters.

    Example:
        >>> shorten("one two three", 8)
        'one two…'
    """
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def format_names(names: Sequence[str]) -> str:
    """Return all names, or the first three and how many there are beyond them.

    Example:
        >>> format_names(["a", "b", "c", "d", "e"])
        'a, b, c and 2 more'
    """
    shown, n_more = ", ".join(names[:MAX_LIKE_LINES]), len(names) - MAX_LIKE_LINES
    return f"{shown} and {n_more:,} more" if n_more > 0 else shown


def format_count(n: int, noun: str) -> str:
    """Return a number of things in words.

    Example:
        >>> format_count(1, "row"), format_count(1200, "row")
        ('1 row', '1,200 rows')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def merge_like_lines(lines: Iterable[str]) -> list[str]:
    """Merge lines that differ only in the column they are about, in quoted words and in numbers.

    Up to three such lines stay as they are. More become one, with the text of the first.

    Args:
        lines: sentences, most of them `column: text`.

    Example:
        >>> merge_like_lines([f"w{i}: dates, read as day.month.year" for i in range(400)])
        ['w0, w1, w2 and 397 more: dates, read as day.month.year']
    """
    groups: dict[str, list[str]] = {}
    for line in lines:
        name, separator, text = line.partition(": ")
        is_named = rf"(?<!\w){re.escape(name)}(?!\w)"
        like = re.sub(is_named, "", text) if separator else line
        groups.setdefault(separator + VARYING_PART.sub("", like), []).append(line)
    merged = []
    for group in groups.values():
        merged += group if len(group) <= MAX_LIKE_LINES else [_merge(group)]
    return merged


def _merge(lines: list[str]) -> str:
    """Return the first of several like lines, with what differs between them in all of them."""
    _, separator, text = lines[0].partition(": ")
    if separator:
        return f"{format_names([line.partition(': ')[0] for line in lines])}: {text}"
    first, *others = (list(VARYING_PART.finditer(line)) for line in lines)
    for part, *further in zip(first, *others, strict=True):
        texts = list(dict.fromkeys(match.group() for match in (part, *further)))
        if len(texts) > 1:
            return f"{lines[0][: part.start()]}{format_names(texts)}{lines[0][part.end() :]}"
    return f"{lines[0]} ({len(lines)} times)"
