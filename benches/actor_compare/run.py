#!/usr/bin/env python3
"""Calls of actors side by side with zproc and with cloudpickle over pyzmq: how many a second, and how many bytes each.

Usage: benches/actor_compare/run.py [--vm VM] [--python PYTHON] [--seconds N] [--folder FOLDER]
                                      [--part calls|bytes] [--one-core]

Every client and every server is a process of its own, and they talk over loopback TCP. PYTHON is one that has the peers
(`pip install 'zproc==0.9.*' cloudpickle pyzmq`); peers that it does not have are left out. FOLDER is where the durable
store is kept: its disk is what is measured. Prints a table in Markdown.
"""
import argparse
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).parent
SIZES = [10, 10_000, 1_000_000]
CLIENTS = [1, 32]


class System:
    """Something to measure: how it is served and called."""

    def __init__(self, name, serve, call, most_for_many=SIZES[-1]):
        self.name, self.serve, self.call, self.most_for_many = name, serve, call, most_for_many


def started(command):
    """A server that has said its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    if not process.stdout.readline():
        sys.exit(f"{' '.join(command)} does not start")
    return process


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Counter:
    """Passes connections on to a port and counts the bytes in both directions."""

    def __init__(self, port):
        self.to, self.bytes = port, [0, 0]
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.to))
            for source, target, direction in [(client, server, 0), (server, client, 1)]:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.move, args=(source, target, direction), daemon=True).start()

    def move(self, source, target, direction):
        try:
            while data := source.recv(1 << 16):
                self.bytes[direction] += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def clients(system, port, count, seconds):
    """First calls in milliseconds, calls, and calls a second of so many clients at once."""
    command = system.call(port, seconds)
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    said = [client.stdout.readline() for client in running]
    if not all(said):
        for client in running:
            client.kill()
        raise RuntimeError(f"a client of {system.name} did not get an answer")
    first = [float(line) for line in said]
    for client in running:
        client.stdin.write("go\n")
        client.stdin.flush()
    ended = [client.communicate()[0].split() for client in running]
    calls = sum(int(calls) for calls, _ in ended)
    return first, calls, sum(int(calls) / float(time) for calls, time in ended if float(time) > 0)


def stop(server):
    """Ends a server, and whatever it has started."""
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    server.wait()


def sizes(system):
    """Bytes to the server and back: of the first call with all that comes before it, and of every further one."""
    port = free_port()
    server = started(system.serve(port, 10))
    once, often = Counter(port), Counter(port)
    try:
        clients(system, once.port, 1, 0)
        _, calls, _ = clients(system, often.port, 1, 0.3)
    finally:
        stop(server)
    return once.bytes, [(many - one) / calls for many, one in zip(often.bytes, once.bytes)]


def shown(number):
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vm", default="target/dist/vm")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--folder", default="target")
    parser.add_argument("--part", choices=["calls", "bytes"], help="only one of the two tables")
    parser.add_argument("--one-core", action="store_true", help="servers and clients share a core, which spares waking others")
    given = parser.parse_args()
    if given.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    # Servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        def serve(*more):
            def command(port, entries):
                init = os.path.join(folder, f"init{entries}.qp")
                with open(init, "w") as file:
                    file.write(f'let state = [:]\nfor i in 0..{entries} {{ state["k${{i}}"] = i }}\nstate\n')
                for name in os.listdir(folder):
                    if name.startswith("store"):
                        os.remove(os.path.join(folder, name))
                return [given.vm, "serve", "--listen", f"127.0.0.1:{port}", "--init", init, *more]
            return command

        def call(port, seconds):
            return [given.vm, str(HERE / "client.qp"), f"127.0.0.1:{port}", str(seconds)]

        systems = [
            System("Quipu, in memory", serve(), call),
            System("Quipu, durable", serve("--data", os.path.join(folder, "store")), call),
        ]
        for peer, name, most in [("zproc", "zproc", 10_000), ("zmq", "cloudpickle", SIZES[-1])]:
            words = [given.python, str(HERE / "peers.py"), peer]
            there = subprocess.run([*words, "there"], capture_output=True, text=True)
            if there.returncode != 0:
                print(f"{name} is left out: {there.stderr.strip().splitlines()[-1]}", file=sys.stderr)
                continue
            def peer_serve(port, entries, words=words):
                return [*words, "serve", str(port), str(entries)]
            def peer_call(port, seconds, words=words):
                return [*words, "call", str(port), str(seconds)]
            systems.append(System(f"{name} {there.stdout.strip()}", peer_serve, peer_call, most))

        if given.part != "bytes":
            show_calls(systems, given.seconds)
        if given.part != "calls":
            show_bytes(systems)


def show_calls(systems, seconds):
    print("| | entries | clients | calls a second | first call, ms |\n| --- | ---: | ---: | ---: | ---: |")
    for system in systems:
        for entries in SIZES:
            for count in CLIENTS:
                if count > 1 and entries > system.most_for_many:
                    print(f"| {system.name} | {entries:,} | {count} | not tried | |")
                    continue
                port = free_port()
                server = started(system.serve(port, entries))
                try:
                    first, _, rate = clients(system, port, count, seconds)
                finally:
                    stop(server)
                print(f"| {system.name} | {entries:,} | {count} | {shown(rate)} | {shown(first[0])} |", flush=True)


def show_bytes(systems):
    print("\n| bytes | first call, to the server | back | further calls, to the server | back |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for system in systems:
        if "durable" not in system.name:
            first, further = sizes(system)
            print(f"| {system.name} | " + " | ".join(shown(n) for n in [*first, *further]) + " |", flush=True)


if __name__ == "__main__":
    main()
