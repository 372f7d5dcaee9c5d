"""From symbolic tensors to a sequence of layers: chains, skip connections and branches.

A model has one input and one output. If a tensor is used several times and the results are merged
again, the layers in between become the branches of a `Parallel`, or a `Residual`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from glassnet.errors import ConfigError, message
from glassnet.keras.base_layer import KerasLayer, KerasTensor, MergeLayer
from glassnet.layers import Input, Layer, Parallel, Residual, functional

GRAPH_HINT = (
    "Skip connections and branches that are merged again work; "
    "docs/not-for.md lists alternatives for other graphs."
)

GROUPS = ("add", "multiply", "concat")
"""Merges of several tensors that can be done in groups: a + b + c = (a + b) + c."""


@dataclass(frozen=True)
class Branches:
    """Branches from one tensor that are merged.

    Attributes:
        layer: the layer that merges.
        branches: the steps of each branch; none for the tensor itself.
    """

    layer: MergeLayer
    branches: tuple[tuple[Step, ...], ...]


Step: TypeAlias = "KerasLayer | Branches"


def refuse(reason: str) -> ConfigError:
    """Return the error about a graph that is not a sequence."""
    expected = "a graph of layers with one input and one output"
    return ConfigError(message("Model", expected, fix=f"{reason} {GRAPH_HINT}"))


def find_steps(start: KerasTensor, end: KerasTensor) -> tuple[Step, ...]:
    """Return the steps from one tensor to another.

    Raises:
        ConfigError: the end does not come from the start alone, or the graph has no such form.
    """
    steps = tuple(_Paths(start).find(start, end))
    repeated = [layer.name for layer, n in Counter(iter_layers(steps)).items() if n > 1]
    if repeated:
        raise refuse(f"Layers that are used twice: {', '.join(repeated)}.")
    return steps


def iter_layers(steps: Sequence[Step]) -> Iterator[KerasLayer]:
    """Yield the layers of the steps, branch after branch, each merge after its branches."""
    for step in steps:
        if isinstance(step, Branches):
            for branch in step.branches:
                yield from iter_layers(branch)
            yield step.layer
        else:
            yield step


def to_glassnet(steps: Sequence[Step], names: Mapping[KerasLayer, str]) -> list[Layer]:
    """Return the layers of Glassnet for the steps, with these names."""
    return [
        _merge_branches(step, names)
        if isinstance(step, Branches)
        else replace(step.glassnet_layer, name=names[step])
        for step in steps
    ]


def number_layers(steps: Sequence[Step]) -> dict[KerasLayer, str]:
    """Return the name of each layer; those without one are numbered: dense_1, dense_2.

    Raises:
        ConfigError: two layers have the same name.
    """
    layers = [layer for layer in iter_layers(steps) if not isinstance(layer, MergeLayer)]
    named = functional.with_names(
        [layer.glassnet_layer for layer in layers], kinds=[layer.default_name for layer in layers]
    )
    return {layer: str(each.name) for layer, each in zip(layers, named, strict=True)}


def _merge_branches(step: Branches, names: Mapping[KerasLayer, str]) -> Layer:
    branches, name = (
        [to_glassnet(branch, names) for branch in step.branches],
        step.layer.glassnet_layer.name,
    )
    is_skip = step.layer.merge == "add" and len(branches) == 2 and not all(branches)
    if is_skip and any(branches):
        return Residual(branches[0] or branches[1], name=name)
    return Parallel(branches, step.layer.merge, name=name)


class _Paths:
    """The paths from one tensor to others.

    Args:
        start: the input of the model.
    """

    def __init__(self, start: KerasTensor):
        self._start = start
        self._dominators: dict[int, list[KerasTensor]] = {id(start): [start]}

    def find(self, start: KerasTensor, end: KerasTensor) -> list[Step]:
        """Return the steps from start, through which all paths to end lead, to end."""
        steps: list[Step] = []
        while end is not start:
            if not end.parents:
                raise refuse(_describe_other_input(end))
            if len(end.parents) == 1:
                steps[:0] = end.source.as_steps()
                end = end.parents[0]
            else:
                end, step = self._find_branches(end.source, end.parents)
                steps.insert(0, step)
        return steps

    def find_dominators(self, tensor: KerasTensor) -> list[KerasTensor]:
        """Return the tensors through which all paths to a tensor lead, in order, and itself.

        Raises:
            ConfigError: it does not come from the start.
        """
        if id(tensor) not in self._dominators:
            if not tensor.parents:
                raise refuse(_describe_other_input(tensor))
            lists = [self.find_dominators(parent) for parent in tensor.parents]
            common = [one for one in lists[0] if all(one in other for other in lists[1:])]
            self._dominators[id(tensor)] = [*common, tensor]
        return self._dominators[id(tensor)]

    def _find_branches(
        self, layer: MergeLayer, parents: Sequence[KerasTensor]
    ) -> tuple[KerasTensor, Branches]:
        """Return the last tensor through which all paths to the parents lead, and the branches."""
        dominators = [self.find_dominators(parent) for parent in parents]
        fork = [one for one in dominators[0] if all(one in other for other in dominators[1:])][-1]
        firsts = [id([*line, None][line.index(fork) + 1]) for line in dominators]
        groups = list(_group(parents, firsts, layer.merge))
        branches = []
        for group in groups:
            if len(group) == 1 or len(groups) == 1:
                branches += [tuple(self.find(fork, parent)) for parent in group]
            else:
                inner_fork, step = self._find_branches(MergeLayer(layer.merge), group)
                branches.append((*self.find(fork, inner_fork), step))
        return fork, Branches(layer, tuple(branches))


def _describe_other_input(tensor: KerasTensor) -> str:
    name = f"{tensor.name}, of shape {tensor.shape}"
    return f"The outputs need an input that is not in inputs: {name}."


def _group(
    tensors: Sequence[KerasTensor], keys: Sequence[int], merge: str
) -> Iterator[list[KerasTensor]]:
    """Yield the tensors in groups of one key, if the merge allows it. "concat" keeps the order."""
    pairs = list(zip(keys, tensors, strict=True))
    if merge not in GROUPS:
        yield from ([tensor] for tensor in tensors)
        return
    if merge != "concat":
        pairs.sort(key=lambda pair: keys.index(pair[0]))
    for _, group in itertools.groupby(pairs, key=lambda pair: pair[0]):
        yield [tensor for _, tensor in group]


def list_layers(end: KerasTensor, start: KerasTensor) -> list[Any]:
    """Return the layers and models between two tensors, in Keras's order: the input is first.

    As in Keras, those that an operator such as + made are not among them.
    """
    depths: dict[int, int] = {}
    tensors: dict[int, KerasTensor] = {}

    def visit(tensor: KerasTensor, depth: int) -> None:
        if depth > depths.get(id(tensor), -1):
            depths[id(tensor)] = depth
            for parent in tensor.parents if tensor is not start else ():
                visit(parent, depth + 1)
        tensors.setdefault(id(tensor), tensor)

    visit(end, 0)
    ordered = sorted(tensors, key=lambda key: -depths[key])
    first = start.source if not start.parents else KerasLayer(Input(start.shape[1:]))
    sources = [tensors[key].source for key in ordered if tensors[key] is not start]
    return [first, *(one for one in sources if not getattr(one, "is_operator", False))]
