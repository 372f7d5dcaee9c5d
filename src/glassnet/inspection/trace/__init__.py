"""Every number of one pass, forward and backward: what training runs, seen."""

from glassnet.inspection.trace.recurrent import Steps
from glassnet.inspection.trace.trace import LinkTrace, Nudge, Trace, take

__all__ = ["LinkTrace", "Nudge", "Steps", "Trace", "take"]
