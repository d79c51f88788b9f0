//! The command line of a peer.

use std::num::NonZero;
use std::path::PathBuf;

use crate::measurement::Metric;

/// Printed behind what is wrong.
pub(crate) const USAGE: &str = "usage: peer SUITE NAME --contest l1|l2 --data DIR --out DIR [--k N] [--threads N] \
                                [--quick] [--watch-stdin]";
const K: usize = 10;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) suite: String,
    pub(crate) peer: String,
    pub(crate) metric: Metric,
    pub(crate) data: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) k: usize,
    pub(crate) threads: usize,
    pub(crate) quick: bool,
    pub(crate) watch_stdin: bool,
}

impl Arguments {
    /// The words behind the program's name.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let (mut names, mut metric, mut data, mut out) = (Vec::new(), None, None, None);
        let (mut k, mut quick, mut watch_stdin) = (K, false, false);
        let mut threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--contest" => metric = Some(Metric::parse(&value()?)?),
                "--data" => data = Some(PathBuf::from(value()?)),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--k" => k = count("--k", &value()?)?,
                "--threads" => threads = count("--threads", &value()?)?,
                "--quick" => quick = true,
                "--watch-stdin" => watch_stdin = true,
                flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                _ => names.push(word),
            }
        }
        let Ok([suite, peer]) = <[String; 2]>::try_from(names) else {
            return Err("expected a suite and the name of a peer".to_owned());
        };
        Ok(Arguments {
            suite,
            peer,
            metric: metric.ok_or("--contest is missing")?,
            data: data.ok_or("--data is missing")?,
            out: out.ok_or("--out is missing")?,
            k,
            threads,
            quick,
            watch_stdin,
        })
    }
}

fn count(flag: &str, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{flag} {value}: expected a whole number above 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_of_peer_py_are_understood() {
        let line = "knn linfa --contest l1 --threads 3 --data a --out b --quick --watch-stdin";
        let args = parse(line).unwrap();
        assert_eq!((args.suite.as_str(), args.peer.as_str()), ("knn", "linfa"));
        assert_eq!((args.metric, args.k, args.threads), (Metric::L1, 10, 3));
        assert!(args.quick && args.watch_stdin);
        assert!(
            !parse("knn linfa --contest l2 --data a --out b")
                .unwrap()
                .quick
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, expected) in [
            ("knn", "expected a suite and the name of a peer"),
            ("knn linfa --data a --out b", "--contest is missing"),
            (
                "knn linfa --contest cosine",
                "--contest cosine: expected l1 or l2",
            ),
            ("knn linfa --k 0", "--k 0: expected a whole number above 0"),
            ("knn linfa --threads", "--threads needs a value"),
            ("knn linfa --fast", "unknown option --fast"),
        ] {
            assert_eq!(parse(line).unwrap_err(), expected, "{line}");
        }
    }
}
