//! Chapter 1: images and data.

use anyhow::Result;
use nearplane_cifar::PIXELS;
use nearplane_models::linear::Loss;
use nearplane_report::{Axis, Color, Figure, Fill, Page, Plot, Section, Table, prose};
use nearplane_synth::{Knob, LADDERS, Perturbation, SplitName, SynthParams};

use super::pictures::row;
use super::story::{METRICS, Story};

/// Pixels along the crop whose numbers are shown.
const CROP: usize = 8;
/// Samples of a class.
const SAMPLES: usize = 8;

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("1. images and data")?;
    page.chapter(1, "Images and data");
    page.section(numbers(story)?);
    page.section(difficulties(story)?);
    page.section(interface(story)?);
    Ok(())
}

fn numbers(story: &Story<'_>) -> Result<Section> {
    let image = story.all.rows.row(0);
    let name = story.name(story.all.labels[0]);
    let first = (32 - CROP) / 2;
    let mut figure = Figure::new(prose(
        "The first training image, of class {}, and the numbers of the 8 x 8 pixels in its middle (rows and columns 12 to \
         19), channel by channel.",
        &[name.into()],
    ))
    .picture("as we see it", &row(&[image], 1), 5.0, &format!("a small colour image: {name}"));
    let mut data = Table::new(&["channel", "row", "column", "value"]);
    for (channel, (label, color)) in [
        ("red", Color::Series(7)),
        ("green", Color::Series(2)),
        ("blue", Color::Series(0)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut plot = Plot::new(
            &format!("{label} channel"),
            &format!("64 numbers from 0 to 255, the {label} values of the middle of the image"),
        )
        .size(300, 300)
        .x(Axis::hidden().range(0.0, CROP as f64))
        .y(Axis::hidden().range(0.0, CROP as f64));
        for y in 0..CROP {
            for x in 0..CROP {
                let value = image[1024 * channel + 32 * (first + y) + first + x];
                let strength = f64::from(value) / 255.0;
                plot = plot.cell(
                    color,
                    x as f64,
                    (CROP - 1 - y) as f64,
                    strength,
                    &value.to_string(),
                );
                data.row([
                    label.into(),
                    (first + y).into(),
                    (first + x).into(),
                    usize::from(value).into(),
                ]);
            }
        }
        figure = figure.small_plot(label, &plot);
    }
    let figure = figure
        .command(&story.command("data export --out arrays"))
        .data("pixels", data);

    let mut samples = Figure::new(prose(
        "The first {} training images of each class.",
        &[Fill::Text(SAMPLES.to_string())],
    ))
    .command(&story.command("data inspect --picture samples.png"));
    for (label, name) in story.names.iter().enumerate() {
        let of_class = (0..story.all.len()).filter(|&i| story.all.labels[i] as usize == label);
        let images: Vec<&[u8]> = of_class
            .take(SAMPLES)
            .map(|i| story.all.rows.row(i))
            .collect();
        if !images.is_empty() {
            samples = samples.picture(
                name,
                &row(&images, SAMPLES),
                1.35,
                &format!("images of class {name}"),
            );
        }
    }
    Ok(Section::new(1, 1, "An image is a tensor of numbers")
        .paragraph(prose(
            "To a program an image is a tensor of integers from 0 to 255: height x width x 3 channels, red, green and \
             blue. Here it is {} x {} x {} = {} numbers. The task is to go from these to one of {} words, and nothing \
             in the numbers says which: that is the *semantic gap*.",
            &[32usize.into(), 32usize.into(), 3usize.into(), PIXELS.into(), story.names.len().into()],
        ))
        .figure(figure)
        .paragraph(prose(
            "This run has {} training and {} test images. A tenth of the training images, {} of them, is set aside \
             for validation, class by class; the other {} fit the models. The test images wait until the end.",
            &[
                story.all.len().into(),
                story.test.len().into(),
                story.validation.len().into(),
                story.fit.len().into(),
            ],
        ))
        .figure(samples))
}

fn difficulties(story: &Story<'_>) -> Result<Section> {
    const STRENGTHS: [u16; 5] = [0, 250, 500, 750, 1000];
    let mut drawn = Figure::new(prose(
        "One drawn picture, each difficulty alone at 0, ¼, ½, ¾ and 1: everything else stays as it was. Background \
         and variation within a class can be turned only where images are drawn.",
        &[],
    ))
    .command("nearplane data synth --out hard --viewpoint 0.5 --occlusion 0.25");
    let means = |knob: Knob| match knob {
        Knob::Viewpoint => "viewpoint: place, size, turn",
        Knob::Background => "background: clutter, camouflage",
        Knob::Illumination => "illumination: dark, tinted, shadow",
        Knob::Occlusion => "occlusion: partly covered",
        Knob::Variation => "variation within a class",
    };
    for knob in Knob::ALL {
        let images: Vec<[u8; PIXELS]> = STRENGTHS
            .iter()
            .map(|&strength| {
                let mut params = SynthParams {
                    seed: story.settings.seed,
                    ..SynthParams::textbook()
                };
                knob.turn(&mut params, strength);
                let mut image = [0; PIXELS];
                params.check()?.draw(SplitName::Test, 4, &mut image);
                Ok(image)
            })
            .collect::<Result<_>>()?;
        let images: Vec<&[u8]> = images.iter().map(<[u8; PIXELS]>::as_slice).collect();
        let alt = format!(
            "a drawn object, five times, {} from none to full",
            knob.name()
        );
        drawn = drawn.picture(means(knob), &row(&images, 5), 1.9, &alt);
    }
    let mut perturbed = Figure::new(prose(
        "A validation image as it is, then {} at five strengths each, by exact amounts. Section 8.1 measures what \
         each of them costs.",
        &["nine perturbations".into()],
    ))
    .command(&story.command("difficulties --picture perturbations.png"));
    let image = story.validation.rows.row(0);
    for ladder in LADDERS {
        let mut images = vec![image.to_vec()];
        for rung in &ladder.rungs {
            let config = Perturbation::from(rung.clone())
                .check()?
                .with_seed(story.settings.seed);
            let mut out = vec![0; PIXELS];
            config.apply(0, image, &mut out);
            images.push(out);
        }
        let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let alt = format!(
            "an image and five stronger and stronger versions of it: {}",
            ladder.name
        );
        perturbed = perturbed.picture(ladder.name, &row(&images, 6), 1.25, &alt);
    }
    Ok(Section::new(1, 2, "What makes it hard")
        .paragraph(prose(
            "The same object gives entirely different numbers when the camera moves, when the light changes, before \
             another background, half hidden, or when it is another one of its kind. Each of these is something to \
             turn up and down here, and to measure.",
            &[],
        ))
        .figure(drawn)
        .figure(perturbed))
}

fn interface(story: &Story<'_>) -> Result<Section> {
    let few = story
        .validation
        .select((0..story.validation.len().min(6) as u32).collect())?;
    let level = story.settings.level;
    let nearest = story
        .classifier(&story.fit, METRICS[0], 1)?
        .predict(&few.rows)?;
    let linear = story
        .raw_fit(Loss::Softmax)?
        .model
        .predict(level, &few.rows)?;
    let mut table = Table::new(&[
        "validation image",
        "true class",
        "nearest neighbour",
        "softmax",
    ]);
    for (i, label) in few.labels.iter().enumerate() {
        table.row([
            i.into(),
            story.name(*label).into(),
            story.name(nearest[i]).into(),
            story.name(linear[i]).into(),
        ]);
    }
    let agree = nearest.iter().zip(&linear).filter(|(a, b)| a == b).count();
    Ok(Section::new(1, 3, "The data-driven interface")
        .paragraph(prose(
            "Nobody can write down what a cat looks like in numbers. So the program is written from examples: collect \
             images and labels, train, judge on images that were not there.",
            &[],
        ))
        .code("fn train(images, labels) -> model\nfn predict(model, images) -> labels")
        .paragraph(prose(
            "Every model of this page is behind these two. In Rust, for a nearest neighbour and for a linear \
             classifier:",
            &[],
        ))
        .code(
            "let model = KNeighborsParams::new(1, Metric::L1).check()?.fit(images, &labels)?;\n\
             let predicted = model.predict(&new_images)?;\n\n\
             let trainer = SgdTrainer::new(&config, &params, &LinearData::new(images, &labels, 10)?);\n\
             // while trainer.run_epoch(&())?.is_some() { /* an epoch */ }\n\
             let predicted = trainer.model()?.predict(level, &new_images)?;",
        )
        .paragraph(prose(
            "What both say about the first validation images ({} of {} times the same):",
            &[agree.into(), few.len().into()],
        ))
        .table(&table))
}
