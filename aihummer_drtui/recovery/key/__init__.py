"""The master key: its fingerprint, its escrow, its restore, and the vault that it opens."""
