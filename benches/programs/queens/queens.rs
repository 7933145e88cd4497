//! N queens: in how many ways they can stand on the board, by backtracking.

fn place(row: usize, n: usize, columns: &mut [bool], rising: &mut [bool], falling: &mut [bool]) -> i64 {
    if row == n {
        return 1;
    }
    let mut ways = 0;
    for column in 0..n {
        let up = row + column;
        let down = row + n - 1 - column;
        if columns[column] && rising[up] && falling[down] {
            columns[column] = false;
            rising[up] = false;
            falling[down] = false;
            ways += place(row + 1, n, columns, rising, falling);
            columns[column] = true;
            rising[up] = true;
            falling[down] = true;
        }
    }
    ways
}

fn run(n: usize) -> i64 {
    place(0, n, &mut vec![true; n], &mut vec![true; 2 * n - 1], &mut vec![true; 2 * n - 1])
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
