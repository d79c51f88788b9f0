//! What is run: every suite with its contests, peers and targets.

use super::suite::{Contest, Counts, Package, Peer, Suite, Target, Wanted, Work};

/// Every suite, in the order of `--peers all`.
pub(crate) const SUITES: [&Suite; 5] = [&KNN, &SEARCH, &FEATURES, &LINEAR, &JOBS];

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
    work: Work,
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
        work,
        is_long: false,
        quick: &[],
        peers,
    }
}

/// `ours` ends with the specification.
const fn feature(
    name: &'static str,
    ours: &'static [&'static str; 3],
    n_features: u64,
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
        work: Work::Bytes(3072 + 4 * n_features),
        is_long: false,
        quick: &[],
        peers,
    }
}

const L1: Work = Work::Distances("l1_u8");
const L2: Work = Work::Distances("l2_sq_u8");

const OPENCV5: Peer = Peer {
    name: "opencv5",
    package: Package::OpenCv5,
};
const TORCH: Peer = Peer {
    name: "torch",
    package: Package::ByHand,
};
const LINFA: Peer = Peer {
    name: "linfa",
    package: Package::Crate,
};
const SMARTCORE: Peer = Peer {
    name: "smartcore",
    package: Package::Crate,
};

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
            L2,
            &[
                peer("faiss", "faiss-cpu"),
                peer("numkong", "numkong"),
                peer("sklearn", "scikit-learn"),
                TORCH,
                peer("scipy", "scipy"),
                LINFA,
                SMARTCORE,
                peer("numpy", "numpy"),
            ],
        ),
        metric(
            "l1",
            &[
                "knn", "--on", "test", "--engine", "brute", "--k", "10", "--metric", "l1",
            ],
            L1,
            &[
                OPENCV5,
                peer("opencv", "opencv-python-headless"),
                peer("faiss", "faiss-cpu"),
                peer("sklearn", "scikit-learn"),
                TORCH,
                peer("scipy", "scipy"),
                LINFA,
                SMARTCORE,
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
    job: "The 10 nearest training images of every test image, exact, behind lower bounds",
    counts: Counts::Queries,
    threads: None,
    contests: &[
        Contest {
            system: "lower bounds",
            ..metric(
                "l2",
                &[
                    "knn", "--on", "test", "--engine", "pruned", "--k", "10", "--metric", "l2",
                ],
                L2,
                &[
                    peer("faiss", "faiss-cpu"),
                    peer("numkong", "numkong"),
                    peer("hnswlib", "hnswlib"),
                    peer("ivf", "faiss-cpu"),
                ],
            )
        },
        Contest {
            system: "lower bounds",
            ..metric(
                "l1",
                &[
                    "knn", "--on", "test", "--engine", "pruned", "--k", "10", "--metric", "l1",
                ],
                L1,
                &[OPENCV5, peer("opencv", "opencv-python-headless")],
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
            324,
            &[peer("opencv", "opencv-python-headless")],
        ),
        feature(
            "hog-skimage",
            &[
                "features",
                "--features",
                "hog:mode=skimage,cell=8,block=3,bins=9,norm=l2hys",
            ],
            324,
            &[peer("skimage", "scikit-image")],
        ),
        feature(
            "hist-opencv",
            &[
                "features",
                "--features",
                "hist:mode=opencv,bins=10,norm=none",
            ],
            10,
            &[peer("opencv", "opencv-python-headless")],
        ),
        Contest {
            threads: Some(2),
            repeats: 10,
            ..feature("hog", &["features", "--features", "hog"], 1944, &[])
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
        work: Work::Unknown,
        is_long: false,
        quick: &[],
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
            // Ten epochs of scores and gradients.
            work: Work::Products(20),
            ..training(
                "epoch",
                "sgd, 10 epochs",
                &[
                    "train", "--loss", "softmax", "--solver", "sgd", "--lambda", "1e-3",
                    "--epochs", "10", "--batch", "256",
                ],
                &[peer("numpy", "numpy"), TORCH],
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
        Contest {
            is_long: true,
            ..training("exact", "exact", EXACT, &[peer("sklearn", "scikit-learn")])
        },
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

/// `ours` by itself, timed from its start to its end unless its record says more.
const fn job(
    name: &'static str,
    ours: &'static [&'static str],
    found_flag: &'static str,
    timed: &'static [&'static str],
) -> Contest {
    Contest {
        found_flag,
        timed,
        answer: "schema",
        shows_answer: false,
        ..training(name, "", ours, &[])
    }
}

const JOBS: Suite = Suite {
    name: "jobs",
    job: "Whole commands",
    counts: Counts::Queries,
    threads: None,
    contests: &[
        Contest {
            repeats: 3,
            work: Work::Bytes(3073),
            ..job("inspect", &["data", "inspect"], "", &[])
        },
        job("import", &["data", "import"], "--out", &[]),
        Contest {
            quick: &["--limit", "10000"],
            ..job(
                "cv",
                &[
                    "cv", "knn", "--folds", "5", "--k", "1..100", "--metric", "l1,l2",
                ],
                "",
                &["seconds"],
            )
        },
        Contest {
            quick: &["--limit", "10000"],
            ..job(
                "svm",
                &[
                    "train", "--loss", "svm", "--solver", "exact", "--lambda", "1e-2",
                ],
                "--out",
                &["fit_s"],
            )
        },
        job(
            "ridge",
            &["train", "--loss", "ridge", "--lambda", "1e-3"],
            "--out",
            &["fit_s"],
        ),
        Contest {
            is_long: true,
            ..job(
                "loo",
                &[
                    "cv", "knn", "--folds", "loo", "--k", "1..100", "--metric", "l1,l2",
                ],
                "",
                &["seconds"],
            )
        },
        job("lecture", &["lecture", "--quick"], "--out", &[]),
        Contest {
            is_long: true,
            ..job("lecture-full", &["lecture"], "--out", &[])
        },
    ],
    targets: &[
        Target {
            contest: "cv",
            wanted: Wanted::AtMostTimes {
                jobs: &[("knn", "l2"), ("knn", "l1")],
                shown: "brute force by both metrics",
                times: 4.0,
            },
        },
        Target {
            contest: "loo",
            wanted: Wanted::AtMostTimes {
                jobs: &[("jobs", "cv")],
                shown: "the same with 5 folds",
                times: 1.0,
            },
        },
        Target {
            contest: "lecture",
            wanted: Wanted::SecondsBelow(30.0),
        },
        Target {
            contest: "lecture-full",
            wanted: Wanted::SecondsBelow(180.0),
        },
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
            assert_eq!(check.is_file(), suite.has_peers(), "{}", check.display());
            for peer in suite.contests.iter().flat_map(|contest| contest.peers) {
                let script = folder.join(format!("{}/peer_{}.py", suite.name, peer.name));
                assert!(
                    script.is_file() || peer.package == Package::Crate,
                    "{}",
                    script.display()
                );
                let (file, package) = match peer.package {
                    Package::Shared(package) => ("requirements.txt", package),
                    Package::ByHand | Package::Crate => continue,
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
