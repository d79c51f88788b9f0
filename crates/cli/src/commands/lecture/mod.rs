//! `nearplane lecture`: the whole story as one page, a chapter a file. Computes with the libraries, draws with
//! nearplane-report; what is shown here and nowhere else (a polar transformation, a spiral of points) lives here.

mod features;
mod hyperparameters;
mod images;
mod linear;
mod losses;
mod neighbors;
mod pictures;
mod regularisation;
mod story;
mod whole;
mod zoo;

use std::io::Write as _;
use std::time::Instant;

use anyhow::Result;
use nearplane_report::{Fill, Html, Page, prose};
use serde_json::{Value, json};

use self::features::Entry;
use self::story::Story;
use super::{now, object};
use crate::args::ChapterArg;
use crate::data_source::{self, Opened};
use crate::failure::Interrupted;
use crate::hash::data_hash;
use crate::looks::{self, Look};
use crate::output::{Report, cell, counted, seconds, table};
use crate::pending::refuse_inside_data;
use crate::pending_folder::PendingFolder;
use crate::plan::{LecturePlan, Settings};
use crate::progress::{check_interrupt, interrupted};

/// Columns of `--results`, a row for each entry of the leaderboard.
pub(crate) const COLUMNS: [&str; 18] = [
    "schema",
    "time",
    "version",
    "data_source",
    "data_hash",
    "seed",
    "split_seed",
    "n_train",
    "n_test",
    "features",
    "model",
    "choice",
    "val_accuracy",
    "accuracy",
    "ci95_lo",
    "ci95_hi",
    "seconds",
    "report",
];

const SCHEMA: &str = "nearplane/lecture/1";

/// The name of the page in its folder, and everything that such a folder holds.
const PAGE: &str = "index.html";
const NAMES: [&str; 1] = [PAGE];

/// Opens, computes, writes the page, and reports.
pub(crate) fn run(plan: &LecturePlan, settings: &Settings) -> Result<Report> {
    let mut folder = PendingFolder::create(&plan.out, settings.force, &NAMES)?;
    let started = Instant::now();
    let opened = data_source::open(&plan.source, settings)?;
    for path in std::iter::once(&plan.out).chain(&settings.results) {
        refuse_inside_data(opened.folder(), path)?;
    }
    check_interrupt()?;
    let mut story = Story::new(plan, &opened, settings)?;
    let told = tell(plan, &mut story, started);
    // A library that was stopped says so in its own words.
    let (html, leaderboard) = match told {
        Err(_) if interrupted() => return Err(Interrupted.into()),
        told => told?,
    };
    folder.write(PAGE, |file| Ok(file.write_all(html.as_bytes())?))?;

    let looked = !story.looks.is_empty();
    let wants_hash = settings.wants_record() || (looked && opened.folder().is_some());
    let hash = if wants_hash {
        data_hash(&opened.data)
    } else {
        String::new()
    };
    opened.data.verify_unchanged()?;
    check_interrupt()?;
    let files = folder.finish()?;
    let page = files
        .first()
        .map_or_else(String::new, |path| path.display().to_string());
    let looks = looked
        .then(|| log_look(&story, settings, &opened, &hash))
        .flatten();
    let outcome = Outcome {
        hash,
        page,
        bytes: html.len(),
        leaderboard,
        elapsed: started.elapsed().as_secs_f64(),
        looks,
    };
    Ok(outcome.report(&story, settings, &opened))
}

/// The page, and the leaderboard if the chapter of features is on it.
fn tell(
    plan: &LecturePlan,
    story: &mut Story<'_>,
    started: Instant,
) -> Result<(String, Vec<Entry>)> {
    let mut page = Page::new("Image classification, from pixels to a leaderboard");
    let mut leaderboard = Vec::new();
    for chapter in &plan.chapters {
        match chapter {
            ChapterArg::Images => images::tell(&mut page, story)?,
            ChapterArg::Knn => neighbors::tell(&mut page, story)?,
            ChapterArg::Hyperparameters => hyperparameters::tell(&mut page, story)?,
            ChapterArg::Linear => linear::tell(&mut page, story)?,
            ChapterArg::Features => leaderboard = features::tell(&mut page, story)?,
            ChapterArg::Losses => losses::tell(&mut page, story)?,
            ChapterArg::Regularisation => regularisation::tell(&mut page, story)?,
            ChapterArg::Whole => whole::tell(&mut page, story, &leaderboard)?,
        }
        check_interrupt()?;
    }
    page.lead(lead(plan, story, started));
    Ok((page.html(), leaderboard))
}

