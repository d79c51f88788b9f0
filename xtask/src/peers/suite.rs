//! What runs beside what: one suite for each `--peers NAME`. The scripts of a suite are in `benches/peers/NAME`.

/// Every suite, in the order of `--peers all`.
pub(crate) const SUITES: [&Suite; 4] = [&KNN, &SEARCH, &FEATURES, &LINEAR];

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
    /// The flag that writes what nearplane found.
    pub(crate) found_flag: &'static str,
    /// Fields of nearplane's record whose sum is timed.
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
}

const fn peer(name: &'static str, package: &'static str) -> Peer {
    Peer {
        name,
        package: Package::Shared(package),
    }
}

const fn ratio(
    contest: &'static str,
    peer: &'static str,
    shown: &'static str,
    at_least: f64,
) -> Target {
    Target {
        contest,
        wanted: Wanted::Ratio {
            peer,
            shown,
            at_least,
        },
    }
}

const fn metric(
    name: &'static str,
    ours: &'static [&'static str],
    peers: &'static [Peer],
) -> Contest {
    Contest {
        name,
        system: "brute force",
        ours,
        parts: &[&[]],
        found_flag: "--neighbors-out",
        timed: &["fit_s", "predict_s"],
        answer: "neighbors_answer",
        shows_answer: false,
        threads: None,
        repeats: 1,
        rounds: 1,
        until_peer: false,
        peers,
    }
}

/// `ours` ends with the specification.
const fn feature(
    name: &'static str,
    ours: &'static [&'static str; 3],
    peers: &'static [Peer],
) -> Contest {
    Contest {
        name,
        system: ours[2],
        ours,
        parts: &[&["--split", "train"], &["--split", "test"]],
        found_flag: "--out",
        timed: &["seconds"],
        answer: "spec",
        shows_answer: true,
        threads: None,
        repeats: 3,
        rounds: 5,
        until_peer: false,
        peers,
    }
}

const KNN: Suite = Suite {
    name: "knn",
    job: "The 10 nearest training images of every test image, exact",
    counts: Counts::Queries,
    threads: None,
    contests: &[
        metric(
            "l2",
            &[
                "knn", "--on", "test", "--engine", "brute", "--k", "10", "--metric", "l2",
            ],
            &[
                peer("faiss", "faiss-cpu"),
                peer("numkong", "numkong"),
                peer("sklearn", "scikit-learn"),
                peer("numpy", "numpy"),
            ],
        ),
        metric(
            "l1",
            &[
                "knn", "--on", "test", "--engine", "brute", "--k", "10", "--metric", "l1",
            ],
            &[
                Peer {
                    name: "opencv5",
                    package: Package::OpenCv5,
                },
                peer("opencv", "opencv-python-headless"),
                peer("faiss", "faiss-cpu"),
                peer("sklearn", "scikit-learn"),
                peer("numpy", "numpy"),
            ],
        ),
    ],
    targets: &[
        ratio("l2", "faiss", "faiss IndexFlatL2", 5.0),
        ratio("l1", "opencv", "OpenCV 4 batchDistance", 12.0),
        ratio("l1", "faiss", "faiss IndexFlat METRIC_L1", 60.0),
    ],
    target_size: (50_000, 10_000),
};

const SEARCH: Suite = Suite {
    name: "search",
    job: "The 10 nearest training images of every test image, exact, by the engine that is chosen",
    counts: Counts::Queries,
    threads: None,
    contests: &[
        Contest {
            system: "lower bounds",
            ..metric(
                "l2",
                &["knn", "--on", "test", "--k", "10", "--metric", "l2"],
                &[
                    peer("faiss", "faiss-cpu"),
                    peer("numkong", "numkong"),
                    peer("hnswlib", "hnswlib"),
                ],
            )
        },
        Contest {
            system: "lower bounds",
            ..metric(
                "l1",
                &["knn", "--on", "test", "--k", "10", "--metric", "l1"],
                &[
                    Peer {
                        name: "opencv5",
                        package: Package::OpenCv5,
                    },
                    peer("opencv", "opencv-python-headless"),
                ],
            )
        },
    ],
    targets: &[
        ratio("l2", "faiss", "faiss IndexFlatL2", 10.0),
        ratio("l2", "hnswlib", "hnswlib's queries at recall 0.95", 1.0),
        ratio("l1", "opencv5", "OpenCV 5 batchDistance", 25.0),
        ratio("l1", "opencv", "OpenCV 4 batchDistance", 25.0),
    ],
    target_size: (50_000, 10_000),
};

