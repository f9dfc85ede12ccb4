"""A fitted imputer to and from a folder of JSON and safetensors; loading runs nothing from it.

::

    model/
      model.json            what it is: format, parameters, schema, encoders, history
      weights.safetensors   every tensor
      SHA256SUMS            of the two, as sha256sum writes and checks it
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from gain_impute.confidence import NumberCalibration
from gain_impute.config import GAINConfig
from gain_impute.encoding.categorical import CategoricalEncoder
from gain_impute.encoding.numeric import NumericEncoder
from gain_impute.encoding.table import TableEncoder
from gain_impute.encoding.text import TextEncoder
from gain_impute.errors import FileError, GainImputeError, ModelFormatError
from gain_impute.expert_arrays import expert_tensors, experts_from, experts_to_json
from gain_impute.files import check_output_folder, hidden_beside
from gain_impute.member import Member
from gain_impute.schema import schema_from_toml, schema_to_toml
from gain_impute.state import EpochLog, TrainingState

__all__ = ["FORMAT_VERSION", "MODEL_FILES", "FittedState", "read_model", "write_model"]

FORMAT_VERSION = 17
SCALARS = ("mean", "std", "minimum", "maximum", "grid", "read_from", "read_to")  # of the encoder of a number
MODEL_FILES = DESCRIPTION, WEIGHTS, CHECKSUMS = "model.json", "weights.safetensors", "SHA256SUMS"


@dataclass
class FittedState:
    """All that `fit` learns.

    Attributes
    ----------
    configs : tuple of GAINConfig
        One of each member, with what followed from the table's size; the first is the imputer's own.
    encoder : TableEncoder
    members : tuple of Member
        Whole fits whose word is averaged; none where no column can be filled.
    calibration : NumberCalibration
    cell_types : dict of str to dict
        Of each column, the Python types of its values (`gain_impute.filled_frames.cell_types`).
    never_observed : tuple of str
        Columns without a known cell in fit.
    seed : int
        What all randomness followed from.
    with_holes : tuple of str, default=()
        Columns that had empty cells in fit: of these the user has been warned.
    history : list of EpochLog, default=empty
        What was told of all fits and partial fits.
    """

    configs: tuple[GAINConfig, ...]
    encoder: TableEncoder
    members: tuple[Member, ...]
    calibration: NumberCalibration
    cell_types: dict[str, dict[str, str]]
    never_observed: tuple[str, ...]
    seed: int
    with_holes: tuple[str, ...] = ()
    history: list[EpochLog] = field(default_factory=list)
    _named: tuple[list[tuple[Member, int]], str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.members[0].device if self.members else torch.device("cpu")

    @property
    def n_steps(self) -> int:
        """Steps that all members did, over every fit and partial fit."""
        return sum(member.training.n_steps for member in self.members)

    def unfillable(self) -> dict[str, str]:
        """Columns whose empty cells stay empty, and why."""
        why = {}
        for name, column in self.encoder.schema.items():
            if name in self.never_observed and name not in self.encoder.fillable:
                why[name] = "never observed in fit"
            elif name not in self.encoder.fillable:
                why[name] = f"{column.kind.value}{' is not filled' if column.fill else ', fill = false'}"
        return why

    def edges(self, config: GAINConfig) -> NDArray[np.float32]:
        """Knots (N, n_bins + 1), float32, of all numeric columns, as many as a member has."""
        knots, own = np.linspace(0, 1, config.n_bins + 1), np.linspace(0, 1, self.configs[0].n_bins + 1)
        columns = [np.interp(knots, own, column.edges) for column in self.encoder.numbers.values()]
        return np.array(columns, np.float32).reshape(-1, len(knots))

    def model_id(self) -> str:
        """Name the model by its content: 12 hexadecimal digits."""
        content = [(member, member.training.n_steps) for member in self.members]
        if self._named is None or self._named[0] != content:
            self._named = (content, self._digest())
        return self._named[1]

    def _digest(self) -> str:
        digest = hashlib.sha256(json.dumps(_encoders_to_json(self.encoder), sort_keys=True).encode())
        for member in self.members:
            for tensor in member.training.averaged.state_dict().values():
                digest.update(tensor.cpu().contiguous().numpy().tobytes())
            if member.experts is not None:
                digest.update(json.dumps(experts_to_json(member.experts)).encode())
                for tensor in expert_tensors(member.experts).values():
                    digest.update(tensor.numpy().tobytes())
        return digest.hexdigest()[:12]


def write_model(state: FittedState, estimator: dict[str, Any], folder: str | os.PathLike[str]) -> None:
    """Write a model folder, whole or not at all.

    Parameters
    ----------
    state : FittedState
    estimator : dict
        What the estimator needs besides; JSON values.
    folder : path
        A new folder, an empty one, or a model folder, which is replaced.

    Raises
    ------
    FileError
        If the path is a file or a folder that holds something else, or cannot be written.
    """
    check_output_folder(folder, contents=MODEL_FILES)
    target = Path(folder).resolve()  # of a link, the folder it leads to
    description = {
        "format_version": FORMAT_VERSION,
        "estimator": estimator,
        "configs": [dataclasses.asdict(config) for config in state.configs],
        "schema": schema_to_toml(state.encoder.schema),
        "encoders": _encoders_to_json(state.encoder),
        "cell_types": state.cell_types,
        "never_observed": state.never_observed,
        "with_holes": state.with_holes,
        "seed": state.seed,
        "members": [_member_to_json(member) for member in state.members],
        "history": [_log_to_json(log) for log in state.history],
    }
    files = {
        DESCRIPTION: json.dumps(description, indent=1, allow_nan=False).encode(),
        WEIGHTS: save(_tensors(state)),
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = hidden_beside(target)
        aside.mkdir()
        try:
            for name, content in {**files, CHECKSUMS: sums.encode()}.items():
                (aside / name).write_bytes(content)
            _swap(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise FileError(f"The model cannot be written to {str(folder)!r}: {error.strerror}.") from error


def read_model(folder: str | os.PathLike[str], device: torch.device) -> tuple[FittedState, dict[str, Any]]:
    """Read a model folder.

    Returns
    -------
    state : FittedState
    estimator : dict
        As given to `write_model`.

    Raises
    ------
    ModelFormatError
        If the folder is not a model, is incomplete, was changed after it was written, or is of a newer format.
    """
    source = Path(folder)
    contents = _checked_contents(source)
    try:
        description = json.loads(contents[DESCRIPTION])
        version = description["format_version"]
        if version != FORMAT_VERSION:
            raise ModelFormatError(
                f"The model in {str(source)!r} has format {version}, and this version of gain_impute reads format "
                f"{FORMAT_VERSION}. Upgrade gain_impute, or fit again."
            )
        return _state_from(description, load(contents[WEIGHTS]), device), description["estimator"]
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, OverflowError, SafetensorError) as error:
        if isinstance(error, ModelFormatError):
            raise
        detail = str(error) if isinstance(error, GainImputeError) else f"{type(error).__name__}: {error}"
        raise ModelFormatError(f"The model in {str(source)!r} is damaged ({detail}). Fit again.") from error


def _swap(aside: Path, target: Path) -> None:
    """Put the new folder in the place of the old one; if that fails, the old one is put back."""
    old = aside.with_name(f"{aside.name}-old")
    if target.exists():
        target.rename(old)
    try:
        aside.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _checked_contents(source: Path) -> dict[str, bytes]:
    """Bytes of the model's files, if they are those that were written."""
    missing = [name for name in MODEL_FILES if not os.path.isfile(source / name)]  # noqa: PTH113 - Path.is_file raises at a long name
    if not os.path.isdir(source):  # noqa: PTH112 - as above
        raise ModelFormatError(
            f"There must be a model in {str(source)!r}. There is no such folder. Fit one, or name another."
        )
    if missing:
        raise ModelFormatError(
            f"{str(source)!r} must be a model folder, and it lacks {missing}. Name another, or fit again."
        )
    contents = {name: (source / name).read_bytes() for name in (DESCRIPTION, WEIGHTS)}
    lines = (source / CHECKSUMS).read_text("utf-8", "replace").splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name, content in contents.items():
        if wanted.get(name) != hashlib.sha256(content).hexdigest():
            raise ModelFormatError(
                f"{name!r} of the model in {str(source)!r} is not what was written: the file was truncated or edited. "
                "Restore it, or fit again."
            )
    return contents


