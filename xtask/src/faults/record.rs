//! The figures of a run in `docs/reliability.md`, with what it takes to have them again.

use std::time::SystemTime;

use super::Wish;
use crate::shell;

const PAGE: &str = "docs/reliability.md";
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// Puts the table between the marks of the page.
pub(super) fn write(table: &str, wish: &Wish) -> Result<(), String> {
    let path = shell::root().join(PAGE);
    let error = |error: std::io::Error| format!("{PAGE}: {error}");
    let page = std::fs::read_to_string(&path).map_err(error)?;
    let commit = shell::ask(shell::program_at("git").args(["rev-parse", "--short", "HEAD"]))?;
    let figures = format!(
        "`cargo xtask faults --kills {} --mutations {} --seed {}{}`, commit {}, {}:\n\n{table}",
        wish.kills,
        wish.mutations,
        wish.seed,
        if wish.quick { " --quick" } else { "" },
        commit.trim(),
        today(),
    );
    std::fs::write(&path, with_figures(&page, &figures)?).map_err(error)
}

fn with_figures(page: &str, figures: &str) -> Result<String, String> {
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) =
        parts.ok_or_else(|| format!("{PAGE} has not both of {BEGIN} and {END}"))?;
    Ok(format!("{before}{BEGIN}\n\n{figures}\n{END}{after}"))
}

/// The date in UTC: days since 1970 as a year, a month and a day of the Gregorian calendar.
fn today() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    date(now.map_or(0, |since| since.as_secs() / 86_400))
}

fn date(mut days: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(is_leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(11_016), "2000-02-29");
        assert_eq!(date(20_453), "2025-12-31");
    }

    #[test]
    fn figures_take_the_place_of_older_ones() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = with_figures(&page, "new\n").unwrap();
        assert_eq!(once, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(with_figures(&once, "new\n").unwrap(), once);
        assert!(with_figures("a", "new").is_err());
    }
}
