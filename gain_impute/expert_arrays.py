"""Experts as JSON values and named arrays, and put together again from these, for a model folder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gain_impute.dependencies import Dependencies
from gain_impute.dependency import Dependency
from gain_impute.encoding.numeric import MAX_SCORE
from gain_impute.encoding.table import TableLayout
from gain_impute.experts import Experts
from gain_impute.forest import Forest
from gain_impute.line import Line
from gain_impute.neighbours import Neighbours, TextIndex, Trust
from gain_impute.ranks import Ranks
from gain_impute.support import Support
from gain_impute.text_axes import TextAxes
from gain_impute.weighing import NOT_AT_ALL, Weights

__all__ = ["expert_tensors", "experts_from", "experts_to_json"]

FOREST_ARRAYS = {"starts": np.int64, "feature": np.int32, "value": np.float32, "right": np.int32}
LINE_ARRAYS = {"coefficients": np.float32, "limits": np.float32}
DEPENDENCY_ARRAYS = {"keys": np.int64, "values": np.float64, "wrong": np.float32}
RANK_ARRAYS = ("columns", "quantiles")
INDEX_ARRAYS = {"idf": np.float32, "starts": np.int64, "rows": np.int32, "values": np.float32}


def experts_to_json(experts: Experts) -> dict[str, Any]:
    """Describe the experts; their arrays are among the tensors, and the keys of JSON are texts."""
    return {
        "n_rows": experts.n_rows,
        "class_sizes": experts.class_sizes,
        "weights": {str(cell): weight for cell, weight in experts.weights.items()},
        "trust": {str(cell): trust for cell, trust in experts.neighbours.trust.items()},
        "excess": experts.dependencies.excess,
        "dependencies": [[each.squared_error, each.cell, *each.by] for each in experts.dependencies.all],
    }


def expert_tensors(experts: Experts) -> dict[str, Tensor]:
    """Every array of the experts under its name."""
    arrays: dict[str, NDArray[Any]] = {f"experts.text.{i}": axes.table for i, axes in enumerate(experts.axes)}
    for cell, forest in experts.forests.items():
        arrays |= {f"experts.forest.{cell}.{name}": getattr(forest, name) for name in FOREST_ARRAYS}
    for cell, line in experts.lines.items():
        arrays |= {f"experts.line.{cell}.{name}": getattr(line, name) for name in LINE_ARRAYS}
    arrays |= {f"experts.marginal.{cell}": marginal for cell, marginal in experts.marginals.items()}
    for text, index in experts.neighbours.indices.items():
        arrays |= {f"experts.index.{text}.{name}": getattr(index, name) for name in INDEX_ARRAYS}
    for number, dependency in enumerate(experts.dependencies.all):
        arrays |= {f"experts.dependency.{number}.{name}": getattr(dependency, name) for name in DEPENDENCY_ARRAYS}
    if experts.support.cells:
        arrays["experts.support"] = experts.support.lacking
    arrays |= {f"experts.ranks.{name}": getattr(experts.ranks, name) for name in RANK_ARRAYS}
    if experts.neighbours.indices:
        arrays |= {f"experts.neighbours.{name}": getattr(experts.neighbours, name) for name in ("numbers", "codes")}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def experts_from(
    description: dict[str, Any], layout: TableLayout, tensors: dict[str, Tensor], *, n_identifiers: int
) -> Experts:
    """Put the experts together again; what does not fit the table is an error here, and not when cells are filled."""
    weights = {int(cell): Weights(*map(float, each)) for cell, each in description["weights"].items()}
    axes = tuple(TextAxes(tensors[f"experts.text.{i}"].numpy()) for i in range(len(layout.texts)))
    if any(len(of.table) != n_buckets for of, n_buckets in zip(axes, layout.text_buckets, strict=True)):
        raise ValueError("experts.text")
    class_sizes, n_rows = tuple(map(int, description["class_sizes"])), int(description["n_rows"])
    if len(class_sizes) != len(layout.class_sizes):
        raise ValueError("experts.class_sizes")
    neighbours = _neighbours_from(description["trust"], layout, tensors)
    lacking = tensors["experts.support"].numpy() if "experts.support" in tensors else None
    support = Support.of_sizes(layout.n_numbers, class_sizes, lacking)
    columns, quantiles = (tensors[f"experts.ranks.{name}"].numpy() for name in RANK_ARRAYS)
    dependencies = _dependencies_from(description, layout.n_numbers, class_sizes, n_identifiers, tensors)
    experts = Experts(
        axes,
        layout.text_cells,
        layout.n_numbers,
        class_sizes,
        {},
        {},
        {cell: _marginal_from(cell, layout.n_numbers, class_sizes, tensors) for cell in weights},
        weights,
        n_rows,
        neighbours,
        support,
        dependencies,
        Ranks.read(columns, quantiles, layout.n_numbers),
    )
    for cell, weight in weights.items():
        is_sound = all(0 <= each <= 1 for each in weight) and 0 < sum(weight) <= 1 + 1e-9
        if not is_sound or (weight.line > 0 and cell >= layout.n_numbers):
            raise ValueError("experts")
    for cell in sorted({*weights, *support.cells}):
        weight, is_in_doubt = weights.get(cell, NOT_AT_ALL), cell in support.cells
        if weight.trees > 0 or (is_in_doubt and f"experts.forest.{cell}.starts" in tensors):
            arrays = _arrays(f"experts.forest.{cell}", FOREST_ARRAYS, tensors)
            experts.forests[cell] = Forest(**arrays, n_features=len(experts.told_by_features))
            n_classes = layout.class_sizes[cell - layout.n_numbers] if cell >= layout.n_numbers else None
            if n_classes is not None and not experts.forests[cell].says_codes_up_to(n_classes):
                raise ValueError("experts.forest")
        if weight.line > 0 or (is_in_doubt and f"experts.line.{cell}.limits" in tensors):
            line = Line(**_arrays(f"experts.line.{cell}", LINE_ARRAYS, tensors, n_dimensions=2))
            n_outputs = 1 if cell < layout.n_numbers else class_sizes[cell - layout.n_numbers]
            if line.coefficients.shape != (len(experts.told_by_line_features), n_outputs):
                raise ValueError("experts.line")
            experts.lines[cell] = line
    return experts


def _marginal_from(
    cell: int, n_numbers: int, class_sizes: tuple[int, ...], tensors: dict[str, Tensor]
) -> NDArray[np.float32]:
    """What a column says without its row; what does not fit the table is an error here."""
    (marginal,) = _arrays("experts.marginal", {str(cell): np.float32}, tensors).values()
    sizes, (least, most) = [1] * n_numbers + list(class_sizes), (-MAX_SCORE, MAX_SCORE) if cell < n_numbers else (0, 1)
    is_of_cell = 0 <= cell < len(sizes) and len(marginal) == sizes[cell]
    if not is_of_cell or not ((marginal >= least) & (marginal <= most)).all():
        raise ValueError("experts.marginal")
    return marginal


def _dependencies_from(
    description: dict[str, Any],
    n_numbers: int,
    class_sizes: tuple[int, ...],
    n_identifiers: int,
    tensors: dict[str, Tensor],
) -> Dependencies:
    """Put the dependencies together again; what does not fit the table is an error here."""
    of_cells: dict[int, tuple[Dependency, ...]] = {}
    limits = [(-MAX_SCORE, MAX_SCORE)] * n_numbers + [(1, size) for size in class_sizes]
    n_deciding = len(limits) + n_identifiers
    for number, (squared_error, *cells) in enumerate(description["dependencies"]):
        arrays = _arrays(f"experts.dependency.{number}", DEPENDENCY_ARRAYS, tensors)
        if len(cells) not in (2, 3) or not all(0 <= by < n_deciding for by in cells) or cells[0] >= len(limits):
            raise ValueError("experts.dependency")
        cell, *by = map(int, cells)
        each = Dependency(cell, tuple(by), **arrays, squared_error=float(squared_error))
        least, most = limits[cell]
        is_sound = (
            each.keys.shape == each.values.shape == each.wrong.shape
            and (each.keys[1:] > each.keys[:-1]).all()  # a difference may be too great for 64 bits
            and ((each.values >= least) & (each.values <= most)).all()
            and (cell < n_numbers or (each.values % 1 == 0).all())
            and ((each.wrong >= 0) & (each.wrong <= 1)).all()
        )
        if not is_sound:
            raise ValueError("experts.dependency")
        of_cells[cell] = (*of_cells.get(cell, ()), each)
    one, two = map(float, description["excess"])
    if not min(one, two) >= 1:
        raise ValueError("experts.excess")
    return Dependencies(of_cells, (one, two))


def _neighbours_from(description: dict[str, Any], layout: TableLayout, tensors: dict[str, Tensor]) -> Neighbours:
    """Put the neighbours together again; what does not fit the table is an error here."""
    trust = {
        int(cell): Trust(int(text), sharpness, float(likeness))
        for cell, (text, sharpness, likeness) in description.items()
    }
    if not trust:
        return Neighbours.none()
    numbers, codes = (tensors[f"experts.neighbours.{name}"].numpy() for name in ("numbers", "codes"))
    arrays = {each.text: _arrays(f"experts.index.{each.text}", INDEX_ARRAYS, tensors) for each in trust.values()}
    indices = {text: TextIndex(**found, n_rows=len(numbers)) for text, found in arrays.items()}
    is_sound = (
        numbers.shape == (len(codes), layout.n_numbers)
        and codes.shape[1:] == (len(layout.class_sizes),)
        and len(numbers) > 0
        and numbers.dtype == np.float32
        and codes.dtype == np.int64
        and not (np.abs(numbers) > MAX_SCORE).any()
        and ((codes >= 0) & (codes <= np.array(layout.class_sizes, np.int64))).all()
        and all(0 <= cell < layout.n_cells and each.is_possible() for cell, each in trust.items())
        and all(0 <= text < len(layout.text_buckets) for text in indices)
        and all(len(index.idf) == layout.text_buckets[text] for text, index in indices.items())
    )
    if not is_sound:
        raise ValueError("experts.neighbours")
    return Neighbours(indices, numbers, codes, trust)


def _arrays(
    prefix: str, dtypes: dict[str, Any], tensors: dict[str, Tensor], *, n_dimensions: int = 1
) -> dict[str, np.ndarray]:
    """Take arrays of these dtypes from the tensors."""
    arrays = {name: tensors[f"{prefix}.{name}"].numpy() for name in dtypes}
    if any(arrays[name].dtype != dtype or arrays[name].ndim != n_dimensions for name, dtype in dtypes.items()):
        raise ValueError(prefix)
    return arrays
