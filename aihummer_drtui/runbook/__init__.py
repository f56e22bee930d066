"""What a runbook is: model, Markdown reader, lint, plain print. Pure."""
