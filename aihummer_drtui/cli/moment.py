"""A moment as it is typed for an option: ISO 8601, with its zone."""

from datetime import datetime

from aihummer_drtui.errors import UsageError


def typed_moment(text: str, *, option: str, hint: str) -> datetime:
    """The moment that `text` names, in the zone that it names. Raises UsageError, with `hint`."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"`{text}` is no moment", where=option, hint=hint) from error
    if given.tzinfo is None:
        raise UsageError(f"`{text}` has no zone", where=option, hint=hint)
    return given