const FEATURES: Suite = Suite {
    name: "features",
    job: "The features of every training and test image",
    counts: Counts::Images,
    threads: Some(1),
    contests: &[
        // What a peer is told in its script is spelled out here, too, so that no default can part them.
        feature(
            "hog-opencv",
            &[
                "features",
                "--features",
                "hog:mode=opencv,cell=8,block=2,stride=8,bins=9",
            ],
            &[peer("opencv", "opencv-python-headless")],
        ),
        feature(
            "hog-skimage",
            &[
                "features",
                "--features",
                "hog:mode=skimage,cell=8,block=3,bins=9,norm=l2hys",
            ],
            &[peer("skimage", "scikit-image")],
        ),
        feature(
            "hist-opencv",
            &[
                "features",
                "--features",
                "hist:mode=opencv,bins=10,norm=none",
            ],
            &[peer("opencv", "opencv-python-headless")],
        ),
        Contest {
            threads: Some(2),
            repeats: 10,
            ..feature("hog", &["features", "--features", "hog"], &[])
        },
    ],
    targets: &[
        ratio("hog-opencv", "opencv", "OpenCV 4 HOGDescriptor", 8.0),
        ratio("hog-skimage", "skimage", "scikit-image hog", 60.0),
        ratio(
            "hist-opencv",
            "opencv",
            "OpenCV 4 cvtColor and calcHist",
            8.0,
        ),
        Target {
            contest: "hog",
            wanted: Wanted::SecondsBelow(1.0),
        },
    ],
    target_size: (50_000, 10_000),
};

/// `ours` trains a model.
const fn training(
    name: &'static str,
    system: &'static str,
    ours: &'static [&'static str],
    peers: &'static [Peer],
) -> Contest {
    Contest {
        name,
        system,
        ours,
        parts: &[&[]],
        found_flag: "--out",
        timed: &["fit_s"],
        answer: "objective",
        shows_answer: true,
        threads: None,
        repeats: 1,
        rounds: 1,
        until_peer: false,
        peers,
    }
}

const EXACT: &[&str] = &[
    "train", "--loss", "softmax", "--solver", "exact", "--lambda", "1e-3",
];

const LINEAR: Suite = Suite {
    name: "linear",
    job: "Softmax with an L2 penalty on the pixels of every training image",
    counts: Counts::Queries,
    threads: Some(2),
    contests: &[
        Contest {
            repeats: 3,
            ..training(
                "epoch",
                "sgd, 10 epochs",
                &[
                    "train", "--loss", "softmax", "--solver", "sgd", "--lambda", "1e-3",
                    "--epochs", "10", "--batch", "256",
                ],
                &[
                    peer("numpy", "numpy"),
                    Peer {
                        name: "torch",
                        package: Package::ByHand,
                    },
                ],
            )
        },
        Contest {
            until_peer: true,
            ..training(
                "exact-30",
                "exact",
                EXACT,
                &[peer("sklearn", "scikit-learn")],
            )
        },
        training("exact", "exact", EXACT, &[peer("sklearn", "scikit-learn")]),
    ],
    targets: &[
        ratio("epoch", "torch", "PyTorch", 5.0),
        ratio("epoch", "numpy", "a NumPy loop", 3.0),
        ratio(
            "exact-30",
            "sklearn",
            "scikit-learn for 30 iterations",
            10.0,
        ),
        ratio("exact", "sklearn", "scikit-learn to tolerance 1e-6", 10.0),
    ],
    target_size: (50_000, 10_000),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    #[test]
    fn scripts_and_packages_exist() {
        let folder = shell::root().join("benches/peers");
        for suite in SUITES {
            let check = folder.join(suite.name).join("agreement.py");
            assert!(check.is_file(), "{}", check.display());
            for peer in suite.contests.iter().flat_map(|contest| contest.peers) {
                let script = folder.join(format!("{}/peer_{}.py", suite.name, peer.name));
                assert!(script.is_file(), "{}", script.display());
                let (file, package) = match peer.package {
                    Package::Shared(package) => ("requirements.txt", package),
                    Package::ByHand => continue,
                    Package::OpenCv5 => ("requirements-opencv5.txt", "opencv-python-headless"),
                };
                let text = std::fs::read_to_string(folder.join(file)).unwrap();
                let pin = format!("{package}==");
                assert!(text.lines().any(|line| line.starts_with(&pin)), "{pin}");
            }
        }
    }

    #[test]
    fn targets_name_peers_that_run() {
        for suite in SUITES {
            for target in suite.targets {
                let contest = suite.contests.iter().find(|c| c.name == target.contest);
                let contest = contest.unwrap();
                if let Wanted::Ratio { peer, .. } = &target.wanted {
                    assert!(contest.peers.iter().any(|p| p.name == *peer));
                }
            }
        }
    }

    #[test]
    fn every_contest_runs_and_is_named_once() {
        for suite in SUITES {
            for (at, contest) in suite.contests.iter().enumerate() {
                assert!(contest.repeats > 0 && contest.rounds > 0 && !contest.parts.is_empty());
                assert!(!contest.timed.is_empty());
                let others = &suite.contests[at + 1..];
                assert!(others.iter().all(|other| other.name != contest.name));
            }
        }
    }

    #[test]
    fn jobs_are_counted_in_their_own_unit() {
        assert_eq!(
            Counts::Queries.of((500, 100)),
            "100 queries against 500 rows"
        );
        assert_eq!(Counts::Images.of((500, 100)), "600 images");
    }
}
