"""How the analysis was made: the call, settings, versions and the prior's numbers."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from bayesgmm.numbers import count, significant
from bayesgmm.reporting.analysis import Analysis
from bayesgmm.reporting.blocks import Block, Code, Paragraph, Table
from bayesgmm.reporting.sections.section import Section

ENGINES_OWN = {"target_accept": "target acceptance", "thin": "sweeps for each draw", "switch_labels": "labels switched at random"}
MOST_NUMBERS = 12  # of a vector or a diagonal in the table of the prior


def _blocks(analysis: Analysis) -> Iterator[Block]:
    yield Paragraph("This makes the same analysis again:")
    yield Code(analysis.command)
    yield _settings(analysis)
    yield _prior(analysis)


def _settings(analysis: Analysis) -> Table:
    """Settings, seed, times and versions."""
    posterior, settings = analysis.posterior, analysis.posterior.settings
    seed = settings["seed"]
    asked = f", of {settings['chains']} of {settings['draws']:,} asked for" if posterior.partial else ""
    seconds = [sum(c.posterior.settings["seconds"].values()) for c in analysis.selection.candidates.values()]
    seconds += [sum(analysis.check.seconds.values())] if analysis.check.seconds else []
    told: dict[str, Any] = {
        "model": f"Gaussian mixture, covariance structure {posterior.specification.covariance}",
        "engine": settings["engine"],
        "draws": f"{posterior.n_chains} chains of {posterior.n_draws:,}, after {settings['tune']:,} for tuning{asked}",
        **{title: settings[name] for name, title in ENGINES_OWN.items() if name in settings},
        "seed": seed["entropy"] if not seed["spawn_key"] else seed,
        "sampling time": f"{sum(seconds):.0f} s for {count(len(seconds), 'fit')}",
        "versions": ", ".join(f"{package} {number}" for package, number in settings["versions"].items()),
    }
    if "diverging" in posterior.tree["sample_stats"]:
        told["divergent transitions"] = posterior.n_divergences
    rows = tuple((name, str(value)) for name, value in told.items())
    return Table("", ("what", "value"), rows, title="Settings", name="settings", is_prose=True)


def _prior(analysis: Analysis) -> Table:
    """The prior's numbers."""
    parts = analysis.posterior.specification.required_prior.to_json()
    rows = tuple(
        (
            part,
            fields["kind"].replace("_", " "),
            "; ".join(f"{name} = {_nested(value)}" for name, value in fields.items() if name != "kind"),
        )
        for part, fields in parts.items()
    )
    default = "The default prior, whose scales come from the ranges of the data." if analysis.uses_default_prior else "As given."
    return Table(default, ("prior on", "kind", "numbers"), rows, title="The prior", name="prior", is_prose=True)


def _nested(value: Any) -> str:
    """Numbers to four digits; vectors and matrices in brackets, a diagonal matrix by its diagonal."""
    array = np.asarray(value)
    if array.ndim == 0:
        return significant(float(array))
    diagonal = array.ndim == 2 and not (array - np.diag(np.diag(array))).any()
    entries = np.diag(array) if diagonal else array
    more = ", …" if len(entries) > MOST_NUMBERS else ""
    return f"{'diag' if diagonal else ''}({', '.join(map(_nested, entries[:MOST_NUMBERS]))}{more})"


MAKING = Section("making", "How it was made", _blocks)
