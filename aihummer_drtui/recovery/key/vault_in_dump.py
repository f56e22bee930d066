"""Whether a key opens the vault in a dump: known before anything is replaced.

The dump is compared with its seal, the vault's tables are loaded into a scratch database of their own,
opened there, and the scratch database is dropped. Neither the live database nor anything else changes.
"""

import os
from pathlib import Path
from typing import Final

import msgspec

from aihummer_drtui.recovery.backup.sealed import no_set_named
from aihummer_drtui.recovery.backup.set import BackupSet, open_set
from aihummer_drtui.recovery.backup.signature import refuse_untrusted
from aihummer_drtui.recovery.backup.verify import open_dump
from aihummer_drtui.recovery.check import Check, Scene
from aihummer_drtui.recovery.database.connection import Owner, connect, failures_named, owner_in
from aihummer_drtui.recovery.database.tools import find_tools
from aihummer_drtui.recovery.ending import ended_in_order
from aihummer_drtui.recovery.gateway.environment import MASTER_KEY, read_gateway_env
from aihummer_drtui.recovery.key.dumped_vault import DumpedVault
from aihummer_drtui.recovery.key.escrow import read_escrow
from aihummer_drtui.recovery.key.fingerprints import parse_master_key
from aihummer_drtui.recovery.key.opening import EXPECTED, Opened, judged, open_vault, unknown_layout
from aihummer_drtui.recovery.key.scratch import Deadline, refuse_without_right, scratch_database
from aihummer_drtui.recovery.reporting import Reporter
from aihummer_drtui.recovery.target import Target, VaultLayout
from aihummer_drtui.run.verdict import CheckDescription, Observation

PROOF_SECONDS: Final = 3600.0
_HASHING_SECONDS: Final = 4 * 3600.0
"""As the check dump-intact has for it."""
BY_HAND: Final = (
    "prove it by hand: compare the fingerprint with that of a set that `backup create` made at about the "
    "same time, or with what the keepers of the escrow noted"
)
_EMPTY_HINT: Final = (
    "if AiHummer had secrets stored, this dump is not the one, or [vault] of target.toml names the wrong "
    "tables; if it had none, any key will do"
)


def open_vault_in_dump(
    target: Target,
    layout: VaultLayout,
    backup: BackupSet,
    key: bytes,
    *,
    owner: Owner,
    reporter: Reporter,
    seconds: float = PROOF_SECONDS,
) -> Opened:
    """Open the vault in the set's dump with this key, as far as it opens; hashing the dump is not timed.

    Raises PreconditionError when the server cannot be reached or refuses a scratch database, or the set
    lacks its dump; FailedError when the dump is not what was sealed, has no such vault, or time is up.
    """
    refuse_untrusted(target, backup)
    tools = find_tools(target, at_least=backup.manifest.tools_major)
    # Asked before the dump is read, which may take long.
    refuse_without_right(owner, target.maintenance_database, Deadline.after(10))
    with ended_in_order():
        dump = open_dump(backup, reporter)
        try:
            deadline = Deadline.after(seconds)
            with scratch_database(owner, target.maintenance_database, backup.manifest, deadline) as scratch:
                DumpedVault(
                    owner=owner,
                    pg_restore=tools.pg_restore,
                    dump=dump,
                    database=scratch,
                    deadline=deadline,
                    reporter=reporter,
                ).load(layout)
                reporter.phase("opening the vault")
                with (
                    connect(owner, database=scratch, statement_seconds=deadline.left) as connection,
                    failures_named("the vault could not be read", owner),
                ):
                    connection.read_only = True
                    return open_vault(connection, layout, key)
        finally:
            os.close(dump)


def look_with_key(
    target: Target,
    layout: VaultLayout,
    backup: BackupSet,
    key: bytes,
    *,
    owner: Owner,
    reporter: Reporter,
) -> Observation:
    """What a key opens of the vault in the set's dump. Raises as `open_vault_in_dump` does."""
    opened = open_vault_in_dump(target, layout, backup, key, owner=owner, reporter=reporter)
    return judged(opened, empty_hint=_EMPTY_HINT)


def look_at_vault_in_dump(scene: Scene) -> Observation:
    """The same with the key in gateway.env or, before it is there, the escrow's.

    Raises PreconditionError where there is no key yet, and as `open_vault_in_dump` does.
    """
    layout = scene.target.vault
    if layout is None:
        return unknown_layout(BY_HAND)
    place = scene.values.get("BACKUP_SET", "")
    if not place:
        return no_set_named(EXPECTED)
    env, source = read_gateway_env(scene.target.gateway_env), scene.values.get("KEY_FILE", "")
    warnings: tuple[str, ...] = ()
    if env.get(MASTER_KEY) is None and source:
        env = read_escrow(source, only_files=True).completing(env)
        warnings = (f"this is the key in {source}: gateway.env has none yet",)
    key = parse_master_key(env.require(MASTER_KEY), where=str(env.path))
    backup = open_set(Path(place))
    seen = look_with_key(scene.target, layout, backup, key, owner=owner_in(env), reporter=Reporter.silent())
    return msgspec.structs.replace(seen, warnings=(*seen.warnings, *warnings))


CHECKS: Final = (
    Check(
        description=CheckDescription(
            name="vault-in-dump",
            title="Vault in the dump opens with this key",
            proves="the key opens the vault that the dump holds (tried in a scratch database, dropped again)",
            interval=0.0,
            time_out=_HASHING_SECONDS + PROOF_SECONDS,
        ),
        look=look_at_vault_in_dump,
    ),
)
