"""Programs that are measured in a process of their own; each prints one JSON object as its last line.

This package imports nothing, for what a program imports is a part of what is measured.
"""
