"""How a report draws: figures as SVG in memory, the same bytes each time, and the words for what a picture leaves out."""

import io
import warnings
from collections.abc import Callable

import matplotlib
from matplotlib.figure import Figure

from bayesgmm import plots
from bayesgmm.numbers import count, short
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Picture

COLUMN, WIDE = 7.6, 10.6  # inches: the column of the text, and all that a page on a desk has
DOTS_PER_INCH = 200  # of what is drawn as dots: bands, traces, many points
MOST_NAMES = 20


def picture(
    name: str, paint: Callable[[Figure], object], height: float, alt: str, caption: str, width: float = COLUMN
) -> Picture:
    """A picture that ``paint`` puts on an empty figure of so many inches."""

    def draw() -> bytes:
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        return _svg(figure)

    return Picture(name, alt, caption, draw)


def left_out(analysis: Analysis, shown: tuple[int, ...]) -> str:
    """Which features a picture has no room for."""
    names = [short(name) for j, name in enumerate(analysis.observations.names) if j not in shown]
    if not names:
        return ""
    told = ", ".join(names[:MOST_NAMES]) + (", …" if len(names) > MOST_NAMES else "")
    return f" Shown are the {count(len(shown), 'feature')} that separate the components of EM most; left out: {told}."


def thinned(analysis: Analysis) -> str:
    """That not every row is drawn."""
    n, most = analysis.observations.n_observations, plots.MOST_ROWS
    return f" Of the {n:,} rows {most:,}, evenly spaced, are drawn." if n > most else ""


def _svg(figure: Figure) -> bytes:
    """The figure as SVG: text as text, and the same bytes each time."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "bayesgmm"}), warnings.catch_warnings():
        # The reader's fonts print what matplotlib's own font lacks, such as other scripts in the names of columns.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        figure.savefig(buffer, format="svg", dpi=DOTS_PER_INCH, metadata={"Date": None})
    return buffer.getvalue()
