"""Ports for servers of other processes, which bind them some time after they were chosen."""

import itertools
import os
import socket

# Below the ports that a system gives to whoever asks for any: none of those can come between.
FIRST, COUNT = 26_000, 6_000
# Workers of one test run begin at different places, and no process chooses a port twice.
_places = itertools.count(os.getpid() * 61)


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens."""
    ports = (FIRST + place % COUNT for place in itertools.islice(_places, COUNT))
    return list(itertools.islice(filter(_is_free, ports), count))


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
