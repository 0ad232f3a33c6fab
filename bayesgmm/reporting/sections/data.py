"""What the data look like."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayesgmm.numbers import count, fixed, significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block, Paragraph, Table
from bayesgmm.reporting.sections.section import Section


def _blocks(analysis: Analysis) -> Iterator[Block]:
    observations = analysis.observations
    n, d = count(observations.n_observations, "row"), count(observations.n_features, "feature")
    weighted = f" Rows are weighted; the weights sum to {fixed(observations.total_weight)}." if observations.is_weighted else ""
    yield Paragraph(f"{n} and {d}, from {analysis.source}.{weighted}")
    yield _features(analysis).at_most()


def _features(analysis: Analysis) -> Table:
    names, values = analysis.observations.names, analysis.observations.values
    quantiles = np.quantile(values, [0, 0.25, 0.5, 0.75, 1], axis=0)
    columns = ("min", "25%", "median", "75%", "max", "mean", "sd")
    numbers = np.vstack([quantiles, values.mean(axis=0), values.std(axis=0, ddof=1)]).T
    data = pd.DataFrame(numbers, index=pd.Index(names, name="feature"), columns=list(columns))
    rows = tuple((name, *map(significant, row)) for name, row in zip(names, numbers.tolist(), strict=True))
    return Table("sd: standard deviation.", ("feature", *columns), rows, title="The features", name="features", data=data)


DATA = Section("data", "The data", _blocks)
