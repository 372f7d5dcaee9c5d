"""Sections of a command's help: the options by the kind of data that they are for."""

from __future__ import annotations

import click

SECTIONS = {
    "Table": "Options for tables",
    "CSV": "Options for CSV files",
    "Series": "Options for time series",
    "Images": "Options for images",
}
"""Titles of the sections, by the word with which the help of an option begins."""


class SectionedCommand(click.Command):
    """A command whose help has a section for each kind of data, and one for the other options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {title: [] for title in SECTIONS.values()}
        others: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is None:
                continue
            kind, sign, text = record[1].partition(": ")
            if sign and kind in SECTIONS:
                sections[SECTIONS[kind]].append((record[0], text[:1].upper() + text[1:]))
            else:
                others.append(record)
        for title, records in [*sections.items(), ("Options", others)]:
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
