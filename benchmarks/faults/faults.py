"""All cases with a fault."""

from __future__ import annotations

import architecture_faults
import data_faults
import generalization_faults
import rate_faults
from cases import Case


def cases() -> list[Case]:
    """Return every case with a fault."""
    files = (data_faults, rate_faults, architecture_faults, generalization_faults)
    return [case for file in files for case in file.cases()]
