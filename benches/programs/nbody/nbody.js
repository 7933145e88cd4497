// N-body: the sun and four planets pull at one another; float arithmetic on fields of objects.

const SOLAR_MASS = 4.0 * Math.PI * Math.PI;
const DAYS = 365.24;

class Body {
  constructor(x, y, z, vx, vy, vz, mass) {
    this.x = x;
    this.y = y;
    this.z = z;
    this.vx = vx;
    this.vy = vy;
    this.vz = vz;
    this.mass = mass;
  }

  kinetic() {
    return 0.5 * this.mass * (this.vx * this.vx + this.vy * this.vy + this.vz * this.vz);
  }

  distance(other) {
    const dx = this.x - other.x;
    const dy = this.y - other.y;
    const dz = this.z - other.z;
    return Math.sqrt(dx * dx + dy * dy + dz * dz);
  }

  pull(other, dt) {
    const dx = this.x - other.x;
    const dy = this.y - other.y;
    const dz = this.z - other.z;
    const squared = dx * dx + dy * dy + dz * dz;
    const strength = dt / (squared * Math.sqrt(squared));
    const own = this.mass * strength;
    const its = other.mass * strength;
    this.vx -= dx * its;
    this.vy -= dy * its;
    this.vz -= dz * its;
    other.vx += dx * own;
    other.vy += dy * own;
    other.vz += dz * own;
  }

  drift(dt) {
    this.x += this.vx * dt;
    this.y += this.vy * dt;
    this.z += this.vz * dt;
  }
}

function planet(x, y, z, vx, vy, vz, mass) {
  return new Body(x, y, z, vx * DAYS, vy * DAYS, vz * DAYS, mass * SOLAR_MASS);
}

function solarSystem() {
  const bodies = [
    new Body(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, SOLAR_MASS),
    planet(4.8414314424647209, -1.16032004402742839, -0.103622044471123109,
      0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, 0.000954791938424326609),
    planet(8.34336671824457987, 4.12479856412430479, -0.403523417114321381,
      -0.00276742510726411899, 0.00499852801234917238, 0.0000230417297573763929, 0.000285885980666130812),
    planet(12.894369562139131, -15.1111514016986312, -0.223307578892655734,
      0.00296460137564761618, 0.0023784717395948095, -0.0000296589568540237556, 0.0000436624404335156298),
    planet(15.3796971148509165, -25.9193146099879641, 0.179258772950371181,
      0.00268067772490389322, 0.00162824170038242295, -0.000095159225451971587, 0.0000515138902046611451),
  ];
  // The sun moves so that the whole stays where it is.
  const sun = bodies[0];
  for (const body of bodies) {
    sun.vx -= body.vx * body.mass / SOLAR_MASS;
    sun.vy -= body.vy * body.mass / SOLAR_MASS;
    sun.vz -= body.vz * body.mass / SOLAR_MASS;
  }
  return bodies;
}

function energy(bodies) {
  let sum = 0.0;
  for (let i = 0; i < bodies.length; i++) {
    sum += bodies[i].kinetic();
    for (let j = i + 1; j < bodies.length; j++) {
      sum -= bodies[i].mass * bodies[j].mass / bodies[i].distance(bodies[j]);
    }
  }
  return sum;
}

function advance(bodies, dt) {
  for (let i = 0; i < bodies.length; i++) {
    const body = bodies[i];
    for (let j = i + 1; j < bodies.length; j++) body.pull(bodies[j], dt);
  }
  for (const body of bodies) body.drift(dt);
}

const bodies = solarSystem();
const rounds = Number(process.argv[2]);
for (let i = 0; i < rounds; i++) advance(bodies, 0.01);
console.log(Math.floor(energy(bodies) * 1e9));
