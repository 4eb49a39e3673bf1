"""Whether a path lies on a file system that another machine serves. Known on Linux only, from its list of mounts."""

from __future__ import annotations

import re
from pathlib import Path

_MOUNT_POINT = 4
_ESCAPED = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")

# Where POSIX locks or shared memory maps are not those of one machine. 9p also serves Windows' drives in WSL.
_NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gpfs", "beegfs", "glusterfs"),
    *("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.gcsfuse", "fuse.davfs2"),
}


def network_file_system(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the type of the network file system that *path* is on, or None if it is local or nobody knows."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    place = path.resolve()
    best, kind = -1, None
    for line in lines:
        # https://www.kernel.org/doc/html/latest/filesystems/proc.html §3.5: … mount-point options … - type source …
        fields, _, tail = line.partition(" - ")
        if fields.count(" ") < _MOUNT_POINT:
            continue
        mount_point = Path(_ESCAPED.sub(lambda octal: chr(int(octal[1], 8)), fields.split(" ")[_MOUNT_POINT]))
        # Of two mounts on one point the later one is on top.
        if place.is_relative_to(mount_point) and len(mount_point.parts) >= best:
            best, kind = len(mount_point.parts), tail.split(" ")[0]
    return kind if kind in _NETWORK else None
