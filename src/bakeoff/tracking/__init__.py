"""Tracking: what is recorded is told to a tool such as Weights & Biases, by a process beside the bake-off.

It is a function of run folders, which it only reads, so it can neither change nor fail a run; ``tracking.json`` in a
folder says how it ended. Nothing is imported here: the process beside a bake-off is to start at once.
"""
