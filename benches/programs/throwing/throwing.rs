//! Errors returned two calls deep and handled, every third time.

struct Multiple {
    #[allow(dead_code, reason = "what a message costs is part of the comparison")]
    message: &'static str,
    data: i64,
}

#[inline(never)]
fn check(i: i64) -> Result<i64, Box<Multiple>> {
    if i % 3 == 0 {
        return Err(Box::new(Multiple { message: "a multiple of three", data: i }));
    }
    Ok(i)
}

#[inline(never)]
fn guarded(i: i64) -> Result<i64, Box<Multiple>> {
    Ok(check(i)? + 1)
}

fn run(rounds: i64) -> i64 {
    let (mut fine, mut caught) = (0, 0);
    for i in 0..rounds {
        match guarded(i) {
            Ok(value) => fine += value % 7,
            Err(error) => caught += error.data % 5,
        }
    }
    fine * 1000 + caught % 1000
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