def _encoders_to_json(encoder: TableEncoder) -> dict[str, Any]:
    """Describe the encoders; the numbers' knots are among the tensors."""
    return {
        "numbers": [
            {"name": column.name, "seen": column.seen.tolist()} | {key: getattr(column, key) for key in SCALARS}
            for column in encoder.numbers.values()
        ],
        "classes": [dataclasses.asdict(column) for column in encoder.classes.values()],
        "texts": [dataclasses.asdict(column) for column in encoder.texts.values()],
        "is_exact": encoder.is_exact,
    }


def _member_to_json(member: Member) -> dict[str, Any]:
    """Describe a member; its arrays are among the tensors."""
    return {
        "n_steps": member.training.n_steps,
        "elapsed_s": member.training.elapsed_s,
        "experts": experts_to_json(member.experts) if member.experts else None,
    }


def _tensors(state: FittedState) -> dict[str, Tensor]:
    """Every tensor of the model under its name."""
    tensors = {
        "edges": torch.from_numpy(state.edges(state.configs[0])),
        **{f"calibration.{name}": torch.from_numpy(found) for name, found in state.calibration.arrays().items()},
    }
    for number, member in enumerate(state.members):
        of_member = member.training.tensors() | (expert_tensors(member.experts) if member.experts else {})
        tensors |= {f"{_prefix(number)}{name}": tensor for name, tensor in of_member.items()}
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def _state_from(description: dict[str, Any], tensors: dict[str, Tensor], device: torch.device) -> FittedState:
    """Put a fitted state together again."""
    configs, members = tuple(GAINConfig(**config) for config in description["configs"]), description["members"]
    if not configs or len(members) not in {0, len(configs)}:
        raise ValueError("members")
    encoder = _encoder_from(description, tensors["edges"])
    if not members and encoder.layout.n_cells > 0:
        raise ValueError("members")
    calibration = NumberCalibration.from_arrays(
        {name: tensor.numpy() for name, tensor in _under("calibration.", tensors).items()}, len(encoder.numbers)
    )
    cell_types = {name: dict(types) for name, types in description["cell_types"].items()}
    never_observed, with_holes = tuple(description["never_observed"]), tuple(description["with_holes"])
    seed = int(description["seed"])
    history = [_log_from(log) for log in description["history"]]
    state = FittedState(configs, encoder, (), calibration, cell_types, never_observed, seed, with_holes, history)
    state.members = tuple(
        _member_from(member, state, config, _under(_prefix(number), tensors), device)
        for number, (member, config) in enumerate(zip(members, configs, strict=False))
    )
    return state


