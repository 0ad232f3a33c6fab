"""Components in the words of a reader: weights, means, scales and correlations, one row a component and quantity."""

from collections.abc import Sequence

import pandas as pd

from bayesgmm.covariance import standardised
from bayesgmm.diagnostics import describe
from bayesgmm.draws import Array, Draws

PROB = 0.9


def component_table(draws: Draws, names: Sequence[str], prob: float = PROB) -> pd.DataFrame:
    """Posterior of what a reader asks about each component.

    Scales (standard deviations) and correlations stand for covariances, which have mixed units.

    Parameters
    ----------
    draws : Draws
        Relabelled.
    names : sequence of str
        Of the features.
    prob : float
        Of the equal-tailed intervals.

    Returns
    -------
    pandas.DataFrame
        Index (quantity, component); columns of :func:`bayesgmm.diagnostics.describe`.
    """
    rows = [(quantity, k, values[..., k]) for quantity, values in _quantities(draws, names) for k in range(draws.n_components)]
    table = describe({str(i): values for i, (_, _, values) in enumerate(rows)}, prob)
    table.index = pd.MultiIndex.from_tuples([row[:2] for row in rows], names=["quantity", "component"])
    return table


def _quantities(draws: Draws, names: Sequence[str]) -> list[tuple[str, Array]]:
    """Each quantity with its draws, shape (n_chains, n_draws, n_components)."""
    scales, correlations = standardised(draws.covariances)
    found = [("weight", draws.weights)] if draws.n_components > 1 else []
    found += [(f"mean of {name}", draws.means[..., j]) for j, name in enumerate(names)]
    found += [(f"scale of {name}", scales[..., j]) for j, name in enumerate(names)]
    if not draws.structure.is_diagonal:
        found += [
            (f"correlation of {names[j]} and {name}", correlations[..., i, j]) for i, name in enumerate(names) for j in range(i)
        ]
    return found
