//! The figures of a run in `docs/reliability.md`, with what it takes to have them again.

use super::Wish;
use crate::peers::{self, Circumstances};
use crate::shell;

const PAGE: &str = "docs/reliability.md";

/// Puts the table between the marks of the page.
pub(super) fn write(table: &str, wish: &Wish) -> Result<(), String> {
    let at = Circumstances::now();
    let figures = format!(
        "\n`cargo xtask faults --kills {} --mutations {} --seed {}{}`, commit {}, {}:\n\n{table}\n",
        wish.kills,
        wish.mutations,
        wish.seed,
        if wish.quick { " --quick" } else { "" },
        at.commit,
        at.date,
    );
    peers::include(&shell::root().join(PAGE), "figures", &figures)
}
