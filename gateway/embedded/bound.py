"""Becomes another program, with less power if asked, that the kernel stops as soon as our parent is gone.

    python bound.py SIGNAL PARENT_PID UID GID COMMAND...        (UID and GID: - to stay who we are)

A script of its own, as `preexec_fn` may lock up in a process with threads; it imports nothing of Stecker, so that it
costs no time. Only Linux tells a process of its parent's end; elsewhere left-overs are taken over at the next start.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(signal: str, parent: str, uid: str, gid: str, *command: str) -> None:
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal))
        if os.getppid() != int(parent):
            sys.exit("the parent has gone")
    os.execv(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
