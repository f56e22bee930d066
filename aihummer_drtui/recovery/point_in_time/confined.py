"""How a server beside is confined: no network, no archive, no way in but for a superuser of this host.

Said on its command line and in files of its private folder, for the data directory brings the settings
of the host it comes from, or none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from aihummer_drtui.recovery.database.server import Server

PORT: Final = 5432
"""Only a part of the socket's name: it listens on no network."""
_LIMITS: Final = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
    "track_commit_timestamp": "track_commit_timestamp",
}
"""What pg_controldata calls them, and the settings: no lower than on the primary (PostgreSQL 17, 26.4.3)."""
_FIXED: Final = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "unix_socket_group": "",
    "archive_mode": "off",
    "hot_standby": "on",
    "recovery_target_action": "promote",
    "recovery_end_command": "",
    "archive_cleanup_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    # Set on the primary, it would hold up every commit here for a standby that is not there.
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    # A subscription would fetch from another host once this is promoted, and move that one's slot on.
    "max_logical_replication_workers": "0",
    "ssl": "off",
    "autovacuum": "off",
    "fsync": "on",
    "full_page_writes": "on",
    "external_pid_file": "",
    "logging_collector": "off",
    "log_destination": "stderr",
    "lc_messages": "C",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "restart_after_crash": "off",
    "shared_buffers": "256MB",
    "huge_pages": "try",
    "max_wal_size": "1GB",
    "wal_keep_size": "0",
    # Containers often have a /dev/shm of 64 MB.
    "dynamic_shared_memory_type": "mmap",
    "cluster_name": "aihummer-drtui-recovering",
}
"""Said on the command line: ALTER SYSTEM on the primary came along in postgresql.auto.conf."""


def standby_limits(told: str) -> dict[str, str]:
    """The settings that a recovery needs at least as high as the primary had them, as pg_controldata tells.

    Of an older version that does not tell one, it is left out.
    """
    found = {}
    for line in told.splitlines():
        name, _, value = line.partition(" setting:")
        if setting := _LIMITS.get(name):
            found[setting] = value.strip()
    return found


def confining_settings(sockets: Path, limits: Mapping[str, str]) -> dict[str, str]:
    """All settings of a server whose private folder is `sockets`; `limits` as `standby_limits` gives them."""
    return {
        **_FIXED,
        **limits,
        "config_file": str(sockets / "postgresql.conf"),
        "hba_file": str(sockets / "pg_hba.conf"),
        "ident_file": str(sockets / "pg_ident.conf"),
        "unix_socket_directories": str(sockets),
    }


def superusers_of(live: Server) -> tuple[str, ...]:
    """Names that the recovered cluster's superuser may have: it alone knows which."""
    from psycopg.conninfo import conninfo_to_dict

    configured = conninfo_to_dict(live.target.postgres.admin).get("user", "")
    names = [str(configured), live.account.name, "postgres"]
    return tuple(dict.fromkeys(name for name in names if name))


def write_access(live: Server, sockets: Path, superusers: Sequence[str]) -> None:
    """Write who may come in: root and the server's own account, by what the kernel says of them (peer).

    Raises OSError.
    """
    accounts = dict.fromkeys(["root", live.account.name])
    rules = [f'local all "{name}" peer map=drtui' for name in superusers]
    names = [f'drtui "{account}" "{name}"' for account in accounts for name in superusers]
    for name, lines in (
        ("postgresql.conf", []),
        ("pg_hba.conf", rules),
        ("pg_ident.conf", names),
        ("log", []),
    ):
        path = sockets / name
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        path.chmod(0o600)
        live.account.own(path)
