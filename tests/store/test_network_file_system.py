"""Whether a path lies on a disk of this machine, by the kernel's list of mounts (made up here)."""

from pathlib import Path

import pytest

from keepthread.errors import UnavailableError
from keepthread.store import ThreadStore
from keepthread.store.backends import network_file_system as room
from keepthread.store.backends.network_file_system import network_file_system

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
40 22 0:50 / /mnt/share rw,relatime shared:9 - nfs4 server:/export rw,vers=4.2
41 40 8:2 / /mnt/share/local rw - ext4 /dev/sdb1 rw
42 22 0:51 / /mnt/with\\040space rw master:1 propagate_from:2 - cifs //server/share rw
43 22 8:3 / /mnt/covered rw - nfs server:/old rw
44 22 8:3 / /mnt/covered rw - xfs /dev/sdc1 rw
45 22 8:3 / /mnt/hidden rw - xfs /dev/sdc1 rw
46 22 0:52 / /mnt/hidden rw - fuse.sshfs user@host: rw
47 22 0:53 / /mnt/c rw - 9p C: rw
48 22 0:54 / /mnt/tab\\011and\\134slash rw - nfs server:/odd rw
"""

PLACES = {
    "/x.db": None,
    "/srv/x.db": None,
    "/mnt/x.db": None,
    "/mnt/share/x.db": "nfs4",
    "/mnt/share/a/b/x.db": "nfs4",
    "/mnt/shared/x.db": None,
    "/mnt/share/local/x.db": None,
    "/mnt/with space/x.db": "cifs",
    "/mnt/covered/x.db": None,
    "/mnt/hidden/x.db": "fuse.sshfs",
    "/mnt/c/Users/x.db": "9p",
    "/mnt/tab\tand\\slash/x.db": "nfs",
    "/mnt/share/../x.db": None,
}


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    return tmp_path / "mountinfo"


@pytest.mark.parametrize("place", PLACES)
def test_the_innermost_and_latest_mount_decides(mounts: Path, place: str) -> None:
    assert network_file_system(Path(place), mounts) == PLACES[place]


def test_where_there_is_no_list_every_disk_counts_as_local(tmp_path: Path) -> None:
    assert network_file_system(Path("/mnt/share/x.db"), tmp_path / "missing") is None


@pytest.mark.parametrize("content", ["", "\n", "nonsense\n", "1 2 3 - nfs\n", "1 2 3 4 / rw\n"])
def test_a_list_that_nobody_understands_is_no_reason_to_refuse(tmp_path: Path, content: str) -> None:
    (tmp_path / "mountinfo").write_text(content)

    assert network_file_system(Path("/x.db"), tmp_path / "mountinfo") is None


async def test_a_database_on_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mountinfo").write_text(f"40 22 0:50 / {tmp_path} rw - nfs4 server:/export rw\n")
    # The default is bound when the module is read.
    monkeypatch.setattr(room.network_file_system, "__defaults__", (tmp_path / "mountinfo",))

    with pytest.raises(UnavailableError, match="nfs4"):
        await ThreadStore.create(tmp_path / "x.db")

    assert not (tmp_path / "x.db").exists()
