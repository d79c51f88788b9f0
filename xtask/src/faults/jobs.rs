//! The commands that write, and the small inputs that they work on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::room::{Files, Room, files_of};
use super::samples;

/// A command that writes.
pub(super) struct Job {
    pub(super) name: &'static str,
    /// What makes the outputs that are replaced.
    pub(super) before: &'static str,
    /// What is disturbed.
    pub(super) arguments: &'static str,
    /// Files and folders that it writes; all that begins with one of these is its own.
    pub(super) outputs: &'static [&'static str],
    pub(super) resume: Resume,
}

/// How a command that was killed goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Resume {
    /// It begins again.
    No,
    /// The same command goes on where its results end.
    Rows,
    /// With `--resume`, where there is a checkpoint.
    Checkpoint,
}

/// CSV files that grow by rows.
pub(super) const LOGS: [&str; 2] = ["log.csv", "data/.nearplane-looks.csv"];

const fn job(
    name: &'static str,
    before: &'static str,
    arguments: &'static str,
    outputs: &'static [&'static str],
) -> Job {
    Job {
        name,
        before,
        arguments,
        outputs,
        resume: Resume::No,
    }
}

const fn resumed(job: Job, resume: Resume) -> Job {
    Job { resume, ..job }
}

/// All commands that write, `data fetch` apart, which has a server of its own in the tests.
pub(super) const JOBS: [Job; 18] = [
    job(
        "data synth",
        "data synth --out out --n-train 80 --n-test 30 --seed 9",
        "data synth --out out --n-train 120 --n-test 40 --results log.csv",
        &["out/", "log.csv"],
    ),
    job(
        "data import, folder",
        "data import photos --out out --test-ratio 0.5",
        "data import photos --out out",
        &["out/"],
    ),
    job(
        "data import, archive",
        "data import photos --out out --test-ratio 0.5",
        "data import photos.tar --out out --results log.csv",
        &["out/", "log.csv"],
    ),
    job(
        "data perturb",
        "data perturb --data data --perturb tint:r=20 --out out --picture p.png",
        "data perturb --data data --perturb shift:dx=2 --out out --picture p.png",
        &["out/", "p.png"],
    ),
    job(
        "data export",
        "data export --data data --out arrays --limit 50",
        "data export --data data --out arrays --dtype f32",
        &["arrays/"],
    ),
    job(
        "features, npy",
        "features --data data --features hog+hist --out f.npy --picture h.png",
        "features --data data --features hog --out f.npy --picture h.png --results log.csv",
        &["f.npy", "f.labels.npy", "h.png", "log.csv"],
    ),
    job(
        "features, cached",
        "features --data data --features hist --out f.safetensors",
        "features --data data --features hog --out f.safetensors --cache cache",
        &["f.safetensors", "cache/"],
    ),
    job(
        "knn",
        "knn --data data --on test --k 2 --neighbors-out n.npy --predictions p.csv --neighbors n.png",
        "knn --data data --on test --k 1,3 --neighbors-out n.npy --predictions p.csv --neighbors n.png --results log.csv",
        &["n.npy", "p.csv", "n.png", "log.csv"],
    ),
    resumed(
        job(
            "cv knn",
            "cv knn --data data --k 7 --results log.csv",
            "cv knn --data data --k 1..5 --metric l1,l2 --results log.csv --resume",
            &["log.csv"],
        ),
        Resume::Rows,
    ),
    resumed(
        job(
            "cv linear",
            "cv linear --data data --features hist --loss softmax --lambda 0.5 --results log.csv",
            "cv linear --data data --features hist --loss softmax,ridge --lambda 1,0.1,0.01 --results log.csv --resume",
            &["log.csv"],
        ),
        Resume::Rows,
    ),
    resumed(
        job(
            "tune",
            "tune --data data --features hist --search random --trials 2 --seed 9 --results log.csv",
            "tune --data data --features hist --search halving --trials 6 --results log.csv --resume",
            &["log.csv"],
        ),
        Resume::Rows,
    ),
    job(
        "train, exact",
        "train --data data --features hist --lambda 0.1 --out m.safetensors --plot m.svg",
        "train --data data --features hist --loss softmax --out m.safetensors --plot m.svg --results log.csv",
        &["m.safetensors", "m.svg", "log.csv"],
    ),
    resumed(
        job(
            "train, sgd",
            "train --data data --features hist --lambda 0.1 --out m.safetensors --plot m.svg",
            "train --data data --features hist --solver sgd --epochs 6 --lambda 0.1,0.01 --out m.safetensors --plot m.svg",
            &["m.safetensors", "m.svg"],
        ),
        Resume::Checkpoint,
    ),
    job(
        "eval",
        "eval other.safetensors --data data --on test --predictions p.csv --confusion c.svg",
        "eval model.safetensors --data data --on test --predictions p.csv --confusion c.svg --results log.csv",
        &["p.csv", "c.svg", "log.csv"],
    ),
    job(
        "predict",
        "predict raw.safetensors photos/bee/1.png --explain e.png",
        "predict raw.safetensors photos/ant/0.png photos/bee/0.png --explain e.png --results log.csv",
        &["e.png", "log.csv"],
    ),
    job(
        "lecture",
        "lecture --data data --out page --quick --only knn",
        "lecture --data data --out page --quick --only images",
        &["page/"],
    ),
    job(
        "difficulties",
        "difficulties --data data --n-train 40 --n-test 20 --picture d.png --knobs-picture k.png --metric l1",
        "difficulties --data data --n-train 50 --n-test 20 --picture d.png --knobs-picture k.png",
        &["d.png", "k.png"],
    ),
    job(
        "generate",
        "generate --out manuals",
        "generate --out manuals",
        &["manuals/"],
    ),
];

