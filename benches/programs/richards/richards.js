// A small operating system after Martin Richards: a scheduler, six tasks, and packets that they pass around.

const IDLE = 0, WORKER = 1, HANDLER_A = 2, HANDLER_B = 3, DEVICE_A = 4, DEVICE_B = 5;
const OF_DEVICE = 0, OF_WORK = 1;

class Packet {
  constructor(link, to, kind) {
    this.link = link;
    this.to = to;
    this.kind = kind;
    this.letter = 0;
    this.letters = [0, 0, 0, 0];
  }
}

// Adds a packet to the end of a chain of packets.
function append(packet, chain) {
  packet.link = null;
  if (chain === null) return packet;
  let last = chain;
  while (last.link !== null) last = last.link;
  last.link = packet;
  return chain;
}

class Task {
  constructor(link, id, priority, queue, work, waiting) {
    this.link = link;
    this.id = id;
    this.priority = priority;
    this.queue = queue;
    this.work = work;
    this.waiting = waiting;
    this.holding = false;
  }

  runnable() {
    return !this.holding && (!this.waiting || this.queue !== null);
  }

  // Takes a packet, and puts the packet's task where a more important one goes first.
  accept(packet, current) {
    this.queue = append(packet, this.queue);
    return this.priority > current.priority ? this : current;
  }

  run() {
    const packet = this.queue;
    if (this.waiting) {
      this.queue = packet.link;
      this.waiting = false;
      return this.work.step(packet);
    }
    return this.work.step(null);
  }
}

class Scheduler {
  constructor() {
    this.tasks = null;
    this.table = [null, null, null, null, null, null];
    this.current = null;
    this.queued = 0;
    this.held = 0;
  }

  add(id, priority, queue, work, waiting) {
    this.tasks = new Task(this.tasks, id, priority, queue, work, waiting);
    this.table[id] = this.tasks;
  }

  run() {
    this.current = this.tasks;
    while (this.current !== null) {
      const task = this.current;
      this.current = task.runnable() ? task.run() : task.link;
    }
  }

  wait() {
    this.current.waiting = true;
    return this.current;
  }

  hold() {
    this.held += 1;
    this.current.holding = true;
    return this.current.link;
  }

  release(id) {
    const task = this.table[id];
    task.holding = false;
    return task.priority > this.current.priority ? task : this.current;
  }

  send(packet) {
    const task = this.table[packet.to];
    this.queued += 1;
    packet.link = null;
    packet.to = this.current.id;
    return task.accept(packet, this.current);
  }
}

// Wakes one device or the other, as a pseudo-random bit says.
class Idle {
  constructor(os, seed, left) {
    this.os = os;
    this.seed = seed;
    this.left = left;
  }

  step(_packet) {
    this.left -= 1;
    if (this.left === 0) return this.os.hold();
    if (this.seed % 2 === 0) {
      this.seed = this.seed / 2;
      return this.os.release(DEVICE_A);
    }
    this.seed = (this.seed * 16807) % 65521;
    return this.os.release(DEVICE_B);
  }
}

// Fills packets with letters and sends them to the handlers in turn.
class Worker {
  constructor(os, next, count) {
    this.os = os;
    this.next = next;
    this.count = count;
  }

  step(packet) {
    if (packet === null) return this.os.wait();
    this.next = this.next === HANDLER_A ? HANDLER_B : HANDLER_A;
    packet.to = this.next;
    packet.letter = 0;
    for (let i = 0; i < 4; i++) {
      this.count = this.count % 26 + 1;
      packet.letters[i] = this.count;
    }
    return this.os.send(packet);
  }
}

// Takes the letters out of work packets one by one, and gives each to a device.
class Handler {
  constructor(os) {
    this.os = os;
    this.work = null;
    this.devices = null;
  }

  step(packet) {
    if (packet !== null) {
      if (packet.kind === OF_WORK) this.work = append(packet, this.work);
      else this.devices = append(packet, this.devices);
    }
    const work = this.work;
    if (work === null) return this.os.wait();
    if (work.letter >= 4) {
      this.work = work.link;
      return this.os.send(work);
    }
    const device = this.devices;
    if (device === null) return this.os.wait();
    this.devices = device.link;
    device.letter = work.letters[work.letter];
    work.letter += 1;
    return this.os.send(device);
  }
}

// Holds each packet until it is released.
class Device {
  constructor(os) {
    this.os = os;
    this.packet = null;
  }

  step(packet) {
    if (packet !== null) {
      this.packet = packet;
      return this.os.hold();
    }
    const done = this.packet;
    if (done === null) return this.os.wait();
    this.packet = null;
    return this.os.send(done);
  }
}

function packets(count, to, kind) {
  let chain = null;
  for (let i = 0; i < count; i++) chain = new Packet(chain, to, kind);
  return chain;
}

function simulate() {
  const os = new Scheduler();
  os.add(IDLE, 0, null, new Idle(os, 1, 5000), false);
  os.add(WORKER, 1000, packets(2, WORKER, OF_WORK), new Worker(os, HANDLER_A, 0), true);
  os.add(HANDLER_A, 2000, packets(3, DEVICE_A, OF_DEVICE), new Handler(os), true);
  os.add(HANDLER_B, 3000, packets(3, DEVICE_B, OF_DEVICE), new Handler(os), true);
  os.add(DEVICE_A, 4000, null, new Device(os), true);
  os.add(DEVICE_B, 5000, null, new Device(os), true);
  os.run();
  return os.queued * 100000 + os.held;
}

function run(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += simulate();
  return sum;
}

console.log(run(Number(process.argv[2])));
