//! Section 2.6: what distances of pixels do not say, and how many points a space needs.

use anyhow::{Result, ensure};
use nearplane_cifar::PIXELS;
use nearplane_models::neighbors::{Index, Metric};
use nearplane_report::{Axis, Color, Figure, Fill, Plot, Section, Table, fixed, prose};
use nearplane_synth::{Edge, Perturbation, Step};

use crate::commands::lecture::pictures::{PLAIN, RIGHT, WRONG, framed};
use crate::commands::lecture::story::{METRICS, Story, matrix};

/// Pixels of one colour.
const PLANE: usize = PIXELS / 3;

/// An image and three others, all at the same squared distance from it.
struct Trio {
    original: Vec<u8>,
    copies: [Vec<u8>; 3],
    squared: u32,
}

/// The sum of squared differences.
fn squared(a: &[u8], b: &[u8]) -> u32 {
    let squares = a
        .iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2));
    squares.sum()
}

impl Trio {
    /// The shifted copy sets the distance; the tint and the patch are made as strong as fits into it, and what is
    /// then missing is spread over single values that nobody notices. `None` if the image does not allow it.
    fn of(original: &[u8]) -> Option<Self> {
        let mut shifted = vec![0; PIXELS];
        let shift = Perturbation::from(Step::Shift {
            dx: 2,
            dy: 1,
            edge: Edge::Repeat,
        });
        shift.check().ok()?.apply(0, original, &mut shifted);
        let target = squared(original, &shifted);
        // Less would not be seen, more would not be recognised.
        if !(900_000..4_500_000).contains(&target) {
            return None;
        }
        let tinted = mended(original, tinted(original, target)?, target)?;
        let occluded = mended(original, occluded(original, target)?, target)?;
        Some(Self {
            original: original.to_vec(),
            copies: [shifted, tinted, occluded],
            squared: target,
        })
    }
}

/// Warmer and warmer, then one pixel after the other by one level more.
fn tinted(original: &[u8], target: u32) -> Option<Vec<u8>> {
    let warm = |pixel: usize, amount: i32, out: &mut [u8]| {
        let add = |at: usize, by: i32| (i32::from(original[at]) + by).clamp(0, 255) as u8;
        out[pixel] = add(pixel, amount);
        out[2 * PLANE + pixel] = add(2 * PLANE + pixel, -amount);
    };
    let even = |amount: i32| {
        let mut out = original.to_vec();
        (0..PLANE).for_each(|pixel| warm(pixel, amount, &mut out));
        out
    };
    let amount = (1..255)
        .take_while(|&amount| squared(original, &even(amount)) <= target)
        .last()?;
    let mut best = even(amount);
    for pixel in 0..PLANE {
        let mut next = best.clone();
        warm(pixel, amount + 1, &mut next);
        if squared(original, &next) > target {
            break;
        }
        best = next;
    }
    Some(best)
}

/// A dark or light square from the upper left of the middle, pixel by pixel until the next one is too much.
fn occluded(original: &[u8], target: u32) -> Option<Vec<u8>> {
    let with = |n: usize, side: usize, color: u8| {
        let mut out = original.to_vec();
        for place in 0..n {
            let (x, y) = (place % side, place / side);
            let pixel = 32 * (6 + y) + (7 + x);
            (0..3).for_each(|channel| out[channel * PLANE + pixel] = color);
        }
        out
    };
    // As square as can be: the least side whose square is far enough away.
    for side in 4..=24 {
        for color in [0, 255] {
            if squared(original, &with(side * side, side, color)) >= target {
                let fits = (0..side * side)
                    .take_while(|&n| squared(original, &with(n, side, color)) <= target);
                let n = fits.last()?;
                let mut out = with(n, side, color);
                // The next pixel goes as far towards the colour as still fits.
                let pixel = 32 * (6 + n / side) + (7 + n % side);
                for at in (0..3).map(|channel| channel * PLANE + pixel) {
                    let missing = target - squared(original, &out);
                    let levels = original[at]
                        .abs_diff(color)
                        .min(missing.isqrt().min(255) as u8);
                    out[at] = if color == 0 {
                        original[at] - levels
                    } else {
                        original[at] + levels
                    };
                }
                return Some(out);
            }
        }
    }
    None
}

/// Adds what is missing to `target`: values that are as in the original are changed by a little, in steps that become
/// smaller and smaller; every number is a sum of four squares, so that nothing remains.
fn mended(original: &[u8], mut copy: Vec<u8>, target: u32) -> Option<Vec<u8>> {
    let mut missing = target.checked_sub(squared(original, &copy))?;
    let mut untouched: Vec<usize> = (0..PIXELS)
        // Spread over the picture, and not along its first rows.
        .map(|i| i * 1021 % PIXELS)
        .filter(|&i| copy[i] == original[i] && (40..=215).contains(&original[i]))
        .collect();
    for step in [6u32, 5, 4, 3, 2, 1] {
        while missing >= step * step {
            let at = untouched.pop()?;
            copy[at] = original[at] + step as u8;
            missing -= step * step;
        }
    }
    (squared(original, &copy) == target).then_some(copy)
}

