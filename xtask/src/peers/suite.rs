//! What runs beside what: one suite for each `--peers NAME`. The scripts of a suite are in `benches/peers/NAME`.

/// Every suite, in the order of `--peers all`.
pub(crate) const SUITES: [&Suite; 1] = [&KNN];

/// Contests that share a data set, scripts and a table.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    /// What every system has to do: the start of a sentence.
    pub(crate) job: &'static str,
    pub(crate) contests: &'static [Contest],
    pub(crate) targets: &'static [Target],
    /// Numbers of training and test images that the targets are meant for.
    pub(crate) target_size: (u64, u64),
}

/// One question to nearplane and to some peers.
#[derive(Debug)]
pub(crate) struct Contest {
    pub(crate) name: &'static str,
    /// The command of nearplane; data, threads and outputs are added.
    pub(crate) ours: &'static [&'static str],
    /// The flag that writes what nearplane found.
    pub(crate) found_flag: &'static str,
    /// Fields of nearplane's record whose sum is timed.
    pub(crate) timed: &'static [&'static str],
    /// The field that has to be the same in every run of nearplane.
    pub(crate) answer: &'static str,
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
}

/// A ratio that the project wants to reach.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) contest: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) shown: &'static str,
    pub(crate) at_least: f64,
}

const fn peer(name: &'static str, package: &'static str) -> Peer {
    Peer {
        name,
        package: Package::Shared(package),
    }
}

const fn metric(
    name: &'static str,
    ours: &'static [&'static str],
    peers: &'static [Peer],
) -> Contest {
    Contest {
        name,
        ours,
        found_flag: "--neighbors-out",
        timed: &["fit_s", "predict_s"],
        answer: "neighbors_answer",
        peers,
    }
}

const KNN: Suite = Suite {
    name: "knn",
    job: "The 10 nearest training images of every test image, exact",
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
        Target {
            contest: "l2",
            peer: "faiss",
            shown: "faiss IndexFlatL2",
            at_least: 5.0,
        },
        Target {
            contest: "l1",
            peer: "opencv",
            shown: "OpenCV 4 batchDistance",
            at_least: 12.0,
        },
        Target {
            contest: "l1",
            peer: "faiss",
            shown: "faiss IndexFlat METRIC_L1",
            at_least: 60.0,
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
            for peer in suite.contests.iter().flat_map(|contest| contest.peers) {
                let script = folder.join(format!("{}/peer_{}.py", suite.name, peer.name));
                assert!(script.is_file(), "{}", script.display());
                let (file, package) = match peer.package {
                    Package::Shared(package) => ("requirements.txt", package),
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
                assert!(contest.unwrap().peers.iter().any(|p| p.name == target.peer));
            }
        }
    }
}
