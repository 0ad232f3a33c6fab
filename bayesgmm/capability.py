"""What works with what, as a table made from the registries of structures, priors and engines."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bayesgmm import em
from bayesgmm.abilities import INSTEAD, Abilities
from bayesgmm.covariance import STRUCTURES
from bayesgmm.engines import ENGINES, telescoping
from bayesgmm.prior import FAMILIES, Prior
from bayesgmm.specification import Specification

WORKS, WORKS_BY_DEFAULT = "yes", "yes, with the default prior"
ROWS = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 4.0], [3.0, 1.0, 9.0], [2.0, 5.0, 1.0]])  # their ranges give the examples' scales


def _of_family(family: str) -> Callable[[str], Prior]:
    return lambda code: Prior.weakly_informative(ROWS, code, family=family)


PRIORS: dict[str, Callable[[str], Prior | None]] = {  # an example of each for a structure
    "none": lambda _: None,
    **{family: _of_family(family) for family in FAMILIES},
    "richardson_green, one feature": lambda _: Prior.richardson_green(ROWS[:, 0]),
    "any, with weights_concentration below 1": lambda code: Prior.weakly_informative(ROWS, code, weights_concentration=0.5),
}


def capabilities() -> pd.DataFrame:
    """Which engine fits which model and which data.

    Returns
    -------
    pandas.DataFrame
        One row a prior and covariance structure, and one a feature of data; one column an engine. A cell begins with
        "yes", or is the sentence that the engine's function raises.

    Examples
    --------
    >>> import bayesgmm as bg
    >>> print(bg.capabilities().loc[("data", "row weights"), "NUTS"])
    NUTS does not take row weights: fit by EM, or repeat rows that count several times.
    """
    engines = abilities()
    cells = {
        (f"prior: {name}", code): [_model(engine, name, code) for engine in engines] for name in PRIORS for code in STRUCTURES
    }
    default = Specification(2, "VVV", PRIORS["hierarchical_wishart"]("VVV"))
    for feature in INSTEAD:
        cells["data", feature] = [_cell(engine, default, frozenset({feature})) for engine in engines]
    index = pd.MultiIndex.from_tuples(cells, names=["of", "what"])
    return pd.DataFrame(list(cells.values()), index=index, columns=[engine.engine for engine in engines])


def abilities() -> list[Abilities]:
    """Of EM, of each engine that draws, and of the sampler that draws the number of components too."""
    return [em.ABILITIES, *(engine.abilities for engine in ENGINES.values()), telescoping.ABILITIES]


def _model(engine: Abilities, prior: str, code: str) -> str:
    lacking, is_bayesian = STRUCTURES[code].why_no_prior, prior != "none" or engine.default_prior
    return lacking if lacking and is_bayesian else _cell(engine, Specification(2, code, PRIORS[prior](code)))


def _cell(engine: Abilities, specification: Specification, data: frozenset[str] = frozenset()) -> str:
    by_default = specification.prior is None and engine.default_prior
    return engine.refusal(specification, data) or (WORKS_BY_DEFAULT if by_default else WORKS)
