"""The door: whatever comes in is fitted or met by a sentence of the package's own, never by an error of a library's."""

import contextlib
import datetime
import linecache
import re
import traceback
import tracemalloc
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import bayesgmm as bg
from bayesgmm import selection
from bayesgmm.covariance import STRUCTURES
from bayesgmm.em import ConvergenceWarning
from bayesgmm.observations import DataWarning, Observations
from bayesgmm.prior import FAMILIES

FAITHFUL = bg.load_dataset("faithful")
MIXTURE = bg.Mixture.from_parameters([0.4, 0.6], [[0.0, 0.0], [3.0, 1.0]], [np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
PACKAGE = str(Path(bg.__file__).parent)
FUZZ = settings(derandomize=True, max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def meets(door, X):
    """What the door says of X: nothing, or the sentence of an error that the package itself raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", DataWarning)
        try:
            door(X)
        except (ValueError, TypeError) as error:
            if not is_ours(error):
                raise
            return f"{type(error).__name__}: {error}"
    return ""


def is_ours(error):
    """Whether a ``raise`` of the package made the error, and not a library that it called."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    statement = linecache.getline(place.filename, place.lineno).lstrip()
    return place.filename.startswith(PACKAGE) and statement.startswith("raise ") and "\n" not in str(error)


VALUES = np.random.default_rng(0).normal(size=(30, 2))


def put(entry, dtype=float):
    """Values with one entry in row 3 of the second column."""
    X = VALUES.astype(dtype)
    X[3, 1] = entry
    return X


def frame(**columns):
    return pd.DataFrame({"a": VALUES[:, 0], **columns})


NO_TABLES = {
    "None": (None, "TypeError: The data are of type NoneType"),
    "a path": ("faithful.csv", r"TypeError: .*'faithful.csv'.*read that first, for example by pandas.read_csv"),
    "a path object": (Path("faithful.csv"), "TypeError: .*read that first"),
    "bytes": (b"1,2", "TypeError: .*of type bytes"),
    "a dict": ({"a": [1, 2]}, "TypeError: .*of type dict.*pandas.DataFrame"),
    "a set": ({1.0, 2.0}, "TypeError: .*a set has no order"),
    "a generator": ((row for row in VALUES), r"TypeError: .*only once; give a list, for example list\(X\)"),
    "an iterator": (iter([1.0, 2.0]), "TypeError: .*only once"),
    "a function": (np.mean, "TypeError: .*give data"),
    "sparse matrix": (scipy.sparse.csr_matrix(VALUES), r"TypeError: .*csr_matrix.*X.toarray\(\)"),
    "sparse array": (scipy.sparse.coo_array(VALUES), r"TypeError: .*coo_array.*X.toarray\(\)"),
    "lazy": (polars.DataFrame(VALUES).lazy(), r"TypeError: .*LazyFrame that is not computed yet: collect\(\) it first"),
    "an object": (object(), "must hold real numbers, not object"),
    "a number": (5.0, "one or two dimensions .* got 5.0"),
    "a 0-d array": (np.array(5.0), r"one or two dimensions .* got array\(5.0?\)"),
    "three dimensions": (np.zeros((2, 2, 2)), r"one or two dimensions .* got shape \(2, 2, 2\)"),
    "empty list": ([], "The data are empty: 0 rows"),
    "no rows": (np.empty((0, 2)), "empty: 0 rows and 2 columns"),
    "no columns": (np.empty((5, 0)), "empty: 5 rows and 0 columns"),
    "frame without rows": (FAITHFUL.iloc[:0], "empty: 0 rows and 2 columns"),
    "frame without columns": (pd.DataFrame(index=range(5)), "empty: 5 rows and 0 columns"),
    "polars frame without columns": (polars.DataFrame(), "empty: 0 rows and 0 columns"),
    "ragged": ([[1, 2], [3]], r"in rows of equal length, got \[\[1, 2\], \[3\]\]"),
}
NO_NUMBERS = {
    "text": ([["a", "b"]], "real numbers, not text"),
    "numbers as text": (VALUES.astype(str), r"not text: convert it with .astype\(float\)"),
    "numbers as bytes": (VALUES.astype("S"), "not bytes"),
    "text column": (frame(species="setosa"), r"Column 'species' must hold real numbers, not text \('setosa' in row 0\)"),
    "text in an object array": (put("oops", object), r"not text \('oops' in row 3, column 1\)"),
    "polars text": (polars.DataFrame({"a": [1.0, 2.0], "s": ["u", "v"]}), r"Column 's' .* not text \('u' in row 0\)"),
    "arrow text": (pyarrow.table({"s": ["u", "v"]}), r"Column 's' .* not text"),
    "categories": (frame(c=pd.Categorical(range(30))), "Column 'c' must hold real numbers, not categories"),
    "polars categories": (polars.DataFrame({"c": polars.Series(["u", "v"], dtype=polars.Categorical)}), "Column 'c' .* not text"),
    "booleans": (VALUES > 0, r"not booleans: convert them with .astype\(int\)"),
    "boolean column": (frame(flag=VALUES[:, 1] > 0), "Column 'flag' .* not booleans"),
    "nullable booleans": (frame(flag=pd.array([True] * 30, dtype="boolean")), "Column 'flag' .* not booleans"),
    "polars booleans": (polars.DataFrame({"flag": [True, False]}), "Column 'flag' .* not booleans"),
    "complex": (VALUES + 1j, "not complex numbers"),
    "dates": (frame(when=pd.date_range("2020", periods=30)), "Column 'when' .* not dates: convert"),
    "dates with a zone": (frame(when=pd.date_range("2020", periods=30, tz="UTC")), "Column 'when' .* not dates"),
    "datetime64": (np.arange(5).astype("M8[D]"), "not dates"),
    "polars dates": (polars.DataFrame({"when": [datetime.date(2020, 1, 1)] * 2}), "Column 'when' .* not dates"),
    "time differences": (frame(t=pd.to_timedelta(np.arange(30), unit="s")), "Column 't' .* not time differences"),
    "periods": (frame(p=pd.period_range("2020", periods=30, freq="D")), "Column 'p' .* not Period"),
    "records": (np.zeros(3, dtype=[("a", float)]), "not records: make a table of them with pandas.DataFrame"),
    "lists in a column": (polars.DataFrame({"l": [[1, 2], [3]]}), r"Column 'l' .* not list \(\[1, 2\] in row 0\)"),
    "a list of dicts": ([{"a": 1}], "not dict"),
}
MISSING = r"missing values \(NaN, None, NA or masked\): "
NOT_FINITE = {
    "NaN": (put(np.nan), rf"{MISSING}1 in 'x2' \(first in row 3\). Drop or impute these rows"),
    "infinite": (put(-np.inf), r"have infinite values \(or beyond 1e308\): 1 in 'x2' \(first in row 3\)"),
    "both": ([[np.nan, np.inf], [1, 2], [np.nan, 0]], rf"{MISSING}2 in 'x1' \(first in row 0\); and infinite .*: 1 in 'x2'"),
    "None": ([[1.0, None], [2.0, 3.0]], rf"{MISSING}1 in 'x2' \(first in row 0\)"),
    "NA": ([[1.0, pd.NA], [2.0, 3.0]], rf"{MISSING}1 in 'x2'"),
    "NaT": ([[1.0, 2.0], [pd.NaT, 3.0]], rf"{MISSING}1 in 'x1' \(first in row 1\)"),
    "polars nulls": (polars.DataFrame({"a": [1, None, 3], "b": [None, None, 2.0]}), "1 in 'a' .*, 2 in 'b'"),
    "only nulls": (polars.DataFrame({"a": [None, None]}), rf"{MISSING}2 in 'a'"),
    "nullable integers": (pd.DataFrame({"a": pd.array([1, None, 3], dtype="Int64")}), rf"{MISSING}1 in 'a' \(first in row 1\)"),
    "arrow nulls": (pyarrow.table({"a": [1, None, 3]}), rf"{MISSING}1 in 'a'"),
    "masked": (np.ma.masked_greater(VALUES, 1.0), MISSING),
    "masked integers": (np.ma.masked_array([1, 2, 3], mask=[0, 1, 0]), rf"{MISSING}1 in 'x1' \(first in row 1\)"),
    "a NaN of decimal": ([[Decimal("sNaN")], [1]], rf"{MISSING}1 in 'x1'"),
    "an integer beyond doubles": (put(-(10**400), object), "infinite values"),
    "a long double beyond doubles": (put(np.longdouble("1e4000"), np.longdouble), "infinite values"),
    "beyond squares": (put(1e200), r"Numbers beyond 1e\+150 cannot be squared .* 'x2' reaches 1e\+200. Divide"),
}
NAMES = {
    "one name twice": (pd.DataFrame(VALUES, columns=["a", "a"]), "the same name: 'a'. Rename"),
    "one name as text": (pd.DataFrame(VALUES, columns=[1, "1"]), "the same name: '1'"),
}
NOT_TO_BE_FITTED = {
    "constant column": (np.c_[VALUES, np.ones(30)], r"do not vary .*: 'x3' \(30 rows\). Leave them out"),
    "equal rows": (np.ones((5, 2)), "do not vary .*: 'x1', 'x2'"),
    "one row": ([[1.0, 2.0]], r"do not vary .* \(1 rows\)"),
    "fewer rows than components": ([[1.0], [2.0]], "2 rows cannot be told apart into 3 components: use at most 2"),
    "fewer distinct rows": (np.repeat([[0.0], [1.0]], 25, axis=0), "50 rows, 2 of them distinct, .* 3 components: use at most 2"),
    "too wide": (VALUES * [1, 1e145], r"beyond double precision: 'x2' ranges over .*e\+14\d. Divide each"),
    "too narrow": (VALUES * [1, 1e-145], r"beyond double precision: 'x2' ranges over .*e-14\d. Divide each"),
}
NOT_TO_BE_READ = NO_TABLES | {f"{key}, no number": case for key, case in NO_NUMBERS.items()}
NOT_TO_BE_READ |= {f"{key}, not finite": case for key, case in NOT_FINITE.items()} | NAMES
FITS = {
    "fit_em": lambda X: bg.fit_em(X, 3),
    "fit_bayes": lambda X: bg.fit_bayes(X, 3, progress=False),
    "build_model": lambda X: bg.build_model(X, 3),
    "select_n_components": lambda X: bg.select_n_components(X, [3], progress=False),
    "report": lambda X: bg.report(X, [3], output="never.html", progress=False),
}
READS = {
    "weakly_informative": bg.Prior.weakly_informative,
    "log_density": MIXTURE.log_density,
    "responsibilities": MIXTURE.responsibilities,
    "predict": MIXTURE.predict,
}


@pytest.mark.parametrize(("X", "sentence"), NOT_TO_BE_READ.values(), ids=NOT_TO_BE_READ)
def test_what_cannot_be_read_meets_the_same_sentence_at_every_door(X, sentence):
    said = {name: meets(door, X) for name, door in (FITS | READS).items()}
    assert re.search(sentence, said["fit_em"])
    assert set(said.values()) == {said["fit_em"]}


@pytest.mark.parametrize(("X", "sentence"), NOT_TO_BE_FITTED.values(), ids=NOT_TO_BE_FITTED)
def test_what_cannot_be_fitted_meets_the_same_sentence_at_every_fit(X, sentence):
    said = {name: meets(door, X) for name, door in FITS.items()}
    assert re.search(sentence, said["fit_em"])
    assert set(said.values()) == {said["fit_em"]}


N = len(FAITHFUL)
SETTINGS = [
    ({"n_components": 0}, "ValueError: n_components must be at least 1, got 0"),
    ({"n_components": -(10**5000)}, "ValueError: n_components must be at least 1, got a value of type int"),
    ({"n_components": 10**30}, "ValueError: 272 rows cannot be told apart into 10+ components"),
    ({"n_components": 2.0}, "TypeError: n_components must be an integer .* got 2.0 of type float"),
    ({"n_components": True}, "TypeError: n_components .* got True of type bool"),
    ({"n_components": None}, "TypeError: n_components .* got None"),
    ({"n_components": "2"}, "TypeError: n_components .* got '2' of type str"),
    ({"covariance": "ful"}, "ValueError: Unknown covariance structure 'ful'; known are .*Did you mean 'full'?"),
    ({"covariance": "TIED"}, "ValueError: Unknown covariance structure .*Did you mean 'tied'?"),
    ({"covariance": None}, "ValueError: Unknown covariance structure None"),
    ({"covariance": []}, r"ValueError: Unknown covariance structure \[\]"),
    ({"covariance": 3}, "ValueError: Unknown covariance structure 3"),
    ({"covariance": "x" * 10_000}, "ValueError: Unknown covariance structure 'x{59}\\.\\.\\.;"),
    ({"prior": "flat"}, "TypeError: prior must be a bayesgmm.Prior or None, got 'flat'"),
    ({"n_init": 0}, "ValueError: n_init must be at least 1"),
    ({"n_init": 10**30}, "ValueError: n_init must be at most"),
    ({"max_iterations": np.nan}, "TypeError: max_iterations"),
    ({"tolerance": -1}, "ValueError: tolerance must be a finite number of at least 0"),
    ({"tolerance": np.nan}, "ValueError: tolerance .* got nan"),
    ({"tolerance": np.inf}, "ValueError: tolerance .* got inf"),
    ({"tolerance": 10**400}, "ValueError: tolerance"),
    ({"tolerance": True}, "TypeError: tolerance .* got True"),
    ({"tolerance": "small"}, "TypeError: tolerance .* got 'small'"),
    ({"regularization": 1e300}, r"ValueError: regularization .* at most 1e\+06"),
    ({"regularization": None}, "TypeError: regularization .* got None"),
    ({"seed": -1}, "TypeError: seed must be an integer of at least 0, .* got -1"),
    ({"seed": 1.5}, "TypeError: seed"),
    ({"seed": True}, "TypeError: seed"),
    ({"seed": "one"}, "TypeError: seed"),
    ({"sample_weight": np.ones(5)}, r"ValueError: sample_weight must have one entry a row, shape \(272,\), got \(5,\)"),
    ({"sample_weight": np.ones((N, 1))}, r"ValueError: sample_weight must have one entry a row"),
    ({"sample_weight": np.r_[1, -1, np.ones(N - 2)]}, r"ValueError: sample_weight .* 1 entries .* \(first in row 1: -1\)"),
    ({"sample_weight": np.full(N, np.nan)}, "ValueError: sample_weight must be finite"),
    ({"sample_weight": [None] * N}, "ValueError: sample_weight must be finite"),
    ({"sample_weight": ["1"] * N}, "ValueError: sample_weight must hold real numbers, not text"),
    ({"sample_weight": {"a": 1}}, "ValueError: sample_weight must hold real numbers, not dict"),
    ({"sample_weight": np.zeros(N)}, "ValueError: sample_weight is 0 for every row"),
    ({"sample_weight": np.full(N, 1e300)}, "ValueError: sample_weight sums to .*: rescale it"),
    ({"sample_weight": np.full(N, 1e-300)}, "ValueError: sample_weight sums to .*: rescale it"),
    ({"sample_weight": np.r_[np.full(9, 1e-200), np.ones(N - 9)]}, "ValueError: sample_weight has 9 entries .*: set them to 0"),
    ({"sample_weight": np.r_[1, np.full(N - 1, 1e-50)]}, "ValueError: .* hardly vary where sample_weight"),
    ({"start": "k-means"}, r"ValueError: Unknown kind of start .k-means.; known are .hc., .k-means\+\+., .random."),
    ({"start": [[0], [1, 2]]}, "ValueError: start .* rows of equal length"),
    ({"start": [0, 1]}, r"ValueError: start .* must have shape \(272,\), got \(2,\)"),
    ({"start": np.full(N, 0.5)}, "ValueError: start .* must hold integers"),
    ({"start": np.full(N, np.nan)}, "ValueError: start .* must hold integers"),
    ({"start": np.arange(N)}, "ValueError: The labels in start must use each of 0..1"),
]


@pytest.mark.parametrize(("change", "sentence"), SETTINGS, ids=[sentence[:40] for _, sentence in SETTINGS])
def test_impossible_settings_of_em_meet_a_sentence(change, sentence):
    assert re.search(sentence, meets(lambda X: bg.fit_em(X, **({"n_components": 2} | change)), FAITHFUL))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"draws": 0}, "ValueError: draws must be at least 1"),
        ({"draws": 10**30}, "ValueError: draws must be at most"),
        ({"tune": None}, "TypeError: tune"),
        ({"chains": 0}, "ValueError: chains"),
        ({"cores": 0}, "ValueError: cores must be at least 1, got 0"),
        (
            {"engine": "NUTS"},
            "ValueError: Unknown engine 'NUTS'; known are 'auto', 'gibbs', 'laplace', 'nuts'. Did you mean 'nuts'",
        ),
        ({"engine": None}, "ValueError: Unknown engine None"),
        ({"engine": np.array(["nuts", "nuts"])}, "ValueError: Unknown engine array"),
        ({"target_accept": np.nan}, "ValueError: target_accept"),
        ({"seed": -1}, "TypeError: seed"),
        ({"warm_start": "em"}, "TypeError: warm_start must be an EMResult or a Mixture, got str"),
        ({"n_components": 2.0}, "TypeError: n_components"),
    ],
)
def test_impossible_settings_of_mcmc_meet_a_sentence(change, sentence):
    assert re.search(sentence, meets(lambda X: bg.fit_bayes(X, **({"n_components": 2, "progress": False} | change)), FAITHFUL))


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        (3, r"TypeError: n_components must be several integers, such as range\(1, 6\) or \[2\], got 3"),
        ("1:6", "TypeError: n_components must be several integers"),
        (None, "TypeError: n_components must be several integers"),
        ([], "ValueError: n_components is empty"),
        ([1, 1.5], "TypeError: n_components must be an integer"),
        ([0, 1], "ValueError: n_components must be at least 1"),
        ([2, 300], "ValueError: 272 rows cannot be told apart into 300 components"),
    ],
)
def test_impossible_numbers_of_components_are_met_before_the_first_fit(numbers, sentence):
    assert re.search(sentence, meets(lambda X: bg.select_n_components(X, numbers, progress=False), FAITHFUL))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("many",), "TypeError: n must be an integer"),
        ((5, 0), "ValueError: n_components"),
        ((5, 2, 0), "ValueError: n_features"),
        ((5, 2, 2, -1), "ValueError: separation"),
        ((5, 2, 2, 1e200), r"ValueError: separation .* at most 1e\+100"),
        ((5, 2, 2, 3.0, "seed"), "TypeError: seed"),
        ((5, 2, 2, 3.0, 0, "round"), "ValueError: Unknown covariance structure 'round'"),
    ],
)
def test_impossible_simulations_meet_a_sentence(arguments, sentence):
    assert re.search(sentence, meets(lambda a: bg.simulate(*a), arguments))


