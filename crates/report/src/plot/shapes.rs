//! The few shapes that plots are made of, at places in the units of the drawing.

use super::marks::Color;
use crate::html::Html;

/// A coordinate: to a tenth, as short as can be.
pub(super) fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0" } else { text }.to_owned()
}

pub(super) fn words(class: &str, x: f64, y: f64, anchor: &str, text: &str) -> Html {
    let attributes = [
        ("class", class),
        ("x", &n(x)),
        ("y", &n(y)),
        ("text-anchor", anchor),
    ];
    Html::element("text", &attributes, Html::text(text))
}

pub(super) fn segment(class: &str, from: (f64, f64), to: (f64, f64)) -> Html {
    let d = format!("M{} {}L{} {}", n(from.0), n(from.1), n(to.0), n(to.1));
    Html::void("path", &[("class", class), ("d", &d)])
}

pub(super) fn rectangle(class: &str, a: (f64, f64), b: (f64, f64)) -> Html {
    let (left, right) = (a.0.min(b.0), a.0.max(b.0));
    let (top, bottom) = (a.1.min(b.1), a.1.max(b.1));
    let attributes = [
        ("class", class),
        ("x", &n(left)),
        ("y", &n(top)),
        ("width", &n(right - left)),
        ("height", &n(bottom - top)),
    ];
    Html::void("rect", &attributes)
}

pub(super) fn point(color: Color, radius: f64, (x, y): (f64, f64)) -> Html {
    let class = format!("pt {}", color.class());
    let r = radius;
    let d = match color.shape() {
        1 => format!(
            "M{} {}h{s}v{s}h-{s}z",
            n(x - 0.9 * r),
            n(y - 0.9 * r),
            s = n(1.8 * r)
        ),
        2 => format!(
            "M{} {}L{} {}L{} {}z",
            n(x),
            n(y - 1.2 * r),
            n(x + 1.1 * r),
            n(y + 0.9 * r),
            n(x - 1.1 * r),
            n(y + 0.9 * r)
        ),
        3 => format!(
            "M{} {}L{} {}L{} {}L{} {}z",
            n(x),
            n(y - 1.3 * r),
            n(x + 1.3 * r),
            n(y),
            n(x),
            n(y + 1.3 * r),
            n(x - 1.3 * r),
            n(y)
        ),
        _ => {
            let attributes = [
                ("class", class.as_str()),
                ("cx", &n(x)),
                ("cy", &n(y)),
                ("r", &n(r)),
            ];
            return Html::void("circle", &attributes);
        }
    };
    Html::void("path", &[("class", &class), ("d", &d)])
}
