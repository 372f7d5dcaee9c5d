"""Messages from the page to its session: a typed schema, and the only way in."""

from __future__ import annotations

import base64
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from glassnet.errors import DataError, message, require
from glassnet.studio_app.frames import split_frame
from glassnet.studio_app.settings import (
    DataSettings,
    Name,
    NetworkSettings,
    Seed,
    Settings,
    TrainingSettings,
    WeightChange,
    find_unknown_fields,
)

OF_LINK = "settings that this version of the studio knows"
WRONG_LINK = "The link may be incomplete, or of another version of Glassnet."

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Index = Annotated[int, Meta(ge=0, le=2**53)]


class Open(Struct, frozen=True, tag="open"):
    """The first message: settings from the link, or the name of a preset; else the start state."""

    settings: Settings | None = None
    preset: Name | None = None


class Play(Struct, frozen=True, tag="play"):
    """Train until `Pause`: a picture every `steps` steps, or none."""

    steps: Count = 1
    pictures: bool = True


class Pause(Struct, frozen=True, tag="pause"):
    """Stop after the step in progress."""


class Step(Struct, frozen=True, tag="step"):
    """Train `n` steps."""

    n: Count = 1


class Epoch(Struct, frozen=True, tag="epoch"):
    """Train to the end of the epoch."""


class Seek(Struct, frozen=True, tag="seek"):
    """Show the state after `step` steps; one step back is the position minus 1."""

    step: Index


class Reset(Struct, frozen=True, tag="reset"):
    """Go back to the start, with other weights if a seed is passed."""

    seed: Seed | None = None


class SetData(Struct, frozen=True, tag="set_data"):
    """Use other data."""

    data: DataSettings


class SetNetwork(Struct, frozen=True, tag="set_network"):
    """Build another network."""

    network: NetworkSettings


class SetTraining(Struct, frozen=True, tag="set_training"):
    """Train in another way."""

    training: TrainingSettings


class SetWeight(Struct, frozen=True, tag="set_weight"):
    """Change one number of the weights."""

    change: WeightChange


class SetView(Struct, frozen=True, tag="set_view"):
    """What the pictures show.

    Attributes:
        axes: names of the two features of the map; empty for the first two.
        row: index of the row that is looked at, in the order of `points`.
        layer: name of the layer of the selected neuron.
        unit: its index.
        whole_batch: whether the arithmetic is that of the next batch, not of the row alone.
    """

    axes: Annotated[tuple[Name, ...], Meta(max_length=2)] = ()
    row: Index | None = None
    layer: Name | None = None
    unit: Index = 0
    whole_batch: bool = False


class Walk(Struct, frozen=True, tag="walk"):
    """Send every number of the next step: forward, backward and update. Nothing is trained."""


class Landscape(Struct, frozen=True, tag="landscape"):
    """Compute the loss over two weights, with the path of the run."""

    weights: Annotated[tuple[tuple[Name, tuple[Index, ...]], ...], Meta(min_length=2, max_length=2)]


class Diagnose(Struct, frozen=True, tag="diagnose"):
    """Look for mistakes in network and data."""


class ApplyRemedy(Struct, frozen=True, tag="apply_remedy"):
    """Apply the remedy of a finding, and start again."""

    finding: Index


class VerifyRemedy(Struct, frozen=True, tag="verify_remedy"):
    """Train with and without the remedy of a finding."""

    finding: Index


class Upload(Struct, frozen=True, tag="upload"):
    """A table.

    Attributes:
        name: name of the file, of which only the suffix matters.
        target: name of the target column; None for the last.
        content: the file: the body of the frame, whatever its header says.
    """

    name: Name
    target: Name | None = None
    content: bytes = b""


class Export(Struct, frozen=True, tag="export"):
    """Send a file: the model, the report, the Python script, or the settings as a lesson."""

    kind: Name


class Acknowledge(Struct, frozen=True, tag="ack"):
    """The page has drawn this picture, or shown this position."""

    picture: Index


Message: TypeAlias = (
    Open
    | Play
    | Pause
    | Step
    | Epoch
    | Seek
    | Reset
    | SetData
    | SetNetwork
    | SetTraining
    | SetWeight
    | SetView
    | Walk
    | Landscape
    | Diagnose
    | ApplyRemedy
    | VerifyRemedy
    | Upload
    | Export
    | Acknowledge
)

_DECODER = msgspec.json.Decoder(Message)


def read_message(data: str | bytes) -> Message:
    """Return the message in a JSON text, or in a frame with a file.

    Raises:
        DataError: the text is not JSON, or not a message; the message names the field. A frame that
            is too short.
    """
    text, body = split_frame(data) if isinstance(data, bytes) else (data, b"")
    try:
        result: Message = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        problem = str(error)
        if "$.settings" in problem:
            raise DataError(message("link", OF_LINK, problem=problem, fix=WRONG_LINK)) from error
        raise DataError(message("studio", "a message of the page", problem=problem)) from error
    if isinstance(result, Open) and result.settings is not None:
        _check_link(msgspec.json.decode(text)["settings"], result.settings)
    return replace(result, content=body) if isinstance(result, Upload) else result


def read_link(link: str) -> Settings:
    """Return the settings in a link.

    Args:
        link: the address of a page, or its part after #.

    Raises:
        DataError: a text without settings, or with others than this version has.

    Example:
        >>> read_link("http://127.0.0.1:8000/#eyJzZWVkIjo1fQ").seed
        5
    """
    text = link.rpartition("#")[2]
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        settings = msgspec.json.decode(content, type=dict[str, Any])
    except (ValueError, msgspec.DecodeError) as error:
        raise DataError(message("link", OF_LINK, link=link, fix=WRONG_LINK)) from error
    received = read_message(msgspec.json.encode({"type": "open", "settings": settings}).decode())
    assert isinstance(received, Open)
    assert received.settings is not None
    return received.settings


def _check_link(values: Any, settings: Settings) -> None:
    """Refuse what another version may have meant, and changes in a wrong order.

    Raises:
        DataError: the message names the place.
    """
    for place, name, _ in find_unknown_fields(values, settings, "settings"):
        raise DataError(message("link", OF_LINK, unknown=f"{place}: {name}", fix=WRONG_LINK))
    steps = [event.step for event in settings.events]
    expected = "changes in the order of their steps"
    require(steps == sorted(steps), "link", expected, error=DataError, steps=steps[:20])
