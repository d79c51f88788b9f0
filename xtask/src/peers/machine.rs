//! What the machine could do at best, measured beside every contest, since its speed drifts within minutes.

use std::path::Path;

use super::suite::Work;
use crate::json::Json;
use crate::shell;

/// Pixels of an image and classes of a data set, as work is counted.
const PIXELS: f64 = 3072.0;
const CLASSES: f64 = 10.0;

/// The limits of one moment: of one thread and of all, in pairs of elements or bytes a second.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    simd: String,
    threads: u64,
    limits: Vec<(String, [Option<f64>; 2])>,
}

/// How much of a limit was reached, and of which.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Share {
    pub(crate) of_limit: f64,
    pub(crate) limit: String,
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} % of {}", 100.0 * self.of_limit, self.limit)
    }
}

const NAMES: [&str; 4] = ["l1_u8", "l2_sq_u8", "dot_f32", "read"];

impl Machine {
    /// Asks the program that measures them.
    pub(crate) fn measure(program: &Path) -> Result<Machine, String> {
        Machine::read(&shell::ask(shell::program_at(program).arg("--machine"))?)
    }

    fn read(text: &str) -> Result<Machine, String> {
        let json = Json::parse(text)?;
        let mut limits = Vec::new();
        for name in NAMES {
            let rates = json.get(name).and_then(Json::array);
            let [one, all] = rates.unwrap_or_default() else {
                return Err(format!("the limits have no pair `{name}`"));
            };
            limits.push((name.to_owned(), [one.number(), all.number()]));
        }
        Ok(Machine {
            simd: json.text_of("simd")?.to_owned(),
            threads: json.number_of("threads")? as u64,
            limits,
        })
    }

    /// The mean of two moments.
    pub(crate) fn mean(&self, other: &Machine) -> Machine {
        let mut mean = self.clone();
        for ((_, ours), (_, theirs)) in mean.limits.iter_mut().zip(&other.limits) {
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                *ours = ours.zip(*theirs).map(|(a, b)| (a + b) / 2.0);
            }
        }
        mean
    }

    /// How much of its limit a job reached that took so long; `None` where no limit is known.
    pub(crate) fn share(
        &self,
        work: Work,
        (n_train, n_test): (u64, u64),
        seconds: f64,
        threads: u64,
    ) -> Option<Share> {
        let (train, test) = (n_train as f64, n_test as f64);
        let (name, amount) = match work {
            Work::Unknown => return None,
            Work::Distances(name) => (name, train * test * PIXELS),
            Work::Products(times) => ("dot_f32", times as f64 * train * PIXELS * CLASSES),
            Work::Bytes(bytes) => ("read", (train + test) * bytes as f64),
        };
        let which = match threads {
            1 => 0,
            all if all == self.threads => 1,
            _ => return None,
        };
        let (_, limits) = self.limits.iter().find(|(found, _)| found == name)?;
        Some(Share {
            of_limit: amount / seconds / limits[which]?,
            limit: self.instruction(name).to_owned(),
        })
    }

    /// What a reader calls the limit.
    fn instruction(&self, name: &str) -> &'static str {
        match (name, self.simd.as_str()) {
            ("l1_u8", _) => "SAD",
            ("l2_sq_u8", "amx") => "AMX",
            ("l2_sq_u8", "avxvnni" | "avx512vnni") => "VNNI",
            ("l2_sq_u8", _) => "MADD",
            ("dot_f32", _) => "FMA",
            _ => "memory",
        }
    }

    /// One line, for a record.
    pub(crate) fn line(&self) -> String {
        let giga = |rate: Option<f64>| rate.map_or("-".to_owned(), |r| format!("{:.0}", r / 1e9));
        let limits = self.limits.iter().map(|(name, [one, all])| {
            format!("{} {} / {}", self.instruction(name), giga(*one), giga(*all))
        });
        format!(
            "{}, one thread / {} threads, G pairs of elements or bytes a second: {}",
            self.simd,
            self.threads,
            limits.collect::<Vec<_>>().join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"simd": "avx512vnni", "threads": 2, "l1_u8": [2e11, 4e11], "l2_sq_u8": [3e11, 6e11],
        "dot_f32": [null, null], "read": [1e10, 1.5e10]}"#;

    #[test]
    fn shares_are_those_of_the_threads() {
        let machine = Machine::read(TEXT).unwrap();
        let share = |work, seconds, threads| {
            let share = machine.share(work, (50_000, 10_000), seconds, threads);
            share.map(|share| share.to_string())
        };
        // 1.536e12 pairs.
        let l2 = Work::Distances("l2_sq_u8");
        assert_eq!(share(l2, 5.12, 2).as_deref(), Some("50 % of VNNI"));
        assert_eq!(share(l2, 5.12, 1).as_deref(), Some("100 % of VNNI"));
        assert_eq!(share(l2, 5.12, 3), None);
        let bytes = Work::Bytes(1000);
        assert_eq!(share(bytes, 0.006, 1).as_deref(), Some("100 % of memory"));
        assert_eq!(share(Work::Products(1), 1.0, 1), None);
        assert_eq!(share(Work::Unknown, 1.0, 1), None);
    }

    #[test]
    fn moments_are_averaged() {
        let one = Machine::read(TEXT).unwrap();
        let other = Machine::read(&TEXT.replace("2e11", "4e11")).unwrap();
        let mean = one.mean(&other);
        assert!(
            mean.line()
                .contains("SAD 300 / 400, VNNI 300 / 600, FMA - / -"),
            "{}",
            mean.line()
        );
        assert!(Machine::read("{}").unwrap_err().contains("l1_u8"));
    }
}
