//! `cargo xtask bench`: the criterion benches and the table of instruction limits; with `--peers`, others' programs.

use crate::{peers, shell};

/// Runs `cargo bench -p nearplane-benches` with these arguments, or the peers that `--peers` names.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    if peers::are_asked_for(args) {
        return peers::main(args);
    }
    shell::run(shell::cargo(["bench", "-p", "nearplane-benches"]).args(bench_args(args)))
}

/// `--quick` belongs to the bench programs, so it moves behind the `--`.
fn bench_args(args: &[String]) -> Vec<String> {
    let split = args
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(args.len());
    let (for_cargo, for_bench) = args.split_at(split);
    let mut for_bench: Vec<String> = for_bench.iter().skip(1).cloned().collect();
    let mut out: Vec<String> = for_cargo
        .iter()
        .filter(|arg| *arg != "--quick")
        .cloned()
        .collect();
    if out.len() < for_cargo.len() {
        for_bench.push("--quick".to_owned());
    }
    if !for_bench.is_empty() {
        out.push("--".to_owned());
        out.extend(for_bench);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &str, expected: &str) {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        assert_eq!(bench_args(&args).join(" "), expected);
    }

    #[test]
    fn quick_goes_to_the_bench_programs() {
        check("", "");
        check("--bench kernels", "--bench kernels");
        check("--quick", "-- --quick");
        check(
            "--quick --bench kernels -- l1_u8",
            "--bench kernels -- l1_u8 --quick",
        );
        check("--bench limits -- --quick", "--bench limits -- --quick");
    }
}
