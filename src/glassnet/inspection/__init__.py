"""Views of a model: the loss surface, decision boundaries, what a network looks at, and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.errors import import_public_name

if TYPE_CHECKING:
    from glassnet.inspection.attributions import attribute as attribute
    from glassnet.inspection.augmentation_plots import augmented as augmented
    from glassnet.inspection.boundaries import decision_boundary as decision_boundary
    from glassnet.inspection.column_relations import correlations as correlations
    from glassnet.inspection.descents import descent as descent
    from glassnet.inspection.drawings import network_drawing as network_drawing
    from glassnet.inspection.embedding_planes import embeddings as embeddings
    from glassnet.inspection.fitted_curves import fitted as fitted
    from glassnet.inspection.function_plots import activation as activation
    from glassnet.inspection.function_plots import loss_function as loss_function
    from glassnet.inspection.layer_maps import feature_maps as feature_maps
    from glassnet.inspection.permutations import importance as importance
    from glassnet.inspection.surfaces import loss_curve as loss_curve
    from glassnet.inspection.surfaces import loss_landscape as loss_landscape
    from glassnet.inspection.surfaces import loss_surface as loss_surface
    from glassnet.inspection.training_statistics import observations as observations
    from glassnet.inspection.unit_inputs import top_inputs as top_inputs
    from glassnet.inspection.units import neurons as neurons
    from glassnet.inspection.weight_plots import weights as weights
    from glassnet.inspection.wrong_answers import mistakes as mistakes

_MODULES: dict[str, str] = {
    "activation": "function_plots",
    "attribute": "attributions",
    "augmented": "augmentation_plots",
    "correlations": "column_relations",
    "decision_boundary": "boundaries",
    "descent": "descents",
    "embeddings": "embedding_planes",
    "feature_maps": "layer_maps",
    "fitted": "fitted_curves",
    "importance": "permutations",
    "loss_curve": "surfaces",
    "loss_function": "function_plots",
    "loss_landscape": "surfaces",
    "loss_surface": "surfaces",
    "mistakes": "wrong_answers",
    "network_drawing": "drawings",
    "neurons": "units",
    "observations": "training_statistics",
    "top_inputs": "unit_inputs",
    "weights": "weight_plots",
}
"""The module of each public name. A view is imported when it is first used."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    return import_public_name(__name__, name, _MODULES)


def __dir__() -> list[str]:
    return list(__all__)
