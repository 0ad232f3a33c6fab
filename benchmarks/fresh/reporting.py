"""The report on Old Faithful to the file named, and where its time goes; the steps are those of ``bayesgmm report``."""

import json
import sys
import time
from pathlib import Path

START = time.perf_counter()

import bayesgmm as bg  # noqa: E402
from bayesgmm import reporting  # noqa: E402

imported = time.perf_counter()
analysis = reporting.analyse(bg.load_dataset("faithful"), range(1, 6), progress=False)
analysed = time.perf_counter()
reporting.write(analysis, Path(sys.argv[1]))
written = time.perf_counter()

posteriors = [candidate.posterior for candidate in analysis.selection.candidates.values()]
phases = {
    "Gibbs": sum(float(posterior.settings["seconds"]["sample"]) for posterior in posteriors),
    "NUTS, compiling": analysis.check.seconds["compile"],
    "NUTS, sampling": analysis.check.seconds["sample"],
}
phases |= {"imports": imported - START, "writing": written - analysed}
phases["EM, starts, criteria, comparison"] = written - START - sum(phases.values())
print(json.dumps({"phases": phases}))
