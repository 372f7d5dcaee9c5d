"""Every number of one pass, forward and backward: what training runs, seen."""

from glassnet.trace.record import LinkTrace, Nudge, Trace, take

__all__ = ["LinkTrace", "Nudge", "Trace", "take"]
