"""Every number of one pass, forward and backward: what training runs, seen."""

from glassnet.trace.record import LinkTrace, Nudge, Trace, take
from glassnet.trace.steps import Steps

__all__ = ["LinkTrace", "Nudge", "Steps", "Trace", "take"]
