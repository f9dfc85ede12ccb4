"""Arguments and options that several verbs share."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

__all__ = [
    "MECHANISMS",
    "Delimiter",
    "Encoding",
    "FittingOptions",
    "MinConfidence",
    "Missing",
    "Model",
    "ReadingOptions",
    "SchemaFile",
    "Source",
    "bars",
    "takes_options",
]

MECHANISMS = (
    "by chance (mcar), by another column (mar), by the value itself (mnar; mnar_quantile: only large ones), "
    "by supplier blocks (block), as other rows miss (copied)"
)
"""Why cells are hidden, for a help text."""


def _as_file(context: typer.Context, source: Path) -> Path:
    """The input as a file, also if it comes through a pipe, as long as the command runs."""
    from gain_impute.files import as_file  # noqa: PLC0415 - so that --help does not wait

    return context.with_resource(as_file(source))


Source = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT", help="The table: .csv, .tsv, either with .gz, or .parquet; - is stdin.", callback=_as_file
    ),
]
Model = Annotated[
    Path | None,
    typer.Option("--model", "-m", metavar="DIR", help="A model that `fit` wrote, used instead of fitting one."),
]
SchemaFile = Annotated[
    Path | None, typer.Option("--schema", metavar="S.toml", help="What the columns are; inferred if not given.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option("--missing", metavar="TOKEN", help="A text that means 'empty', as an empty field does. Repeatable."),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        metavar="CHAR",
        help=r"What stands between fields; \t is a tab. (default: comma, tab in .tsv, another where it is plain)",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        help="How the text is encoded: utf-8, gb18030, cp1252, utf-16, ... (default: utf-8, else the likeliest)",
    ),
]
NoHeader = Annotated[
    bool,
    typer.Option("--no-header", help="The first record is no header; the columns are x0, x1, ..."),
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="What all randomness follows from. (default: 0)")]
Threads = Annotated[
    int,
    typer.Option("--threads", metavar="N", help="Threads; more than there are idle cores can be many times slower."),
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="Where networks run: auto, cpu, cuda, ...")]
Preset = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="fast or best: sooner, or better. (default: between the two)"),
]
MinConfidence = Annotated[
    list[str] | None,
    typer.Option(
        "--min-confidence",
        metavar="SHARE",
        help="Leave cells empty that are less sure, 0 to 1; COLUMN=SHARE for one column, repeatable. (default: 0)",
    ),
]
MaxTime = Annotated[float | None, typer.Option("--max-time", metavar="SECONDS", help="Seconds of training at most.")]
MaxSteps = Annotated[
    int | None,
    typer.Option("--max-steps", metavar="N", help="Training steps at most. (default: by the number of rows)"),
]


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How a table is read: the options of every verb that reads one."""

    missing: Missing = None
    encoding: Encoding = None
    delimiter: Delimiter = None
    no_header: NoHeader = False


@dataclass(frozen=True, kw_only=True)
class FittingOptions(ReadingOptions):
    """How a model is fitted: the options of every verb that can fit one."""

    schema: SchemaFile = None
    seed: Seed = None
    threads: Threads = 1
    device: Device = "auto"
    preset: Preset = None
    max_time: MaxTime = None
    max_steps: MaxSteps = None


def takes_options(verb: Callable[..., None]) -> Callable[..., None]:
    """Let the command line see each field of a verb's parameter `options` as an option of its own.

    Parameters
    ----------
    verb : callable
        With a keyword-only parameter `options`, whose type is one of the classes above.

    Returns
    -------
    callable
        Takes the fields in place of it.
    """
    signature = inspect.signature(verb, eval_str=True)
    kind: type[ReadingOptions] = signature.parameters["options"].annotation
    hints = get_type_hints(kind, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name == "options":
            parameters += [
                inspect.Parameter(field.name, parameter.kind, default=field.default, annotation=hints[field.name])
                for field in dataclasses.fields(kind)
            ]
        else:
            parameters.append(parameter)

    @functools.wraps(verb)
    def command(**given: Any) -> None:
        fields = {field.name: given.pop(field.name) for field in dataclasses.fields(kind)}
        verb(**given, options=kind(**fields))

    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what typer reads
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def character(delimiter: str | None) -> str | None:
    """The delimiter; a shell passes on a tab more easily as two characters."""
    return "\t" if delimiter == "\\t" else delimiter


def bars(min_confidence: list[str] | None) -> float | dict[str, float] | None:
    """The least confidence of all columns, or of each of some."""
    from gain_impute.errors import ConfigError  # noqa: PLC0415 - so that --help does not wait

    shares: dict[str, float] = {}
    for told in min_confidence or ():
        name, _, share = told.rpartition("=")
        try:
            shares[name] = float(share)
        except ValueError:
            must = "--min-confidence must be a share such as 0.8, or COLUMN=SHARE."
            raise ConfigError(f"{must} Got {told!r} instead.") from None
    if "" in shares and len(shares) > 1:
        must = "--min-confidence must be one share for all columns, or COLUMN=SHARE for each of some."
        raise ConfigError(f"{must} Got both. Leave out {shares['']:g}.")
    return shares.get("", shares or None)
