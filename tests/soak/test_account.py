"""What an account says: nothing is met that was not measured."""

from tests.soak.account import Account
from tests.soak.plan import MEGABYTE, THE_HOUR


def a_good_one() -> Account:
    """An account in which every limit is met."""
    account = Account(events=10)
    for at in range(20):
        for series in (account.engine_memory, account.front_end_memory):
            series.take(float(at), 40.0 * MEGABYTE)
        account.engine_descriptors.take(float(at), 12)
        for series in (account.key, account.timeline, account.request, account.resume, account.cold_resume):
            series.take(float(at), 0.1)
    return account


def test_a_good_account_misses_nothing() -> None:
    """And its table holds every figure."""
    account = a_good_one()
    assert account.missed(THE_HOUR, 10) == []
    table = "\n".join(account.table())
    assert "40.0 MB" in table
    assert "0.100 s" in table
    assert "10 events" in table


def test_what_was_not_measured_is_not_met() -> None:
    """An empty account misses everything, and its table can be printed all the same."""
    account = Account()
    missed = account.missed(THE_HOUR, 1)
    assert sum("nothing was taken" in line for line in missed) == 8
    assert "the journal holds 0 events, not 1" in missed
    assert len(account.table()) == 12


def test_growth_slowness_and_faults_are_named_with_their_figures() -> None:
    """Each limit that is missed has its own sentence."""
    account = a_good_one()
    account.faults.append("the screens ended by themselves")
    for at in range(20, 40):
        account.engine_memory.take(float(at), 100.0 * MEGABYTE)
        account.engine_descriptors.take(float(at), 15)
        account.resume.take(float(at), 3.0)
    assert account.missed(THE_HOUR, 10) == [
        "the screens ended by themselves",
        "engine, memory: grew by 60.0 MB",
        "engine, descriptors: grew by 3",
        "resume, engine there: 3.000 s, limit 2.000 s",
    ]