def test_the_numbers_of_features_are_both_named_at_prediction():
    with pytest.raises(ValueError, match="The data have 3 features, the mixture has 2: give the columns"):
        MIXTURE.log_density(np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"The data have 1 features, the mixture has 2: one row of them is X.reshape\(1, -1\)"):
        MIXTURE.predict([0.0, 1.0])


COLLINEAR = np.c_[VALUES, VALUES.sum(axis=1), VALUES[:, 0] ** 2]


def test_collinear_columns_are_told_where_correlations_are_fitted():
    sentence = r"Columns 'x1', 'x2', 'x3' are all but linear .* correlations is \de\+1\d. Leave one of them out"
    with pytest.warns(DataWarning, match=sentence) as told:
        bg.build_model(COLLINEAR, 1)
    assert [warning.filename for warning in told] == [__file__]
    for name in ("diag", "spherical"):
        bg.build_model(COLLINEAR, 1, name)


def test_fewer_rows_than_parameters_are_told():
    with pytest.warns(DataWarning, match="30 rows for 35 free parameters: .*fewer components .now 6., .* .now VVV.") as told:
        bg.build_model(VALUES, 6)
    assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(ConvergenceWarning), pytest.warns(DataWarning, match="3 rows for 5 free parameters"):
        bg.fit_em(VALUES, 1, sample_weight=np.full(30, 0.1))


