"""The doctor: it says what is wrong with a training run, and what helps.

`rules` lists what it looks for. `judge` runs the rules on the evidence of a fit
(`history.evidence`); `fit` does so itself and stores the result in `history.findings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.errors import import_public_name

if TYPE_CHECKING:
    from glassnet.doctor.evidence import Evidence as Evidence
    from glassnet.doctor.findings import Finding as Finding
    from glassnet.doctor.findings import Findings as Findings
    from glassnet.doctor.registry import Rule as Rule
    from glassnet.doctor.registry import judge as judge
    from glassnet.doctor.registry import rules as rules

_MODULES: dict[str, str] = {
    "Evidence": "evidence",
    "Finding": "findings",
    "Findings": "findings",
    "Rule": "registry",
    "judge": "registry",
    "rules": "registry",
}
"""The module of each public name. It is imported when it is first used."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    return import_public_name(__name__, name, _MODULES)


def __dir__() -> list[str]:
    return list(__all__)
