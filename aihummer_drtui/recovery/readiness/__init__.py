"""Could we recover today? What speaks for it and against it, judged; nothing is recovered here."""
