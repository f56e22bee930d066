"""pg_restore's errors: a short list is benign, and nothing else passes, whatever its exit code says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.database.complaints import BENIGN, Complaint, Complaints, benign

EXTENSION = (
    "pg_restore: while PROCESSING TOC:\n"
    "pg_restore: from TOC entry 3459; 0 0 COMMENT EXTENSION pgcrypto \n"
    "pg_restore: error: could not execute query: ERROR:  must be owner of extension pgcrypto\n"
    "Command was: COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';\n"
    "\n\n"
)


def heard(text: str) -> tuple[list[Complaint], Complaints]:
    """What was understood of pg_restore's words."""
    complaints = Complaints()
    found = [complaints.hear(line) for line in text.splitlines()]
    found.append(complaints.finish())
    return [each for each in found if each is not None], complaints


def test_an_error_is_read_with_its_statement_and_its_place() -> None:
    """The operator is told what failed where; the count is pg_restore's own."""
    (complaint,), said = heard(EXTENSION + "pg_restore: warning: errors ignored on restore: 1\n")
    assert complaint.command == "COMMENT ON EXTENSION pgcrypto IS 'cryptographic functions';"
    assert str(complaint).endswith("(at 3459; 0 0 COMMENT EXTENSION pgcrypto)")
    assert (said.ignored, said.warnings) == (1, [])


@pytest.mark.parametrize(
    ("words", "command", "server", "harmless"),
    [
        ('ERROR:  unrecognized parameter "transaction_timeout"', "SET transaction_timeout = 0;", 15, True),
        ("FEHLER:  unbekannter Konfigurationsparameter", "SET transaction_timeout = 0;", 16, True),
        ("ERROR:  permission denied", "SET transaction_timeout = 0;", 17, False),
        ("ERROR:  unrecognized", "SET transaction_timeout = 0; DROP TABLE t;", 15, False),
        ("ERROR:  must be owner of extension pgcrypto", "COMMENT ON EXTENSION pgcrypto IS 'x';", 17, True),
        ("ERROR:  must be owner of extension pgcrypto", "CREATE EXTENSION pgcrypto;", 17, False),
        ("ERROR:  extension does not exist", "COMMENT ON EXTENSION pgcrypto IS 'x';", 17, False),
        ('ERROR:  schema "public" already exists', "CREATE SCHEMA public;", 13, True),
        ('ERROR:  schema "hum" already exists', "CREATE SCHEMA hum;", 17, False),
        ("ERROR:  must be owner of schema public", "COMMENT ON SCHEMA public IS 'x';", 14, True),
        ("ERROR:  must be owner of schema public", "DROP SCHEMA public;", 14, False),
        ('ERROR:  must be able to SET ROLE "postgres"', "ALTER SCHEMA public OWNER TO postgres;", 17, True),
        ('ERROR:  must be able to SET ROLE "postgres"', "ALTER TABLE public.t OWNER TO postgres;", 17, False),
        ('ERROR:  role "gone" does not exist', "ALTER SCHEMA public OWNER TO gone;", 17, False),
        ("server closed the connection unexpectedly", "SET transaction_timeout = 0;", 15, False),
        ("FATAL:  terminating", "SET transaction_timeout = 0;", 15, False),
        ("could not open input file", "", 17, False),
    ],
)  # fmt: skip
def test_only_the_listed_errors_are_benign(words: str, command: str, server: int, harmless: bool) -> None:
    """By the statement and the words both; a lost connection is never harmless."""
    found = benign(Complaint(words=words, command=command), server=server)
    assert (found is not None) is harmless
    assert found is None or found.reason


def test_every_kind_says_why() -> None:
    """What is tolerated is told to a person, who may judge otherwise."""
    assert all(kind.reason for kind in BENIGN)


def test_words_of_two_jobs_that_ran_into_each_other_are_still_errors() -> None:
    """Several workers write to one descriptor, piece by piece."""
    for words, count in (
        ("pg_restore: pg_restore: error: one\n", 1),
        ("pg_restore: launching item 3\n error: could not execute query: ERROR:  x\n", 1),
        ("pg_restore: error: one\npg_restore: error: two\n", 2),
    ):
        assert len(heard(words)[0]) == count


@given(st.lists(st.sampled_from([EXTENSION, "pg_restore: finished item 3 TABLE DATA t\n", "DETAIL: x\n"])))
def test_no_error_is_lost_among_other_words(blocks: list[str]) -> None:
    """The list is complete, whatever stands between."""
    found, _ = heard("".join(blocks))
    assert len(found) == blocks.count(EXTENSION)
    assert all(benign(each, server=17) for each in found)


def test_a_flood_of_lines_and_warnings_is_bounded() -> None:
    """A statement may be of any length; the beginning of it says what it was."""
    (complaint,), said = heard("pg_restore: error: x\nCommand was: SELECT\n" + "1,\n" * 5000)
    assert complaint.command == "SELECT"
    assert len(heard("pg_restore: warning: x\n" * 5000)[1].warnings) == 100
    assert said.warnings == []


def test_other_warnings_are_kept() -> None:
    """They are for the operator to read."""
    _, said = heard("pg_restore: warning: archive is from another time\n")
    assert said.warnings == ["archive is from another time"]
