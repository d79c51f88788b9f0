//! Axes: what they measure, from where to where, and where their ticks are.

/// One axis of a [`Plot`](super::Plot).
///
/// ```
/// use nearplane_report::Axis;
/// let axis = Axis::new("accuracy").percent().range(0.0, 1.0);
/// assert_eq!(axis, Axis::new("accuracy").percent().range(0.0, 1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Axis {
    pub(super) label: String,
    pub(super) range: Option<(f64, f64)>,
    pub(super) named: Option<Vec<(f64, String)>>,
    pub(super) is_log: bool,
    pub(super) is_percent: bool,
    pub(super) hidden: bool,
}

impl Axis {
    /// A linear axis that spans what is shown.
    #[must_use]
    pub fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..Self::default()
        }
    }

    /// No line, no ticks, no label.
    #[must_use]
    pub fn hidden() -> Self {
        Self {
            hidden: true,
            ..Self::default()
        }
    }

    /// From where to where.
    ///
    /// # Panics
    /// If these are not two finite numbers in ascending order.
    #[must_use]
    pub fn range(mut self, from: f64, to: f64) -> Self {
        assert!(
            from < to && from.is_finite() && to.is_finite(),
            "an axis from {from} to {to}"
        );
        self.range = Some((from, to));
        self
    }

    /// Logarithmic; values of 0 or below are not shown.
    #[must_use]
    pub fn log(mut self) -> Self {
        self.is_log = true;
        self
    }

    /// Fractions, shown in per cent.
    #[must_use]
    pub fn percent(mut self) -> Self {
        self.is_percent = true;
        self
    }

    /// Ticks at these places, with these names, and no others.
    #[must_use]
    pub fn ticks(mut self, ticks: impl IntoIterator<Item = (f64, String)>) -> Self {
        self.named = Some(ticks.into_iter().collect());
        self
    }
}

/// An axis that knows its range: values to 0..=1.
#[derive(Clone, Debug)]
pub(super) struct Fitted<'a> {
    axis: &'a Axis,
    from: f64,
    to: f64,
}

impl<'a> Fitted<'a> {
    /// Spans `values` with a little room, unless the axis has a range.
    pub(super) fn new(axis: &'a Axis, values: impl Iterator<Item = f64>, room: f64) -> Self {
        let usable = |v: &f64| v.is_finite() && (!axis.is_log || *v > 0.0);
        let (from, to) = axis.range.unwrap_or_else(|| {
            let (low, high) = values
                .filter(usable)
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                    (low.min(v), high.max(v))
                });
            if low > high {
                return if axis.is_log { (1.0, 10.0) } else { (0.0, 1.0) };
            }
            if axis.is_log {
                let spare = (high / low).powf(room).max(1.01);
                return (low / spare, high * spare);
            }
            let spare = if high > low {
                (high - low) * room
            } else {
                0.5 * high.abs().max(1.0)
            };
            // What starts at 0 stays there.
            let from = if low >= 0.0 && low < spare {
                0.0
            } else {
                low - spare
            };
            (from, high + spare)
        });
        Self { axis, from, to }
    }

    /// Where a value is, 0 at the start and 1 at the end; `None` where there is no such place.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        if self.axis.is_log {
            let log = |v: f64| (v > 0.0).then(|| v.ln());
            let (from, to) = (log(self.from)?, log(self.to)?);
            return Some((log(value)? - from) / (to - from));
        }
        Some((value - self.from) / (self.to - self.from))
    }

    /// Where the axis begins.
    pub(super) fn from(&self) -> f64 {
        self.from
    }

    /// Ticks with their labels, about `count`.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        if self.axis.hidden {
            return Vec::new();
        }
        if let Some(named) = &self.axis.named {
            return named.clone();
        }
        if self.axis.is_log {
            return self.powers(count);
        }
        let step = nice_step((self.to - self.from) / count as f64);
        let decimals = |step: f64| (-step.log10().floor()).max(0.0) as usize;
        let (first, last) = (
            (self.from / step - 1e-9).ceil() as i64,
            (self.to / step + 1e-9).floor() as i64,
        );
        (first..=last)
            .map(|i| {
                let value = i as f64 * step;
                let text = if self.axis.is_percent {
                    let digits = decimals(100.0 * step);
                    format!("{:.digits$} %", 100.0 * value)
                } else {
                    let digits = decimals(step);
                    format!("{value:.digits$}")
                };
                (value, text.replace('-', "\u{2212}"))
            })
            .collect()
    }

    fn powers(&self, count: usize) -> Vec<(f64, String)> {
        let (first, last) = (
            (self.from.log10() - 1e-9).ceil() as i32,
            (self.to.log10() + 1e-9).floor() as i32,
        );
        let every = ((last - first) as usize / count.max(1) + 1) as i32;
        (first..=last)
            .filter(|power| power.rem_euclid(every) == 0)
            .map(|power| {
                let text = if (-3..=4).contains(&power) {
                    format!("{}", 10f64.powi(power))
                } else {
                    format!("1e{power}").replace('-', "\u{2212}")
                };
                (10f64.powi(power), text)
            })
            .collect()
    }
}

/// 1, 2 or 5 times a power of ten, at least about `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0];
    let factor = nice.into_iter().find(|f| f * power >= step * 0.999);
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64], count: usize) -> Vec<String> {
        let fitted = Fitted::new(axis, values.iter().copied(), 0.05);
        fitted
            .ticks(count)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            labels(&Axis::new("k").range(0.0, 100.0), &[], 5),
            ["0", "20", "40", "60", "80", "100"]
        );
        assert_eq!(
            labels(&Axis::new("p").percent().range(0.25, 0.4), &[], 4),
            ["25 %", "30 %", "35 %", "40 %"]
        );
        assert_eq!(
            labels(&Axis::new("s").range(-0.1, 0.1), &[], 4),
            ["\u{2212}0.10", "\u{2212}0.05", "0.00", "0.05", "0.10"]
        );
        assert_eq!(
            labels(&Axis::new("n").log().range(0.001, 10.0), &[], 5),
            ["0.001", "0.01", "0.1", "1", "10"]
        );
    }

    #[test]
    fn an_axis_spans_what_is_shown() {
        let axis = Axis::new("x");
        let fitted = Fitted::new(&axis, [2.0, f64::NAN, 12.0].into_iter(), 0.1);
        assert_eq!(fitted.place(1.0), Some(0.0));
        assert_eq!(fitted.place(13.0), Some(1.0));
        assert_eq!(fitted.place(f64::NAN), None);
        let one = Fitted::new(&axis, [3.0].into_iter(), 0.1);
        assert!((one.place(3.0).unwrap() - 0.5).abs() < 1e-12);
        let nothing = Fitted::new(&axis, [].into_iter(), 0.1);
        assert_eq!(nothing.place(0.5), Some(0.5));
    }
}
