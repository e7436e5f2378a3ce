"""Ranking for bakeoff: a kind of task in which the items of each list are put in order."""