def test_several_numbers_of_components_warn_once_each(monkeypatch):
    monkeypatch.setattr(selection, "_candidate", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt), pytest.warns(DataWarning) as told:
        bg.select_n_components(VALUES, [1, 6, 7], progress=False)
    assert [str(warning.message)[:23] for warning in told] == ["30 rows for 41 free par", "30 rows for 35 free par"]


def test_checks_make_no_copy_of_the_data():
    X = np.random.default_rng(0).normal(size=(500_000, 5))
    tracemalloc.start()
    observations = Observations.from_data(X)
    bg.Specification(3).check(observations)
    bg.Specification(3).tell_doubts(observations)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.shares_memory(observations.values, X)
    assert peak < 0.1 * X.nbytes


EXTREMES = [0.0, -0.0, 1.0, -2.5, 5e-324, 1e-100, 1e100, -1e140, 1e160, 1.7e308, 2.0**63, 1e8, 1e16, 0.1]
SCALARS = st.one_of(
    st.sampled_from([*EXTREMES, 2**63, -(10**400), np.nan, np.inf, -np.inf, None, True, pd.NA, pd.NaT, 1j, "a", "1", b"x", ()]),
    st.sampled_from([Decimal("1.5"), Decimal("NaN"), Fraction(1, 3), np.float16(2), np.longdouble(3), np.timedelta64(1, "s")]),
    st.floats(),
    st.integers(),
)
REALS = st.one_of(st.sampled_from(EXTREMES), st.floats(-10, 10), st.integers(-3, 3).map(float))
LISTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=5), max_leaves=20)
TABLES = st.integers(1, 4).flatmap(lambda d: st.lists(st.lists(SCALARS, min_size=d, max_size=d), max_size=8))
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=12)
DTYPES = st.one_of(hnp.scalar_dtypes(), hnp.unicode_string_dtypes(), hnp.byte_string_dtypes(), hnp.array_dtypes())
ARRAYS = st.one_of(DTYPES.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES)), hnp.arrays(object, SHAPES, elements=SCALARS))
LABELS = st.one_of(st.integers(0, 2), st.text(max_size=2), st.none(), st.tuples(st.text(max_size=1), st.integers(0, 1)))
DTYPES_OF_PANDAS = ["Int64", "Float64", "boolean", "category", "string", "Sparse[float]", "int64[pyarrow]", "float32", "object"]


