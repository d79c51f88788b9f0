//! What a suite is: one for each `--peers NAME`, its scripts in `benches/peers/NAME`. `suites.rs` has them.

/// Contests that share a data set, scripts and a table.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// What every system has to do: the start of a sentence.
    pub(crate) job: &'static str,
    pub(crate) counts: Counts,
    /// Threads of every program, whatever was asked for.
    pub(crate) threads: Option<usize>,
    pub(crate) contests: &'static [Contest],
    pub(crate) targets: &'static [Target],
    /// Numbers of training and test images that the targets are meant for.
    pub(crate) target_size: (u64, u64),
}

impl Suite {
    /// Whether anything runs beside nearplane.
    pub(crate) fn has_peers(&self) -> bool {
        self.contests
            .iter()
            .any(|contest| !contest.peers.is_empty())
    }
}

/// What a system is given one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    /// Test images, against all training images.
    Queries,
    /// All images of both splits.
    Images,
}

impl Counts {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Counts::Queries => "queries",
            Counts::Images => "images",
        }
    }

    /// `100 queries against 500 rows`, `600 images`.
    pub(crate) fn of(self, (n_train, n_test): (u64, u64)) -> String {
        match self {
            Counts::Queries => format!("{n_test} queries against {n_train} rows"),
            Counts::Images => format!("{} images", n_train + n_test),
        }
    }
}

/// One question to nearplane and to some peers.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) name: &'static str,
    /// What is in the table behind nearplane's version.
    pub(crate) system: &'static str,
    /// The command of nearplane; data, threads and outputs are added.
    pub(crate) ours: &'static [&'static str],
    /// More arguments, one run for each; their times are added.
    pub(crate) parts: &'static [&'static [&'static str]],
    /// The flag that writes what nearplane found; empty where nothing is.
    pub(crate) found_flag: &'static str,
    /// Fields of nearplane's record whose sum is timed; without any, the time of the process.
    pub(crate) timed: &'static [&'static str],
    /// The field that has to be the same in every run of nearplane.
    pub(crate) answer: &'static str,
    /// Whether that field says more to a reader than that runs agree.
    pub(crate) shows_answer: bool,
    /// Threads, where they are not those of the suite.
    pub(crate) threads: Option<usize>,
    /// How often nearplane runs each time: more than once where one run is too short to be quiet.
    pub(crate) repeats: usize,
    /// How often each peer runs, nearplane before the first time and after each.
    pub(crate) rounds: usize,
    /// Whether nearplane is timed until its `trace` is as low as the objective of the peer.
    pub(crate) until_peer: bool,
    /// What the machine has to do at least, to show the time as a share of its limit.
    pub(crate) work: Work,
    /// Whether it takes too long for `--quick`.
    pub(crate) is_long: bool,
    /// More arguments of nearplane with `--quick`.
    pub(crate) quick: &'static [&'static str],
    /// In the order in which they run; the closest first.
    pub(crate) peers: &'static [Peer],
}

/// Another program: `peer_NAME.py` in the folder of the suite.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) package: Package,
}

/// What a peer needs, from one of the requirements files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Package {
    /// In the virtual environment.
    Shared(&'static str),
    /// OpenCV 5, in a folder of its own beside OpenCV 4.
    OpenCv5,
    /// Too large to be installed by itself: in the virtual environment if someone has put it there.
    ByHand,
    /// A crate, in the program of the workspace `benches/peers/rust`.
    Crate,
}

/// What the machine has to do for a job at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Work {
    /// Nobody knows how little would do.
    Unknown,
    /// The terms of all distances of queries and rows, by the instruction for them: `l1_u8` or `l2_sq_u8`.
    /// What rules distances out can come to more than all of the limit.
    Distances(&'static str),
    /// Products of every training image with ten classes, so many times.
    Products(u64),
    /// So many bytes of every image, read and written.
    Bytes(u64),
}

/// What the project wants to reach.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) contest: &'static str,
    pub(crate) wanted: Wanted,
}

/// Compared with a peer, or by itself.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// The peer takes at least this many times as long.
    Ratio {
        peer: &'static str,
        shown: &'static str,
        at_least: f64,
    },
    /// nearplane takes less.
    SecondsBelow(f64),
    /// nearplane takes at most so many times as long as for other jobs together, each a suite and a contest.
    AtMostTimes {
        jobs: &'static [(&'static str, &'static str)],
        shown: &'static str,
        times: f64,
    },
}
