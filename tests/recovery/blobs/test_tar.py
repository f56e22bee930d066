"""Archives of real tars are read; whatever has no place in a blob folder refuses the whole."""

import gzip
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from aihummer_drtui.recovery.blobs.source import Packing, TarSource
from aihummer_drtui.recovery.blobs.tar import BadArchive, TarReader, opened


def _read(data: bytes, inside: str = "") -> dict[str, bytes]:
    reader = TarReader(io.BytesIO(data), inside=inside)
    found = {}
    for member in reader.members():
        if not member.folder:
            content = b""
            while block := reader.block(1000):
                content += block
            found[member.path] = content
    return found


def _archive(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def _kind(name: str, kind: bytes, **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in more.items():
        setattr(info, key, value)
    return info, b""


_FORMS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
_LONG = "/".join(f"{'folder' * 12}{number}" for number in range(6)) + "/file"


@pytest.mark.parametrize("form", _FORMS)
def test_each_format_is_read(form: int) -> None:
    """Names with a leading ./, long ones, letters of any alphabet; sizes at the edge of a block."""
    names = ["./a", "b/c", "b/" + "x" * 90, *(["grüße/日本", _LONG] if form != tarfile.USTAR_FORMAT else [])]
    content = [bytes([number]) * (511 + number) for number in range(len(names))]
    data = _archive(_kind("b", tarfile.DIRTYPE), *map(_file, names, content), form=form)
    assert _read(data) == {name.removeprefix("./"): each for name, each in zip(names, content, strict=True)}


def test_the_tar_of_this_host_is_read(tmp_path: Path) -> None:
    """GNU tar's own archive of a folder, and one folder out of it."""
    (tmp_path / "srv/blobs/deep").mkdir(parents=True)
    (tmp_path / "srv/blobs/deep/a").write_bytes(b"a" * 3000)
    (tmp_path / "srv/blobs2").write_bytes(b"another")
    done = subprocess.run(["tar", "-C", str(tmp_path), "-c", "."], capture_output=True, check=True)
    assert _read(done.stdout) == {"srv/blobs/deep/a": b"a" * 3000, "srv/blobs2": b"another"}
    assert _read(done.stdout, "srv/blobs") == {"deep/a": b"a" * 3000}


def _sparse() -> bytes:
    data = bytearray(_archive(_file("a"), form=tarfile.GNU_FORMAT))
    data[156:157] = b"S"
    data[148:156] = b"%06o\0 " % sum(data[:148] + b" " * 8 + data[156:512])
    return bytes(data)


def _pax(**headers: str) -> bytes:
    info = tarfile.TarInfo("a")
    info.pax_headers = headers
    return _archive((info, b"x"))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (_archive(_kind("a", tarfile.SYMTYPE, linkname="/etc/passwd")), "symbolic link"),
        (_archive(_kind("a", tarfile.LNKTYPE, linkname="b")), "hard link"),
        (_archive(_kind("a", tarfile.CHRTYPE, devmajor=1, devminor=3)), "device"),
        (_archive(_kind("a", tarfile.BLKTYPE)), "device"),
        (_archive(_kind("a", tarfile.FIFOTYPE)), "pipe"),
        (_archive(_kind("a", b"Z")), "unknown"),
        (_archive(_file("../a")), "no plain name"),
        (_archive(_file("b/../../a")), "no plain name"),
        (_archive(_file("/etc/cron.d/a")), "no plain name"),
        (_archive(_kind("../a", tarfile.DIRTYPE)), "no plain name"),
        (_archive(_file("bad\x1b[2J")), "no plain name"),
        (_archive(_file("new\nline")), "no plain name"),
        (_archive(_file("a" * 300)), "no plain name"),
        (_sparse(), "sparse"),
        (_pax(**{"GNU.sparse.realsize": "99999999999"}), "sparse"),
        (_pax(comment="x" * 2_000_000), "too large"),
        (_pax(size="-5"), "no number"),
        (_archive(_file("a", b"x" * 5000))[:3000], "was cut"),
        (_archive(_file("a"))[:1024], "was cut"),
        (b"", "was cut"),
        (b"no tar at all" * 1000, "checksum|number"),
        (_archive(_file("a")) + b"x" * 2_000_000, "after its end"),
    ],
)
def test_b02_what_has_no_place_in_a_blob_folder_refuses_the_archive(data: bytes, told: str) -> None:
    """Links, devices, ways out, sparse files, names that no list holds, endless headers, cuts."""
    with pytest.raises(BadArchive, match=told) as raised:
        _read(data)
    assert "\x1b" not in str(raised.value)


@given(some.data())
@settings(max_examples=300)
def test_b02_any_damage_is_a_bad_archive_or_harmless(data: some.DataObject) -> None:
    """Whatever byte is changed: no other exception, and every name that comes out is a plain one."""
    whole = bytearray(_archive(_file("a/b", b"x" * 600), _file("grüße" * 30, b"y")))
    for _ in range(data.draw(some.integers(1, 4))):
        whole[data.draw(some.integers(0, len(whole) - 1))] = data.draw(some.integers(0, 255))
    try:
        found = _read(bytes(whole[: data.draw(some.integers(0, len(whole)))]))
    except BadArchive:
        return
    assert not any(name.startswith("/") or ".." in name.split("/") for name in found)


def _by_zstd(data: bytes) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("zstd is not here to compress with")
    return subprocess.run(["zstd", "-q", "-c"], input=data, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    ("packing", "pack"), [(Packing.GZIP, gzip.compress), (Packing.ZSTANDARD, _by_zstd), (Packing.NONE, bytes)]
)
def test_packed_archives_are_read_to_their_checksum(
    packing: Packing, pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    """Whole they are read; cut, or with a wrong checksum behind the last file, they are refused."""
    data = pack(_archive(_file("a", bytes(range(256)) * 1000)))
    path = tmp_path / "archive"
    source = TarSource(path=path, packing=packing, inside="")
    path.write_bytes(data)
    with opened(source) as reading:
        assert [member.path for member in TarReader(reading).members()] == ["a"]
    bad = [data[: len(data) // 2], b"", b"x" * 2000]
    if packing is not Packing.NONE:
        bad.append(
            data[:-6] + b"\xff\xff" + data[-4:] if packing is Packing.GZIP else data[:-2] + b"\xff\xff"
        )
    for broken in bad:
        path.write_bytes(broken)
        with opened(source) as reading, pytest.raises(BadArchive):
            list(TarReader(reading).members())
