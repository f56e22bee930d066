"""Versions are found in any wording, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihummer_drtui.recovery.gateway.version import find_version, same_version

_NUMBERS = st.integers(min_value=0, max_value=999)
_PARTS = st.from_regex(r"(?:0|[1-9][0-9]{0,3}|[a-z][0-9a-z-]{0,5})", fullmatch=True)
_VERSIONS = st.builds(
    lambda numbers, pre, build: (
        ".".join(map(str, numbers))
        + (f"-{'.'.join(pre)}" if pre else "")
        + (f"+{'.'.join(build)}" if build else "")
    ),
    st.tuples(_NUMBERS, _NUMBERS, _NUMBERS),
    st.lists(_PARTS, max_size=3),
    st.lists(_PARTS, max_size=2),
)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("aihummer 1.2.3", "1.2.3"),
        ("v1.2.3-rc.1+b5\n", "1.2.3-rc.1+b5"),
        ("Version: 1.2.3.", "1.2.3"),
        ("\x1b[1m1.2.3\x1b[0m", "1.2.3"),
        ("aihummer v1.4.0 (go1.22.3 linux/amd64)", "1.4.0"),
        ("go version 1.22.3, aihummer version 1.4.0", "1.4.0"),
        ("192.168.1.10 1.2.3", "1.2.3"),
        ("a newer version 3.1.0 is there\nAiHummer Gateway\n  release: v3.0.0-rc.2", "3.0.0-rc.2"),
        ("update available: v3.1.0\nhum: v3.0.0", "3.0.0"),
        ('{"update_available":"3.1.0","release":"3.0.0"}', "3.0.0"),
        ('{"status":"ok","version":"v0.9.1"}', "0.9.1"),
        ('{"go_version":"1.22.3","build":{"version":"2.0.0"}}', "2.0.0"),
        ('{"apiVersion":"1.0.0","version":"2.3.4"}', "2.3.4"),
        ('{"schema_version":"1.0.0","gateway":"v7.8.9"}', "7.8.9"),
        ('{"addr":"10.0.0.1","date":"2024.11.22","release":"3.1.4"}', "3.1.4"),
        ('[{"name":"aihummer"},"1.2.3"]', "1.2.3"),
        ('"1.2.3"', "1.2.3"),
    ],
)
def test_a_version_is_found(text: str, version: str) -> None:
    """Text or JSON, with or without `v`, among other programs' versions."""
    assert find_version(text) == version


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "listening on 127.0.0.1:8765",
        "built 2024.11.22",
        "built 22.11.2024",
        "01.2.3",
        "1.2",
        "[" * 9000,
    ],
)
def test_no_version_is_made_up(text: str) -> None:
    """Addresses, dates and halves are no versions; nested brackets do no harm."""
    assert find_version(text) is None


@given(
    _VERSIONS, st.sampled_from(["{}", "v{}", "aihummer {}", "AiHummer version {}\n", '{{"version": "{}"}}'])
)
def test_every_semver_survives_every_wording(version: str, wording: str) -> None:
    """Whatever the release is called, it is read as it is (a date excepted)."""
    found = find_version(wording.format(version))
    assert found == version or (found is None and _looks_like_a_date(version))


@given(_VERSIONS)
def test_build_metadata_makes_no_difference(version: str) -> None:
    """SemVer 2.0.0, 10; everything else does."""
    bare = version.partition("+")[0]
    assert same_version(version, f"v{bare}+another")
    assert not same_version(version, f"{bare}.x" if "-" in bare else f"{bare}-x")


@given(st.text(), st.text())
def test_what_is_no_version_is_never_the_same(one: str, other: str) -> None:
    """Two unreadable answers do not agree."""
    if find_version(one) is None:
        assert not same_version(one, other)


def _looks_like_a_date(version: str) -> bool:
    numbers = version.partition("-")[0].partition("+")[0].split(".")
    return any(int(number) <= 31 for number in numbers)
