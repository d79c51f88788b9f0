//! The arguments of `cargo xtask bench --peers`.

use std::path::PathBuf;

use super::suite::Suite;
use super::suites::SUITES;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) suites: Vec<&'static Suite>,
    /// Data set; without it, what is found.
    pub(crate) data: Option<PathBuf>,
    /// The first N test images only, and for features the first N images of every file.
    pub(crate) queries: Option<usize>,
    pub(crate) threads: usize,
    /// Peers get fewer queries or images, and what takes minutes is left out.
    pub(crate) quick: bool,
    /// Keep the result in `benches/record`.
    pub(crate) record: bool,
    /// A record to compare with.
    pub(crate) compare: Option<PathBuf>,
    /// What `data import` is timed on.
    pub(crate) archive: Option<PathBuf>,
}

/// Whether these arguments of `bench` are about peers.
pub(crate) fn are_asked_for(args: &[String]) -> bool {
    args.iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| arg == "--peers" || arg.starts_with("--peers="))
}

/// Reads the arguments; both `--flag value` and `--flag=value` will do.
pub(crate) fn parse(args: &[String]) -> Result<Options, String> {
    let mut options = Options {
        suites: Vec::new(),
        data: None,
        queries: None,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        quick: false,
        record: false,
        compare: None,
        archive: None,
    };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let (flag, attached) = match arg.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (arg.as_str(), None),
        };
        let set = match flag {
            "--record" => Some(&mut options.record),
            "--quick" => Some(&mut options.quick),
            _ => None,
        };
        if let Some(set) = set {
            if attached.is_some() {
                return Err(format!("{flag} takes no value"));
            }
            *set = true;
            continue;
        }
        if !KNOWN.contains(&flag) {
            return Err(format!(
                "`{arg}`: with --peers, expected --quick, --record, {} or {}",
                KNOWN[1..KNOWN.len() - 1].join(", "),
                KNOWN[KNOWN.len() - 1]
            ));
        }
        // `--peers` alone means all of them.
        let is_alone = flag == "--peers"
            && attached.is_none()
            && rest
                .as_slice()
                .first()
                .is_none_or(|next| next.starts_with("--"));
        if is_alone {
            options.suites = suites("all")?;
            continue;
        }
        let value = attached
            .or_else(|| rest.next().map(String::as_str))
            .ok_or_else(|| format!("{flag} needs a value"))?;
        let path =
            || std::path::absolute(value).map_err(|error| format!("{flag} {value}: {error}"));
        match flag {
            "--peers" => options.suites = suites(value)?,
            "--queries" => options.queries = Some(count(flag, value)?),
            "--threads" => options.threads = count(flag, value)?,
            "--compare" => options.compare = Some(existing(flag, path()?)?),
            "--archive" => options.archive = Some(existing(flag, path()?)?),
            _ => options.data = Some(path()?),
        }
    }
    Ok(options)
}

/// Flags with a value.
const KNOWN: [&str; 6] = [
    "--peers",
    "--data",
    "--queries",
    "--threads",
    "--compare",
    "--archive",
];

/// Refused now, not after the minutes that a run takes.
fn existing(flag: &str, path: PathBuf) -> Result<PathBuf, String> {
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{flag} {}: no such file", path.display()))
    }
}

fn suites(name: &str) -> Result<Vec<&'static Suite>, String> {
    let found: Vec<&Suite> = SUITES
        .into_iter()
        .filter(|suite| name == "all" || suite.name == name)
        .collect();
    if found.is_empty() {
        let known = SUITES.map(|suite| suite.name).join(", ");
        return Err(format!("--peers {name}: expected {known} or all"));
    }
    Ok(found)
}

fn count(flag: &str, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!(
            "{flag} {value}: expected a whole number of at least 1"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(args: &str) -> Vec<String> {
        args.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn peers_are_asked_for_before_the_dashes() {
        assert!(are_asked_for(&words("--peers knn")));
        assert!(are_asked_for(&words("--record --peers=knn")));
        assert!(!are_asked_for(&words("--quick --bench limits")));
        assert!(!are_asked_for(&words("--bench kernels -- --peers")));
    }

    #[test]
    fn both_spellings_are_read() {
        for args in [
            "--peers knn --queries 20 --threads 3 --record --data x",
            "--peers=all --queries=20 --threads=3 --record --data=x",
        ] {
            let options = parse(&words(args)).unwrap();
            assert_eq!(options.suites[0].name, "knn");
            assert_eq!((options.queries, options.threads), (Some(20), 3));
            assert!(options.record);
            assert_eq!(options.data, std::path::absolute("x").ok());
        }
        let options = parse(&words("--peers knn")).unwrap();
        assert!(options.threads > 0 && !options.record);
        assert_eq!((options.queries, options.data), (None, None));
        for args in ["--peers", "--peers --quick", "--quick --peers"] {
            let options = parse(&words(args)).unwrap();
            assert_eq!(options.suites.len(), SUITES.len());
            assert_eq!(options.quick, args.contains("--quick"));
        }
    }

    #[test]
    fn wrong_arguments_are_named() {
        let absent = std::path::absolute("no-such.csv").unwrap();
        for (args, error) in [
            ("--peers knn --data", "--data needs a value"),
            (
                "--peers knn --compare no-such.csv",
                &format!("--compare {}: no such file", absent.display()),
            ),
            (
                "--peers nothing",
                "--peers nothing: expected knn, search, features, linear, jobs or all",
            ),
            (
                "--peers knn --queries 0",
                "--queries 0: expected a whole number of at least 1",
            ),
            (
                "--peers knn --threads two",
                "--threads two: expected a whole number of at least 1",
            ),
            ("--peers knn --record=yes", "--record takes no value"),
            (
                "--peers knn --fast",
                "`--fast`: with --peers, expected --quick, --record, --data, --queries, --threads, --compare or --archive",
            ),
        ] {
            assert_eq!(parse(&words(args)).unwrap_err(), error);
        }
    }
}
