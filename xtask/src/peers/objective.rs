//! What records of training say of the objective: its way down, how far from the least it can be, a peer's.

use std::path::Path;

use crate::json::Json;
use crate::shell;

/// Largest gap, as a share of the objective.
const MAX_GAP: f64 = 1e-4;

/// What a record's `trace` says, without what is no point of it.
pub(super) fn trace(record: &Json) -> Vec<(f64, f64)> {
    let points = record.get("trace").and_then(Json::array);
    let point = |point: &Json| {
        let seconds = point.number_of("s").ok()?;
        Some((seconds, point.number_of("objective").ok()?))
    };
    points
        .unwrap_or_default()
        .iter()
        .filter_map(point)
        .collect()
}

/// A record of the exact solver with a gap has to prove its objective to be within 1e-4 of the least one; gradient
/// descent only says how far away it may be.
pub(super) fn certified(contest: &str, record: &Json) -> Result<(), String> {
    let is_exact = record.get("solver").and_then(Json::text) == Some("exact");
    let Some(gap) = record
        .get("gap")
        .and_then(Json::number)
        .filter(|_| is_exact)
    else {
        return Ok(());
    };
    let objective = record.number_of("objective")?;
    if gap <= MAX_GAP * objective {
        return Ok(());
    }
    Err(format!(
        "nearplane, {contest}: a gap of {gap:e} at the objective {objective}, expected at most {MAX_GAP:e} of it"
    ))
}

/// The objective that a peer wrote.
pub(super) fn objective(result: &Path) -> Result<f64, String> {
    let text = std::fs::read_to_string(result)
        .map_err(|error| format!("{}: {error}", shell::short(result)))?;
    Json::parse(&text)?.number_of("objective")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_judged_as_a_share_of_the_objective() {
        let judge = |text: &str| certified("exact", &Json::parse(text).unwrap());
        assert_eq!(
            judge(r#"{"solver": "exact", "objective": 2, "gap": 0.0002}"#),
            Ok(())
        );
        assert_eq!(
            judge(r#"{"solver": "exact", "objective": 2, "gap": null}"#),
            Ok(())
        );
        assert!(judge(r#"{"solver": "exact", "objective": 2, "gap": 0.00021}"#).is_err());
        assert_eq!(
            judge(r#"{"solver": "sgd", "objective": 2, "gap": 1}"#),
            Ok(())
        );
    }
}
