"""R's packages by way of Rscript: arrays go to and fro in files, and R takes its own time."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import UnavailableError

HERE = Path(__file__).parent

type Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a script returned.

    Attributes
    ----------
    seconds : float
        Of the work alone, by R's clock.
    arrays : dict of ndarray
    """

    seconds: float
    arrays: dict[str, Array]


def run(script: str, **inputs: Array | float) -> Answer:
    """Run ``peers/SCRIPT.R`` with named arrays and numbers.

    Raises
    ------
    UnavailableError
        If R, a package or the answer is missing.
    """
    program = shutil.which("Rscript")
    if program is None:
        raise UnavailableError("Rscript is not on the PATH")
    with tempfile.TemporaryDirectory(prefix="rscript") as name:
        folder = Path(name)
        write(folder / "in", inputs)
        (folder / "out").mkdir()
        command = [program, "--vanilla", str(HERE / f"{script}.R"), str(HERE / "exchange.R"), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            complaint = [line for line in done.stderr.splitlines() if line.strip()]
            raise UnavailableError(" ".join(complaint[-2:]) if complaint else f"Rscript ended with {done.returncode}")
        arrays = read(folder / "out")
    return Answer(float(arrays.pop("seconds")[0]), arrays)


def write(folder: Path, arrays: Mapping[str, Array | float]) -> None:
    """Each array as doubles in R's order, first index fastest, beside a line with its shape."""
    folder.mkdir()
    for name, array in arrays.items():
        values = np.atleast_1d(np.asarray(array, dtype="<f8"))
        (folder / f"{name}.shape").write_text(" ".join(map(str, values.shape)) + "\n")
        values.ravel(order="F").tofile(folder / f"{name}.bin")


def read(folder: Path) -> dict[str, Array]:
    """What :func:`write`, or its twin in R, wrote."""
    found = {}
    for path in sorted(folder.glob("*.shape")):
        shape = tuple(map(int, path.read_text().split()))
        found[path.stem] = np.fromfile(path.with_suffix(".bin"), dtype="<f8").reshape(shape, order="F")
    return found
