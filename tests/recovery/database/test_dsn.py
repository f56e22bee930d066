"""Where a connection string leads is known exactly, and no message repeats a secret."""

import socket

import pytest

from aihummer_drtui.errors import PreconditionError
from aihummer_drtui.recovery.database.dsn import dsn_place, libpq_dsn


@pytest.mark.parametrize(
    ("dsn", "phrase"),
    [
        ("postgres://u:p@db.example:5433/hum?sslmode=require", "db.example/hum"),
        ("postgres://u:p@%2Frun%2Fpg/hum", f"{socket.gethostname()}/hum"),
        ("postgresql:///hum?host=/run/pg&pool_max_conns=5", f"{socket.gethostname()}/hum"),
        ("host=/run/pg dbname=hum user=u", f"{socket.gethostname()}/hum"),
        ("host=/run/pg hostaddr=10.1.2.3 dbname=hum", "10.1.2.3/hum"),
        ("host=/run/pg,far.example dbname=hum", "far.example/hum"),
        ("postgres://only_user@h", "h/only_user"),
    ],
)
def test_the_identity_is_where_libpq_really_goes(dsn: str, phrase: str) -> None:
    """A socket is this host; hostaddr beats host; one far host among several is named."""
    place = dsn_place(libpq_dsn(dsn, where="test"))
    assert f"{place.identity_host}/{place.database}" == phrase


def test_parameters_of_the_go_driver_are_left_out() -> None:
    """pgx takes more than libpq does; the password is kept as it was."""
    dsn = "postgres://u:p%40ss%2B@h/d?pool_min_conns=1&sslmode=disable&default_query_exec_mode=exec"
    assert libpq_dsn(dsn, where="test") == "postgres://u:p%40ss%2B@h/d?sslmode=disable"
    assert libpq_dsn("postgres://h/d?pool_max_conns=4", where="test") == "postgres://h/d"
    assert libpq_dsn("host=h pool_max_conns=4 dbname=d", where="test") == "host=h dbname=d"


@pytest.mark.parametrize("dsn", ["s3cret", "postgres://u:s3cret@h/d?nope=1"])
def test_a_bad_string_is_refused_without_its_secret(dsn: str) -> None:
    """libpq's own words repeat parts of the string; ours do not."""
    with pytest.raises(PreconditionError) as raised:
        dsn_place(libpq_dsn(dsn, where="gateway.env"))
    assert "s3cret" not in str(raised.value)
