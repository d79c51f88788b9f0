//! Chapter 5: features, and the leaderboard.

mod board;

use anyhow::{Context as _, Result};
use nearplane_models::features::{
    BlockSpec, FeatureSpec, HistogramParams, HistogramSpace, HogConfig, ImageShape,
};
use nearplane_report::{Axis, Color, Figure, Page, Plot, Section, Table, percent, prose};

pub(super) use self::board::{Entry, HEADER, ranked};
use super::pictures::{glyphs, row};
use super::story::{JOINED, Story};
use super::zoo::FeatureFit;

pub(super) fn tell(page: &mut Page, story: &mut Story<'_>) -> Result<Vec<Entry>> {
    story.at("5. features")?;
    page.chapter(5, "Features");
    page.section(histogram(story)?);
    // The model whose weights are shown is one of the leaderboard.
    let (board, entries, looks) = board::section(story)?;
    story.looks.extend(looks);
    page.section(hog(story, story.best_fit(None)?)?);
    page.section(board);
    Ok(entries)
}

/// One validation image of each of the first classes.
fn samples<'a>(story: &Story<'a>, count: usize) -> Vec<(u32, &'a [u8])> {
    let labels = 0..story.names.len() as u32;
    labels
        .filter_map(|label| {
            let at = story
                .validation
                .labels
                .iter()
                .position(|&other| other == label)?;
            Some((label, story.validation.rows.row(at)))
        })
        .take(count)
        .collect()
}

fn histogram(story: &Story<'_>) -> Result<Section> {
    let params = HistogramParams {
        bins: 24,
        ..HistogramParams::of(HistogramSpace::Hsv)
    };
    let config = params.check(ImageShape::CIFAR)?;
    let edges = config.edges();
    let mut section = Section::new(5, 1, "Colour histogram").paragraph(prose(
        "Where the pixels are says much that does not matter; how many there are of each colour says something \
         already. Each pixel votes for a bin of hue; a histogram forgets the place, so a shifted image has the same \
         one. Votes near the border of a bin jump with the slightest change of light: a pass of smoothing gives part \
         of them to the neighbouring bins, around the circle of hues.",
        &[],
    ));
    for (label, image) in samples(story, 2) {
        let curves = config.curves(story.settings.level, image);
        let bars: Vec<(f64, f64, f64)> = curves
            .raw
            .iter()
            .enumerate()
            .map(|(bin, count)| {
                (
                    f64::from(edges[bin]),
                    f64::from(edges[bin + 1]),
                    f64::from(*count),
                )
            })
            .collect();
        let line: Vec<(f64, f64)> = bars
            .iter()
            .zip(&curves.smoothed)
            .map(|((from, to, _), smooth)| ((from + to) / 2.0, f64::from(*smooth)))
            .collect();
        let name = story.name(label);
        let plot = Plot::new(
            &format!("Hues of an image of class {name}"),
            "a bar for each of 24 hues, in its colour, and the smoothed histogram as a line",
        )
        .size(440, 250)
        .x(Axis::new("hue in degrees").range(f64::from(edges[0]), f64::from(edges[24])))
        .y(Axis::new("pixels"))
        .swatches(&bars, &curves.colors)
        .line("smoothed", Color::Ink, &line);
        let mut data = Table::new(&["from", "to", "raw", "smoothed"]);
        for ((from, to, raw), smooth) in bars.iter().zip(&curves.smoothed) {
            data.row([
                (*from).into(),
                (*to).into(),
                (*raw).into(),
                f64::from(*smooth).into(),
            ]);
        }
        let figure = Figure::new(prose(
            "An image of class {} and the histogram of its hues: bars raw, the line after one pass of smoothing.",
            &[name.into()],
        ))
        .picture(
            "",
            &row(&[image], 1),
            5.0,
            &format!("an image of class {name}"),
        )
        .plot("", &plot)
        .command(&story.command(
            "features --features hist:space=hsv,bins=24,smooth=1 --out hues.npy --picture hues.png",
        ))
        .data(&format!("hues-{name}"), data);
        section = section.figure(figure);
    }
    Ok(section)
}

/// The default's first block of gradients, which covers whole cells of 8 pixels.
fn first_hog(spec: &str) -> Result<HogConfig> {
    let spec: FeatureSpec = spec.parse()?;
    let params = spec.blocks().iter().find_map(|block| match block {
        BlockSpec::Hog(params) => Some(*params),
        _ => None,
    });
    Ok(params
        .context("no gradients among the features")?
        .check(ImageShape::CIFAR)?)
}

/// Pixels of a picture of glyphs for one of an image.
const SCALE: usize = 5;
/// Gradients in cells of 4 pixels, brought to one length over 16, so that strong edges stand out.
const FINE: &str = "hog:cell=4,block=4,stride=8,bins=9,signed=0";

fn hog(story: &Story<'_>, fit: &FeatureFit) -> Result<Section> {
    let config = first_hog(JOINED)?;
    let fine = first_hog(FINE)?;
    let mut figure = Figure::new(prose(
        "Images and their histograms of oriented gradients, with cells of 4 pixels: in each cell a star of lines, along \
         the edges, bright where they are strong.",
        &[],
    ))
    .command(&story.command(&format!("features --features {FINE} --out hog.npy --picture hog.png")));
    for (label, image) in samples(story, 6) {
        let mut features = vec![0.0; fine.n_features()];
        fine.extract(
            story.settings.level,
            image,
            &mut fine.scratch(),
            &mut features,
        );
        let star = glyphs(&fine.cells(&features), &fine, SCALE);
        let name = story.name(label);
        figure = figure
            .picture(
                name,
                &row(&[image], 1),
                4.2,
                &format!("an image of class {name}"),
            )
            .picture("edges", &star, 0.94, &format!("the edges of the {name}"));
    }
    let block = fit
        .extractor
        .blocks()
        .iter()
        .find(|block| block.name.starts_with("hog"));
    let columns = block
        .context("no gradients among the features")?
        .columns
        .clone();
    let mut weights = Figure::new(prose(
        "What the softmax over edges and colours looks for: the positive weights of each class on the coarse gradients \
         (cells of 8 pixels), drawn as edges.",
        &[],
    ))
    .command(&story.command(&format!(
        "train --features {JOINED} --loss softmax --lambda {} {} --out edges.safetensors",
        fit.lambda,
        story.sgd_flags()
    )));
    for (class, name) in story.names.iter().enumerate() {
        let positive: Vec<f32> = fit.model.template(class)[columns.clone()]
            .iter()
            .map(|w| w.max(0.0))
            .collect();
        let star = glyphs(&config.cells(&positive), &config, SCALE);
        weights = weights.picture(
            name,
            &star,
            0.9,
            &format!("edges that speak for the class {name}"),
        );
    }
    Ok(Section::new(5, 2, "Histogram of oriented gradients")
        .paragraph(prose(
            "The edges of a thing change less with light and background than its colours do. HoG cuts the image into \
             cells, counts in each how strong the gradients are in which direction, and brings neighbouring cells to \
             one length together, so that a shadow does not matter. Here that makes {} numbers of {} pixel values. \
             With the colours beside it, the softmax recognises {} of the validation images.",
            &[
                columns.len().into(),
                3072usize.into(),
                percent(fit.validation.value()),
            ],
        ))
        .figure(figure)
        .figure(weights))
}
