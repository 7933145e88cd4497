//! Fannkuch: for every order of n numbers, how many prefix reversals bring 1 to the front.

fn flips_of(order: &[usize], flipped: &mut [usize]) -> i64 {
    flipped.copy_from_slice(order);
    let mut flips = 0;
    let mut first = flipped[0];
    while first != 0 {
        flipped[..=first].reverse();
        flips += 1;
        first = flipped[0];
    }
    flips
}

fn run(n: usize) -> i64 {
    let mut order: Vec<usize> = (0..n).collect();
    let mut flipped = vec![0; n];
    let mut count = vec![0; n];
    let (mut most, mut checksum, mut sign) = (0, 0, 1);
    let mut r = n;
    loop {
        while r > 1 {
            count[r - 1] = r;
            r -= 1;
        }
        let flips = flips_of(&order, &mut flipped);
        most = most.max(flips);
        checksum += sign * flips;
        sign = -sign;
        // The next order: rotate ever longer prefixes, each as often as it is long.
        loop {
            if r == n {
                return checksum * 100 + most;
            }
            let first = order[0];
            for i in 0..r {
                order[i] = order[i + 1];
            }
            order[r] = first;
            count[r] -= 1;
            if count[r] > 0 {
                break;
            }
            r += 1;
        }
    }
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
