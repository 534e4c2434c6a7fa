"""A network link between two network namespaces with a delay and with loss, in user space, as `tc netem` makes it in a kernel
that has it: packets of a TUN device in one namespace leave that of the other one later, or never. Needs root.

    python3 delayed-link.py NAMESPACE NAMESPACE DELAY_MS LOSS

DELAY_MS is each way; LOSS is the probability that a packet is lost. The addresses are 10.77.0.1 and 10.77.0.2. Prints "ready"
once packets flow, and ends with its standard input.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def open_tun(namespace, address):
    """The file of a TUN device in a namespace, which has the address."""
    with open(f"/run/netns/{namespace}") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"wire", IFF_TUN | IFF_NO_PI))
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{address}/30", "dev", "wire"],
        ["ip", "link", "set", "wire", "up", "txqueuelen", "10000"],
    ):
        subprocess.run(command, check=True)
    return tun


def write(tun, packet):
    try:
        os.write(tun, packet)
    except BlockingIOError:
        pass  # The receiver's queue is full: the packet is lost.


def forward(ends, delay, loss):
    waiting, count = [], 0
    while True:
        timeout = None if not waiting else max(0.0, waiting[0][0] - time.monotonic())
        readable, _, _ = select.select([*ends, 0], [], [], timeout)
        if 0 in readable:
            return
        for tun in readable:
            other = ends[1] if tun == ends[0] else ends[0]
            for _ in range(64):
                try:
                    packet = os.read(tun, 65536)
                except BlockingIOError:
                    break
                if loss and random.random() < loss:
                    continue
                if delay == 0:
                    write(other, packet)
                else:
                    count += 1
                    heapq.heappush(waiting, (time.monotonic() + delay, count, other, packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, other, packet = heapq.heappop(waiting)
            write(other, packet)


def main():
    first, second, delay, loss = sys.argv[1:]
    random.seed(1)
    ends = [open_tun(first, "10.77.0.1"), open_tun(second, "10.77.0.2")]
    print("ready", flush=True)
    forward(ends, float(delay) / 1000, float(loss))


main()
