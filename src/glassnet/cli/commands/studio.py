"""`glassnet studio`: the browser studio, on a dataset, your own data or a saved model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click

from glassnet.cli import arguments
from glassnet.cli.help_sections import SectionedCommand


def _network_options(command: Any) -> Any:
    """Add the options for the network with which the page begins."""
    for option in (
        click.option(
            "--batch-size",
            metavar="N",
            type=arguments.BATCH_SIZE,
            help="Rows per step, or full.  [default: 10]",
        ),
        click.option(
            "--learning-rate",
            metavar="RATE",
            type=arguments.POSITIVE,
            help="Learning rate.  [default: 0.03; 0.001 for images]",
        ),
        click.option("--optimizer", metavar="NAME", help="Optimizer.  [default: adam]"),
        click.option(
            "--activation",
            metavar="NAME",
            help="Activation of the hidden layers.  [default: tanh; relu for images]",
        ),
        click.option(
            "--layers",
            metavar="N,N,...",
            type=arguments.Widths(),
            help="Units of the hidden layers, such as 8,4, or none.  [default: 4; 32 for images]",
        ),
    ):
        command = option(command)
    return command


def _server_options(command: Any) -> Any:
    """Add the options for the server."""
    for option in (
        click.option("--no-browser", is_flag=True, help="Print the URL, and open no browser."),
        click.option(
            "--allow-remote",
            is_flag=True,
            help="Allow a --host that other machines reach. Nothing is encrypted.",
        ),
        click.option(
            "--host",
            metavar="HOST",
            default="127.0.0.1",
            show_default=True,
            help="Address or name of this machine at which the studio answers.",
        ),
        click.option(
            "--port",
            metavar="PORT",
            type=click.IntRange(min=1, max=65535),
            help="Port of the studio.  [default: a free one]",
        ),
    ):
        command = option(command)
    return command


@click.command(
    "studio",
    cls=SectionedCommand,
    short_help="Open the studio: train and look inside, in a browser.",
)
@click.argument("name", metavar="[NAME|FILE|FOLDER|MODEL]", required=False)
@click.argument("rows", metavar="[FILE|NAME]", required=False)
@click.option("--preset", metavar="PRESET", help="Begin with a preset, such as dying_relu.")
@click.option(
    "--link",
    metavar="LINK",
    help="Begin with the state in the address of a page, or in the part of it after #.",
)
@click.option(
    "--lesson",
    "lesson_file",
    metavar="JSON",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Lesson of a lecturer: which controls the page hides, and its own presets.",
)
@click.option(
    "--features",
    metavar="COLUMN,...",
    type=arguments.ColumnNames(),
    default="",
    help="Table: columns to learn from.  [default: all]",
)
@click.option(
    "--target", metavar="COLUMN", help="Table: column to predict.  [default: the last one]"
)
@arguments.column_option
@arguments.task_option
@arguments.csv_options
@click.option(
    "--size",
    metavar="N|HxW",
    type=arguments.ImageSize(),
    help="Images: size in pixels.  [default: that of the files, at most 96]",
)
@_network_options
@arguments.seed_option
@_server_options
def command(
    name: str | None,
    rows: str | None,
    preset: str | None,
    lesson_file: Path | None,
    port: int | None,
    host: str,
    allow_remote: bool,
    no_browser: bool,
    **settings: Any,
) -> None:
    """Open the studio in the browser: a page on which a network is trained step by step, with every
    number behind every neuron. It begins with points in the form of XOR, the dataset NAME, the
    table or arrays in FILE, or the images in FOLDER. For a saved MODEL, the data come from a second
    FILE or NAME.

    The page is for this machine alone, and its URL works once. Each tab has a network of its own.
    Ctrl-C ends the studio.

    \b
    glassnet studio
    glassnet studio moons --layers 8,4
    glassnet studio titanic.csv --target survived --column pclass=category
    glassnet studio titanic.glassnet new.csv
    glassnet studio --preset dying_relu
    glassnet studio --link http://127.0.0.1:41234/#eyJzZWVkIjo1fQ
    glassnet studio --lesson lesson.json --port 8000 --no-browser
    """
    preset, link = choose_state(name, preset, settings.pop("link"))
    from glassnet.studio_app.launch import require_local, require_packages, run_studio

    require_packages("studio")
    require_local(host, allow_remote)
    from glassnet.cli.jobs.studio_start import make_start, start_link

    lesson = None
    if lesson_file:
        from glassnet.studio_app.lessons import read_lesson

        lesson = read_lesson(lesson_file)
    if preset:
        require_preset(preset, lesson)
    start = start_link(link, settings) if link else make_start(name, rows, settings)
    if lesson is not None and name is None and not link:
        start = replace(start, settings=lesson.start_preset.settings, is_playing=False)
    run_studio(
        start,
        lesson=lesson,
        fragment=f"preset={preset}" if preset else "",
        host=host,
        port=port,
        open_browser=not no_browser,
        allow_remote=allow_remote,
    )


def choose_state(
    name: str | None, preset: str | None, link: str | None
) -> tuple[str | None, str | None]:
    """Return the preset and the link with which the page begins, of which a link may be the former.

    Raises:
        click.UsageError: more than one of the three.
    """
    if link and (name or preset):
        raise click.UsageError("--link has data of its own: leave out the name or the preset.")
    if preset and name:
        raise click.UsageError("--preset has data of its own: leave out the name.")
    if link and "preset=" in link:
        return unquote(link.rpartition("preset=")[2]), None
    return preset, link


def require_preset(preset: str, lesson: Any) -> None:
    """Refuse an unknown preset.

    Raises:
        ConfigError: the message has the names of all presets.
    """
    from glassnet.errors import lookup
    from glassnet.studio_app.presets import PRESETS

    presets = lesson.all_presets if lesson else PRESETS
    lookup("preset", preset, {each.name: each for each in presets})