/// Images whose copies are looked at.
const TRIED: usize = 30;

/// The first of the trios whose copies are most often taken for something else.
fn most_wrong(trios: Vec<(usize, Trio)>, story: &Story<'_>) -> Result<Option<(usize, Trio)>> {
    let (metric, k, _) = story.best_neighbors()?;
    let classifier = story.classifier(&story.fit, METRICS[metric], k)?;
    let mut best: Option<(usize, (usize, Trio))> = None;
    for (query, trio) in trios {
        let copies = trio.copies.concat();
        let predicted = classifier.predict(&matrix(&copies, PIXELS)?)?;
        let truth = story.validation.labels[query];
        let wrong = predicted.iter().filter(|label| **label != truth).count();
        if best.as_ref().is_none_or(|(most, _)| wrong > *most) {
            best = Some((wrong, (query, trio)));
        }
    }
    Ok(best.map(|(_, found)| found))
}

pub(super) fn section(story: &Story<'_>) -> Result<Section> {
    let (metric, k, _) = story.best_neighbors()?;
    let right = story.is_right(metric, &[k])?.remove(0);
    // An image that is recognised as it is.
    let candidates = (0..right.len()).filter(|&query| right[query]);
    let trios = candidates
        .filter_map(|query| Some((query, Trio::of(story.validation.rows.row(query))?)))
        .take(TRIED);
    let found = most_wrong(trios.collect(), story)?;
    let section = Section::new(2, 6, "What distances of pixels do not say").paragraph(prose(
        "Nobody uses nearest neighbours of pixels for real. Prediction is slow, pixel distances say little about what \
         is in the picture, and a space of many dimensions cannot be filled with examples.",
        &[],
    ));
    let section = match found {
        None => section.note(prose(
            "No validation image allows three copies at one distance.",
            &[],
        )),
        Some((query, trio)) => equal(section, &trio, query, story)?,
    };
    Ok(coverage(section))
}

fn equal(section: Section, trio: &Trio, query: usize, story: &Story<'_>) -> Result<Section> {
    let level = story.settings.level;
    let pixels = trio.copies.concat();
    let index = Index::new(matrix(&pixels, PIXELS)?, Metric::L2, level)?;
    let distances = index.kneighbors(&matrix(&trio.original, PIXELS)?, 3)?;
    ensure!(
        distances.distances(0).iter().all(|&d| d == trio.squared),
        "three copies at {:?}, expected {} each",
        distances.distances(0),
        trio.squared
    );
    let (metric, k, _) = story.best_neighbors()?;
    let queries = [trio.original.clone(), pixels].concat();
    let queries = matrix(&queries, PIXELS)?;
    let classifier = story.classifier(&story.fit, METRICS[metric], k)?;
    let predicted = classifier.predict(&queries)?;
    let truth = story.validation.labels[query];
    let nearest = Index::new(story.fit.rows.clone(), Metric::L2, level)?
        .kneighbors(&matrix(&trio.original, PIXELS)?, 1)?;
    let (neighbor, to_neighbor) = (nearest.indices(0)[0] as usize, nearest.distances(0)[0]);

    let names = ["original", "shifted", "tinted", "partly covered"];
    let mut figure = Figure::new(prose(
        "A validation image of class {} and three copies of it: moved by 2 pixels to the right and 1 down, lit by a \
         warmer light, partly covered. The squared L2 distance of each copy from the original is {}, exactly. The \
         frame says whether the {} nearest training images ({}) still recognise it. The last picture is the nearest \
         training image, at a squared distance of {}.",
        &[
            story.name(truth).into(),
            (trio.squared as usize).into(),
            k.into(),
            METRICS[metric].to_string().to_uppercase().into(),
            (to_neighbor as usize).into(),
        ],
    ))
    .command(&story.command("data perturb --out moved --perturb shift:dx=2,dy=1"));
    let mut table = Table::new(&["image", "squared L2 distance", "taken for"]);
    let images = std::iter::once(&trio.original).chain(&trio.copies);
    for ((name, image), label) in names.iter().zip(images).zip(&predicted) {
        let color = if *label == truth { RIGHT } else { WRONG };
        let distance = squared(&trio.original, image);
        let alt = format!(
            "{name}, squared distance {distance}, taken for {}",
            story.name(*label)
        );
        let heading = format!("{name}: {}", story.name(*label));
        figure = figure.picture(&heading, &framed(&[(image, color)], 1), 3.6, &alt);
        table.row([
            (*name).into(),
            (distance as usize).into(),
            story.name(*label).into(),
        ]);
    }
    let other = story.fit.labels[neighbor];
    let heading = format!("nearest: {}", story.name(other));
    let picture = framed(&[(story.fit.rows.row(neighbor), PLAIN)], 1);
    figure = figure.picture(
        &heading,
        &picture,
        3.6,
        &format!("the nearest training image, of class {}", story.name(other)),
    );
    figure = figure.data("equal-distances", table);
    let wrong = predicted[1..]
        .iter()
        .filter(|label| **label != truth)
        .count();
    let verdict = if to_neighbor < trio.squared {
        "A picture of something else, or of another one of its kind, is nearer to the original than its own copies."
    } else {
        "Its own copies are nearer than any training image, and that does not help."
    };
    Ok(section.figure(figure).paragraph(prose(
        "To the distance all three changes are the same, to our eyes none of them matters. Nearest neighbours take {} \
         of the 3 copies for something else. {} (Of the first {} images that allow such copies, this is the one that \
         fools them most.)",
        &[wrong.into(), verdict.into(), TRIED.into()],
    )))
}

