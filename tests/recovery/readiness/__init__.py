"""Readiness, by tables."""
