//! Errors on their way out: one line on stderr and an exit code. Commands return `anyhow::Error`; the two kinds that
//! do not mean "failed" (exit code 1) are marked by a type of this file somewhere in the chain.

use std::fmt::Write as _;

use anyhow::Error;

/// The command line itself is wrong, whatever the data: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Ctrl-C: exit code 130.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; no result was written")
    }
}

impl std::error::Error for Interrupted {}

/// Ctrl-C in a download: exit code 130.
#[derive(Debug)]
pub(crate) struct Paused;

impl std::fmt::Display for Paused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; what was downloaded is kept, the same command continues there")
    }
}

impl std::error::Error for Paused {}

/// The exit code that an error ends in.
pub(crate) fn exit_code(error: &Error) -> u8 {
    let is_stop = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Interrupted>() || cause.is::<Paused>()
    };
    if error.chain().any(is_stop) {
        130
    } else if error.chain().any(|cause| cause.is::<Usage>()) {
        2
    } else {
        1
    }
}

/// The chain of an error in one line, outermost first. A cause that its parent already quotes is not repeated, and
/// line breaks (a path may hold one) become spaces.
pub(crate) fn one_line(error: &Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            let _ = write!(line, ": {text}");
        }
    }
    line.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A clap error in one line: what was wrong, clap's own hints, and where the help is.
pub(crate) fn one_line_usage(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let mut line = String::new();
    let mut help = "nearplane".to_owned();
    for part in rendered
        .lines()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        // The usage repeats every option, and the help is pointed at below.
        if let Some(usage) = part.strip_prefix("Usage: ") {
            let command = usage.split_whitespace();
            let names = command.take_while(|word| !word.starts_with(['[', '<', '-']));
            help = names.collect::<Vec<_>>().join(" ");
            break;
        }
        if part.starts_with("For more information") {
            break;
        }
        if part.starts_with("tip:") {
            line.push(';');
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(part.strip_prefix("error: ").unwrap_or(part));
    }
    format!("{line}; see '{help} --help'")
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn chains_become_one_line_without_repeats() {
        let error = anyhow!("no such file")
            .context("cannot open\nx: no such file")
            .context("data set");
        assert_eq!(one_line(&error), "data set: cannot open x: no such file");
    }

    #[test]
    fn exit_codes_follow_the_kind() {
        assert_eq!(exit_code(&anyhow!("broken")), 1);
        assert_eq!(
            exit_code(&Error::new(Usage("wrong".into())).context("plan")),
            2
        );
        let interrupted: anyhow::Result<()> = Err(Interrupted).context("search");
        assert_eq!(exit_code(&interrupted.unwrap_err()), 130);
    }
}
