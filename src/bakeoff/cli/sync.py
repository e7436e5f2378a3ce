"""``bakeoff sync``: upload what W&B holds offline."""

from __future__ import annotations

from bakeoff.errors import ConfigError
from bakeoff.report import terminal


def sync(names: list[str]) -> int:
    """Upload to Weights & Biases what bake-offs hold offline. Returns 1 where a part could not be sent, else 0."""
    from bakeoff.tracking import upload

    if not names:
        raise ConfigError("sync: name a bake-off, e.g. bakeoff sync quickstart")
    screen = terminal.console()
    is_whole = True
    for folder in [upload.find(name) for name in names]:
        trouble = upload.complete(folder)
        uploaded = upload.upload(folder)
        for file in uploaded.now:
            screen.print(f"sent {file.parent}", soft_wrap=True)
        for line in [*trouble, *(f"not sent: {file.parent}" for file in uploaded.failed)]:
            screen.print(line, soft_wrap=True)
        if uploaded.failed:
            screen.print(uploaded.said, soft_wrap=True)
        screen.print(
            f"{folder}: {len(uploaded.now)} sent, {len(uploaded.before)} sent before, {len(uploaded.failed)} not sent."
        )
        is_whole = is_whole and not uploaded.failed and not trouble
    return 0 if is_whole else 1
