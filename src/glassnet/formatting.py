"""Number formats shared by predictions, forecasts and score reports."""

from __future__ import annotations


def format_number(value: float, *, keep_zeros: bool = False) -> str:
    """Format a number of any size with four significant digits: `0.3952`, `12.35`, `180,921`.

    Args:
        value: a finite number, NaN or infinity.
        keep_zeros: keep trailing zeros, so that the numbers of a column have equally many digits:
            `0.5000` instead of `0.5`.

    Example:
        >>> [format_number(x) for x in (0.5, 12.3456, 1000.0, 180921.3, 1e-05)]
        ['0.5', '12.35', '1,000', '180,921', '1e-05']
        >>> [format_number(x, keep_zeros=True) for x in (0.5, 12.3456, 1000.0, -0.0)]
        ['0.5000', '12.35', '1,000', '0.000']
    """
    if 999.95 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    value = value + 0.0  # -0.0 becomes 0.0
    return f"{value:#.4g}".rstrip(".") if keep_zeros else f"{value:.4g}"


def format_share(value: float) -> str:
    """Format a fraction from -1 to 1, such as an accuracy, with three decimals.

    Example:
        >>> [format_share(x) for x in (0.8258, 1, -0.0001)]
        ['0.826', '1.000', '0.000']
    """
    return f"{round(value, 3) + 0.0:.3f}"
