"""PyTensor graphs run in Python, for compiling costs more than computing."""

import pytensor

# Fused, operations with several outputs take reciprocals to eight digits only.
PYTHON = pytensor.compile.Mode("py", "fast_run").excluding("BlasOpt", "fusion")