impl Job {
    /// Whether a file is one that this command may write; temporary ones are not.
    pub(super) fn owns(&self, name: &str) -> bool {
        let is_output = |output: &&str| match output.strip_suffix('/') {
            Some(_) => name.starts_with(*output),
            None => *name == **output,
        };
        self.outputs.iter().any(is_output)
    }

    /// Whether a file is there only while the work is not done.
    pub(super) fn is_progress(&self, name: &str) -> bool {
        match self.resume {
            Resume::No => false,
            Resume::Rows => name.starts_with("log.csv.starts/"),
            Resume::Checkpoint => name == "m.safetensors.checkpoint",
        }
    }
}

/// Whether a name is one of the temporary files and folders that become an output, or a file in one.
pub(super) fn is_temporary(name: &str) -> bool {
    let hidden = |part: &str| part.starts_with(".nearplane-") && part != ".nearplane-looks.csv";
    name.split('/').any(hidden)
}

/// The binary, and where the runs take place.
pub(super) struct Bench {
    pub(super) nearplane: PathBuf,
    pub(super) base: PathBuf,
    /// What every command finds.
    pub(super) inputs: Files,
}

impl Bench {
    /// Makes the inputs, with the binary itself where no other program can.
    pub(super) fn new(nearplane: &Path, base: &Path) -> Result<Bench, String> {
        let room = base.join("inputs");
        fs::create_dir_all(&room).map_err(|error| format!("{}: {error}", room.display()))?;
        let mut bench = Bench {
            nearplane: nearplane.to_owned(),
            base: base.to_owned(),
            inputs: samples::photos(),
        };
        let mut tar = Vec::new();
        for (name, bytes) in &bench.inputs {
            samples::add_to_tar(&mut tar, name.trim_start_matches("photos/"), bytes);
        }
        samples::end_tar(&mut tar);
        bench.inputs.insert("photos.tar".to_owned(), tar);
        let room = Room::new(room, &bench.inputs)?;
        for arguments in [
            "data synth --out data --n-train 120 --n-test 40",
            "train --data data --features hist --loss softmax --lambda 0.1 --out model.safetensors",
            "train --data data --features hist --loss svm --lambda 1 --out other.safetensors",
            "train --data data --lambda 10 --max-passes 3 --out raw.safetensors",
        ] {
            bench.must(&room, arguments)?;
        }
        bench.inputs = files_of(&room.work)?;
        Ok(bench)
    }

    /// `nearplane` with these arguments, separated by blanks.
    pub(super) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.nearplane);
        command.args(arguments.split_whitespace()).arg("--quiet");
        command
    }

    /// Another program that runs `nearplane` with these arguments.
    pub(super) fn command_under(&self, program: &[&str], arguments: &str) -> Command {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(&self.nearplane);
        command.args(arguments.split_whitespace()).arg("--quiet");
        command
    }

    /// Runs what nothing disturbs.
    pub(super) fn must(&self, room: &Room, arguments: &str) -> Result<super::room::Ended, String> {
        let ended = room.run(&mut self.command(arguments))?;
        if ended.is_done() {
            Ok(ended)
        } else {
            Err(format!(
                "nearplane {arguments}, which nothing disturbed: {}",
                ended.shown()
            ))
        }
    }

    pub(super) fn room(&self, name: &str) -> Result<Room, String> {
        Room::new(self.base.join(name), &self.inputs)
    }
}
