//! `cargo xtask page`: opens the page of the lecture in headless Chromium and looks at it as a reader does: at the
//! width of a phone and of a desk, in light and in dark, for console errors, requests, empty images, and text that does
//! not fit. Then it takes a picture of every section.

mod browser;
mod text;

use std::path::{Path, PathBuf};

use self::browser::{Browser, Finding, Scheme};
use crate::ci::Stop;
use crate::{demo, shell};

/// Widths in pixels: a phone, a desk.
const WIDTHS: [u32; 2] = [390, 1280];

/// Where the copies for the browser and the pictures go.
const OUT: &str = "target/page";

/// Looks at FILE, or at the page of the demo, which is made if it is not there.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let (with_pictures, rest) = match args.split_first() {
        Some((flag, rest)) if flag == "--no-pictures" => (false, rest),
        _ => (true, args),
    };
    let page = match rest {
        [] => {
            let page = shell::root().join(demo::PAGE);
            if !page.is_file() {
                demo::main(&[])?;
            }
            page
        }
        [file] if !file.starts_with('-') => PathBuf::from(file),
        _ => {
            return Err(format!(
                "expected `[--no-pictures] [FILE]`, found `{}`",
                args.join(" ")
            ));
        }
    };
    match check(&page, with_pictures) {
        Ok(()) => Ok(()),
        Err(Stop::NotRun(reason)) => {
            println!("not run: {reason}");
            Ok(())
        }
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// All checks of a page; pictures where they are wanted.
pub(crate) fn check(page: &Path, with_pictures: bool) -> Result<(), Stop> {
    let html = std::fs::read_to_string(page)
        .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let mut problems = text::problems(&html);
    let Some(browser) = Browser::find() else {
        report(&problems)?;
        return Err(Stop::NotRun(
            "no chromium and no google-chrome in the search path; the text of the page was checked"
                .to_owned(),
        ));
    };
    let out = shell::root().join(OUT);
    // What an earlier run left would be taken for this one's.
    let _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut shots = Vec::new();
    for scheme in [Scheme::Light, Scheme::Dark] {
        let copy = browser.copy(&html, scheme, &out)?;
        for width in WIDTHS {
            println!("  {} at {width} pixels", scheme.name());
            for finding in browser.look(&copy, width, &out)? {
                match finding {
                    Finding::Problem(text) => {
                        problems.push(format!("{} at {width}: {text}", scheme.name()));
                    }
                    Finding::Section { id, height } => {
                        shots.push((copy.clone(), scheme, width, id, height));
                    }
                }
            }
        }
    }
    report(&problems)?;
    println!("  {} sections seen, no problem", shots.len() / 4);
    if with_pictures {
        println!("  {} pictures in {OUT}", shots.len());
        for (copy, scheme, width, id, height) in shots {
            let name = format!("{id}-{width}-{}.png", scheme.name());
            browser.picture(&copy, width, &id, height, &out.join(name))?;
        }
    }
    Ok(())
}

fn report(problems: &[String]) -> Result<(), String> {
    if problems.is_empty() {
        return Ok(());
    }
    for problem in problems {
        println!("  {problem}");
    }
    Err(format!(
        "{} on the page, the first: {}",
        match problems.len() {
            1 => "1 problem".to_owned(),
            n => format!("{n} problems"),
        },
        problems[0]
    ))
}
