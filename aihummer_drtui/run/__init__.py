"""What happened in a run: events, the state they fold to, verdicts, what is legal next. Pure."""
