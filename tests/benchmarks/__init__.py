"""Measurements side by side; run by hand with `python -m tests.benchmarks`, never by pytest."""
