"""The database: the way to it, its readiness, its restore from a dump, and the proof that it is back."""
