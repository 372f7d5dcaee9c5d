"""Trace: every number of one forward and backward pass, from the code that training runs."""

from glassnet.inspection.trace.recurrent import RecurrentTrace
from glassnet.inspection.trace.trace import Nudge, Trace, record_trace
from glassnet.inspection.trace.trace_data import LinkTrace

__all__ = ["LinkTrace", "Nudge", "RecurrentTrace", "Trace", "record_trace"]
