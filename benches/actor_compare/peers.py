#!/usr/bin/env python3
"""The peers of the comparison, each as a server and as a client: zproc, and cloudpickle over sockets of pyzmq.

Usage: peers.py zproc|zmq serve PORT ENTRIES
       peers.py zproc|zmq call PORT SECONDS
       peers.py zproc|zmq there
"""
import sys
import time


def add(state, by):
    state["n"] = state.get("n", 0) + by
    return state["n"]


def import_zproc():
    # zproc 0.9 looks for names where they were before Python 3.10.
    import collections.abc
    for name in collections.abc.__all__:
        setattr(collections, name, getattr(collections.abc, name))
    import zproc
    return zproc


def entries(count):
    return {f"k{i}": i for i in range(count)}


def zproc_serve(port, count):
    zproc = import_zproc()
    server, address = zproc.start_server(f"tcp://127.0.0.1:{port}")
    zproc.State(address).set(entries(count))
    print("ready", flush=True)
    server.join()


def zproc_client(port):
    zproc = import_zproc()
    state = zproc.State(f"tcp://127.0.0.1:{port}")
    call = zproc.atomic(add)
    return lambda: call(state, 1)


def zmq_serve(port, count):
    import cloudpickle
    import zmq
    socket = zmq.Context().socket(zmq.REP)
    socket.bind(f"tcp://127.0.0.1:{port}")
    state = entries(count)
    print("ready", flush=True)
    while True:
        function, args = cloudpickle.loads(socket.recv())
        socket.send(cloudpickle.dumps(function(state, *args)))


def zmq_client(port):
    import cloudpickle
    import zmq
    # As a function of the program that is run, it travels by value and not by name.
    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(f"tcp://127.0.0.1:{port}")

    def call():
        socket.send(cloudpickle.dumps((add, (1,))))
        return cloudpickle.loads(socket.recv())
    return call


def client(call, seconds):
    before = time.monotonic()
    call()
    print(1000 * (time.monotonic() - before), flush=True)
    sys.stdin.readline()
    began = now = time.monotonic()
    calls = 0
    while now < began + seconds:
        call()
        calls += 1
        now = time.monotonic()
    print(calls, now - began)


def main():
    peer, action, *rest = sys.argv[1:]
    if action == "there":
        if peer == "zproc":
            print(import_zproc().__version__)
        else:
            import cloudpickle
            import zmq
            print(f"{cloudpickle.__version__} over pyzmq {zmq.__version__}")
    elif action == "serve":
        {"zproc": zproc_serve, "zmq": zmq_serve}[peer](int(rest[0]), int(rest[1]))
    else:
        connect = {"zproc": zproc_client, "zmq": zmq_client}[peer]
        client(connect(int(rest[0])), float(rest[1]))


if __name__ == "__main__":
    main()
