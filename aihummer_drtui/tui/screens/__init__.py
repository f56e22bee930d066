"""The screens: each wires widgets to a view, and keys to acts."""
