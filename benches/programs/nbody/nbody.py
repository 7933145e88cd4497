"""N-body: the sun and four planets pull at one another; float arithmetic on fields of objects."""

import math
import sys

SOLAR_MASS = 4.0 * math.pi * math.pi
DAYS = 365.24


class Body:
    __slots__ = ("x", "y", "z", "vx", "vy", "vz", "mass")

    def __init__(self, x, y, z, vx, vy, vz, mass):
        self.x, self.y, self.z = x, y, z
        self.vx, self.vy, self.vz = vx, vy, vz
        self.mass = mass

    def kinetic(self):
        return 0.5 * self.mass * (self.vx * self.vx + self.vy * self.vy + self.vz * self.vz)

    def distance(self, other):
        dx = self.x - other.x
        dy = self.y - other.y
        dz = self.z - other.z
        return math.sqrt(dx * dx + dy * dy + dz * dz)

    def pull(self, other, dt):
        dx = self.x - other.x
        dy = self.y - other.y
        dz = self.z - other.z
        squared = dx * dx + dy * dy + dz * dz
        strength = dt / (squared * math.sqrt(squared))
        own = self.mass * strength
        its = other.mass * strength
        self.vx -= dx * its
        self.vy -= dy * its
        self.vz -= dz * its
        other.vx += dx * own
        other.vy += dy * own
        other.vz += dz * own

    def drift(self, dt):
        self.x += self.vx * dt
        self.y += self.vy * dt
        self.z += self.vz * dt


def planet(x, y, z, vx, vy, vz, mass):
    return Body(x, y, z, vx * DAYS, vy * DAYS, vz * DAYS, mass * SOLAR_MASS)


def solar_system():
    bodies = [
        Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, SOLAR_MASS),
        planet(4.8414314424647209, -1.16032004402742839, -0.103622044471123109,
               0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609),
        planet(8.34336671824457987, 4.12479856412430479, -0.403523417114321381,
               -0.00276742510726411899, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812),
        planet(12.894369562139131, -15.1111514016986312, -0.223307578892655734,
               0.00296460137564761618, 0.0023784717395948095, -0.0000296589568540237556, 0.0000436624404335156298),
        planet(15.3796971148509165, -25.9193146099879641, 0.179258772950371181,
               0.00268067772490389322, 0.00162824170038242295, -0.000095159225451971587, 0.0000515138902046611451),
    ]
    # The sun moves so that the whole stays where it is.
    sun = bodies[0]
    for body in bodies:
        sun.vx -= body.vx * body.mass / SOLAR_MASS
        sun.vy -= body.vy * body.mass / SOLAR_MASS
        sun.vz -= body.vz * body.mass / SOLAR_MASS
    return bodies


def energy(bodies):
    total = 0.0
    for i, body in enumerate(bodies):
        total += body.kinetic()
        for other in bodies[i + 1:]:
            total -= body.mass * other.mass / body.distance(other)
    return total


def advance(bodies, dt):
    n = len(bodies)
    for i in range(n):
        body = bodies[i]
        for j in range(i + 1, n):
            body.pull(bodies[j], dt)
    for body in bodies:
        body.drift(dt)


def run(rounds):
    bodies = solar_system()
    for _ in range(rounds):
        advance(bodies, 0.01)
    return math.floor(energy(bodies) * 1e9)


print(run(int(sys.argv[1])))