@st.composite
def pandas_tables(draw):
    n = draw(st.integers(0, 8))
    columns = []
    for _ in range(draw(st.integers(0, 4))):
        column = pd.Series(draw(st.lists(draw(st.sampled_from([SCALARS, REALS])), min_size=n, max_size=n)), dtype=object)
        with warnings.catch_warnings(), contextlib.suppress(Exception):  # not every column can be of every dtype
            warnings.simplefilter("ignore")
            column = column.astype(draw(st.sampled_from(DTYPES_OF_PANDAS)))
        columns.append(column)
    table = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(n))
    table.columns = pd.Index([draw(LABELS) for _ in columns], dtype=object, tupleize_cols=False)
    return table.iloc[:, 0] if columns and draw(st.booleans()) else table


@st.composite
def polars_tables(draw):
    n = draw(st.integers(0, 8))
    entries = [
        st.floats(),
        st.integers(-5, 5),
        st.none() | st.floats(),
        st.text(max_size=2),
        st.booleans(),
        st.dates(),
        st.none(),
    ]
    columns = {
        f"c{j}": draw(st.lists(draw(st.sampled_from(entries)), min_size=n, max_size=n)) for j in range(draw(st.integers(0, 3)))
    }
    table = polars.DataFrame(columns, strict=False)
    return table.to_arrow() if draw(st.booleans()) else table


