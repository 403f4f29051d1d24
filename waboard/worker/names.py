"""Names of workers: by its name, whoever looks on the same machine can tell that one is dead."""

import os
import platform
import re
import secrets


def unique_name() -> str:
    """Return a name that no other process ever has: machine, process id, and a random part."""
    return f"{platform.node()}-{os.getpid()}-{secrets.token_hex(3)}"


def is_surely_dead(name: str) -> bool:
    """Whether a worker of that name ran on this machine and its process is gone."""
    named = re.fullmatch(rf"{re.escape(platform.node())}-(\d+)-[0-9a-f]{{6}}", name)
    if named is None:
        return False
    try:
        os.kill(int(named[1]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
