//! Errors on their way out: one line on stderr and an exit code. Commands return `anyhow::Error`; the two kinds that
//! do not mean "failed" (exit code 1) are marked by a type of this file somewhere in the chain.

use std::fmt::Write as _;
use std::num::{IntErrorKind, ParseFloatError, ParseIntError};

use anyhow::Error;
use clap::error::{ContextKind, ContextValue};
use nearplane_cifar::io_reason;

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

/// Ctrl-C in a training: exit code 130.
#[derive(Debug)]
pub(crate) struct Kept {
    /// What is done, such as `epoch 3 of 20`.
    pub(crate) done: String,
    pub(crate) checkpoint: std::path::PathBuf,
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "interrupted; {} is kept in {}, the same command with --resume continues there",
            self.done,
            self.checkpoint.display()
        )
    }
}

impl std::error::Error for Kept {}

/// The exit code that an error ends in.
pub(crate) fn exit_code(error: &Error) -> u8 {
    let is_stop = |cause: &(dyn std::error::Error + 'static)| {
        cause.is::<Interrupted>() || cause.is::<Paused>() || cause.is::<Kept>()
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
        let text = in_words(cause);
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            let _ = write!(line, ": {text}");
        }
    }
    let mut causes = error.chain().filter_map(|cause| cause.downcast_ref());
    if let Some(hint) = causes.find_map(nearplane_cifar::refusal_hint) {
        let _ = write!(line, "; {hint}");
    }
    line.split(['\n', '\r'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A cause with what the user can do about it here: libraries do not know the options of a command line.
fn in_words(cause: &(dyn std::error::Error + 'static)) -> String {
    if let Some(error) = cause.downcast_ref::<std::io::Error>() {
        return io_reason(error);
    }
    if let Some(error) = cause.downcast_ref::<csv::Error>()
        && let csv::ErrorKind::Io(error) = error.kind()
    {
        return io_reason(error);
    }
    let option = match cause.downcast_ref::<nearplane_cifar::Error>() {
        Some(nearplane_cifar::Error::Changed { .. }) => {
            " (--no-mmap reads the files into memory first, where a change does no harm)"
        }
        Some(nearplane_cifar::Error::Io { action, .. }) if action.contains("map") => {
            " (--no-mmap reads it instead)"
        }
        Some(nearplane_cifar::Error::Exists { .. }) => " (--force)",
        _ => "",
    };
    format!("{cause}{option}")
}

/// What Rust's number parsers say, in the words of the user.
fn number_in_words(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<ParseIntError>() {
        return Some(match error.kind() {
            IntErrorKind::PosOverflow => "the number is too large",
            _ => "expected a whole number, 0 or more",
        });
    }
    let is_float = error.is::<ParseFloatError>();
    is_float.then_some("expected a number such as 0.2")
}

/// A way out of what newcomers write: a data set without its option, and an option of several letters, or of one,
/// with one dash too few.
fn usage_hint(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let ContextValue::String(argument) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    let is_unknown = error.kind() == clap::error::ErrorKind::UnknownArgument;
    let has = |name: &str| {
        let mut arguments = command.get_arguments();
        is_unknown && arguments.any(|known| known.get_long() == Some(name))
    };
    let chooses = ["cv", "train", "tune"].map(|name| format!("nearplane {name}"));
    let is_one = |name: &str| {
        chooses
            .iter()
            .any(|of| name == of || name.starts_with(&format!("{of} ")))
    };
    if is_unknown && argument == "--on" && command.get_bin_name().is_some_and(is_one) {
        return Some(
            "; what chooses never looks at the test split: evaluate the choice once with --on test of 'nearplane knn' or \
             'nearplane eval'"
                .to_owned(),
        );
    }
    match argument.strip_prefix('-') {
        Some(name) if has(name) => Some(format!("; write --{name}")),
        None if has("data") => Some("; a data set is named with --data DIR".to_owned()),
        _ => None,
    }
}

/// A clap error in one line: what was wrong, clap's own hints, and where the help of `command` is.
pub(crate) fn one_line_usage(error: &clap::Error, command: &clap::Command) -> String {
    let mut rendered = error.render().to_string();
    if let Some(source) = std::error::Error::source(error)
        && let Some(words) = number_in_words(source)
    {
        rendered = rendered.replacen(&format!(": {source}"), &format!(": {words}"), 1);
    }
    let mut line = String::new();
    for part in rendered
        .lines()
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        // The usage repeats every option, and the help is pointed at below.
        if part.starts_with("Usage: ") || part.starts_with("For more information") {
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
    line.push_str(&usage_hint(error, command).unwrap_or_default());
    let name = command.get_bin_name().unwrap_or("nearplane");
    format!("{line}; see '{name} --help'")
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
    fn a_temporary_name_never_shows() {
        let error = tempfile::NamedTempFile::new_in("/no/such/folder").unwrap_err();
        assert!(error.to_string().contains("at path"), "{error}");
        let error: Result<(), _> = Err(error);
        let line = one_line(&error.context("cannot write x.csv").unwrap_err());
        assert!(
            line.starts_with("cannot write x.csv: there is no such file or folder"),
            "{line}"
        );
        assert!(!line.contains("at path"), "{line}");
        let changed = nearplane_cifar::Error::Exists { path: "x".into() };
        assert!(one_line(&Error::new(changed)).ends_with("(--force)"));
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
