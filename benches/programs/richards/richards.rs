//! A small operating system after Martin Richards: a scheduler, six tasks, and packets that they pass around.
//! Tasks and packets refer to one another by number.

const IDLE: usize = 0;
const WORKER: usize = 1;
const HANDLER_A: usize = 2;
const HANDLER_B: usize = 3;
const DEVICE_A: usize = 4;
const DEVICE_B: usize = 5;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    OfDevice,
    OfWork,
}

struct Packet {
    link: Option<usize>,
    to: usize,
    kind: Kind,
    letter: usize,
    letters: [i64; 4],
}

/// Adds a packet to the end of a chain of packets.
fn append(packets: &mut [Packet], packet: usize, chain: Option<usize>) -> Option<usize> {
    packets[packet].link = None;
    let Some(first) = chain else { return Some(packet) };
    let mut last = first;
    while let Some(next) = packets[last].link {
        last = next;
    }
    packets[last].link = Some(packet);
    chain
}

enum Work {
    Idle { seed: i64, left: i64 },
    Worker { next: usize, count: i64 },
    Handler { work: Option<usize>, devices: Option<usize> },
    Device { packet: Option<usize> },
}

struct Task {
    link: Option<usize>,
    priority: i64,
    queue: Option<usize>,
    work: Work,
    waiting: bool,
    holding: bool,
}

struct Scheduler {
    tasks: Vec<Task>,
    packets: Vec<Packet>,
    current: usize,
    queued: i64,
    held: i64,
}

impl Scheduler {
    /// Tasks are added in the order of their numbers, the least important first.
    fn add(&mut self, priority: i64, queue: Option<usize>, work: Work, waiting: bool) {
        let link = self.tasks.len().checked_sub(1);
        self.tasks.push(Task { link, priority, queue, work, waiting, holding: false });
    }

    fn chain(&mut self, count: usize, to: usize, kind: Kind) -> Option<usize> {
        let mut link = None;
        for _ in 0..count {
            self.packets.push(Packet { link, to, kind, letter: 0, letters: [0; 4] });
            link = Some(self.packets.len() - 1);
        }
        link
    }

    fn run(&mut self) {
        let mut next = self.tasks.len().checked_sub(1);
        while let Some(at) = next {
            self.current = at;
            let task = &mut self.tasks[at];
            next = if task.holding || (task.waiting && task.queue.is_none()) {
                task.link
            } else {
                let packet = if task.waiting { task.queue } else { None };
                if let Some(packet) = packet {
                    task.queue = self.packets[packet].link;
                    task.waiting = false;
                }
                self.step(packet)
            };
        }
    }

    fn wait(&mut self) -> Option<usize> {
        self.tasks[self.current].waiting = true;
        Some(self.current)
    }

    fn hold(&mut self) -> Option<usize> {
        self.held += 1;
        let task = &mut self.tasks[self.current];
        task.holding = true;
        task.link
    }

    fn release(&mut self, id: usize) -> Option<usize> {
        self.tasks[id].holding = false;
        Some(if self.tasks[id].priority > self.tasks[self.current].priority { id } else { self.current })
    }

    fn send(&mut self, packet: usize) -> Option<usize> {
        let to = self.packets[packet].to;
        self.queued += 1;
        self.packets[packet].to = self.current;
        self.tasks[to].queue = append(&mut self.packets, packet, self.tasks[to].queue);
        Some(if self.tasks[to].priority > self.tasks[self.current].priority { to } else { self.current })
    }

    fn step(&mut self, packet: Option<usize>) -> Option<usize> {
        let packets = &mut self.packets;
        match &mut self.tasks[self.current].work {
            // Wakes one device or the other, as a pseudo-random bit says.
            Work::Idle { seed, left } => {
                *left -= 1;
                if *left == 0 {
                    return self.hold();
                }
                if *seed % 2 == 0 {
                    *seed /= 2;
                    return self.release(DEVICE_A);
                }
                *seed = (*seed * 16807) % 65521;
                self.release(DEVICE_B)
            }
            // Fills packets with letters and sends them to the handlers in turn.
            Work::Worker { next, count } => {
                let Some(packet) = packet else { return self.wait() };
                *next = if *next == HANDLER_A { HANDLER_B } else { HANDLER_A };
                let filled = &mut packets[packet];
                filled.to = *next;
                filled.letter = 0;
                for letter in &mut filled.letters {
                    *count = *count % 26 + 1;
                    *letter = *count;
                }
                self.send(packet)
            }
            // Takes the letters out of work packets one by one, and gives each to a device.
            Work::Handler { work, devices } => {
                if let Some(packet) = packet {
                    let queue = if packets[packet].kind == Kind::OfWork { &mut *work } else { &mut *devices };
                    *queue = append(packets, packet, *queue);
                }
                let Some(first) = *work else { return self.wait() };
                let letter = packets[first].letter;
                if letter >= 4 {
                    *work = packets[first].link;
                    return self.send(first);
                }
                let Some(device) = *devices else { return self.wait() };
                *devices = packets[device].link;
                packets[device].letter = packets[first].letters[letter] as usize;
                packets[first].letter += 1;
                self.send(device)
            }
            // Holds each packet until it is released.
            Work::Device { packet: kept } => {
                if packet.is_some() {
                    *kept = packet;
                    return self.hold();
                }
                match kept.take() {
                    None => self.wait(),
                    Some(done) => self.send(done),
                }
            }
        }
    }
}

fn simulate() -> i64 {
    let mut os = Scheduler { tasks: Vec::new(), packets: Vec::new(), current: IDLE, queued: 0, held: 0 };
    let work = os.chain(2, WORKER, Kind::OfWork);
    let a = os.chain(3, DEVICE_A, Kind::OfDevice);
    let b = os.chain(3, DEVICE_B, Kind::OfDevice);
    os.add(0, None, Work::Idle { seed: 1, left: 5000 }, false);
    os.add(1000, work, Work::Worker { next: HANDLER_A, count: 0 }, true);
    os.add(2000, a, Work::Handler { work: None, devices: None }, true);
    os.add(3000, b, Work::Handler { work: None, devices: None }, true);
    os.add(4000, None, Work::Device { packet: None }, true);
    os.add(5000, None, Work::Device { packet: None }, true);
    os.run();
    os.queued * 100_000 + os.held
}

fn run(rounds: i64) -> i64 {
    (0..rounds).map(|_| simulate()).sum()
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
