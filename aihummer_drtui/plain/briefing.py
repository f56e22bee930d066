"""The briefing of line mode: what a new run is, what it acts on, how long it takes, whom to call."""

from collections.abc import Iterator

from aihummer_drtui.engine.earlier import earlier_runs
from aihummer_drtui.engine.facts import Facts
from aihummer_drtui.engine.session import Session
from aihummer_drtui.errors import DrtuiError
from aihummer_drtui.foreign import cleaned_line
from aihummer_drtui.quantities import duration_text
from aihummer_drtui.run.estimates import step_line, whole_text
from aihummer_drtui.runbook.prose import plain_words


def briefing_lines(session: Session, facts: Facts) -> Iterator[str]:
    """What is to be known before the first step, a sentence a line; each comes when it was looked up."""
    runbook, declared = session.runbook, session.state.declared
    rto, rpo = duration_text(runbook.rto), duration_text(runbook.rpo)
    yield f"Objectives: back within {rto} of the incident, at most {rpo} of data lost"
    yield from _identity(facts)
    earlier = earlier_runs(session.folder, declared)
    yield f"{whole_text(runbook, earlier, declared.mode)}."
    for number, step in enumerate(runbook.steps, 1):
        yield f"  {step_line(number, step, earlier, declared.mode)}"
        if step.call:
            yield f"     Call: {plain_words(' '.join(step.call.split()))}"


def _identity(facts: Facts) -> Iterator[str]:
    try:
        identity = facts.identity()
    except DrtuiError as error:
        # On a lost host this is what one expects: there is no database yet.
        yield f"The target cannot be identified now: {error.what}"
        return
    host, database = cleaned_line(identity.host, 100), cleaned_line(identity.database, 100)
    yield f"The target answers as host {host}, database {database}:"
    yield from (f"  {cleaned_line(fact, 300)}" for fact in identity.facts)
