"""What makes a run happen: journal, lock, engine process, supervisor of commands, socket."""
