"""What is typed after --from is one of the known forms, or refused before anything is started."""

from pathlib import Path

import pytest

from aihummer_drtui.errors import UsageError
from aihummer_drtui.recovery.blobs.source import (
    FolderSource,
    Packing,
    RcloneSource,
    ResticSource,
    RsyncSource,
    Source,
    TarSource,
    parse_source,
    source_text,
    without_passwords,
)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("/mnt/blobs", FolderSource(path=Path("/mnt/blobs"))),
        ("/mnt/a#b", FolderSource(path=Path("/mnt/a#b"))),
        ("/b/x.tar", TarSource(path=Path("/b/x.tar"), packing=Packing.NONE, inside="")),
        (
            "/b/x.tar.gz#srv/blobs/",
            TarSource(path=Path("/b/x.tar.gz"), packing=Packing.GZIP, inside="srv/blobs"),
        ),
        ("/b/X.TZST", TarSource(path=Path("/b/X.TZST"), packing=Packing.ZSTANDARD, inside="")),
        ("rsync:/mnt/blobs", RsyncSource(place="/mnt/blobs")),
        ("rsync:///mnt/blobs", RsyncSource(place="/mnt/blobs")),
        ("rsync:ada@host-1.example:/srv/b", RsyncSource(place="ada@host-1.example:/srv/b")),
        ("rsync:[2001:db8::1]:/srv/b", RsyncSource(place="[2001:db8::1]:/srv/b")),
        ("rsync://host:873/module/b", RsyncSource(place="rsync://host:873/module/b")),
        ("rclone:s3:bucket/blobs", RcloneSource(place="s3:bucket/blobs")),
        ("restic:/repo", ResticSource(repository="/repo", snapshot="latest", path="")),
        (
            "restic:s3:host/b#1a2b3c4d:/srv/b/",
            ResticSource(repository="s3:host/b", snapshot="1a2b3c4d", path="/srv/b"),
        ),
    ],
)
def test_known_forms(text: str, source: Source) -> None:
    """Each names what it says."""
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\nb",
        "bad\x1b[2J",
        "/b/x.tar#../out",
        "rsync:",
        "rsync:-e sh:/x",
        "rsync:--rsh=sh:/x",
        "rsync:host:relative",
        "rsync:user@-oProxyCommand=x:/x",
        "rsync://-host/x",
        "rsync://host",
        "rclone::sftp,pass=secret,host=x:/b",
        "rclone:--config=x",
        "rclone:noremote",
        "restic:",
        "restic:/repo#--help",
        "restic:/repo#latest:relative",
        "restic:/repo#latest:/a/../b",
    ],
)
def test_x05_what_could_be_an_option_or_a_secret_is_refused(text: str) -> None:
    """Nothing that begins with a dash where a name belongs reaches a program; the message is clean."""
    with pytest.raises(UsageError) as raised:
        parse_source(text)
    assert "\x1b" not in str(raised.value)


def test_a_password_in_a_repositorys_url_is_not_shown() -> None:
    """Messages and marks name the source without it."""
    source = parse_source("restic:rest:https://ada:secret@host/repo")
    assert source_text(source) == "restic:rest:https://ada:…@host/repo#latest"
    said = "Fatal: cannot open rest:https://ada:secret@host/repo: refused"
    assert "secret" not in without_passwords(said)


def test_a_name_with_a_hash_that_is_there_is_that_file(tmp_path: Path) -> None:
    """Only what is not a file's own name is taken for the folder inside."""
    (tmp_path / "a#b.tar").touch()
    source = parse_source(str(tmp_path / "a#b.tar"))
    assert source == TarSource(path=tmp_path / "a#b.tar", packing=Packing.NONE, inside="")
