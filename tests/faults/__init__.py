"""The fault matrix: which fault is which case, and which of them a run of the tests survived."""
