"""What of a run's target must not be stored: masked in what commands write, refused in what people type."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from threading import Lock
from typing import Final, assert_never

from aihummer_drtui.masking import Masker, masker_of
from aihummer_drtui.run import requests as r

_HINT: Final = "leave it out: the journal is kept, and handed on with the report"


class KnownSecrets:
    """The target's secrets as far as they were ever known to this engine. Every method may read files."""

    def __init__(
        self,
        known: Callable[[Mapping[str, str]], frozenset[bytes]],
        values: Callable[[], Mapping[str, str]],
    ) -> None:
        """`known` gives the secrets by the inputs of the run; `values` those inputs, as they are now."""
        self._known = known
        self._seen: frozenset[bytes] = frozenset()
        self._growing = Lock()
        """Several threads ask at once; none may lose what another has come to know."""
        self._values = values

    def masker(self) -> Masker:
        """What masks them, and those that were known before: a file that is gone makes no secret public."""
        known = self._known(self._values())
        with self._growing:
            self._seen |= known
            seen = self._seen
        return _masker(seen)

    def refusal(self, request: r.Request) -> r.Refused | None:
        """Why a request is not journalled: a person has typed, or pasted, a secret into it."""
        typed = _typed(request)
        if typed and self.masker().finds_in(typed.encode("utf-8", "surrogatepass")):
            return r.Refused(reason="a secret of the target stands in this text", hint=_HINT)
        return None


@lru_cache(maxsize=2)
def _masker(secrets: frozenset[bytes]) -> Masker:
    """Its forms are a hundred and more, and mostly the same as the last time."""
    return masker_of(secrets)


def _typed(request: r.Request) -> str:
    """The free text in a request. The words of a gate are none: they are held against the target's name."""
    match request:
        case r.GiveInput(value=text) | r.Confirm(statement=text) | r.WriteNote(text=text):
            return text
        case r.Skip(reason=text) | r.Override(reason=text) | r.SettleOutcome(reason=text):
            return text
        case r.AnswerCheck(said=text) | r.TellOutcome(said=text) | r.AnswerProbe(said=text):
            return text
        case r.Abandon(reason=text):
            return text
        case r.AcceptRunbook(text=runbook, reason=reason):
            # Its lines that changed are journalled as the difference, and its text is kept with the run.
            return f"{runbook}\n{reason}"
        case r.Attach(operator=operator, host=host, front_end=front_end):
            return f"{operator}\n{host}\n{front_end}"
        case (
            r.ShowStep() | r.LookAgain() | r.StartCommand() | r.StopCommand() | r.ProbeOutcome() | r.Finish()
        ):
            return ""
        case _ as never:
            assert_never(never)