/// What stands below the title: which data, which machine, how long.
fn lead(plan: &LecturePlan, story: &Story<'_>, started: Instant) -> Html {
    let mut lead = Html::element(
        "p",
        &[],
        prose(
            "One lecture on image classification, executable: every picture below was drawn, and every number \
             computed, by one run of `nearplane lecture` on {} ({} training and {} test images of {}). Beside each \
             figure stand the command that reproduces it and, as CSV, the numbers behind it.",
            &[
                story.source.as_str().into(),
                Fill::Text(story.all.len().to_string()),
                Fill::Text(story.test.len().to_string()),
                counted(story.names.len(), "class").into(),
            ],
        ),
    );
    if plan.quick {
        lead.push(Html::element("p", &[], prose(
            "This is the *quick* version: few images, few choices. Its accuracies are those of small data; leave out \
             `--quick` for the real ones.", &[])));
    }
    let time = format!(
        "{}, {}, {} on {}",
        now(),
        seconds(started.elapsed().as_secs_f64()),
        story.settings.level.name(),
        counted(rayon::current_num_threads(), "thread"),
    );
    let made = prose(
        "Made by nearplane {}, seed {}: {}.",
        &[
            env!("CARGO_PKG_VERSION").into(),
            Fill::Text(story.settings.seed.to_string()),
            Fill::Time(time),
        ],
    );
    lead.push(Html::element("p", &[], made));
    lead
}

fn log_look(story: &Story<'_>, settings: &Settings, opened: &Opened, hash: &str) -> Option<usize> {
    let (what, accuracies): (Vec<String>, Vec<String>) = story
        .looks
        .iter()
        .map(|(what, accuracy)| (what.clone(), accuracy.to_string()))
        .unzip();
    let look = Look {
        time: &now(),
        command: "lecture",
        data_hash: hash,
        settings: &what.join("; "),
        accuracy: &accuracies.join(" "),
        answer: "",
        advice: "everything on the page was chosen on validation images",
    };
    looks::log(opened.folder(), &look, settings.quiet)
}

/// Everything that was found out.
struct Outcome {
    hash: String,
    page: String,
    bytes: usize,
    leaderboard: Vec<Entry>,
    elapsed: f64,
    looks: Option<usize>,
}

impl Outcome {
    fn report(&self, story: &Story<'_>, settings: &Settings, opened: &Opened) -> Report {
        let entries: Vec<Value> = self.leaderboard.iter().map(Entry::record).collect();
        let record = object(json!({
            "schema": SCHEMA,
            "data": opened.record(&self.hash),
            "limit": data_source::limit(settings, opened.data.train().len()),
            "seed": settings.seed,
            "split_seed": settings.split_seed,
            "n_train": story.all.len(),
            "n_test": story.test.len(),
            "report": self.page,
            "bytes": self.bytes,
            "leaderboard": entries,
            "simd": settings.level.name(),
            "threads": rayon::current_num_threads(),
            "looks": self.looks,
            "seconds": self.elapsed,
        }));
        let time = now();
        let rows = self.leaderboard.iter().map(|entry| {
            let (low, high) = entry.test.wilson_95();
            vec![
                SCHEMA.to_owned(),
                time.clone(),
                env!("CARGO_PKG_VERSION").to_owned(),
                opened.source.clone(),
                self.hash.clone(),
                settings.seed.to_string(),
                settings.split_seed.to_string(),
                story.all.len().to_string(),
                entry.test.total.to_string(),
                entry.features.to_owned(),
                entry.model.to_owned(),
                entry.choice.clone(),
                cell(Some(entry.validation.value())),
                entry.test.value().to_string(),
                low.to_string(),
                high.to_string(),
                self.elapsed.to_string(),
                self.page.clone(),
            ]
        });
        Report {
            record,
            rows: rows.collect(),
            text: self.text(story),
        }
    }

    fn text(&self, story: &Story<'_>) -> String {
        let mut text = String::new();
        if !self.leaderboard.is_empty() {
            let shown: Vec<Vec<String>> = features::ranked(&self.leaderboard)
                .into_iter()
                .map(Entry::shown)
                .collect();
            text = format!(
                "Leaderboard on {}, {} training images, {} test images\n\n{}\n",
                story.source,
                story.all.len(),
                story.test.len(),
                table(&features::HEADER, &shown, 3)
            );
        }
        text + &format!(
            "{} kB in {}\n{}\n",
            self.bytes.div_ceil(1000),
            seconds(self.elapsed),
            self.page
        )
    }
}
