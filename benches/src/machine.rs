//! What the machine could do at best: pairs of elements a second by its instructions, bytes a second from its memory.

use nearplane_kernels::limits::{Element, spin};
use nearplane_kernels::{Kernel, Level};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Long enough for a clock to settle, short enough to stand between two measurements.
pub const SPIN: Duration = Duration::from_millis(300);

/// The instruction limit in pairs of elements a second, `threads` running the loop at once for about
/// `time`; `None` where the level has no such loop.
#[must_use]
pub fn limit(
    level: Level,
    kernel: Kernel,
    element: Element,
    threads: usize,
    time: Duration,
) -> Option<f64> {
    // How many rounds take that long, from a short run.
    let mut rounds = 1 << 16;
    loop {
        let start = Instant::now();
        spin(level, kernel, element, rounds)?;
        let took = start.elapsed();
        if took > time / 20 {
            rounds = (rounds as f64 * time.as_secs_f64() / took.as_secs_f64()) as u64;
            break;
        }
        rounds *= 4;
    }
    let start = Instant::now();
    let pairs: u64 = std::thread::scope(|scope| {
        let run = || spin(level, kernel, element, rounds);
        let spinning: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        spinning
            .into_iter()
            .filter_map(|thread| thread.join().ok().flatten())
            .sum()
    });
    Some(pairs as f64 / start.elapsed().as_secs_f64())
}

/// Bytes a second that `threads` cores read together from memory, for about `time`: sums of parts of one array that no
/// cache holds.
#[must_use]
pub fn read_rate(threads: usize, time: Duration) -> f64 {
    let words = vec![1u64; 64 << 20];
    let part = words.len() / threads.max(1);
    let start = Instant::now();
    let bytes: usize = std::thread::scope(|scope| {
        let readers: Vec<_> = words
            .chunks_exact(part)
            .map(|part| {
                scope.spawn(move || {
                    let mut bytes = 0;
                    while start.elapsed() < time {
                        // Eight sums, so that no addition waits for the one before.
                        let mut sums = [0u64; 8];
                        for eight in black_box(part).chunks_exact(8) {
                            for (sum, word) in sums.iter_mut().zip(eight) {
                                *sum = sum.wrapping_add(*word);
                            }
                        }
                        black_box(sums);
                        bytes += size_of_val(part);
                    }
                    bytes
                })
            })
            .collect();
        readers
            .into_iter()
            .filter_map(|reader| reader.join().ok())
            .sum()
    });
    bytes as f64 / start.elapsed().as_secs_f64()
}