@st.composite
def extreme_numbers(draw):
    """Finite numbers as such, at all scales and places, with rows repeated."""
    n, d = draw(st.integers(2, 14)), draw(st.integers(1, 3))
    pool = np.array(draw(st.lists(st.lists(REALS, min_size=d, max_size=d), min_size=2, max_size=n)))
    rows = draw(st.lists(st.integers(0, len(pool) - 1), min_size=n, max_size=n))
    scales = draw(st.lists(st.sampled_from([1.0, 1e-100, 1e100, 1e-138, 1e-20, 1e8]), min_size=d, max_size=d))
    shifts = draw(st.lists(st.sampled_from([0.0, 1.0, 1e8, 1e15]), min_size=d, max_size=d))
    with np.errstate(over="ignore"):
        return (pool[rows] + shifts) * scales


@FUZZ
@given(X=st.one_of(LISTS, TABLES, ARRAYS, pandas_tables(), polars_tables()), n_components=st.integers(1, 3))
def test_whatever_comes_in_is_fitted_or_met_by_a_sentence(X, n_components):
    meets(lambda X: bg.fit_em(X, n_components, n_init=1, max_iterations=5), X)
    meets(MIXTURE.log_density, X)


@FUZZ
@given(
    X=extreme_numbers(),
    n_components=st.integers(1, 3),
    code=st.sampled_from(list(STRUCTURES)),
    family=st.none() | st.sampled_from(list(FAMILIES)),
    ridge=st.sampled_from([0.0, 0.0, 1e-9, 1e6]),
    weights=st.none() | st.sampled_from([0.0, 1e-30, 0.5, 3.0]),
)
def test_extreme_numbers_are_fitted_or_met_by_a_sentence(X, n_components, code, family, ridge, weights):
    v = None if weights is None else np.r_[np.ones(len(X) - 1), weights]

    def fit(X):
        prior = bg.Prior.weakly_informative(X, code, family=family) if family else None
        em = bg.fit_em(X, n_components, code, prior, 2, max_iterations=20, regularization=ridge, sample_weight=v)
        assert np.isfinite(em.objective)
        assert np.isfinite(em.mixture.log_density(X)).all()
        assert np.isfinite(em.mixture.responsibilities(X)).all()
        str(em)

    meets(fit, X)


