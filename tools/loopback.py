"""Bring up the loopback interface where a machine without any network lacks even that.

Notebook kernels talk to their client through 127.0.0.1, and the tests of downloads through a
server there. On an ordinary machine the interface is up and nothing is done. In a fresh network
namespace (``unshare -n make book``) it is down, and only root can change that; the program ``ip``
is not everywhere, so this asks Linux itself.

    python -m tools.loopback
"""

from __future__ import annotations

import socket
import struct
import sys

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # Linux: SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


def is_up() -> bool:
    """Whether a client reaches a server on 127.0.0.1 (binding alone succeeds without it)."""
    with socket.socket() as server, socket.socket() as client:
        try:
            server.bind(("127.0.0.1", 0))
            server.listen()
            client.connect(server.getsockname())
        except OSError:
            return False
    return True


def bring_up() -> None:
    """Switch the interface ``lo`` on; an OSError if this user may not, or this is not Linux."""
    if sys.platform != "linux":
        raise OSError("only Linux has network namespaces without a loopback interface")
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack_from("h", fcntl.ioctl(control, _GET_FLAGS, request), 16)
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def main() -> int:
    """Command line."""
    if is_up():
        return 0
    try:
        bring_up()
    except OSError as error:
        print(
            f"network: 127.0.0.1 does not answer and cannot be switched on ({error}): notebooks "
            "need it; as root, run: ip link set lo up",
            file=sys.stderr,
        )
        return 1
    print("network: there is none; switched on the loopback interface, which notebooks need")
    return 0


if __name__ == "__main__":
    sys.exit(main())
