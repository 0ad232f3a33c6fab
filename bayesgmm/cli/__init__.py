"""The command line: ``bayesgmm report``, ``fit``, ``select``, ``models``, ``compare`` and ``doctor``.

One file a command; beside them what they share: :mod:`~bayesgmm.cli.options`, :mod:`~bayesgmm.cli.reading` (tables in),
:mod:`~bayesgmm.cli.output` (sentences and tables out) and :mod:`~bayesgmm.cli.documents` (the same for programs, as JSON).
Whatever is computed is computed elsewhere. PyMC and ArviZ take seconds to load, so they are loaded when a command runs and not
for ``--help``.
"""

from bayesgmm.cli.application import app, main

__all__ = ["app", "main"]
