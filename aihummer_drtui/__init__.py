"""An interactive terminal runbook for AiHummer's disaster recovery."""

__version__ = "0.1.0"
