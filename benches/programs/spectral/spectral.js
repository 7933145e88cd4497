// The spectral norm of an infinite matrix, cut off: float arithmetic over lists and many small calls.

function entry(i, j) {
  return 1.0 / ((i + j) * (i + j + 1) * 0.5 + i + 1);
}

function times(v, out) {
  const n = v.length;
  for (let i = 0; i < n; i++) {
    let sum = 0.0;
    for (let j = 0; j < n; j++) sum += entry(i, j) * v[j];
    out[i] = sum;
  }
}

function timesTransposed(v, out) {
  const n = v.length;
  for (let i = 0; i < n; i++) {
    let sum = 0.0;
    for (let j = 0; j < n; j++) sum += entry(j, i) * v[j];
    out[i] = sum;
  }
}

function run(n) {
  const u = new Array(n).fill(1.0);
  const v = new Array(n).fill(0.0);
  const between = new Array(n).fill(0.0);
  for (let round = 0; round < 10; round++) {
    times(u, between);
    timesTransposed(between, v);
    times(v, between);
    timesTransposed(between, u);
  }
  let uv = 0.0;
  let vv = 0.0;
  for (let i = 0; i < n; i++) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  return Math.floor(Math.sqrt(uv / vv) * 1e9);
}

console.log(run(Number(process.argv[2])));