@FUZZ
@given(X=extreme_numbers(), scale=st.sampled_from([1e-140, 1.0, 1e140]))
def test_the_density_is_a_number_or_minus_infinity_wherever_it_is_looked_at(X, scale):
    mixture = bg.Mixture.from_parameters([0.5, 0.5], scale * MIXTURE.means, scale**2 * MIXTURE.covariances)
    X = np.resize(X, (len(X), 2))
    meets(lambda X: pytest.fail("NaN") if np.isnan(mixture.log_density(X)).any() else None, X)
    meets(lambda X: pytest.fail("NaN") if np.isnan(mixture.responsibilities(X)).any() else None, X)


@FUZZ
@given(weights=LISTS | ARRAYS, means=LISTS | ARRAYS, covariances=LISTS | ARRAYS, change=st.sets(st.integers(0, 2), min_size=1))
def test_parameters_of_any_kind_make_a_mixture_or_meet_a_sentence(weights, means, covariances, change):
    given_ = [weights, means, covariances]
    good = [MIXTURE.weights, MIXTURE.means, MIXTURE.covariances]
    arguments = [given_[i] if i in change else good[i] for i in range(3)]
    meets(lambda a: bg.Mixture.from_parameters(*a).log_density(VALUES), arguments)
    meets(lambda a: bg.Prior.hierarchical_wishart(means, weights, 2.0, 0.5, covariances), arguments)
    meets(lambda a: bg.fit_em(FAITHFUL, 2, sample_weight=weights, n_init=1, max_iterations=2), arguments)
    meets(lambda a: bg.fit_em(FAITHFUL, 2, start=means, n_init=1, max_iterations=2), arguments)
