"""A text that somebody wrote, and behind it the lines of a summary, in the room of one."""

from __future__ import annotations

from keepthread.retention import Summary

_CUT = "…"


def joined(text: str, lines: Summary) -> str:
    """Return *text* with *lines* behind it, in `lines.characters`.

    Where both do not fit, the lines get half of the room, or as much as the text leaves; the last ones stay.
    """
    if not lines.text:
        return text[: lines.characters]
    room = max(lines.characters // 2, lines.characters - len(text) - 1)
    shown = _last_lines(lines, room)
    left = lines.characters - len(shown) - 1
    return f"{text if len(text) <= left else text[: left - 1] + _CUT}\n{shown}"


def _last_lines(lines: Summary, room: int) -> str:
    if len(lines.text) <= room:
        return lines.text
    # Wide enough for any number, so that which lines stay does not depend on it.
    room -= len(_gap(10**18)) + 1
    chosen: list[str] = []
    for line in reversed(lines.text.split("\n")):
        room -= len(line) + 1
        if room < 0 or line.startswith("["):
            break
        chosen.append(line)
    return "\n".join([_gap(lines.frames - len(chosen)), *reversed(chosen)])


def _gap(frames: int) -> str:
    return f"[{frames} messages are left out here]"
