//! Headless Chromium, driven by its command line: the page stands in a frame of the width that is wanted (a window has a
//! least width), and a script in a copy of it tells the outer page what it found.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::shell;

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// A browser that hangs is ended.
const LIMIT: Duration = Duration::from_secs(120);

/// Looks at the page from inside, once it is loaded.
const PROBE: &str = include_str!("probe.js");

/// Light or dark.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        }
    }
}

/// What the page says of itself.
pub(super) enum Finding {
    Problem(String),
    Section { id: String, height: u32 },
}

pub(super) struct Browser {
    program: PathBuf,
}

impl Browser {
    pub(super) fn find() -> Option<Browser> {
        let program = NAMES.into_iter().find_map(shell::find_program)?;
        Some(Browser { program })
    }

    /// A copy of the page with the probe in it, that is always light or always dark.
    pub(super) fn copy(&self, html: &str, scheme: Scheme, out: &Path) -> Result<PathBuf, String> {
        const DARK: &str = "@media screen and (prefers-color-scheme:dark)";
        if !html.contains(DARK) {
            return Err(format!("the page has no `{DARK}`"));
        }
        let rule = match scheme {
            Scheme::Light => "@media not all",
            Scheme::Dark => "@media all",
        };
        let html = html.replace(DARK, rule);
        // First of all, so that it hears of every error.
        let html = html.replacen("<title>", &format!("<script>{PROBE}</script><title>"), 1);
        let path = out.join(format!("{}.html", scheme.name()));
        write(&path, &html)?;
        Ok(path)
    }

    /// What the probe finds at a width, and what the browser has to say.
    pub(super) fn look(&self, copy: &Path, width: u32, out: &Path) -> Result<Vec<Finding>, String> {
        let frame = frame(copy, width, 900, "", out)?;
        let size = format!("--window-size={},1000", width.max(500));
        let arguments = [size.as_str(), "--virtual-time-budget=20000", "--dump-dom"];
        let (dom, log) = self.run(&arguments, &frame)?;
        let mut findings = Vec::new();
        for line in log.lines().filter(|line| line.contains("CONSOLE")) {
            findings.push(Finding::Problem(format!("the console says: {line}")));
        }
        let said = dom
            .split_once("<pre id=\"said\">")
            .and_then(|(_, rest)| rest.split_once("</pre>"));
        let said = said.map(|(said, _)| said.trim()).unwrap_or_default();
        let Some(said) = said.strip_suffix("end") else {
            return Err(format!(
                "{} did not load the page within its time; it said {said:?}",
                self.program.display()
            ));
        };
        for line in said.lines().filter(|line| !line.is_empty()) {
            findings.push(
                match line
                    .strip_prefix("section ")
                    .and_then(|rest| rest.split_once(' '))
                {
                    Some((id, height)) => Finding::Section {
                        id: id.to_owned(),
                        height: height
                            .parse()
                            .map_err(|_| format!("not a height: {line}"))?,
                    },
                    None => Finding::Problem(line.to_owned()),
                },
            );
        }
        Ok(findings)
    }

    /// A picture of one section.
    pub(super) fn picture(
        &self,
        copy: &Path,
        width: u32,
        id: &str,
        height: u32,
        to: &Path,
    ) -> Result<(), String> {
        let out = to.parent().unwrap_or(Path::new("."));
        // Beyond this the browser leaves the rest blank.
        let height = height.saturating_add(60).min(16_000);
        let frame = frame(copy, width, height, id, out)?;
        let size = format!("--window-size={},{height}", width.max(500));
        let shot = format!("--screenshot={}", to.display());
        self.run(
            &[
                &size,
                &shot,
                "--hide-scrollbars",
                "--virtual-time-budget=5000",
            ],
            &frame,
        )?;
        if to.is_file() {
            Ok(())
        } else {
            Err(format!("{} took no picture", self.program.display()))
        }
    }

    /// Runs the browser on a file, off the network, with a profile of its own; what it printed and what it logged.
    fn run(&self, arguments: &[&str], file: &Path) -> Result<(String, String), String> {
        let profile = std::env::temp_dir().join(format!("nearplane-page-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&profile);
        let log = profile.with_extension("log");
        let dom = profile.with_extension("dom");
        let create = |path: &Path| {
            std::fs::File::create(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let mut command = Command::new(&self.program);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-extensions",
                "--enable-logging=stderr",
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(arguments)
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .stdout(create(&dom)?)
            .stderr(create(&log)?);
        let result = wait(&mut command);
        let read = |path: &Path| {
            std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let texts = (
            read(&dom).unwrap_or_default(),
            read(&log).unwrap_or_default(),
        );
        for path in [&dom, &log] {
            // Leftovers in the system's temporary folder are no failure.
            let _ = std::fs::remove_file(path);
        }
        let _ = std::fs::remove_dir_all(&profile);
        result.map(|()| texts)
    }
}

fn wait(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .spawn()
        .map_err(|error| format!("{name} could not be started: {error}"))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{name} failed: {status}")),
            Ok(None) if start.elapsed() < LIMIT => std::thread::sleep(Duration::from_millis(30)),
            Ok(None) => {
                // Both can only fail because the browser has ended in between.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} took longer than {} s", LIMIT.as_secs()));
            }
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
}

/// A page that holds the copy in a frame of this width, and what it says below it.
fn frame(
    copy: &Path,
    width: u32,
    height: u32,
    section: &str,
    out: &Path,
) -> Result<PathBuf, String> {
    let name = copy.file_name().unwrap_or_default().display();
    let anchor = if section.is_empty() {
        String::new()
    } else {
        format!("#only={section}")
    };
    let html = format!(
        "<!DOCTYPE html><meta charset=\"utf-8\"><style>body{{margin:0}}iframe{{border:0;display:block}}</style>\
         <iframe src=\"{name}{anchor}\" width=\"{width}\" height=\"{height}\"></iframe><pre id=\"said\"></pre>\
         <script>addEventListener(\"message\", event => \
         document.getElementById(\"said\").textContent = event.data)</script>"
    );
    let path = out.join("frame.html");
    write(&path, &html)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
