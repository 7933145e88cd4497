//! What clients asked and heard, and whether one order of calls explains all of it.

use std::collections::{BTreeMap, HashSet};

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ask {
    /// Appends this number and gives the length.
    Append(i64),
    /// Gives the next number.
    Id,
    /// Moves money and gives how often that was done; throws if there is too little.
    Transfer,
    /// Calls the installed counter.
    Invoke,
    /// Installs it.
    Install,
    /// Gives the sum of the money, the length, the last number and how often money was moved.
    Read,
    /// Changes everything and throws.
    Throw,
    /// Changes everything and never ends.
    Endless,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Asked {
    pub actor: usize,
    pub ask: Ask,
    /// When it was asked for, and when its answer came.
    pub from: u64,
    pub to: Option<u64>,
    /// The numbers that it gave; none if it threw or was stopped.
    pub gave: Vec<i64>,
    pub cancelled: bool,
}

/// Counters that each call of one kind moves by one: for each call where it left the counter, and when it was.
type Series<'h> = Vec<(i64, &'h Asked)>;

/// Checks what one actor has said against its last state.
pub fn check(asked: &[&Asked], list: &[i64], id: i64, moved: i64) {
    let series = |is: fn(Ask) -> bool| -> Series<'_> {
        asked
            .iter()
            .filter(|asked| is(asked.ask) && !asked.gave.is_empty())
            .map(|asked| (asked.gave[0], *asked))
            .collect()
    };
    let appends = in_order(series(|ask| matches!(ask, Ask::Append(_))), list.len() as i64);
    let ids = in_order(series(|ask| ask == Ask::Id), id);
    let moves = in_order(series(|ask| ask == Ask::Transfer), moved);
    in_order(series(|ask| ask == Ask::Invoke), i64::MAX);
    // What is in the list was asked for, each once, and stands where its client was told.
    let wanted: BTreeMap<i64, &Asked> = asked
        .iter()
        .filter_map(|asked| match asked.ask {
            Ask::Append(x) => Some((x, *asked)),
            _ => None,
        })
        .collect();
    let mut seen = HashSet::new();
    for x in list {
        assert!(seen.insert(x), "{x} was appended twice");
        assert!(wanted.contains_key(x), "{x} comes from nowhere");
    }
    for (place, call) in &appends {
        assert_eq!(Ask::Append(list[*place as usize - 1]), call.ask, "another call stands in its place");
    }
    // A read saw all that had ended before it began, and nothing that began after it had ended.
    for read in asked.iter().filter(|asked| asked.ask == Ask::Read && !asked.gave.is_empty()) {
        assert_eq!(read.gave[0], 300, "money was made or lost");
        for (seen, series) in read.gave[1..].iter().zip([&appends, &ids, &moves]) {
            for (place, call) in series {
                assert!(*place <= *seen || call.to >= Some(read.from), "a read did not see what was over");
                assert!(*place > *seen || Some(call.from) <= read.to, "a read saw what was yet to come");
            }
        }
    }
}

/// No number was given twice, and who asked after another had its answer has the larger one.
fn in_order(mut series: Series<'_>, last: i64) -> Series<'_> {
    series.sort_by_key(|(place, _)| *place);
    let mut begun = 0;
    for (at, (place, call)) in series.iter().enumerate() {
        assert!(at == 0 || series[at - 1].0 < *place, "{:?} gave {place} twice", call.ask);
        assert!((1..=last).contains(place), "{:?} gave {place}, and the last is {last}", call.ask);
        assert!(
            call.to >= Some(begun),
            "{:?} gave {place} although a later one was asked for after it was over",
            call.ask
        );
        begun = begun.max(call.from);
    }
    series
}