fn coverage(section: Section) -> Section {
    const SIDE: usize = 4;
    let mut figure = Figure::new(prose(
        "To have a training point in every quarter of every axis takes {} points in one dimension, {} in two, {} in \
         three.",
        &[SIDE.into(), SIDE.pow(2).into(), SIDE.pow(3).into()],
    ));
    let mut data = Table::new(&["dimensions", "points"]);
    for dimensions in 1..=3u32 {
        let mut points = Vec::new();
        let deep = if dimensions > 2 { SIDE } else { 1 };
        let high = if dimensions > 1 { SIDE } else { 1 };
        for z in 0..deep {
            for y in 0..high {
                for x in 0..SIDE {
                    // Depth goes to the right and up.
                    let lean = 0.32 * z as f64;
                    let lift = if dimensions > 1 { 0.0 } else { 0.5 };
                    points.push((x as f64 + lean, y as f64 + 0.75 * lean + lift));
                }
            }
        }
        let count = SIDE.pow(dimensions);
        let title = format!(
            "{dimensions} dimension{}: {count} points",
            if dimensions > 1 { "s" } else { "" }
        );
        let plot = Plot::new(
            &title,
            &format!("{count} points on a grid of {dimensions} dimensions"),
        )
        .size(220, if dimensions > 1 { 200 } else { 70 })
        .x(Axis::hidden().range(-0.4, 4.4))
        .y(if dimensions > 1 {
            Axis::hidden().range(-0.4, 4.2)
        } else {
            Axis::hidden().range(0.0, 1.0)
        })
        .points(
            "",
            Color::Series(4 * (dimensions as usize - 1)),
            4.5,
            &points,
        );
        figure = figure.small_plot(&title, &plot);
        data.row([(dimensions as usize).into(), points.len().into()]);
    }
    let figure = figure.data("coverage", data);
    let digits = PIXELS as f64 * (SIDE as f64).log10();
    section.figure(figure).paragraph(prose(
        "An image has {} dimensions. At this density it would take {} training images, a number of {} digits. {}",
        &[
            PIXELS.into(),
            Fill::Text("4³⁰⁷²".to_owned()),
            fixed(digits.floor() + 1.0, 0),
            Fill::Text("Real images fill only a tiny part of that space, which is why nearest neighbours work at all.".to_owned()),
        ],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with structure, such that a shift moves it away from itself.
    fn picture(salt: u32) -> Vec<u8> {
        let value = |i: usize| {
            let (x, y, channel) = (i % 32, i / 32 % 32, i / PLANE);
            let wave = ((x as f64 * 0.7 + f64::from(salt)).sin()
                + (y as f64 * 0.9 + channel as f64).cos())
                * 32.0;
            (125.0 + wave) as u8
        };
        (0..PIXELS).map(value).collect()
    }

    #[test]
    fn three_copies_at_one_distance() {
        for salt in 0..5 {
            let trio = Trio::of(&picture(salt)).expect("an image that allows it");
            for copy in &trio.copies {
                assert_eq!(squared(&trio.original, copy), trio.squared);
            }
            let changed = |copy: &[u8]| {
                copy.iter()
                    .zip(&trio.original)
                    .filter(|(a, b)| a != b)
                    .count()
            };
            // The patch leaves most of the picture as it was, the tint leaves the green.
            assert!(changed(&trio.copies[2]) < PIXELS / 2);
            let green = PLANE..2 * PLANE;
            assert!(changed(&trio.copies[1]) > PLANE);
            let kept = trio.copies[1][green.clone()]
                .iter()
                .zip(&trio.original[green])
                .filter(|(a, b)| a == b)
                .count();
            assert!(kept > PLANE * 9 / 10, "{kept}");
        }
    }

    #[test]
    fn an_even_image_has_no_such_copies() {
        assert!(Trio::of(&[128; PIXELS]).is_none());
    }
}
