"""What the processes that train together do before the first step: they agree, and connect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from glassnet.engine.placement import Placement
from glassnet.errors import ConfigError, ModelFileError, message
from glassnet.processes import exchange
from glassnet.storage import json_codec, registry
from glassnet.training.resume import first_difference, is_own_stream


def begin_together(settings: dict[str, Any], fingerprint: str, placement: Placement) -> None:
    """Connect the devices of all processes, if these agree on data, layers, settings and weights.

    Of streams, each process may have a part of its own, so these are not compared.

    Args:
        settings: what `describe_run` returned.
        fingerprint: fingerprint of the weights and the learning rate.
        placement: the devices of all processes.

    Raises:
        ConfigError: they disagree; the message names the first difference.
    """
    if placement.n_processes == 1:
        return
    texts = {
        name: _to_text(_without_times(value))
        for name, value in settings.items()
        if not is_own_stream(value)
    }
    texts["weights and learning rate"] = json.dumps(fingerprint)
    for index, others in enumerate(exchange.all_gather(texts, "settings of a fit")):
        difference = first_difference(_from_texts(texts), _from_texts(others))
        if difference:
            name, own, other = difference
            fix = "Every process must fit the same model to the same rows. Set its seed."
            received = {f"process_{exchange.process_index()}": own, f"process_{index}": other}
            expected = f"the same {name} in all processes"
            raise ConfigError(message("fit", expected, fix=fix, **received))
    placement.connect()


def _without_times(value: Any) -> Any:
    """Return the fingerprint of files without the times of their changes, as copies have others."""
    if not isinstance(value, dict):
        return value
    files = (
        {"files": [[name, size] for name, size, _ in value["files"]]} if "files" in value else {}
    )
    return {name: each for name, each in value.items() if name != "changed"} | files


def _to_text(value: Any) -> str:
    """Return a setting as JSON; one that cannot be saved counts as its class."""
    try:
        return json_codec.dumps(value, registry.by_class())
    except ModelFileError:
        return json.dumps(type(value).__name__)


def _from_texts(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in texts.items()}