def _member_from(
    description: dict[str, Any],
    state: FittedState,
    config: GAINConfig,
    tensors: dict[str, Tensor],
    device: torch.device,
) -> Member:
    """Put a member together again."""
    layout, n_identifiers = state.encoder.layout, len(state.encoder.identifiers)
    training = TrainingState.from_tensors(tensors, layout, state.edges(config), config, device)
    training.n_steps, training.elapsed_s = int(description["n_steps"]), float(description["elapsed_s"])
    experts = description["experts"]
    return Member(
        training, None if experts is None else experts_from(experts, layout, tensors, n_identifiers=n_identifiers)
    )


def _log_to_json(log: EpochLog) -> dict[str, Any]:
    """With null for the loss on held-out cells where there are none: JSON knows no NaN."""
    return log.as_dict() | {"validation_loss": None if math.isnan(log.validation_loss) else log.validation_loss}


def _log_from(log: dict[str, Any]) -> EpochLog:
    return EpochLog(
        **(log | {"validation_loss": math.nan if log["validation_loss"] is None else log["validation_loss"]})
    )


def _prefix(number: int) -> str:
    """What the names of a member's tensors begin with."""
    return f"member.{number}."


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin so, under what is left of these."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _scalars(column: dict[str, Any]) -> dict[str, Any]:
    return {key: float(column[key]) for key in SCALARS}


def _seen(column: dict[str, Any]) -> NDArray[np.float64]:
    seen = np.array([float(number) for number in column["seen"]], dtype=np.float64)
    if not np.isfinite(seen).all() or np.any(np.diff(seen) <= 0):
        raise ValueError("seen")
    return seen


def _encoder_from(description: dict[str, Any], edges: Tensor) -> TableEncoder:
    """Put the encoders together again; whatever is not of its type is an error here, and not when cells are filled."""
    schema, encoders = schema_from_toml(description["schema"]), description["encoders"]
    numbers = [
        NumericEncoder(name=column["name"], edges=knots.numpy(), seen=_seen(column), **_scalars(column))
        for column, knots in zip(encoders["numbers"], edges, strict=True)
    ]
    classes = [
        CategoricalEncoder(name=c["name"], vocabulary=tuple(c["vocabulary"]), n_known=int(c["n_known"]))
        for c in encoders["classes"]
    ]
    texts = [TextEncoder(name=c["name"], n_buckets=int(c["n_buckets"])) for c in encoders["texts"]]
    if not {column["name"] for kind in ("numbers", "classes", "texts") for column in encoders[kind]} <= set(schema):
        raise ValueError("encoders")
    if not all(math.isfinite(getattr(column, key)) for column in numbers for key in SCALARS):
        raise ValueError("numbers")
    if not all(isinstance(text, str) for column in classes for text in column.vocabulary):
        raise TypeError("vocabulary")
    if not isinstance(encoders["is_exact"], bool):
        raise TypeError("is_exact")
    return TableEncoder(
        schema=schema,
        numbers={column.name: column for column in numbers},
        classes={column.name: column for column in classes},
        texts={column.name: column for column in texts},
        is_exact=encoders["is_exact"],
    )
