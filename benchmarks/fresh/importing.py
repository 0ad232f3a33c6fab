"""Seconds to import the modules that are named, and which heavy modules are there then and after a small fit by EM."""

import importlib
import json
import sys
import time

HEAVY = ("pymc", "arviz", "nutpie", "pytensor", "matplotlib", "xarray", "sklearn")

began = time.perf_counter()
for name in sys.argv[1:]:
    importlib.import_module(name)
answer = {"seconds": time.perf_counter() - began, "loaded": [name for name in HEAVY if name in sys.modules]}
if "bayesgmm" in sys.argv:
    bg = sys.modules["bayesgmm"]
    bg.fit_em(bg.load_dataset("faithful"), 2, n_init=2)
    answer["loaded_after_em"] = [name for name in HEAVY if name in sys.modules]
print(json.dumps(answer))
