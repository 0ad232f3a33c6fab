"""Make the README's picture: `uv run python docs/pictures.py`."""

from pathlib import Path

from matplotlib.figure import Figure

import bayesgmm as bg
from bayesgmm import plots


def main() -> None:
    """Fit Old Faithful and draw its two groups with their uncertainty."""
    X = bg.load_dataset("faithful")
    em = bg.fit_em(X, n_components=2)
    post = bg.relabel(bg.fit_bayes(X, n_components=2, warm_start=em))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    plots.points(left, post.observations.values, (0, 1), em.mixture.responsibilities(X))
    plots.ellipses(left, post.draws, (0, 1), em.mixture)
    left.set(xlabel="eruption (minutes)", ylabel="waiting time to the next (minutes)")
    left.set_title("Each component in 100 draws; EM dashed", fontsize="medium")
    plots.density(right, post.observations, post.draws, feature=1, em=em.mixture)
    right.set_title("Density of the waiting time with its 90% band", fontsize="medium")
    right.legend(fontsize="small", frameon=False)
    figure.savefig(Path(__file__).with_name("old_faithful.png"), dpi=160)


if __name__ == "__main__":
    main()
