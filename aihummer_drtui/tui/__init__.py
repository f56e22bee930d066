"""The Textual screens: the runbook as an application of the terminal."""
