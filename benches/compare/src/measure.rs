//! One process from start to end: its CPU time, its peak memory, what it printed.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one run took.
pub struct Sample {
    /// User and system seconds, those of helper threads included.
    pub cpu: f64,
    /// Seconds from start to end.
    pub wall: f64,
    /// The most memory that was resident at once, in bytes.
    pub memory: u64,
    /// What it printed.
    pub output: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<Sample, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let shown = format!("{:?}", command.get_program());
    let started = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("cannot start {shown}: {error}"))?;
    let pid = child.id();
    let watch = thread::spawn(move || peak(pid));
    let mut output = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut output).map_err(|error| format!("cannot read from {shown}: {error}"))?;
    }
    let used = child.wait4().map_err(|error| format!("cannot wait for {shown}: {error}"))?;
    let wall = started.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(format!("{shown} ended with {}", used.status));
    }
    let cpu = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    let memory = watch.join().ok().flatten().unwrap_or(used.rusage.maxrss);
    Ok(Sample { cpu, wall, memory, output })
}

/// The peak memory of a process until it ends, where the system tells it of running processes. What the system says
/// about a process that has ended also counts the memory of the one that started it.
fn peak(pid: u32) -> Option<u64> {
    let mut peak = None;
    // A process that has ended, and waits to be asked about, has no memory any more.
    while let Some(seen) = high_water(pid) {
        peak = Some(seen);
        thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn high_water(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// The median; of an even number of values the mean of the two in the middle.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
