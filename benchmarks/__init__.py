"""The package beside its peers, measured in one run: ``python -m benchmarks``.

``rows`` says what is measured, ``peers`` how others do the same, ``fresh`` what runs in a process of its own. Every figure is
taken in turn with the peer's, several times, and told as a ratio with its spread. Aims are printed beside the ratios; nothing
is asserted.
"""
