"""What lies in the folder of a file store, as anybody can see it."""

import re
from pathlib import Path


def blobs(folder: Path) -> dict[str, bytes]:
    """Everything that is visible as a blob, by the hash that its path says."""
    files = [path for path in folder.glob("*/*/*") if re.fullmatch("[0-9a-f]{32}", path.parent.parent.name)]
    return {path.parent.name + path.name: path.read_bytes() for path in files}


def leftovers(folder: Path) -> list[Path]:
    return [*folder.glob("tmp/*"), *folder.glob("quarantine/*")]
