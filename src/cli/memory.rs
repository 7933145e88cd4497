//! How much memory a program gets that nobody has set a limit for, so that one that runs away does not take the machine.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Three quarters of the machine's memory, or of what the system leaves to this process if that is less. None where neither
/// can be found out.
pub fn usual() -> Option<usize> {
    let machine = read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    let groups = read_to_string("/proc/self/cgroup").ok().map(|text| limits_of(&text, Path::new("/sys/fs/cgroup")));
    let group =
        groups.unwrap_or_default().iter().filter_map(|file| read_to_string(file).ok()?.trim().parse().ok()).min();
    three_quarters(machine, group)
}

fn three_quarters(machine: Option<u64>, group: Option<u64>) -> Option<usize> {
    // A group without a limit has one that no machine can reach.
    let least = machine.into_iter().chain(group).min()?;
    usize::try_from(least / 4 * 3).ok()
}

/// Bytes of memory, of what the system says of itself.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

/// The files with the limits of the groups that a process is in: of the group itself and those around it, which bound it
/// too. Both versions of the system's groups are known.
fn limits_of(cgroup: &str, root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (root, name) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            several if several.split(',').any(|one| one == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        // A process that sees only its own group finds that at the root.
        files.extend(Path::new(path.trim_start_matches('/')).ancestors().map(|group| root.join(group).join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_of_what_is_known_counts() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16 << 10));
        assert_eq!(total("MemTotal: many\n"), None);
        assert_eq!(three_quarters(Some(1000), None), Some(750));
        assert_eq!(three_quarters(Some(1000), Some(400)), Some(300));
        assert_eq!(three_quarters(Some(1000), Some(u64::MAX)), Some(750));
        assert_eq!(three_quarters(None, None), None);
    }

    #[test]
    fn groups_around_a_group_bound_it_too() {
        let files = |text| -> Vec<String> {
            let files = limits_of(text, Path::new("/c"));
            files.iter().map(|file| file.to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(files("0::/a/b\n"), ["/c/a/b/memory.max", "/c/a/memory.max", "/c/memory.max"]);
        assert_eq!(files("0::/\n"), ["/c/memory.max"]);
        assert_eq!(
            files("4:cpu:/x\n7:memory,hugetlb:/y\nnonsense"),
            ["/c/memory/y/memory.limit_in_bytes", "/c/memory/memory.limit_in_bytes"]
        );
    }
}
