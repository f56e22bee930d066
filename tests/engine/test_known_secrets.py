"""A run keeps no secret of its target, whoever says it: a command, a probe, or a person."""

from collections.abc import Callable, Mapping
from threading import Event, Thread, current_thread

from aihummer_drtui.engine.known_secrets import KnownSecrets
from aihummer_drtui.run import events as e
from aihummer_drtui.run import requests as r
from aihummer_drtui.run.requests import Refused
from aihummer_drtui.run.state import Lost, RunState
from aihummer_drtui.testing import Script, ScriptedCheck
from tests.engine.conftest import MakeHouse
from tests.engine.engine_house import PHRASE, House, accepted, book, command, refused, until
from tests.engine.test_commands import SWAP, end_of, has_ended

CANARY = "c4nary-0f-th3-k3y"
TYPED: list[Callable[[str], r.Request]] = [
    lambda text: r.Attach(operator=text, host="h", front_end="f"),
    lambda text: r.GiveInput(item="brief/BACKUP_SET", value=text),
    lambda text: r.Confirm(item="brief/confirm-1", statement=text),
    lambda text: r.WriteNote(text=text),
    lambda text: r.Skip(item="work/before", reason=text),
    lambda text: r.Override(item="work/before", reason=text),
    lambda text: r.SettleOutcome(item=SWAP, done=True, reason=text),
    lambda text: r.AcceptRunbook(text="{}", reason=text),
    lambda text: r.AcceptRunbook(text=text, reason="edited"),
    lambda text: r.Abandon(reason=text),
]


def told(house: House, *secrets: str) -> None:
    """Let the target have these secrets."""
    checks = {"before": ScriptedCheck(), "after": ScriptedCheck()}
    house.world.tell(Script(checks=checks, secrets=secrets))


def in_work(house: House) -> None:
    """Come to the command."""
    session = house.sit()
    accepted(session, r.GiveInput(item="brief/BACKUP_SET", value="/backups/a"))
    accepted(session, r.Confirm(item="brief/confirm-1", statement="seen"))
    accepted(session, r.ShowStep(step="work"))
    until(session, lambda state: "work/before" in state.items)


def has_been_probed(state: RunState) -> bool:
    """The command's outcome was lost, and its probe has answered."""
    end = end_of(state)
    return isinstance(end, Lost) and end.probed is not None


def kept(house: House) -> bytes:
    """Every byte that the run has on the disk, but the script as its author wrote it."""
    files = (path for path in house.folder.path.rglob("*") if path.is_file() and path.name != "script")
    return b"".join(path.read_bytes() for path in files)


def test_k05_what_a_command_writes_is_masked_before_it_is_stored(make_house: MakeHouse) -> None:
    """The secrets are those at the moment of its start, not of the engine's."""
    half = len(CANARY) // 2
    whole = f"a={CANARY[:half]}; b={CANARY[half:]}"
    script = f"{whole}; printf %s $a; echo $b; echo -n $a$b | od -An -tx1 | tr -d ' \\n'"
    house = make_house(book(command(SWAP, script)))
    in_work(house)
    told(house, CANARY)
    (session,) = house.sessions
    accepted(session, r.StartCommand(item=SWAP))
    until(session, has_ended)
    assert house.attempt(SWAP).output.read_bytes() == b"[secret]\n[secret]"
    assert CANARY.encode() not in kept(house)


def test_k05_what_a_probe_says_is_masked_before_it_is_journalled(make_house: MakeHouse) -> None:
    """A probe is somebody's script too."""
    probe = f"a={CANARY[:5]}; echo it is ${{a}}{CANARY[5:]} | tee /dev/stderr; exit 10"
    house = make_house(book(command(SWAP, "kill -9 $PPID; kill -9 $$", probe=probe)))
    in_work(house)
    told(house, CANARY)
    (session,) = house.sessions
    accepted(session, r.StartCommand(item=SWAP))
    until(session, has_been_probed)
    (probed,) = house.of_kind(e.OutcomeProbed)
    assert isinstance(probed, e.OutcomeProbed)
    assert probed.observed == "it is [secret]\\nit is [secret]"


def test_k03_what_a_person_types_is_refused_with_a_secret_in_it(
    make_house: MakeHouse, record_property: Callable[[str, object], None]
) -> None:
    """A key that was pasted into a note, a reason or a value would stay in the journal for good."""
    house = make_house(book(command(SWAP, "true")))
    in_work(house)
    told(house, CANARY)
    before = house.folder.journal.stat().st_size
    for make in TYPED:
        for text in (CANARY, f"the key is {CANARY}!", CANARY.encode().hex(), f"\n{CANARY}"):
            client = house.connect()
            if not isinstance(make(text), r.Attach):
                client.close()
                why = refused(house.sessions[0], make(text))
            else:
                reply = client.ask(make(text))
                client.close()
                assert isinstance(reply, Refused)
                why = reply.reason
            assert "a secret of the target stands in this text" in why
            assert CANARY not in why
    assert house.folder.journal.stat().st_size == before
    record_property("injections", len(TYPED) * 4)


def test_words_of_a_gate_are_never_a_secret(make_house: MakeHouse) -> None:
    """A careless password must not keep an operator from the recovery: the gate takes what it asks for."""
    house = make_house(book(command(SWAP, "echo swapped", destructive=True)))
    in_work(house)
    told(house, PHRASE)
    (session,) = house.sessions
    accepted(session, r.StartCommand(item=SWAP, confirmation=PHRASE))
    until(session, has_ended)
    assert house.attempt(SWAP).output.read_bytes() == b"swapped\n"


def test_a_secret_that_was_known_once_stays_one(make_house: MakeHouse) -> None:
    """The file that held it is lost, or cannot be opened for want of descriptors: it is refused as before."""
    house = make_house(book(command(SWAP, "true")))
    told(house, CANARY)
    session = house.sit()
    assert "a secret of the target" in refused(session, r.WriteNote(text=f"it is {CANARY}"))
    told(house)
    assert "a secret of the target" in refused(session, r.WriteNote(text=f"it is {CANARY}"))
    accepted(session, r.WriteNote(text="it is lost"))


def test_what_several_threads_come_to_know_at_once_is_all_known() -> None:
    """A command's start reads the secrets while a request is judged: neither loses what the other found."""
    found = {"slow": frozenset({b"known-slowly"}), "fast": frozenset({b"known-at-once"})}
    begun, go_on = Event(), Event()

    def known(_: Mapping[str, str]) -> frozenset[bytes]:
        name = current_thread().name
        if name == "slow":
            begun.set()
            assert go_on.wait(20)
        return found.get(name, frozenset())

    secrets = KnownSecrets(known, dict)
    slow, fast = (Thread(target=secrets.masker, name=name) for name in ("slow", "fast"))
    slow.start()
    assert begun.wait(20)
    fast.start()
    fast.join()
    go_on.set()
    slow.join()
    assert secrets.masker().masked(b"known-slowly, known-at-once") == b"[secret], [secret]"
