"""A small operating system after Martin Richards: a scheduler, six tasks, and packets that they pass around."""

import sys

IDLE, WORKER, HANDLER_A, HANDLER_B, DEVICE_A, DEVICE_B = range(6)
OF_DEVICE, OF_WORK = range(2)


class Packet:
    __slots__ = ("link", "to", "kind", "letter", "letters")

    def __init__(self, link, to, kind):
        self.link = link
        self.to = to
        self.kind = kind
        self.letter = 0
        self.letters = [0, 0, 0, 0]


def append(packet, chain):
    """Adds a packet to the end of a chain of packets."""
    packet.link = None
    if chain is None:
        return packet
    last = chain
    while last.link is not None:
        last = last.link
    last.link = packet
    return chain


class Task:
    __slots__ = ("link", "id", "priority", "queue", "work", "waiting", "holding")

    def __init__(self, link, id, priority, queue, work, waiting):
        self.link = link
        self.id = id
        self.priority = priority
        self.queue = queue
        self.work = work
        self.waiting = waiting
        self.holding = False

    def runnable(self):
        return not self.holding and (not self.waiting or self.queue is not None)

    def accept(self, packet, current):
        """Takes a packet, and puts the packet's task where a more important one goes first."""
        self.queue = append(packet, self.queue)
        return self if self.priority > current.priority else current

    def run(self):
        packet = self.queue
        if self.waiting:
            self.queue = packet.link
            self.waiting = False
            return self.work.step(packet)
        return self.work.step(None)


class Scheduler:
    __slots__ = ("tasks", "table", "current", "queued", "held")

    def __init__(self):
        self.tasks = None
        self.table = [None] * 6
        self.current = None
        self.queued = 0
        self.held = 0

    def add(self, id, priority, queue, work, waiting):
        self.tasks = Task(self.tasks, id, priority, queue, work, waiting)
        self.table[id] = self.tasks

    def run(self):
        self.current = self.tasks
        while self.current is not None:
            task = self.current
            self.current = task.run() if task.runnable() else task.link

    def wait(self):
        self.current.waiting = True
        return self.current

    def hold(self):
        self.held += 1
        self.current.holding = True
        return self.current.link

    def release(self, id):
        task = self.table[id]
        task.holding = False
        return task if task.priority > self.current.priority else self.current

    def send(self, packet):
        task = self.table[packet.to]
        self.queued += 1
        packet.link = None
        packet.to = self.current.id
        return task.accept(packet, self.current)


class Idle:
    """Wakes one device or the other, as a pseudo-random bit says."""

    __slots__ = ("os", "seed", "left")

    def __init__(self, os, seed, left):
        self.os = os
        self.seed = seed
        self.left = left

    def step(self, _packet):
        self.left -= 1
        if self.left == 0:
            return self.os.hold()
        if self.seed % 2 == 0:
            self.seed //= 2
            return self.os.release(DEVICE_A)
        self.seed = (self.seed * 16807) % 65521
        return self.os.release(DEVICE_B)


class Worker:
    """Fills packets with letters and sends them to the handlers in turn."""

    __slots__ = ("os", "next", "count")

    def __init__(self, os, next, count):
        self.os = os
        self.next = next
        self.count = count

    def step(self, packet):
        if packet is None:
            return self.os.wait()
        self.next = HANDLER_B if self.next == HANDLER_A else HANDLER_A
        packet.to = self.next
        packet.letter = 0
        for i in range(4):
            self.count = self.count % 26 + 1
            packet.letters[i] = self.count
        return self.os.send(packet)


class Handler:
    """Takes the letters out of work packets one by one, and gives each to a device."""

    __slots__ = ("os", "work", "devices")

    def __init__(self, os):
        self.os = os
        self.work = None
        self.devices = None

    def step(self, packet):
        if packet is not None:
            if packet.kind == OF_WORK:
                self.work = append(packet, self.work)
            else:
                self.devices = append(packet, self.devices)
        work = self.work
        if work is None:
            return self.os.wait()
        if work.letter >= 4:
            self.work = work.link
            return self.os.send(work)
        device = self.devices
        if device is None:
            return self.os.wait()
        self.devices = device.link
        device.letter = work.letters[work.letter]
        work.letter += 1
        return self.os.send(device)


class Device:
    """Holds each packet until it is released."""

    __slots__ = ("os", "packet")

    def __init__(self, os):
        self.os = os
        self.packet = None

    def step(self, packet):
        if packet is not None:
            self.packet = packet
            return self.os.hold()
        done = self.packet
        if done is None:
            return self.os.wait()
        self.packet = None
        return self.os.send(done)


def packets(count, to, kind):
    chain = None
    for _ in range(count):
        chain = Packet(chain, to, kind)
    return chain


def simulate():
    os = Scheduler()
    os.add(IDLE, 0, None, Idle(os, 1, 5000), False)
    os.add(WORKER, 1000, packets(2, WORKER, OF_WORK), Worker(os, HANDLER_A, 0), True)
    os.add(HANDLER_A, 2000, packets(3, DEVICE_A, OF_DEVICE), Handler(os), True)
    os.add(HANDLER_B, 3000, packets(3, DEVICE_B, OF_DEVICE), Handler(os), True)
    os.add(DEVICE_A, 4000, None, Device(os), True)
    os.add(DEVICE_B, 5000, None, Device(os), True)
    os.run()
    return os.queued * 100000 + os.held


def run(rounds):
    total = 0
    for _ in range(rounds):
        total += simulate()
    return total


print(run(int(sys.argv[1])))
