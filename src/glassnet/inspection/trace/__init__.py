"""Every number of one pass, forward and backward: what training runs, seen."""

from glassnet.inspection.trace.recurrent import RecurrentTrace
from glassnet.inspection.trace.trace import LinkTrace, Nudge, Trace, record_trace

__all__ = ["LinkTrace", "Nudge", "RecurrentTrace", "Trace", "record_trace"]
