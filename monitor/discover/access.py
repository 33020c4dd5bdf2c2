"""What the monitor's own user, whom nobody has given anything yet, needs for reading a file of a broker's."""

from __future__ import annotations

import stat
from pathlib import Path

from monitor.discover.files import Tree

_GROUPS = Path("/etc/group")
_ROOT = 0
# By ProtectHome= of the unit, whatever their modes.
_HIDDEN = (Path("/home"), Path("/root"), Path("/run/user"))
_WHERE = "(systemctl edit mqtt-tls-monitor)"


def wanting(tree: Tree, path: Path) -> str | None:
    """Return what an operator has to do first, as a sentence; None if it is nothing, or cannot be told."""
    try:
        real = tree.real(path)
        file, *directories = tree.status(path)
    except OSError:
        return None
    hidden = next((each for each in _HIDDEN if each in real.parents), None)
    if hidden is not None:
        return f"the service sees nothing of {hidden}: move the file, or set ProtectHome=read-only {_WHERE}"
    groups: set[int] = set()
    for status, others in ((file, stat.S_IROTH), *((each, stat.S_IXOTH) for each in directories)):
        if status.st_mode & others:
            continue
        if status.st_gid == _ROOT or not status.st_mode & (others << 3):
            return f"readable by its owner alone: let a group read it, and name that in SupplementaryGroups= {_WHERE}"
        groups.add(status.st_gid)
    if not groups:
        return None
    names = _names(tree)
    wanted = " ".join(sorted(names.get(str(group), str(group)) for group in groups))
    return f"not readable by all: give the monitor SupplementaryGroups={wanted} {_WHERE}"


def _names(tree: Tree) -> dict[str, str]:
    try:
        lines = tree.content(_GROUPS).decode("utf-8", "replace").splitlines()
    except ValueError:
        return {}
    fields = (line.split(":") for line in lines)
    return {each[2]: each[0] for each in fields if len(each) > 2}
