"""Recovery to a moment: a physical base backup, rolled forward by archived WAL."""
