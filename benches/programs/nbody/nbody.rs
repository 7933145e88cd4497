//! N-body: the sun and four planets pull at one another; float arithmetic on fields of structures.
#![allow(clippy::excessive_precision, reason = "the same digits in every language")]

use std::f64::consts::PI;

const SOLAR_MASS: f64 = 4.0 * PI * PI;
const DAYS: f64 = 365.24;

struct Body {
    at: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

impl Body {
    fn kinetic(&self) -> f64 {
        let [vx, vy, vz] = self.speed;
        0.5 * self.mass * (vx * vx + vy * vy + vz * vz)
    }

    fn distance(&self, other: &Body) -> f64 {
        let [dx, dy, dz] = std::array::from_fn(|k| self.at[k] - other.at[k]);
        let squared: f64 = dx * dx + dy * dy + dz * dz;
        squared.sqrt()
    }

    fn pull(&mut self, other: &mut Body, dt: f64) {
        let d: [f64; 3] = std::array::from_fn(|k| self.at[k] - other.at[k]);
        let squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        let strength = dt / (squared * squared.sqrt());
        let own = self.mass * strength;
        let its = other.mass * strength;
        for (k, d) in d.iter().enumerate() {
            self.speed[k] -= d * its;
            other.speed[k] += d * own;
        }
    }

    fn drift(&mut self, dt: f64) {
        for k in 0..3 {
            self.at[k] += self.speed[k] * dt;
        }
    }
}

fn planet(at: [f64; 3], speed: [f64; 3], mass: f64) -> Body {
    Body { at, speed: speed.map(|v| v * DAYS), mass: mass * SOLAR_MASS }
}

fn solar_system() -> Vec<Body> {
    let mut bodies = vec![
        Body { at: [0.0; 3], speed: [0.0; 3], mass: SOLAR_MASS },
        planet(
            [4.8414314424647209, -1.16032004402742839, -0.103622044471123109],
            [0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023],
            0.000954791938424326609,
        ),
        planet(
            [8.34336671824457987, 4.12479856412430479, -0.403523417114321381],
            [-0.00276742510726411899, 0.00499852801234917238, 0.0000230417297573763929],
            0.000285885980666130812,
        ),
        planet(
            [12.894369562139131, -15.1111514016986312, -0.223307578892655734],
            [0.00296460137564761618, 0.0023784717395948095, -0.0000296589568540237556],
            0.0000436624404335156298,
        ),
        planet(
            [15.3796971148509165, -25.9193146099879641, 0.179258772950371181],
            [0.00268067772490389322, 0.00162824170038242295, -0.000095159225451971587],
            0.0000515138902046611451,
        ),
    ];
    // The sun moves so that the whole stays where it is.
    for i in 0..bodies.len() {
        for k in 0..3 {
            let moved = bodies[i].speed[k] * bodies[i].mass / SOLAR_MASS;
            bodies[0].speed[k] -= moved;
        }
    }
    bodies
}

fn energy(bodies: &[Body]) -> f64 {
    let mut sum = 0.0;
    for (i, body) in bodies.iter().enumerate() {
        sum += body.kinetic();
        for other in &bodies[i + 1..] {
            sum -= body.mass * other.mass / body.distance(other);
        }
    }
    sum
}

fn advance(bodies: &mut [Body], dt: f64) {
    for i in 0..bodies.len() {
        let (body, others) = bodies[i..].split_first_mut().expect("i is within");
        for other in others {
            body.pull(other, dt);
        }
    }
    for body in bodies {
        body.drift(dt);
    }
}

fn run(rounds: i64) -> i64 {
    let mut bodies = solar_system();
    for _ in 0..rounds {
        advance(&mut bodies, 0.01);
    }
    (energy(&bodies) * 1e9).floor() as i64
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
