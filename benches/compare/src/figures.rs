//! What was measured, and what follows from it: ratios to Lua, their means, peak memory.

use crate::list::Entry;
use crate::measure::{Sample, median};
use crate::peer::{self, Peer};

/// A language as a column of figures.
pub struct Column {
    /// What tables call it.
    pub title: &'static str,
    /// Its colour in charts.
    pub colour: &'static str,
    /// What it calls itself.
    pub version: String,
}

/// Samples of every program in every language.
pub struct Figures {
    /// The programs.
    pub names: Vec<String>,
    /// The languages.
    pub columns: Vec<Column>,
    /// How often everything was run.
    pub runs: u32,
    /// Seconds of a program that does nothing, by language.
    pub start_up: Vec<f64>,
    /// Results that are not what they should be.
    pub wrong: Vec<String>,
    /// The column that the others are compared with.
    base: usize,
    /// CPU seconds by program and language, in the order of the runs from first to last.
    cpu: Vec<Vec<Vec<f64>>>,
    /// Peak bytes by program and language.
    memory: Vec<Vec<u64>>,
}

impl Figures {
    /// Nothing measured yet.
    pub fn new(names: impl Iterator<Item = String>, peers: &[Peer], runs: u32) -> Figures {
        let names: Vec<String> = names.collect();
        let column = |peer: &Peer| Column { title: peer.title, colour: peer.colour, version: peer.version.clone() };
        Figures {
            columns: peers.iter().map(column).collect(),
            runs,
            start_up: vec![f64::NAN; peers.len()],
            wrong: Vec::new(),
            base: peers.iter().position(|peer| peer.key == peer::BASE).unwrap_or(0),
            cpu: vec![vec![Vec::new(); peers.len()]; names.len()],
            memory: vec![vec![0; peers.len()]; names.len()],
            names,
        }
    }

    /// Takes a sample in.
    pub fn add(&mut self, row: usize, column: usize, sample: &Sample) {
        self.cpu[row][column].push(sample.cpu);
        let peak = &mut self.memory[row][column];
        *peak = sample.memory.max(*peak);
    }

    /// Median CPU seconds of Lua.
    pub fn base_seconds(&self, row: usize) -> f64 {
        median(&mut self.cpu[row][self.base].clone())
    }

    /// Median over the rounds of the ratio to Lua in the same round.
    pub fn ratio(&self, row: usize, column: usize) -> f64 {
        let pairs = self.cpu[row][column].iter().zip(&self.cpu[row][self.base]);
        median(&mut pairs.map(|(own, base)| own / base).collect::<Vec<f64>>())
    }

    /// Peak memory in megabytes.
    pub fn megabytes(&self, row: usize, column: usize) -> f64 {
        self.memory[row][column] as f64 / 1e6
    }

    /// Geometric mean of the ratios over some of the programs.
    pub fn mean(&self, column: usize, entries: &[Entry], wanted: impl Fn(&Entry) -> bool) -> f64 {
        let rows = entries.iter().enumerate().filter(|(_, entry)| wanted(entry));
        geometric_mean(rows.map(|(row, _)| self.ratio(row, column)))
    }

    /// Geometric mean of the ratios over all programs.
    pub fn mean_of_all(&self, column: usize) -> f64 {
        geometric_mean((0..self.names.len()).map(|row| self.ratio(row, column)))
    }

    /// Geometric mean of peak memory as a ratio to Lua's.
    pub fn mean_memory(&self, column: usize) -> f64 {
        geometric_mean((0..self.names.len()).map(|row| self.megabytes(row, column) / self.megabytes(row, self.base)))
    }
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        // Processes can be too quick for the clock of the system.
        sum += value.max(1e-3).ln();
        count += 1;
    }
    if count == 0 { f64::NAN } else { (sum / f64::from(count)).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometric_means() {
        assert!((geometric_mean([0.5, 2.0].into_iter()) - 1.0).abs() < 1e-12);
        assert!((geometric_mean([0.25, 1.0].into_iter()) - 0.5).abs() < 1e-12);
        assert!(geometric_mean([].into_iter()).is_nan());
    }
}
