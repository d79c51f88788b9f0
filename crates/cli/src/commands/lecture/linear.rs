//! Chapter 4: linear classifiers.

mod planes;

use anyhow::Result;
use nearplane_models::linear::{LinearModel, Loss};
use nearplane_report::{Axis, Color, Figure, Page, Plot, Section, Table, number, percent, prose};

use super::pictures::{row, template};
use super::story::{Story, matrix};

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("4. linear classifiers")?;
    page.chapter(4, "Linear classifiers");
    page.section(planes::geometry());
    page.section(scores(story)?);
    page.section(templates(story)?);
    page.section(planes::limits(story)?);
    Ok(())
}

fn scores(story: &Story<'_>) -> Result<Section> {
    let x: [u8; 4] = [56, 231, 24, 2];
    let weight = vec![
        0.2, -0.5, 0.1, 2.0, 1.5, 1.3, 2.1, 0.0, 0.0, 0.25, 0.2, -0.3,
    ];
    let bias = vec![1.1, 3.2, -1.2];
    let classes = ["cat", "dog", "ship"];
    let level = story.settings.level;
    let model = LinearModel::new(weight.clone(), bias.clone(), Loss::Svm)?;
    let scores = model.scores(level, &matrix(&x, 4)?)?;
    // The same without b, which is what the slide prints for the ship.
    let without =
        LinearModel::new(weight, vec![0.0; 3], Loss::Svm)?.scores(level, &matrix(&x, 4)?)?;
    let score = |class: usize| number(f64::from(scores[class]), 2);
    let mut table = Table::new(&["class", "row of W", "W x", "b", "score"]);
    for (class, name) in classes.iter().enumerate() {
        let row: Vec<String> = model
            .template(class)
            .iter()
            .map(ToString::to_string)
            .collect();
        table.row([
            (*name).into(),
            row.join("  ").into(),
            number(f64::from(without[class]), 2).into(),
            number(f64::from(bias[class]), 2).into(),
            score(class).into(),
        ]);
    }
    let bars: Vec<(f64, f64, f64)> = (0..3)
        .map(|i| (i as f64 + 0.15, i as f64 + 0.85, f64::from(scores[i])))
        .collect();
    let ticks = classes
        .iter()
        .enumerate()
        .map(|(i, name)| (i as f64 + 0.5, (*name).to_owned()));
    let plot = Plot::new(
        "Scores",
        "the score of dog is by far the highest, that of cat is negative",
    )
    .size(440, 230)
    .x(Axis::new("").range(0.0, 3.0).ticks(ticks))
    .y(Axis::new("score"))
    .bars("", Color::Series(0), &bars)
    .rule_y(Color::Muted, 0.0, "");
    let mut data = Table::new(&["class", "score"]);
    for (name, score) in classes.iter().zip(&scores) {
        data.row([(*name).into(), number(f64::from(*score), 4).into()]);
    }
    let figure = Figure::new(prose("The three scores: this cat is taken for a dog.", &[]))
        .plot("", &plot)
        .data("scores", data);
    let n_classes = story.names.len();
    Ok(Section::new(4, 2, "Scores")
        .formula(prose("f(x; W, b) = W x + b", &[]))
        .paragraph(prose(
            "W has a row for each class, here {} x {}; x is the image as a column of {} numbers; b is one number a \
             class. A prediction is one product of a matrix and a vector, and the training images can be thrown away.",
            &[n_classes.into(), 3072usize.into(), 3072usize.into()],
        ))
        .paragraph(prose(
            "By hand, with an image of 4 pixels (56, 231, 24, 2) and three classes: the cat scores {}, the dog {}, \
             the ship {}. (The slide prints {} for the ship: that is W x before the bias.)",
            &[score(0), score(1), score(2), number(f64::from(without[2]), 2)],
        ))
        .table(&table)
        .figure(figure))
}

fn templates(story: &Story<'_>) -> Result<Section> {
    let mut section = Section::new(4, 3, "A row of W is a template")
        .paragraph(prose(
            "The score of a class is the inner product of the image with one row of W. Seen as an image, that row is \
             what the class is compared with: one template for a whole class. Grey is 0; a pixel is bright where a \
             bright image speaks for the class.",
            &[],
        ));
    for loss in [Loss::Svm, Loss::Softmax] {
        let fit = story.raw_fit(loss)?;
        let name = if fit.loss == Loss::Svm {
            "SVM"
        } else {
            "softmax"
        };
        let mut figure = Figure::new(prose(
            "The templates of the {} on raw pixels: lambda = {}, chosen on the validation images, of which it \
             recognises {}.",
            &[name.into(), number(fit.lambda, 6), percent(fit.validation.value())],
        ))
        .command(&story.command(&format!(
            "train --features raw --loss {} --lambda {} {} --out {}.safetensors",
            fit.loss,
            fit.lambda,
            story.sgd_flags(),
            fit.loss
        )));
        let mut data = Table::new(&["class", "norm", "bias"]);
        for (class, label) in story.names.iter().enumerate() {
            let weights = fit.model.template(class);
            let image = template(weights, None);
            figure = figure.picture(
                label,
                &row(&[&image], 1),
                3.6,
                &format!("template of the class {label}"),
            );
            let norm = weights
                .iter()
                .map(|w| f64::from(*w).powi(2))
                .sum::<f64>()
                .sqrt();
            data.row([
                label.as_str().into(),
                norm.into(),
                f64::from(fit.model.bias()[class]).into(),
            ]);
        }
        section = section.figure(figure.data(&format!("templates-{}", fit.loss), data));
    }
    Ok(section.paragraph(prose(
        "A class has one template, whatever its members look like: on photographs the horse has two heads, since \
         horses look to both sides, and the car is red, since many are.",
        &[],
    )))
}
